"""Naming somebody's denial notice in another document: by its reference, and by the dispatch with the version meant."""

from __future__ import annotations

from typing import Final

from envoi_client import limits
from envoi_keys.encoding import HEX32
from envoi_keys.regimes import Profile

from .fields import Fields
from .problems import Problems
from .text import shown

EXAMPLE_YEAR: Final = 2026
"""The year in an example of a reference, where there is no sound date to take it from."""


def read_notice_reference(fields: Fields, profile: Profile, problems: Problems) -> tuple[str, str]:
    """The fields ``regime_reference`` and ``notice`` of a document about a notice of somebody else."""
    reference = fields.text("regime_reference", limits.MAX_LINE_CHARS)
    form = profile.denials.reference
    if reference and form.state(reference) is None:
        example = form.example(profile.partners[0].id, EXAMPLE_YEAR)
        fields.problem("regime_reference", f"{shown(reference)} is not of the form {form}", f"write it like {example}")
    notice = fields.text("notice", limits.MAX_LINE_CHARS)
    if notice and not HEX32.fullmatch(notice):
        fields.problem("notice", f"{shown(notice)} is not the id of a dispatch", "write 64 digits of 0-9 and a-f")
    return reference, notice
