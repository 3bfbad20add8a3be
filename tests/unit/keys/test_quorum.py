"""Quorums: the grammar of their lines, each state once, and the same answer as trying everything."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoi_keys.errors import Malformed
from envoi_keys.limits import MAX_QUORUM_LINES
from envoi_keys.quorum import NONE, Capacities, Policy, choices, parse_policy, satisfied

from ...exchange import OFFICERS, PARTNERS, Exchange, mtcr_quorum

NAMES = frozenset("ABCDEFG")
OFFICER = "POC officer"


def capacities(
    members: tuple[str, ...], officers: Mapping[str, str], offices: Mapping[str, tuple[str, ...]]
) -> Capacities:
    found = {name: frozenset({(name, "member")}) for name in members}
    found |= {name: frozenset({(state, OFFICER)}) for name, state in officers.items()}
    return found | {name: frozenset((state, name) for state in states) for name, states in offices.items()}


MTCR = capacities(PARTNERS, dict.fromkeys(OFFICERS, "FR"), {"CHAIR": ("AT",), "POC": ("FR",)})
SHARED = capacities(PARTNERS, dict.fromkeys(OFFICERS, "FR"), {"CHAIR": ("AT", "CH"), "POC": ("FR",)})
DEFAULT = parse_policy(mtcr_quorum(PARTNERS), frozenset(MTCR))
THREE = ("DE", "AU", "JP")


# The grammar


@pytest.mark.parametrize(
    "lines",
    [
        ("quorum none",),
        ("quorum A",),
        ("group g any A", "quorum g"),
        ("group g all A B C", "quorum g"),
        ("group g 2 A B C", "quorum g"),
        ("group g 3 A B C", "group h any g D", "quorum h"),
        # Alternatives may share names: whoever signs is counted in one branch at a time.
        ("group g 2 A B C", "group h 2 B C D", "group i any g h", "quorum i"),
        ("group g any A B", "group h any A B", "quorum g"),
    ],
)
def test_what_is_a_policy(lines: tuple[str, ...]) -> None:
    assert parse_policy(lines, NAMES)


@pytest.mark.parametrize(
    ("lines", "why", "field"),
    [
        ((), "0 lines", "quorum"),
        (("quorum A",) * (MAX_QUORUM_LINES + 1), "65 lines", "quorum"),
        (("",), "quorum NAME", "quorum[0]"),
        (("group g any A",), "quorum NAME", "quorum[0]"),
        (("quorum",), "quorum NAME", "quorum[0]"),
        (("quorum A B",), "quorum NAME", "quorum[0]"),
        (("quorum  A",), "quorum NAME", "quorum[0]"),
        (("quorum A ",), "quorum NAME", "quorum[0]"),
        (("quorum X",), "not defined", "quorum[0]"),
        (("quorum A", "quorum A"), "group NAME", "quorum[0]"),
        (("# who signs", "quorum A"), "group NAME", "quorum[0]"),
        (("witness A key", "quorum A"), "group NAME", "quorum[0]"),
        (("group g any", "quorum A"), "group NAME", "quorum[0]"),
        (("group g any X", "quorum g"), "X is not defined", "quorum[0]"),
        (("group g any h", "group h any A", "quorum g"), "h is not defined", "quorum[0]"),
        (("group g any g", "quorum g"), "g is not defined", "quorum[0]"),
        (("group g any A", "group g any B", "quorum g"), "already defined", "quorum[1]"),
        (("group A any B", "quorum A"), "already defined", "quorum[0]"),
        (("group none any B", "quorum none"), "not a name", "quorum[0]"),
        (("group -g any B", "quorum A"), "not a name", "quorum[0]"),
        (("group é any B", "quorum A"), "not a name", "quorum[0]"),
        (("group " + "g" * 129 + " any B", "quorum A"), "not a name", "quorum[0]"),
        (("group g any A A", "quorum g"), "twice", "quorum[0]"),
        (("group g 0 A", "quorum g"), "cannot be met", "quorum[0]"),
        (("group g 3 A B", "quorum g"), "cannot be met", "quorum[0]"),
        (("group g 02 A B", "quorum g"), "cannot be met", "quorum[0]"),
        (("group g -1 A B", "quorum g"), "cannot be met", "quorum[0]"),
        (("group g +1 A B", "quorum g"), "cannot be met", "quorum[0]"),
        (("group g ٢ A B", "quorum g"), "cannot be met", "quorum[0]"),
        (("group g " + "9" * 5000 + " A B", "quorum g"), "cannot be met", "quorum[0]"),
        (("group g ALL A B", "quorum g"), "cannot be met", "quorum[0]"),
        (("group g any A  B", "quorum g"), "not defined", "quorum[0]"),
        (("group g any A\tB", "quorum g"), "not defined", "quorum[0]"),
    ],
)
def test_what_is_no_policy(lines: tuple[str, ...], why: str, field: str) -> None:
    with pytest.raises(Malformed, match=why) as caught:
        parse_policy(lines, NAMES)
    assert caught.value.field == field


@pytest.mark.parametrize(
    "lines",
    [
        ("group g any A B", "group h all g A", "quorum h"),
        ("group g any A B", "group h any B C", "group i all g h", "quorum i"),
        ("group g 2 A B C", "group h 2 C D E", "group i 2 g h F", "quorum i"),
        ("group g any A B", "group h any g C", "group i all h D", "group j all i A", "quorum j"),
        # Also where the group is not the quorum: a later version of the lines could make it one.
        ("group g any A B", "group h all g A", "quorum B"),
    ],
)
def test_a_name_that_could_count_twice_is_refused(lines: tuple[str, ...]) -> None:
    with pytest.raises(Malformed, match="one name twice"):
        parse_policy(lines, NAMES)


# Each state once


def met(signers: tuple[str, ...] | list[str], under: Capacities = MTCR) -> bool:
    return satisfied(DEFAULT, signers, under)


def test_two_officers_the_chair_and_three_partners_are_the_default_quorum() -> None:
    assert met(("POC/anne", "POC/claire", "CHAIR", *THREE))
    assert met((*OFFICERS, "CHAIR", "POC", *PARTNERS))


@pytest.mark.parametrize(
    "signers",
    [
        (),
        ("POC/anne", "CHAIR", *THREE),
        ("POC/anne", "POC/bruno", *THREE),
        ("POC/anne", "POC/bruno", "CHAIR", "DE", "AU"),
        ("POC/anne", "POC/bruno", "POC/claire", "CHAIR"),
        ("POC", "CHAIR", *THREE),
        ("POC/anne", "POC", "CHAIR", *THREE),
        ("POC/anne", "POC/anne", "CHAIR", *THREE),
        ("POC/anne", "POC/bruno", "CHAIR", "DE", "DE", "AU"),
        ("POC/anne", "POC/bruno", "CHAIR", "DE", "AU", "XX"),
    ],
)
def test_anybody_less_is_not(signers: tuple[str, ...]) -> None:
    assert not met(signers)


def test_france_signs_as_its_officers_or_as_a_partner_but_not_as_both() -> None:
    assert not met(("POC/anne", "POC/bruno", "CHAIR", "FR", "DE", "AU"))
    assert met(("POC/anne", "POC/bruno", "CHAIR", "FR", "DE", "AU", "JP"))


def test_the_state_in_the_chair_signs_as_chair_or_as_a_partner_but_not_as_both() -> None:
    assert not met(("POC/anne", "POC/bruno", "CHAIR", "AT", "DE", "AU"))
    assert met(("POC/anne", "POC/bruno", "CHAIR", "AT", "DE", "AU", "JP"))


def test_a_shared_chair_takes_both_its_states() -> None:
    for signers in (("AT", "DE", "AU"), ("CH", "DE", "AU"), ("AT", "CH", "DE")):
        assert not met(("POC/anne", "POC/bruno", "CHAIR", *signers), SHARED)
    assert met(("POC/anne", "POC/bruno", "CHAIR", "AT", "CH", *THREE), SHARED)


def test_officers_of_one_state_are_one_capacity_and_of_two_states_two() -> None:
    mixed = capacities(PARTNERS, {"POC/anne": "FR", "POC/bruno": "DE", "POC/claire": "FR"}, {"CHAIR": ("AT",)})
    assert not met(("POC/anne", "POC/bruno", "CHAIR", *THREE), mixed)
    assert met(("POC/anne", "POC/claire", "CHAIR", *THREE), mixed)
    assert met(("POC/anne", "POC/bruno", "CHAIR", "AU", "JP", "US"), mixed)


@pytest.mark.parametrize("under", [MTCR, SHARED])
def test_two_thirds_of_the_partners_alone_are_a_quorum(under: Capacities) -> None:
    assert not met(PARTNERS[:23], under)
    assert met(PARTNERS[:24], under)
    # Those who also sign in an office still count as Partners: every choice is tried.
    assert met(["POC/anne", "CHAIR", *PARTNERS[:24]], under)
    assert not met(["POC/anne", "CHAIR", "POC", "EE", "KZ", "LV", *PARTNERS[:23]], under)


def test_names_outside_the_roster_count_for_nobody() -> None:
    assert not met([f"X{number}" for number in range(40)])
    # Not even the name of a group.
    assert not met(["leadership", "two-thirds", "either"])


def test_a_policy_of_none_is_met_by_nobody_at_all() -> None:
    assert satisfied(parse_policy(("quorum none",), frozenset(MTCR)), (), MTCR)


def test_the_whole_of_a_full_exchange_is_checked_in_a_few_choices() -> None:
    assert choices(Exchange.make(35, adherents=3, chair=("AT", "CH")).roster.capacities) == 3 * 2 * 2


# Properties

STATES = ("A", "B", "C", "D")


@st.composite
def situations(draw: st.DrawFn) -> tuple[Policy, Capacities]:
    officers = {f"P/{number}": draw(st.sampled_from(STATES)) for number in range(draw(st.integers(0, 3)))}
    offices = {
        name: tuple(draw(st.lists(st.sampled_from(STATES), min_size=1, max_size=2, unique=True)))
        for name in draw(st.sampled_from([(), ("X",), ("X", "Y")]))
    }
    known = capacities(STATES, officers, offices)
    lines: list[str] = []
    groups: list[str] = []
    for number in range(draw(st.integers(1, 4))):
        among = draw(st.lists(st.sampled_from([*sorted(known), *groups]), min_size=1, max_size=5, unique=True))
        lines.append(f"group g{number} {draw(st.integers(1, len(among)))} {' '.join(among)}")
        try:
            parse_policy((*lines, "quorum A"), frozenset(known))
        except Malformed:
            lines.pop()
        else:
            groups.append(f"g{number}")
    last = draw(st.sampled_from([*groups, "A"]))
    return parse_policy((*lines, f"quorum {last}"), frozenset(known)), known


def trying_everything(policy: Policy, signers: frozenset[str], known: Capacities) -> bool:
    """The same question asked plainly: does some set of signers that uses no state twice meet the groups?"""
    groups = {group.name: group for group in policy.groups}

    def holds(name: str, by: frozenset[str]) -> bool:
        if name not in groups:
            return name in by
        return sum(holds(member, by) for member in groups[name].members) >= groups[name].threshold

    def fair(by: frozenset[str]) -> bool:
        used: dict[str, str] = {}
        return all(used.setdefault(state, kind) == kind for name in by for state, kind in known[name])

    subsets = itertools.chain.from_iterable(
        itertools.combinations(sorted(signers), size) for size in range(len(signers) + 1)
    )
    return any(fair(by) and holds(policy.quorum, by) for by in map(frozenset, subsets))


@given(st.data())
def test_the_answer_is_that_of_trying_everything(data: st.DataObject) -> None:
    policy, known = data.draw(situations())
    signers = data.draw(st.frozensets(st.sampled_from(sorted(known))))
    assert satisfied(policy, signers, known) == trying_everything(policy, signers, known)


@given(st.data())
def test_another_signature_never_spoils_a_quorum(data: st.DataObject) -> None:
    policy, known = data.draw(situations())
    signers = data.draw(st.frozensets(st.sampled_from(sorted(known))))
    more = signers | data.draw(st.frozensets(st.sampled_from([*sorted(known), "unknown"])))
    assert not satisfied(policy, signers, known) or satisfied(policy, more, known)


@given(situations())
def test_nobody_never_meets_a_quorum(situation: tuple[Policy, Capacities]) -> None:
    policy, known = situation
    assert policy.quorum != NONE
    assert not satisfied(policy, (), known)
    assert not satisfied(policy, ("unknown",), known)


words = st.sampled_from(["group", "quorum", "any", "all", "1", "2", "none", "A", "B", "g", "h", "", "\n", "9" * 20])


@given(st.lists(st.lists(words, max_size=6).map(" ".join) | st.text(max_size=20), max_size=5))
def test_any_lines_are_a_policy_or_malformed(lines: list[str]) -> None:
    try:
        policy = parse_policy(tuple(lines), NAMES)
    except Malformed:
        return
    assert policy.quorum == NONE or policy.met_by(NAMES)
