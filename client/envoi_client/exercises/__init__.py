"""Twenty denial notices to practise with: invented parties, every one marked as an exercise.

Package data, so that a demonstration needs nothing but the wheel. ``notices.json`` is the record,
``notices.csv`` the same in the tabular form; a test holds the two together.
"""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

from envoi_client.documents import DenialNotice, parse_denial
from envoi_keys.regimes import Profile

NOTICES_JSON = "notices.json"
NOTICES_CSV = "notices.csv"


def contents() -> list[dict[str, Any]]:
    """The notices as a body carries them, each the ``content`` of a ``denial/v1``."""
    notices: list[dict[str, Any]] = json.loads(read(NOTICES_JSON))
    return notices


def notices(profile: Profile) -> tuple[DenialNotice, ...]:
    """The notices, parsed. Raises InvalidDocument where ``profile`` has other rules than the MTCR's."""
    return tuple(parse_denial(content, profile) for content in contents())


def read(name: str) -> bytes:
    """One of the two files as it is shipped."""
    return files(__package__).joinpath(name).read_bytes()
