"""The empty template to fill in: the columns of a form, and in XLSX a second sheet with every permitted term."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import BinaryIO, Final

from envoi_client.documents.aggregate import STATUSES
from envoi_client.documents.denial import CATCH_ALL, NOT_LISTED, Kind, Role, Status, TransactionType
from envoi_keys.countries import country_codes, country_name
from envoi_keys.regimes import WITHHELD, Profile

from .columns import AGGREGATE, Form
from .csv_files import write_csv
from .words import Words
from .xlsx_files import write_xlsx

_TERMS: Final[tuple[tuple[str, type[StrEnum]], ...]] = (
    ("kind", Kind),
    ("transaction_type", TransactionType),
    ("status", Status),
    ("party_role", Role),
)
_HEADER: Final = ("column", "term", "meaning")


def write_template(file: BinaryIO, form: Form, profile: Profile, words: Words, *, xlsx: bool) -> None:
    """Write the empty template of ``form``."""
    if xlsx:
        write_xlsx(file, [("notices", list(form.columns), ()), ("terms", _HEADER, terms(form, profile, words))])
    else:
        write_csv(file, list(form.columns), ())


def terms(form: Form, profile: Profile, words: Words) -> Iterator[tuple[str, str, str]]:
    """Every permitted term: its column, the term, and what it means."""
    for column, enumeration in _TERMS:
        if column in form.columns:
            for term in STATUSES if column == "status" and form is AGGREGATE else enumeration:
                yield column, term.value, words.term(term.value)
    if "reason_code" in form.columns:
        for code, sentence in profile.denials.reasons.items():
            yield "reason_code", code, sentence
        yield "reason_code", WITHHELD, words.term(WITHHELD)
    if "annex_category" in form.columns:
        for category in (*profile.annex.categories, NOT_LISTED):
            yield "annex_category", category, words.term(category)
    for flag in ("true", "false"):
        yield "exercise", flag, words("help.exercise") if flag == "true" else ""
    for entry in profile.annex.entries():
        if entry.controls:
            yield "control_entries", entry.code, entry.title
    yield "control_entries", CATCH_ALL, words("not_on_annex")
    for country in country_codes():
        yield "destination_country", country, country_name(country) or ""
