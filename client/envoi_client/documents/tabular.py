"""Notices as rows of the nearest public tabular form: one row per party.

The columns are those of one Partner's licensing system. The form has fewer fields than a notice, so this is
for other systems and for print, never the record. Cells are written as they are: a program that reads the
file must take them for text, not for formulas.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Final

from envoi_keys.regimes import WITHHELD

from .denial import DenialNotice

COLUMNS: Final = (
    "reference",
    "regime_reg_ref",
    "notifying_government",
    "denial_cle",
    "item_description",
    "end_use",
    "reason_for_refusal",
    "entity_type",
    "name",
    "address",
    "country",
)
_SEPARATOR: Final = ", "


def rows(notice: DenialNotice) -> Iterable[dict[str, str]]:
    """One row for each party. Rows of one notice share ``regime_reg_ref``, its regime reference.

    ``reference`` is the national reference, or the regime's where there is none; ``denial_cle`` lists the
    control entries; countries are ISO 3166 codes; texts of several lines become one.
    """
    reason = notice.reason_for_refusal
    for party in notice.parties:
        yield {
            "reference": notice.national_reference or notice.regime_reference,
            "regime_reg_ref": notice.regime_reference,
            "notifying_government": notice.notifying_government,
            "denial_cle": _SEPARATOR.join(notice.control_entries),
            "item_description": _line(notice.item_description),
            "end_use": _line(notice.stated_end_use or ""),
            "reason_for_refusal": WITHHELD if reason.code == WITHHELD else _line(f"{reason.code}: {reason.text}"),
            "entity_type": party.role.value,
            "name": party.name,
            "address": _line(party.address or ""),
            "country": party.country,
        }


def to_csv(notices: Iterable[DenialNotice]) -> bytes:
    """The notices as CSV in UTF-8 (RFC 4180, with plain line feeds): a header, then :func:`rows` of each."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for notice in notices:
        writer.writerows(rows(notice))
    return text.getvalue().encode()


def _line(text: str) -> str:
    # Readers of this form that go line by line would take a line break in a cell for a new row.
    return " ".join(text.split())
