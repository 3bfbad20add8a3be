"""What the signers of a roster are shown of it: everything that somebody could have slipped in."""

from __future__ import annotations

from dataclasses import replace

from envoi_keys.fingerprints import fingerprint
from envoi_keys.roster_changes import diff

from ...exchange import Exchange, member, officer, party, sealing_key, seed

EXCHANGE = Exchange.make(4)
ROSTER = EXCHANGE.roster


def shown(**fields: object) -> list[tuple[str, str, str]]:
    return [(one.what, one.subject, one.detail) for one in diff(ROSTER, EXCHANGE.propose(**fields))]


def test_nothing_changed_is_nothing_shown() -> None:
    assert shown() == []


def test_a_first_roster_shows_every_key_of_everybody() -> None:
    evil = sealing_key(seed("mallory"))
    keys = replace(party("FR").keys, sealing=(evil,))
    members = tuple(replace(one, keys=keys) if one.id == "FR" else one for one in ROSTER.members)
    good, bad = diff(None, ROSTER), diff(None, replace(ROSTER, members=members))
    (change,) = set(bad) - set(good)
    assert (change.subject, change.detail) == ("FR", f"sealing {fingerprint(evil)}")
    assert [one.detail for one in good if one.what == "quorum"] == list(ROSTER.quorum)


def test_a_key_that_is_replaced_is_shown_with_the_old_one() -> None:
    evil = sealing_key(seed("mallory"))
    found = shown(**EXCHANGE.changed("FR", keys=replace(party("FR").keys, sealing=(evil,))))
    assert found == [
        ("no key", "FR", f"sealing {fingerprint(party('FR').sealing[0])}"),
        ("key", "FR", f"sealing {fingerprint(evil)}"),
    ]


def test_who_comes_comes_with_role_and_standing() -> None:
    found = shown(
        members=tuple(sorted((*ROSTER.members, member("JP", role="adherent")), key=lambda one: one.id)),
        officers=(*ROSTER.officers, officer("POC/eve", "AU")),
    )
    assert ("added", "JP", "State JP, adherent, active, series 1") in found
    assert ("added", "POC/eve", "officer of AU") in found


def test_a_quorum_is_shown_line_by_line() -> None:
    found = shown(quorum=("quorum AU",))
    assert found == [
        *(("quorum", "roster", f"no more: {line}") for line in ROSTER.quorum),
        ("quorum", "roster", "now: quorum AU"),
    ]
