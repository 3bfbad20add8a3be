"""Quorums: the ``group`` and ``quorum`` lines of C2SP tlog-policy, over names in a roster.

Each state counts once. A state may sign in several capacities (its officers, an office it holds, itself);
for one evaluation it counts in one of them, and a quorum is met if some choice of capacities meets it. A
name may not stand twice among groups that count together, or one signature could fill two places.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from .errors import Malformed
from .limits import MAX_NAME_CHARS, MAX_QUORUM_LINES

NONE: Final = "none"
MAX_CHOICES: Final = 4096
"""Choices of capacities tried in one evaluation; a roster is refused that could need more."""
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]*")

Capacities = Mapping[str, frozenset[tuple[str, str]]]
"""For each name that can sign: the (state, capacity) pairs in which its signature counts."""


@dataclass(frozen=True, slots=True)
class Group:
    """A named threshold over names and earlier groups."""

    name: str
    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """A parsed policy: its groups in order, and the name of the group or signer that is the quorum (or
    ``none``).
    """

    groups: tuple[Group, ...]
    quorum: str

    def met_by(self, signers: Iterable[str]) -> bool:
        """Whether these signers meet the quorum, each name counted as it stands."""
        met = set(signers)
        for group in self.groups:
            if sum(member in met for member in group.members) >= group.threshold:
                met.add(group.name)
        return self.quorum == NONE or self.quorum in met


def parse_policy(lines: tuple[str, ...], signers: frozenset[str], field: str = "quorum") -> Policy:
    """The policy that ``lines`` state over the names ``signers`` (tlog-policy, "Defining a group" and
    "quorum").

    Raises Malformed: another line than ``group`` or ``quorum``, an unknown or doubled name, a threshold
    that cannot be met, no quorum line at the end, or a name that could be counted twice.
    """
    if not 1 <= len(lines) <= MAX_QUORUM_LINES:
        raise Malformed(f"has {len(lines)} lines; between 1 and {MAX_QUORUM_LINES} are allowed", field=field)
    groups: dict[str, Group] = {}
    for position, line in enumerate(lines[:-1]):
        group = _parse_group(line.split(" "), signers, groups, f"{field}[{position}]")
        groups[group.name] = group
    last = lines[-1].split(" ")
    if len(last) != 2 or last[0] != "quorum":
        raise Malformed('is not "quorum NAME"', field=f"{field}[{len(lines) - 1}]")
    if last[1] != NONE and last[1] not in groups and last[1] not in signers:
        raise Malformed(f"{last[1][:64]} is not defined", field=f"{field}[{len(lines) - 1}]")
    policy = Policy(tuple(groups.values()), last[1])
    _refuse_double_counting(groups, field)
    return policy


def _parse_group(words: list[str], signers: frozenset[str], groups: Mapping[str, Group], field: str) -> Group:
    if len(words) < 4 or words[0] != "group":
        raise Malformed('is not "group NAME any|all|N MEMBER..."', field=field)
    name, count, members = words[1], words[2], tuple(words[3:])
    if not _NAME.fullmatch(name) or len(name) > MAX_NAME_CHARS or name == NONE:
        raise Malformed(f"{name[:64]!r} is not a name of a group", field=field)
    if name in groups or name in signers:
        raise Malformed(f"{name} is already defined", field=field)
    for member in members:
        if member not in groups and member not in signers:
            raise Malformed(f"{member[:64]} is not defined", field=field)
    if len(set(members)) != len(members):
        raise Malformed("names a member twice", field=field)
    threshold = {"any": 1, "all": len(members)}.get(count)
    if threshold is None:
        if not re.fullmatch(r"[1-9][0-9]{0,3}", count) or int(count) > len(members):
            raise Malformed(f"{count[:16]} of {len(members)} cannot be met", field=field)
        threshold = int(count)
    return Group(name, threshold, members)


def _refuse_double_counting(groups: Mapping[str, Group], field: str) -> None:
    # Under "any" (threshold 1) branches are alternatives and may share names; anywhere else they add up.
    reach: dict[str, frozenset[str]] = {}
    for group in groups.values():
        sets = [reach.get(member, frozenset((member,))) for member in group.members]
        union = frozenset[str]().union(*sets)
        if group.threshold > 1 and len(union) != sum(len(names) for names in sets):
            raise Malformed(f"group {group.name} could count one name twice", field=field)
        reach[group.name] = union


def satisfied(policy: Policy, signers: Iterable[str], capacities: Capacities) -> bool:
    """Whether ``signers`` meet ``policy`` when each state counts once (PROTOCOL §6.5).

    A signer counts if every state behind it was chosen to count in that signer's capacity: an office that
    two states share takes both of them. Names without an entry in ``capacities`` count for nobody and are
    ignored.
    """
    present = [name for name in signers if name in capacities]
    by_state: dict[str, set[str]] = {}
    for name in present:
        for state, capacity in capacities[name]:
            by_state.setdefault(state, set()).add(capacity)
    states = sorted(by_state)
    for chosen in itertools.product(*(sorted(by_state[state]) for state in states)):
        choice = set(zip(states, chosen, strict=True))
        if policy.met_by(name for name in present if capacities[name] <= choice):
            return True
    return False


def choices(capacities: Capacities) -> int:
    """How many choices of capacities :func:`satisfied` can have to try at most."""
    by_state: dict[str, set[str]] = {}
    for pairs in capacities.values():
        for state, capacity in pairs:
            by_state.setdefault(state, set()).add(capacity)
    total = 1
    for kinds in by_state.values():
        total *= len(kinds)
    return total
