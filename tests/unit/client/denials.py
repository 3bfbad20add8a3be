"""A sound denial notice to spoil, and drawn ones for the property tests."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import strategies as st

from envoi_client.documents import InvalidDocument, parse_denial
from envoi_client.documents.dates import add_months
from envoi_client.documents.denial import (
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
from envoi_client.documents.text import unsafe_character
from envoi_keys.countries import country_codes
from envoi_keys.regimes import WITHHELD, load

PROFILE = load("mtcr")
Change = Callable[[dict[str, Any]], object]

SOUND: dict[str, Any] = {
    "regime_reference": "MTCR/DN/FR/2026/0001",
    "national_reference": "FR-1",
    "notifying_government": "FR",
    "competent_authority": {"name": "Licensing desk", "contact": "desk@exercise.example"},
    "kind": "refusal",
    "transaction_type": "export",
    "date_of_denial": "2026-03-01",
    "date_of_notification": "2026-03-15",
    "control_entries": ["9.A.3", "9.A.6"],
    "list_edition": "2024",
    "annex_category": "II",
    "item_description": "Accelerometers\nand their units",
    "quantity": "12.50",
    "unit": "pieces",
    "value": "140000",
    "currency": "EUR",
    "hs_code": "9014.20",
    "destination_country": "BR",
    "stated_end_use": "Drilling",
    "reason_for_refusal": {"code": "end_use", "text": "Doubtful."},
    "review_by": "2029-03-15",
    "status": "valid",
    "releasability": "Partners only",
    "exercise": True,
    "remarks": "None.",
    "parties": [
        {
            "name": "Serra Azul Ltda.",
            "role": "end_user",
            "address": "Rua do Exercício 1",
            "country": "BR",
            "aliases": ["Serra Azul", "Sierra Azul"],
            "name_original_script": "Serra Azúl Ltda.",
            "identifiers": [{"kind": "CNPJ", "value": "0"}],
        }
    ],
}


def spoilt(change: Change) -> dict[str, Any]:
    """The sound notice with a change."""
    content = copy.deepcopy(SOUND)
    change(content)
    return content


def problems(content: Any) -> list[str]:
    """What is wrong with ``content``, which something must be."""
    with pytest.raises(InvalidDocument) as caught:
        parse_denial(content, PROFILE)
    return [str(problem) for problem in caught.value.problems]


def _line(max_size: int = 30) -> st.SearchStrategy[str]:
    letters = st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp"))
    return (
        st.text(letters, min_size=1, max_size=max_size)
        .map(str.strip)
        .filter(lambda text: text != "" and unsafe_character(text) is None)
    )


def _text() -> st.SearchStrategy[str]:
    return st.lists(_line(), min_size=1, max_size=3).map("\n".join)


def _amount(smallest: int) -> st.SearchStrategy[Decimal]:
    return st.decimals(smallest, 10**15, places=3).map(lambda number: number if smallest == 0 else number + 1)


_ENTRIES = tuple(entry.code for entry in PROFILE.annex.entries() if entry.controls)
_STATES = tuple(state.id for state in PROFILE.partners)


def _names(size: int) -> st.SearchStrategy[list[str]]:
    return st.lists(_line(), min_size=1, max_size=size, unique_by=lambda name: " ".join(name.casefold().split()))


@st.composite
def parties(draw: st.DrawFn) -> Party:
    names = draw(_names(4))
    return Party(
        name=names[0],
        role=draw(st.sampled_from(Role)),
        country=draw(st.sampled_from(country_codes())),
        address=draw(st.none() | _text()),
        aliases=tuple(names[1:]),
        name_original_script=draw(st.none() | _line()),
        identifiers=tuple(draw(st.lists(st.builds(Identifier, _line(), _line()), max_size=2))),
    )


@st.composite
def notices(draw: st.DrawFn) -> DenialNotice:
    """Any notice that obeys the form."""
    author = draw(st.sampled_from(_STATES))
    numbers = draw(st.lists(st.integers(0, 999_999), min_size=2, max_size=2, unique=True))
    own, other = (f"MTCR/DN/{author}/2026/{number:04}" for number in numbers)
    entries = draw(st.lists(st.sampled_from(_ENTRIES), min_size=1, max_size=4, unique=True))
    catch_all = draw(st.booleans())
    denied = draw(st.dates(date(1990, 1, 1), date(2100, 1, 1)))
    notified = denied + timedelta(days=draw(st.integers(0, 400)))
    latest = add_months(notified, PROFILE.clocks.review_months)
    code = draw(st.sampled_from([*PROFILE.denials.reasons, WITHHELD]))
    status = draw(st.sampled_from(Status))
    quantity = draw(st.none() | _amount(1))
    value = draw(st.none() | _amount(0))
    return DenialNotice(
        regime_reference=own,
        national_reference=draw(st.none() | _line()),
        notifying_government=author,
        competent_authority=Authority(draw(_line()), draw(_text())),
        kind=draw(st.sampled_from(Kind)),
        transaction_type=draw(st.sampled_from(TransactionType)),
        date_of_denial=denied,
        date_of_notification=notified,
        control_entries=(CATCH_ALL,) if catch_all else tuple(entries),
        list_edition=draw(st.none() | _line()),
        annex_category=NOT_LISTED if catch_all else str(PROFILE.annex.category(entries)),
        item_description=draw(_text()),
        quantity=quantity,
        unit=None if quantity is None else draw(_line()),
        value=value,
        currency=None if value is None else draw(st.text("ABCXYZ", min_size=3, max_size=3)),
        hs_code=draw(st.none() | st.from_regex(r"[0-9]{4}(\.?[0-9]{2}){0,3}", fullmatch=True)),
        destination_country=draw(st.sampled_from(country_codes())),
        stated_end_use=draw(st.none() | _text()),
        reason_for_refusal=Reason(code, None if code == WITHHELD else draw(_text())),
        review_by=draw(st.dates(notified + timedelta(days=1), latest)),
        status=status,
        supersedes=draw(st.none() | st.just(other)),
        revocation_reason=draw(_text()) if status is Status.REVOKED else None,
        releasability=draw(_line()),
        exercise=draw(st.booleans()),
        remarks=draw(st.none() | _text()),
        parties=tuple(draw(st.lists(parties(), min_size=1, max_size=3, unique=True))),
    )
