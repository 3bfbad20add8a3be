"""The MTCR as data, another regime as another file, and what an officer is told about a wrong code."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoi_keys import package_data
from envoi_keys.countries import country_codes, country_meant, country_name, is_country
from envoi_keys.errors import EnvoiError, Malformed
from envoi_keys.quorum import parse_policy, satisfied
from envoi_keys.regimes import Profile, available, default_quorum, load, parse_annex, parse_profile

OFFICERS = ["POC/anne", "POC/bruno", "POC/claire"]

# A made-up regime with another list, other offices and other clocks: a file and no code.
RIVER_ANNEX: dict[str, Any] = {
    "note": "made up",
    "edition": "7",
    "categories": ["red", "amber"],
    "entries": [
        {"code": "P", "category": "red", "level": "item", "title": "Pumps"},
        {"code": "P.1", "category": "red", "level": "section", "title": "Whole pumps"},
        {"code": "P.1.10", "category": "red", "level": "entry", "title": "Screw pumps"},
        {"code": "P.1.20", "category": "amber", "level": "entry", "title": "Gear pumps"},
        {"code": "P.1.20.x.2", "category": "amber", "level": "sub-entry", "title": "Small ones"},
    ],
}
RIVER: dict[str, Any] = {
    "note": "made up",
    "format": 1,
    "regime": "river",
    "name": "River Commission",
    "annex": "river_annex.json",
    "partners": [{"id": id_, "name": id_.title()} for id_ in ("AA", "BB", "CC", "DD")],
    "adherents": [],
    "offices": [
        {"id": "CLERK", "name": "Clerk", "held_by": ["AA", "BB"]},
        {"id": "SPEAKER", "name": "Speaker", "held_by": []},
    ],
    "website_host": "BB",
    "bodies": [
        {
            "id": "ASSEMBLY",
            "name": "Assembly",
            "meets": "when_convened",
            "in_plenary_week": False,
            "chairs": ["co_chair"],
            "symbol": "R-{year}-{subject}",
        }
    ],
    "symbol_suffixes": ["bis"],
    "clocks": {
        "review_months": 12,
        "consultation_working_days": 5,
        "consultation_working_days_max": 5,
        "undercut_notice_days": 10,
        "undercut_notice_days_max": 20,
        "heartbeat_hours": 72,
        "grace_hours": 0,
    },
    "silence": "not_identical",
    "denials": {
        "reference": "RC {year}-{number} {state}",
        "sent_to": ["partner", "adherent"],
        "catch_all_bars_undercut": True,
        "reasons": {"flood": "It would flood the valley"},
    },
    "quorum": {
        "officers_of": "CLERK",
        "officers": 1,
        "chair": "SPEAKER",
        "partners": 2,
        "partners_alone": {"numerator": 3, "denominator": 4},
    },
    "assumed": ["clocks.review_months"],
}


def _raw(content: dict[str, Any]) -> bytes:
    return json.dumps(content).encode()


def _river(change: Callable[[dict[str, Any]], object] = lambda content: None) -> Profile:
    content = copy.deepcopy(RIVER)
    change(content)
    return parse_profile(_raw(content), parse_annex(_raw(RIVER_ANNEX)))


def _ids(profile: Profile) -> list[str]:
    return [state.id for state in profile.partners]


def test_mtcr_has_the_members_of_the_domain() -> None:
    profile = load("mtcr")
    assert available() == ("mtcr",)
    assert len(profile.partners) == 35
    assert [state.id for state in profile.adherents] == ["EE", "KZ", "LV"]
    assert {"FR", "DE", "US", "GB", "KR", "RU", "TR", "UA", "ZA"} <= set(_ids(profile))
    for state in profile.states:
        assert country_name(state.id) == state.name
    assert profile.state("KR") is not None
    assert profile.state("CN") is None
    assert profile.website_host == "CA"


def test_mtcr_has_the_offices_bodies_and_clocks_of_the_domain() -> None:
    profile = load("mtcr")
    assert {office.id: office.held_by for office in profile.offices} == {"CHAIR": (), "POC": ("FR",)}
    bodies = {body.id: body for body in profile.bodies}
    assert set(bodies) == {"PLENARY", "IEM", "LEEM", "TEM", "RPOC", "POC"}
    assert bodies["LEEM"].chairs == ("chair", "co_chair")
    assert bodies["POC"].meets == "monthly"
    assert bodies["TEM"].symbol.format(year=2024, subject="Annex") == "MTCR/TEM/2024/Annex"
    clocks = profile.clocks
    assert clocks.review_months == 36
    assert (clocks.consultation_working_days, clocks.consultation_working_days_max) == (10, 30)
    assert (clocks.undercut_notice_days, clocks.undercut_notice_days_max) == (30, 60)
    assert profile.silence == "no_objection"
    assert profile.denials.sent_to == ("partner",)
    assert not profile.denials.catch_all_bars_undercut


def test_working_assumptions_are_marked() -> None:
    assumed = load("mtcr").assumed
    assert {"clocks", "silence"} <= set(assumed)
    assert {"partners", "denials"}.isdisjoint(assumed)


def test_a_profile_that_is_not_shipped_is_refused_with_a_suggestion() -> None:
    with pytest.raises(Malformed, match="there is no profile 'mctr'") as caught:
        load("mctr")
    assert caught.value.hint == "did you mean mtcr?"
    with pytest.raises(Malformed) as caught:
        load("../secrets")
    assert caught.value.hint == "the profiles here are: mtcr"
    with pytest.raises(Malformed, match="missing from the installation"):
        package_data.read("regimes", "nothing.json")


def test_default_quorum_of_the_mtcr_is_a_policy_over_its_names() -> None:
    profile = load("mtcr")
    lines = default_quorum(profile, reversed(OFFICERS), "CHAIR", reversed(_ids(profile)))
    assert lines[0] == "group poc-officers 2 POC/anne POC/bruno POC/claire"
    assert lines[1].startswith("group partners-3 3 AR AT AU ")
    assert lines[2] == "group joint all poc-officers CHAIR partners-3"
    assert lines[3].startswith("group partners-two-thirds 24 AR AT AU ")
    assert lines[4:] == ["group either any joint partners-two-thirds", "quorum either"]
    capacities = {id_: frozenset({(id_, "member")}) for id_ in _ids(profile)}
    capacities |= {name: frozenset({("FR", "POC officer")}) for name in OFFICERS}
    capacities["CHAIR"] = frozenset({("CH", "CHAIR")})
    policy = parse_policy(tuple(lines), frozenset(capacities))
    assert satisfied(policy, ["POC/anne", "POC/bruno", "CHAIR", "AU", "JP", "DE"], capacities)
    assert not satisfied(policy, ["POC/anne", "CHAIR", "AU", "JP", "DE"], capacities)
    assert not satisfied(policy, ["POC/anne", "POC/bruno", "AU", "JP", "DE"], capacities)
    assert not satisfied(policy, ["POC/anne", "POC/bruno", "CHAIR", "AU", "JP"], capacities)
    assert satisfied(policy, _ids(profile)[:24], capacities)
    assert not satisfied(policy, _ids(profile)[:23], capacities)


def test_default_quorum_needs_enough_people() -> None:
    profile = load("mtcr")
    with pytest.raises(Malformed, match="officers: has 1 names; the quorum of mtcr asks for 2 of them"):
        default_quorum(profile, OFFICERS[:1], "CHAIR", _ids(profile))
    with pytest.raises(Malformed, match="partners: has 2 names"):
        default_quorum(profile, OFFICERS, "CHAIR", ["FR", "DE"])


def test_another_regime_needs_a_file_and_no_code() -> None:
    profile = _river()
    assert profile.clocks.grace_hours == 0
    assert profile.denials.reference.state("RC 2026-0001 BB") == "BB"
    assert profile.annex.category(["P.1.20", "P.1.10"]) == "red"
    # What stands between listed codes belongs to the list.
    between = profile.annex.find("P.1.20.x")
    assert between is not None
    assert (between.title, between.inherited) == ("Gear pumps", True)
    nearest = profile.annex.nearest("p-1-30")
    assert nearest is not None
    assert nearest.code == "P.1.20"
    assert default_quorum(profile, ["CLERK/ada"], "SPEAKER", _ids(profile)) == [
        "group clerk-officers 1 CLERK/ada",
        "group partners-2 2 AA BB CC DD",
        "group joint all clerk-officers SPEAKER partners-2",
        "group partners-three-quarters 3 AA BB CC DD",
        "group either any joint partners-three-quarters",
        "quorum either",
    ]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda c: c.update(colour="blue"), "colour: is not a field of this version"),
        (lambda c: c.pop("silence"), "silence: is missing"),
        (lambda c: c.update(format=2), "format: 2 is not between 1 and 1"),
        (lambda c: c.update(silence="maybe"), "silence: 'maybe' is not one of no_objection, not_identical"),
        (lambda c: c["partners"].reverse(), "partners: are not sorted by id, each id once"),
        (lambda c: c["partners"].append(c["partners"][-1]), "partners: are not sorted by id, each id once"),
        (lambda c: c["partners"][0].update(id="Aa"), r"partners\[0\].id: 'Aa' is not of the form"),
        (lambda c: c["adherents"].append({"id": "BB", "name": "B"}), "partners: one id stands for two"),
        (lambda c: c["bodies"].append(c["bodies"][0]), "bodies: one id stands for two"),
        (lambda c: c["bodies"][0].update(symbol="R/{subject}"), r"bodies\[0\].symbol: .* is not of the form"),
        (lambda c: c["bodies"][0].update(chairs=["boss"]), r"bodies\[0\].chairs: 'boss' is not one of"),
        (lambda c: c["offices"][0].update(held_by=["ZZ"]), r"offices\[0\].held_by: ZZ is not a Partner"),
        (lambda c: c["offices"].reverse(), "offices: are not sorted by id"),
        (lambda c: c.update(website_host="ZZ"), "website_host: 'ZZ' is not one of"),
        (lambda c: c["clocks"].update(review_months=0), "clocks.review_months: 0 is not between 1 and 600"),
        (
            lambda c: c["clocks"].update(undercut_notice_days=21),
            "clocks.undercut_notice_days: is longer than its own maximum",
        ),
        (
            lambda c: c["denials"].update(reference="RC {year}"),
            "denials.reference: needs {state}, {year} and",
        ),
        (lambda c: c["denials"].update(sent_to=["press"]), "denials.sent_to: 'press' is not one of"),
        (lambda c: c["denials"]["reasons"].update(withheld="x"), "denials.reasons.withheld: is not a code"),
        (lambda c: c["quorum"].update(chair="KING"), "quorum.chair: KING is not an office of this regime"),
        (
            lambda c: c["quorum"]["partners_alone"].update(numerator=2),
            "quorum.partners_alone: is not more than half and at most all",
        ),
        (
            lambda c: c["assumed"].append("clocks.tea"),
            r"assumed\[1\]: clocks.tea is not a field of this file",
        ),
    ],
)
def test_a_slip_in_a_profile_is_named(change: Callable[[dict[str, Any]], object], words: str) -> None:
    with pytest.raises(Malformed, match=words):
        _river(change)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda c: c["entries"][2].update(category="blue"), r"entries\[2\].category: 'blue' is not one of"),
        (lambda c: c["entries"][2].update(code="P..1"), r"entries\[2\].code: 'P..1' is not of the form"),
        (lambda c: c["entries"].insert(2, c["entries"][3]), "entries: P.1.20 is listed twice"),
        (lambda c: c["entries"].pop(1), "entries: P.1.10 stands under P.1, which is not listed"),
        (lambda c: c["entries"].append("P.2"), r"entries\[5\]: is not an object"),
    ],
)
def test_a_slip_in_an_annex_is_named(change: Callable[[dict[str, Any]], object], words: str) -> None:
    content = copy.deepcopy(RIVER_ANNEX)
    change(content)
    with pytest.raises(Malformed, match=words):
        parse_annex(_raw(content))


@given(st.binary(max_size=300))
def test_any_bytes_are_a_profile_or_our_error(raw: bytes) -> None:
    with pytest.raises(EnvoiError):
        parse_annex(raw)
    with pytest.raises(EnvoiError):
        parse_profile(raw, load("mtcr").annex)


@given(st.data())
def test_any_value_in_any_field_is_a_profile_or_our_error(data: st.DataObject) -> None:
    content = copy.deepcopy(RIVER)
    field = data.draw(st.sampled_from(sorted(content)))
    leaf = st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=4) | st.sampled_from(["AA", "CLERK"])
    content[field] = data.draw(
        st.recursive(leaf, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=9), inner))
    )
    try:
        profile = parse_profile(_raw(content), parse_annex(_raw(RIVER_ANNEX)))
    except EnvoiError:
        return
    assert profile.partners


def test_the_annex_is_whole() -> None:
    annex = load("mtcr").annex
    assert annex.edition == "2024"
    assert [item.code for item in annex.children("")] == [str(number) for number in range(1, 21)]
    assert {item.code for item in annex.children("") if item.reserved} == {"5", "7", "8"}
    for item in annex.children(""):
        assert item.category == ("I" if item.code in ("1", "2") else "II")
    for entry in annex.entries():
        parent = annex.parent(entry.code)
        assert (parent is None) == (entry.level == "item")
        if parent is not None:
            assert entry in annex.children(parent.code)
            assert entry.category == parent.category
    assert annex.parent("9.Q.3") is None
    assert annex.find("9.a.3") is None
    accelerometers = annex.find("9.A.3")
    assert accelerometers is not None
    assert accelerometers.title == "Linear accelerometers"
    assert accelerometers.controls
    section = annex.find("9.A")
    assert section is not None
    assert not section.controls


def test_the_strictest_category_counts() -> None:
    annex = load("mtcr").annex
    assert annex.category(["9.A.3", "2.A.1.d"]) == "I"
    assert annex.category(["9.A.3", "9.Q.3"]) == "II"
    assert annex.category(["9.Q.3"]) is None


@pytest.mark.parametrize(
    ("written", "meant", "why"),
    [
        ("9.Q.3", "9.A.3", "the same place in another section of item 9"),
        ("9.a.3", "9.A.3", "the same code in another spelling"),
        ("9A3", "9.A.3", "the same code in another spelling"),
        ("MTCR 9.A.3.", "9.A.3", "the same code in another spelling"),
        ("9.А.3", "9.A.3", "the same code in another spelling"),  # a Cyrillic А
        ("９.A.3", "9.A.3", "the same code in another spelling"),  # a full-width 9
        ("9.A.3.z", "9.A.3", "9.A.3 has no paragraph z"),
        ("9.A.9", "9.A.8", "the nearest entry in section 9.A"),
        ("9.3", "9.A.3", "the nearest entry in item 9"),
        ("O.A.1", "1.A.1", "the nearest entry of the list"),
    ],
)
def test_the_nearest_code_comes_with_its_reason(written: str, meant: str, why: str) -> None:
    suggestion = load("mtcr").annex.nearest(written)
    assert suggestion is not None
    assert (suggestion.code, suggestion.why) == (meant, why)


@pytest.mark.parametrize("written", ["", "radar", "9", "---", "∞"])
def test_nothing_is_suggested_where_nothing_is_near(written: str) -> None:
    assert load("mtcr").annex.nearest(written) is None


@given(st.text(max_size=100))
def test_a_suggestion_is_always_a_controlled_entry(written: str) -> None:
    annex = load("mtcr").annex
    suggestion = annex.nearest(written)
    if suggestion is not None:
        entry = annex.find(suggestion.code)
        assert entry is not None
        assert entry.controls


def test_references_name_the_notifying_state() -> None:
    form = load("mtcr").denials.reference
    assert form.example("FR", 2026) == "MTCR/DN/FR/2026/0001"
    assert form.state("MTCR/DN/FR/2026/0001") == "FR"
    assert form.state("MTCR/DN/fr/2026/0001") is None
    assert form.state("MTCR/DN/FR/2026/0001 ") is None
    assert str(form) == "MTCR/DN/{state}/{year}/{number}"


@pytest.mark.parametrize(
    ("written", "meaning"),
    [
        ("UK", "the United Kingdom is GB"),
        ("USA", "the United States of America is US"),
        ("fr", "France is FR"),
        ("Frnace", "France is FR"),
        ("Türkiye", "Turkey is TR"),
        ("DPRK", "North Korea is KP"),
        ("XX", None),
        ("", None),
    ],
)
def test_what_a_wrong_country_means(written: str, meaning: str | None) -> None:
    assert country_meant(written) == meaning


def test_the_countries_are_those_of_iso_3166() -> None:
    assert len(country_codes()) == 249
    assert all(is_country(code) and country_name(code) for code in country_codes())
    assert not is_country("UK")
    assert country_name("UK") is None
