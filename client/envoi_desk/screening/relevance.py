"""What of a notice bears on whether a case meets it: its parties, its entries, where it went, and where it stands.

A decision about a hit holds as long as these stay the same. A renewal, a new contact or another remark changes none of
them, so it brings no old hit back.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from envoi_client.documents.denial import DenialNotice, Party

from ..register import Version
from .case import fingerprint


def facets(version: Version, state: str) -> dict[str, Any]:
    """Each thing that bears on a match, under its name in plain words. The order in which parties stand is no
    change."""
    notice = version.notice
    parties = notice.parties if isinstance(notice, DenialNotice) else ()
    return {
        "parties": sorted((_party(party) for party in parties), key=str),
        "entries": sorted(notice.control_entries),
        "destination": notice.destination_country,
        "state": state,
    }


def notice_fingerprint(version: Version, state: str) -> str:
    """SHA-256 of the facets, in hexadecimal."""
    return fingerprint(facets(version, state))


def changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of the facets that differ."""
    return tuple(name for name in new if old.get(name) != new[name])


def _party(party: Party) -> dict[str, Any]:
    content = party.to_content()
    names = {"name": "", "aliases": [], "name_original_script": ""}
    return {key: value for key, value in content.items() if key not in names} | {"names": sorted(set(party.names))}
