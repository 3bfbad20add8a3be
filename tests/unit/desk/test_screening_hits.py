"""From names that met to ranked hits, with a register and an index that a test holds in its hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from envoi_client.documents import parse
from envoi_desk.names import Comparison, Found, Name, TokenMatch
from envoi_desk.register import Version
from envoi_desk.register.versions import read, row_of
from envoi_desk.screening import weights
from envoi_desk.screening.case import Case
from envoi_desk.screening.hits import Hit, find_hits, likeness, queries
from envoi_desk.screening.items import Closeness
from envoi_desk.screening.sentences import but_for, sentence

from .cases import case
from .notices import PROFILE, content

RAVI = {"name": "Kamalia Ravi Vessels", "role": "end_user", "country": "PK", "aliases": ["KRV"]}


def version(index: int = 5, number: int = 1, **changes: Any) -> Version:
    notice = parse("denial/v1", content(number, **{"parties": [RAVI], **changes}), PROFILE)
    return read(row_of(index, "ab" * 32, "FR", notice, 0), index, PROFILE)  # type: ignore[arg-type]


def comparison(score: float, one: str, other: str, *, match: bool | None = None) -> Comparison:
    """What the matcher would say: the words that both have, and no others."""
    shared = [word for word in one.casefold().split() if word in other.casefold().split()]
    tokens = tuple(TokenMatch(word, word, "same", 1.0) for word in shared)
    return Comparison(score, score >= 0.8 if match is None else match, tokens, ())


def found(
    score: float = 1.0,
    *,
    owner: int = 5,
    party: int = 0,
    name: str = "Kamalia Ravi Vessels",
    query: str = "Kamalia Ravi Vessels",
    countries: tuple[str, str] = ("PK", "PK"),
    match: bool | None = None,
) -> Found:
    return Found(
        "denials",
        owner,
        party,
        0,
        Name(name, country=countries[1]),
        Name(query, country=countries[0]),
        comparison(score, query, name, match=match),
    )


def hits(
    of: Case, names: list[Found], *versions: Version, bearing: Sequence[int] = (), shown: Sequence[int] = ()
) -> list[Hit]:
    held = {one.index: one for one in versions}
    return find_hits(
        of, names, bearing, shown, held.get, lambda index: held[index].state if index in held else None, PROFILE
    )


OURS = case(parties=[{"name": "Kamalia Ravi Vessels", "role": "consignee", "country": "PK"}])


def test_every_name_of_every_party_is_asked_for_once() -> None:
    party = {
        "name": "Kamalia Ravi Vessels",
        "role": "consignee",
        "country": "PK",
        "aliases": ["KRV"],
        "name_original_script": "کمالیہ راوی",
    }
    asked = queries(case(parties=[party, {**party, "role": "end_user", "aliases": ["KR Vessels"]}]))
    assert [name.text for name in asked] == ["Kamalia Ravi Vessels", "کمالیہ راوی", "KRV", "KR Vessels"]


def test_one_hit_a_notice_with_the_best_pair_of_each_two_parties() -> None:
    (hit,) = hits(OURS, [found(0.85, name="KRV"), found(0.97), found(0.9)], version())
    assert [(pair.their_name, pair.comparison.score) for pair in hit.pairs] == [("Kamalia Ravi Vessels", 0.97)]
    assert hit.items.closeness is Closeness.SAME_ENTRY
    assert hit.same_destination


def test_the_sentence_says_it_in_plain_words() -> None:
    (hit,) = hits(OURS, [found()], version(control_entries=["9.A.6"]))
    assert sentence(hit) == (
        "FR denied 9.A.6 to Kamalia Ravi Vessels (end user) on 2026-03-02; its name is the consignee's of this case; "
        "same item (9.A.3 here); same destination."
    )


def test_the_sentence_says_which_name_met_which() -> None:
    ours = case(parties=[{**RAVI, "role": "broker", "aliases": ["کمالیہ راوی"]}], destination_country="AE")
    notice = version(kind="revocation_of_licence", parties=[{**RAVI, "name_original_script": "کمالیہ راوی"}])
    (hit,) = hits(ours, [found(query="کمالیہ راوی", name="کمالیہ راوی")], notice)
    assert sentence(hit) == (
        "FR revoked a licence of 9.A.3 for Kamalia Ravi Vessels (end user) on 2026-03-02; "
        "its name in the original script is the broker's alias of this case; same entry."
    )


@pytest.mark.parametrize(
    ("ours", "theirs", "how", "differs"),
    [
        ("Kamalia Ravi Vessels", "KAMALIA RAVI-VESSELS", [], []),
        ("Kamalia Ravi Vessels Ltd", "Kamalia Ravi Vessels (Private) Limited", [], ["the legal form"]),
        ("Kamalia Ravi Vessels", "Kamalya Ravi Vessels", [("kamalia", "kamalya", "spelling")], ["the spelling"]),
        ("Kamalia Ravi", "Ravi Kamalia Zarrinkuh", [], ["the word zarrinkuh"]),
        (
            "Kamalia Ravi GmbH",
            "Qamalia Ravi Zarrinkuh Sawtara",
            [("kamalia", "qamalia", "romanisation")],
            ["the romanisation", "the legal form", "the words zarrinkuh and sawtara"],
        ),
    ],
)
def test_in_what_two_names_differ(ours: str, theirs: str, how: list[tuple[str, str, str]], differs: list[str]) -> None:
    same = comparison(1.0, ours.replace("-", " "), theirs.replace("-", " ")).tokens
    tokens = (*same, *(TokenMatch(*one, 1.0) for one in how))
    assert but_for((ours, theirs), Comparison(0.9, True, tokens, ())) == differs


def test_a_catch_all_denial_is_shown_and_labelled() -> None:
    (hit,) = hits(OURS, [found()], version(control_entries=["catch-all"], annex_category="not_listed"))
    assert "not covered by no-undercut" in sentence(hit)
    assert hit.items.closeness is Closeness.NONE


def test_an_exercise_and_a_real_case_never_meet() -> None:
    drill = case(exercise=True, parties=[{"name": "Kamalia Ravi Vessels", "role": "consignee", "country": "PK"}])
    assert hits(OURS, [found()], version(exercise=True)) == []
    assert hits(drill, [found()], version()) == []
    assert len(hits(drill, [found()], version(exercise=True))) == 1


def test_a_version_that_another_has_replaced_is_no_hit() -> None:
    assert hits(OURS, [found(owner=4)], version(5)) == []


def test_a_revoked_notice_is_a_hit_that_says_so() -> None:
    (hit,) = hits(OURS, [found()], version(status="revoked", revocation_reason="Known now."))
    assert hit.state == "revoked"
    assert sentence(hit).endswith("revoked since (Known now.).")


def test_a_near_miss_is_no_hit_unless_an_identifier_or_the_address_speaks_for_it() -> None:
    number = {"identifiers": [{"kind": "tax number", "value": "EX 40-117"}]}
    address = {"address": "14 Canal Road, Lahore"}
    near = [found(0.6)]
    assert hits(OURS, near, version()) == []
    ours = case(parties=[{"name": "Kamalia Ravi Vessels", "role": "consignee", "country": "PK", **number, **address}])
    (hit,) = hits(ours, near, version(parties=[{**RAVI, "identifiers": [{"kind": "NTN", "value": "ex40117"}]}]))
    assert "is only somewhat like the consignee's of this case; same number" in sentence(hit)
    (hit,) = hits(ours, near, version(parties=[{**RAVI, "address": "Lahore, 14 Canal Rd."}]))
    assert "like address" in sentence(hit)
    assert hits(ours, [found(0.2)], version(parties=[{**RAVI, "address": "Lahore, 14 Canal Rd."}])) == []


def test_a_number_that_both_bear_is_a_hit_whatever_the_names() -> None:
    def party(name: str, number: str) -> dict[str, Any]:
        return {"name": name, "role": "end_user", "country": "PK", "identifiers": [{"kind": "NTN", "value": number}]}

    ours = case(parties=[party("Argolis Trading", "EX 40-117")])
    (hit,) = hits(ours, [], version(parties=[RAVI, party("Zlatarska Oprema", "ex40117")]), bearing=[5])
    assert [pair.their_name for pair in hit.pairs] == ["Zlatarska Oprema"]
    assert "its name is not like the end user's of this case; same number" in sentence(hit)
    # A number so short says nothing by itself, and neither does one that was on file before and is no longer.
    assert (
        hits(case(parties=[party("Argolis", "117-2")]), [], version(parties=[party("Oprema", "1172")]), bearing=[5])
        == []
    )
    assert hits(ours, [], version(), bearing=[5]) == []


def test_a_number_speaks_before_a_name_that_is_only_somewhat_alike() -> None:
    number = {"identifiers": [{"kind": "NTN", "value": "EX 40-117"}]}
    address = {"address": "14 Canal Road, Lahore"}
    other = {"name": "Zlatarska Oprema", "role": "broker", "country": "PK"}
    ours = case(parties=[{**RAVI, **address}, {**other, "name": "Argolis", **number}])
    (hit,) = hits(ours, [found(0.6)], version(parties=[{**RAVI, **address}, {**other, **number}]), bearing=[5])
    assert [pair.their_name for pair in hit.pairs] == ["Zlatarska Oprema", "Kamalia Ravi Vessels"]


@pytest.mark.parametrize("value", ["unknown", "not available", "000000", "112211", "7734"])
def test_what_is_no_number_of_a_party_makes_no_hit_by_itself(value: str) -> None:
    number = {"identifiers": [{"kind": "passport", "value": value}]}
    ours = case(parties=[{"name": "Argolis", "role": "end_user", "country": "CY", **number}])
    assert hits(ours, [], version(parties=[{**RAVI, **number}]), bearing=[5]) == []


def test_a_number_is_not_pushed_down_by_namesakes() -> None:
    number = {"identifiers": [{"kind": "passport", "value": "K1234567"}]}
    ours = case(parties=[{**RAVI, **number}])
    named = [found(owner=index, countries=("PK", "AE")) for index in range(10, 40)]
    abroad = {**RAVI, "country": "AE"}
    others = [version(index, index, parties=[abroad], control_entries=["10.A.1"]) for index in range(10, 40)]
    borne = version(parties=[{"name": "Zlatarska Oprema", "role": "broker", "country": "RS", **number}])
    ranked = hits(ours, named, borne, *others, bearing=[5])
    assert ranked[0].version.index == 5
    assert ranked[0].parts["name"] == pytest.approx(weights.NAME * weights.BY_NUMBER)


def test_a_notice_of_many_parties_with_one_number_costs_little(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def counted(one: Name, other: Name) -> Comparison:
        asked.append((one, other))
        return comparison(0.0, one.text, other.text)

    monkeypatch.setattr("envoi_desk.screening.hits.compare", counted)
    number = {"identifiers": [{"kind": "passport", "value": "K1234567"}]}
    crowd = [
        {**RAVI, "name": f"Party {at}", "aliases": [f"Alias {at} {other}" for other in range(50)], **number}
        for at in range(100)
    ]
    ours = case(parties=[{**RAVI, "aliases": [f"Alias {at}" for at in range(50)], **number}])
    (hit,) = hits(ours, [], version(parties=crowd), bearing=[5])
    assert len(hit.pairs) == weights.MOST_PAIRS
    assert len(asked) == weights.MOST_PAIRS * weights.MOST_NAMES**2


def test_what_the_case_met_before_is_compared_though_the_index_gives_others() -> None:
    (hit,) = hits(OURS, [], version(), shown=[5])
    assert hit.pairs[0].comparison.match
    assert hits(OURS, [], version(parties=[{**RAVI, "name": "Zlatarska Oprema", "aliases": []}]), shown=[5]) == []


def test_what_counts_more_stands_first() -> None:
    names = [found(0.95, owner=index) for index in (5, 6, 7, 8)]
    abroad = {**RAVI, "country": "AE"}
    ranked = hits(
        OURS,
        [*names[:2], found(0.95, owner=7, countries=("PK", "AE")), names[3]],
        version(5, 1, control_entries=["9.A.6"]),
        version(6, 2),
        version(7, 3, parties=[abroad], destination_country="AE"),
        version(8, 4, control_entries=["1.A.1"], annex_category="I"),
    )
    assert [hit.version.index for hit in ranked] == [6, 5, 7, 8]
    assert all(hit.rank == pytest.approx(sum(hit.parts.values())) for hit in ranked)


def test_a_second_party_that_meets_another_counts() -> None:
    second = {"name": "Argolis Vathypedo", "role": "intermediary", "country": "CY"}
    ours = case(parties=[{"name": "Kamalia Ravi Vessels", "role": "consignee", "country": "PK"}, second])
    pair = found(0.9, party=1, name="Argolis Bathypedo", query="Argolis Vathypedo", countries=("CY", "CY"))
    (hit,) = hits(ours, [found(0.95), pair], version(parties=[RAVI, {**second, "name": "Argolis Bathypedo"}]))
    assert hit.parts["more_parties"] == weights.MORE_PARTIES
    (alone,) = hits(ours, [found(0.95)], version())
    assert alone.parts["more_parties"] == 0


def test_the_weights_make_one() -> None:
    most = weights.NAME + weights.IDENTIFIER + max(weights.ITEM.values()) + weights.MORE_PARTIES
    assert most + weights.ADDRESS + weights.COUNTRY + weights.DESTINATION == pytest.approx(1)


def test_addresses_are_compared_whatever_the_order_of_their_words() -> None:
    assert likeness("14 Canal Road, Lahore", "LAHORE; 14, Canal Road") == 1
    assert likeness("14 Canal Road, Lahore", None) is None
    assert (likeness("14 Canal Road, Lahore", "Warehouse 9, Dubai") or 0) < weights.SAME_ADDRESS
