"""From the content of a body to a denial notice that obeys every rule of the form.

First each field is read for itself (:mod:`.fields`), then the fields are held against each other, the
regime's profile and its list. All problems are collected and raised as one error. What is wrong in itself
is not compared with anything, so that one slip is reported once.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any, Final

from envoi_client import limits
from envoi_keys.regimes import WITHHELD, Profile

from . import hints
from .denial import (
    CATCH_ALL,
    NOT_LISTED,
    Authority,
    DenialNotice,
    Identifier,
    Kind,
    Party,
    Reason,
    Role,
    Status,
    TransactionType,
)
from .fields import Fields, read_text
from .problems import Problems
from .rules import check_entry, check_notice

WHAT: Final = "the denial notice"

_HS_CODE: Final = re.compile(r"[0-9]{4}(\.?[0-9]{2}){0,3}")


def parse_denial(content: Any, profile: Profile, partners: Collection[str] | None = None) -> DenialNotice:
    """The denial notice in ``content``, the parsed JSON of a body or of a draft.

    ``partners`` are the ids that may notify, those of the roster; by default the profile's. Raises
    InvalidDocument with every problem found.
    """
    problems = Problems()
    fields = Fields(content, "", problems, what="a denial notice", help_=hints.DENIAL)
    notice = DenialNotice(
        regime_reference=fields.text("regime_reference", limits.MAX_LINE_CHARS),
        national_reference=fields.optional_text("national_reference", limits.MAX_LINE_CHARS),
        notifying_government=fields.country("notifying_government"),
        competent_authority=_authority(fields),
        kind=fields.choice("kind", Kind),
        transaction_type=fields.choice("transaction_type", TransactionType),
        date_of_denial=fields.day("date_of_denial"),
        date_of_notification=fields.day("date_of_notification"),
        control_entries=read_control_entries(fields, profile, problems),
        list_edition=fields.optional_text("list_edition", limits.MAX_LINE_CHARS),
        annex_category=fields.one_of("annex_category", [*profile.annex.categories, NOT_LISTED]),
        item_description=fields.text("item_description", limits.MAX_TEXT_CHARS, line_breaks=True),
        quantity=fields.decimal("quantity"),
        unit=fields.optional_text("unit", limits.MAX_LINE_CHARS),
        value=fields.decimal("value"),
        currency=fields.currency("currency"),
        hs_code=fields.pattern(
            "hs_code",
            _HS_CODE,
            "is not a code of the Harmonized System",
            "write 4, 6, 8 or 10 digits, such as 9014.20",
        ),
        destination_country=fields.country("destination_country"),
        stated_end_use=fields.optional_text("stated_end_use", limits.MAX_TEXT_CHARS, line_breaks=True),
        reason_for_refusal=_reason(fields, profile),
        review_by=fields.day("review_by"),
        status=fields.choice("status", Status),
        supersedes=fields.optional_text("supersedes", limits.MAX_LINE_CHARS),
        revocation_reason=fields.optional_text("revocation_reason", limits.MAX_TEXT_CHARS, line_breaks=True),
        releasability=fields.text("releasability", limits.MAX_LINE_CHARS),
        exercise=fields.flag("exercise"),
        remarks=fields.optional_text("remarks", limits.MAX_TEXT_CHARS, line_breaks=True),
        parties=read_parties(fields, problems),
    )
    fields.done()
    # Without any fields there is nothing to compare, and everything would be reported as missing.
    if isinstance(content, dict):
        states = [state.id for state in profile.partners] if partners is None else partners
        check_notice(notice, profile, states, problems)
    problems.raise_any(WHAT)
    return notice


def _authority(fields: Fields) -> Authority:
    inner = fields.inner("competent_authority", what="an authority", help_=hints.AUTHORITY)
    authority = Authority(
        inner.text("name", limits.MAX_NAME_CHARS),
        inner.text("contact", limits.MAX_ADDRESS_CHARS, line_breaks=True),
    )
    inner.done()
    return authority


def _reason(fields: Fields, profile: Profile) -> Reason:
    inner = fields.inner("reason_for_refusal", what="a reason", help_=hints.REASON)
    reason = Reason(
        inner.one_of("code", [*profile.denials.reasons, WITHHELD]),
        inner.optional_text("text", limits.MAX_TEXT_CHARS, line_breaks=True),
    )
    inner.done()
    return reason


def read_control_entries(fields: Fields, profile: Profile, problems: Problems) -> tuple[str, ...]:
    """The field ``control_entries``: codes of the regime's list, or catch-all."""
    name = "control_entries"
    entries: list[str] = []
    for position, value in enumerate(fields.listing(name, at_least=1, at_most=limits.MAX_CONTROL_ENTRIES)):
        path = f"{fields.path(name)}[{position}]"
        code = read_text(value, path, problems, limits.MAX_LINE_CHARS)
        if not code:
            continue
        if code in entries:
            problems.add(path, f"{code} stands twice", "leave it out")
        elif code != CATCH_ALL:
            check_entry(code, path, profile, problems)
        entries.append(code)
    return tuple(entries)


def read_parties(fields: Fields, problems: Problems) -> tuple[Party, ...]:
    """The field ``parties``: one party or more, none twice."""
    values = fields.listing("parties", at_least=1, at_most=limits.MAX_PARTIES)
    parties: list[Party] = []
    for position, value in enumerate(values):
        path = f"{fields.path('parties')}[{position}]"
        party = _party(value, path, problems)
        if problems.clear_of(path) and party in parties:
            problems.add(path, f"is the same as parties[{parties.index(party)}]", "leave it out")
        parties.append(party)
    return tuple(parties)


def _party(value: Any, path: str, problems: Problems) -> Party:
    fields = Fields(value, path, problems, what="a party", help_=hints.PARTY)
    party = Party(
        name=fields.text("name", limits.MAX_NAME_CHARS),
        role=fields.choice("role", Role),
        address=fields.optional_text("address", limits.MAX_ADDRESS_CHARS, line_breaks=True),
        country=fields.country("country"),
        aliases=tuple(
            read_text(alias, f"{path}.aliases[{position}]", problems, limits.MAX_NAME_CHARS)
            for position, alias in enumerate(fields.listing("aliases", at_least=0, at_most=limits.MAX_ALIASES))
        ),
        name_original_script=fields.optional_text("name_original_script", limits.MAX_NAME_CHARS),
        identifiers=tuple(
            _identifier(item, f"{path}.identifiers[{position}]", problems)
            for position, item in enumerate(fields.listing("identifiers", at_least=0, at_most=limits.MAX_IDENTIFIERS))
        ),
    )
    fields.done()
    return party


def _identifier(value: Any, path: str, problems: Problems) -> Identifier:
    fields = Fields(value, path, problems, what="an identifier", help_=hints.IDENTIFIER)
    identifier = Identifier(fields.text("kind", limits.MAX_LINE_CHARS), fields.text("value", limits.MAX_LINE_CHARS))
    fields.done()
    return identifier
