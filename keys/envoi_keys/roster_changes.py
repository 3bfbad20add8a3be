"""Proposing a roster and reading what it changes, for the people who sign it.

A proposal is only text: it means nothing before the quorums of PROTOCOL §6.4 have signed it, and whoever
signs reads :func:`diff` first. Nothing here decides who may change what.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from .addressees import Addressee, Member, Office, Officer
from .encoding import format_time
from .enrolments import Enrolment, OfficerEnrolment
from .errors import Refused
from .fingerprints import key_rows, signing_fingerprint
from .regimes import Profile, default_quorum
from .roster_chain import Link
from .rosters import Roster
from .signing import LogKey


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between two versions.

    ``what`` (``added``, ``removed``, ``status``, ``keys``, ...), of whom.
    """

    what: str
    subject: str
    detail: str


def propose_first(
    profile: Profile,
    enrolments: Iterable[Enrolment],
    officers: Iterable[OfficerEnrolment],
    held_by: Mapping[str, Sequence[str]],
    log: LogKey,
    expires: int,
    quorum: Sequence[str] = (),
) -> Roster:
    """The first roster of an exchange, made of everybody's enrolments.

    Roles come from the regime's profile, and offices are held as ``held_by`` says (or as the profile says).
    ``quorum`` are policy lines; by default the profile's shape over those who enrolled. Raises Malformed if
    the parts do not fit together, Refused for somebody that the regime does not know or who enrolled twice.
    """
    members: dict[str, Member] = {}
    offices: dict[str, Office] = {}
    for enrolment in enrolments:
        if enrolment.member in members or enrolment.member in offices:
            raise Refused(f"{enrolment.member} enrolled twice", reason="enrolled-twice")
        found = _admit(profile, enrolment, held_by)
        if isinstance(found, Office):
            offices[found.id] = found
        else:
            members[found.id] = found
    signers = sorted((Officer(one.id, one.state, one.signing) for one in officers), key=lambda one: one.id)
    partners = sorted(member.id for member in members.values() if member.role == "partner")
    roster = Roster(
        exchange="",
        version=1,
        previous="",
        quorum=tuple(quorum)
        or tuple(default_quorum(profile, [one.id for one in signers], profile.quorum.chair, partners)),
        witnesses=(),
        members=tuple(sorted(members.values(), key=lambda one: one.id)),
        officers=tuple(signers),
        offices=tuple(sorted(offices.values(), key=lambda one: one.id)),
        log=log,
        expires=expires,
    )
    roster.check()
    return roster


def propose_next(
    current: Link,
    profile: Profile,
    *,
    exchange: str,
    admit: Iterable[Enrolment] = (),
    status: Mapping[str, str] | None = None,
    expires: int | None = None,
) -> Roster:
    """The version after ``current``.

    Newcomers admitted, the status of others changed, everything else as it was.

    Raises Refused for one that is there already, or not there; Malformed if the parts do not fit together.
    """
    status = dict(status or {})
    roster = current.roster
    newcomers = [_admit(profile, enrolment, {}) for enrolment in admit]
    for newcomer in newcomers:
        if roster.addressee(newcomer.id) is not None:
            raise Refused(f"{newcomer.id} is in the roster already", reason="enrolled-twice")
    unknown = sorted(set(status) - {one.id for one in roster.addressees})
    if unknown:
        raise Refused(f"{unknown[0]} is not in the roster", reason="unknown-member")
    members = [replace(one, status=status.get(one.id, one.status)) for one in roster.members]
    members += [one for one in newcomers if isinstance(one, Member)]
    offices = [replace(one, status=status.get(one.id, one.status)) for one in roster.offices]
    offices += [one for one in newcomers if isinstance(one, Office)]
    proposed = replace(
        roster,
        exchange=exchange,
        version=roster.version + 1,
        previous=current.id,
        members=tuple(sorted(members, key=lambda one: one.id)),
        offices=tuple(sorted(offices, key=lambda one: one.id)),
        expires=roster.expires if expires is None else expires,
    )
    proposed.check()
    return proposed


def _admit(profile: Profile, enrolment: Enrolment, held_by: Mapping[str, Sequence[str]]) -> Member | Office:
    for office in profile.offices:
        if office.id == enrolment.member:
            return Office(
                id=office.id,
                name=enrolment.name,
                status="active",
                series=1,
                keys=enrolment.keys,
                held_by=tuple(held_by.get(office.id, office.held_by)),
            )
    role = next(
        (
            role
            for role, states in (("partner", profile.partners), ("adherent", profile.adherents))
            if any(state.id == enrolment.member for state in states)
        ),
        None,
    )
    if role is None:
        raise Refused(
            f"{enrolment.member} is no state or office of the {profile.regime} profile",
            reason="unknown-member",
        )
    return Member(id=enrolment.member, name=enrolment.name, status="active", series=1, keys=enrolment.keys, role=role)


def diff(old: Roster | None, new: Roster) -> tuple[Change, ...]:
    """What ``new`` changes, for the people who sign it, down to the fingerprint of each key. Against None: everybody.

    Each kind of key stands on a line of its own: who proposes could give a member another sealing key under its true
    signing key, and only the owner's own fingerprints tell.
    """
    changes: list[Change] = []
    before = _listed(old) if old else {}
    after = _listed(new)
    for id_ in sorted(before.keys() | after.keys()):
        was, now = before.get(id_), after.get(id_)
        if now is None:
            changes.append(Change("removed", id_, ""))
        elif was is None:
            changes.append(Change("added", id_, _described(now)))
            changes += [Change("key", id_, f"{kind} {print_}") for kind, print_ in _key_rows(now)]
        elif was != now:
            changes += _differences(was, now)
    if old is not None:
        for name in ("quorum", "witnesses"):
            a, b = getattr(old, name), getattr(new, name)
            changes += [Change(name, "roster", f"no more: {line}") for line in a if line not in b]
            changes += [Change(name, "roster", f"now: {line}") for line in b if line not in a]
            if a != b and sorted(a) == sorted(b):
                changes.append(Change(name, "roster", "in another order"))
        if old.log != new.log:
            changes.append(Change("log", "roster", f"{old.log.origin} -> {new.log.origin}, other keys"))
        if old.expires != new.expires:
            changes.append(Change("expires", "roster", f"{format_time(old.expires)} -> {format_time(new.expires)}"))
    else:
        changes += [Change("quorum", "roster", line) for line in new.quorum]
    return tuple(changes)


def _differences(was: Addressee | Officer, now: Addressee | Officer) -> list[Change]:
    changes = []
    for name in ("name", "role", "status", "series", "held_by", "state"):
        a, b = getattr(was, name, None), getattr(now, name, None)
        if a != b:
            changes.append(Change(name, now.id, f"{a} -> {b}"))
    old, new = _key_rows(was), _key_rows(now)
    changes += [Change("no key", now.id, f"{kind} {print_}") for kind, print_ in old if (kind, print_) not in new]
    changes += [Change("key", now.id, f"{kind} {print_}") for kind, print_ in new if (kind, print_) not in old]
    return changes


def _described(one: Addressee | Officer) -> str:
    if isinstance(one, Officer):
        return f"officer of {one.state}"
    what = (
        f"held by {', '.join(one.held_by)}" if isinstance(one, Office) else one.role if isinstance(one, Member) else ""
    )
    return f"{one.name}, {what}, {one.status}, series {one.series}"


def _key_rows(one: Addressee | Officer) -> list[tuple[str, str]]:
    return [("signing", signing_fingerprint(one.signing))] if isinstance(one, Officer) else key_rows(one.keys)


def _listed(roster: Roster) -> dict[str, Addressee | Officer]:
    listed: dict[str, Addressee | Officer] = {one.id: one for one in roster.addressees}
    return listed | {officer.id: officer for officer in roster.officers}
