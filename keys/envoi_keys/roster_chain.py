"""How a roster changes: by quorum of the old version and of the new, and the first logged successor wins.

The chain holds every version with the log index at which it took effect, so that "which keys counted at
index i" has one answer for everybody and for ever (PROTOCOL §6.4). Pure: notes in, decisions out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .addressees import Office
from .errors import Fraud, Malformed, Refused, Unverified
from .notes import Note
from .rosters import Roster
from .statements import statement_id


@dataclass(frozen=True, slots=True)
class Link:
    """A version in force, with its id, its signed note, and the log index where it took effect."""

    roster: Roster
    id: str
    note: bytes
    index: int


class RosterChain:
    """All versions of one exchange, from the pinned first to the current.

    Immutable: ``extended`` makes another.
    """

    __slots__ = ("links",)

    def __init__(self, links: tuple[Link, ...]) -> None:
        self.links = links

    @classmethod
    def begin(cls, raw: bytes, pinned: str, index: int = 0) -> RosterChain:
        """The chain that starts with the first roster, whose id must be ``pinned``.

        Raises Malformed; Unverified for a false signature; Refused ``other-exchange`` or ``under-signed``.
        """
        note = Note.parse(raw)
        found = statement_id(note.text)
        if found != pinned:
            raise Refused(f"the first roster has id {found}, not the pinned {pinned}", reason="other-exchange")
        roster = Roster.parse(note.text)
        if roster.version != 1:
            raise Malformed(f"the first roster has version {roster.version}", field="version")
        if not roster.approves(note):
            raise Refused("the first roster is not signed by its own quorum", reason="under-signed")
        return cls((Link(roster, found, raw, index),))

    @property
    def exchange(self) -> str:
        """The id of the first roster."""
        return self.links[0].id

    @property
    def current(self) -> Roster:
        """The newest version."""
        return self.links[-1].roster

    def version(self, version: int) -> Link | None:
        """The link of that version, if it is in the chain."""
        return self.links[version - 1] if 1 <= version <= len(self.links) else None

    def has(self, id_: str) -> bool:
        """Whether a roster with this id is in the chain."""
        return any(link.id == id_ for link in self.links)

    def at(self, index: int) -> Roster | None:
        """The version in force for a statement logged at ``index``: the last that took effect before it."""
        found = None
        for link in self.links:
            if link.index >= index:
                break
            found = link.roster
        return found

    def extended(self, raw: bytes, index: int) -> RosterChain:
        """The chain with one more version, logged at ``index``.

        Raises Malformed; Unverified for a false signature; Refused ``other-exchange``, ``roster-conflict``
        (not the next version, not of this line, or with a key that changed hands), ``other-log``,
        ``wrong-series`` or ``under-signed``; Fraud if another successor of the same version was logged
        before.
        """
        note = Note.parse(raw)
        roster = Roster.parse(note.text)
        self._refuse_fork(roster, statement_id(note.text), raw)
        link = self.links[-1]
        if roster.exchange != self.exchange:
            raise Refused(f"roster {roster.version} belongs to another exchange", reason="other-exchange")
        if roster.version != link.roster.version + 1 or roster.previous != link.id:
            raise Refused(
                f"roster {roster.version} does not follow version {link.roster.version}",
                reason="roster-conflict",
                hint="propose the change again on top of the current roster",
            )
        if index <= link.index:
            raise Refused(f"the log has roster {link.roster.version} at {link.index}", reason="roster-conflict")
        if roster.log != link.roster.log:
            # A reader that has not reached this roster could not check the head under which it stands.
            raise Refused("a roster cannot change the log's origin or keys", reason="other-log")
        self._refuse_lower_series(roster)
        self._refuse_moved_keys(roster)
        self._refuse_inherited_office(roster)
        if not link.roster.approves(note):
            raise Refused(f"not signed by the quorum of roster {link.roster.version}", reason="under-signed")
        if not roster.approves(note):
            raise Refused(f"not signed by the quorum of roster {roster.version} itself", reason="under-signed")
        return RosterChain((*self.links, Link(roster, statement_id(note.text), raw, index)))

    def _refuse_fork(self, roster: Roster, found: str, raw: bytes) -> None:
        # Two successors of one version under full quorums: the quorum itself, or whoever logged both, cheats.
        held = self.version(roster.version)
        if held is None or held.id == found or roster.exchange not in (self.exchange, ""):
            return
        if roster.version == 1:
            raise Refused("a second first roster", reason="other-exchange")
        before = self.links[roster.version - 2]
        note = Note.parse(raw)
        try:
            genuine = roster.previous == before.id and before.roster.approves(note) and roster.approves(note)
        except Unverified:
            genuine = False
        if genuine:
            raise Fraud(
                f"two rosters of version {roster.version} are both signed by a quorum",
                evidence=(held.note, raw),
            )

    def _refuse_inherited_office(self, roster: Roster) -> None:
        # Who held an office goes on reading with the keys that it kept.
        for office in roster.offices:
            before = self.current.addressee(office.id)
            if not isinstance(before, Office) or before.held_by == office.held_by:
                continue
            if set(before.keys.material()) & set(office.keys.material()):
                raise Refused(
                    f"{office.id} passes to {', '.join(office.held_by)} with keys of those who held it",
                    reason="keys-kept",
                    hint="the new holder makes keys of its own and enrols the office",
                )

    def _refuse_lower_series(self, roster: Roster) -> None:
        # A number would stand twice under one series, and a gap could hide behind the second. Whoever was
        # dropped and comes back goes on where it stopped, or in a higher series (PROTOCOL §6.3).
        used: dict[str, int] = {}
        for link in self.links:
            used |= {one.id: one.series for one in link.roster.addressees}
        for one in roster.addressees:
            if one.series < used.get(one.id, 0):
                raise Refused(
                    f"{one.id} has numbered in series {used[one.id]} and cannot go back to {one.series}",
                    reason="wrong-series",
                )

    def _refuse_moved_keys(self, roster: Roster) -> None:
        # A signature does not name its signer. With a key that was one state's in the version before and is
        # another's in this one, one signature would count for both, once in each quorum.
        owners = roster.owners()
        for link in self.links:
            for key, owner in link.roster.owners().items():
                if owners.get(key, owner) != owner:
                    raise Refused(
                        f"a key of {owners[key]} was {owner}'s in roster {link.roster.version}",
                        reason="roster-conflict",
                        hint="a key never changes hands: make a new one",
                    )

    def changed_since(self, version: int, names: Iterable[str], before: int | None = None) -> str | None:
        """The first of ``names`` whose keys, status or series changed after ``version``, or None.

        Only versions that took effect below log index ``before`` count; None means all. A change that was
        undone again counts as a change: in between, the old key was not good (PROTOCOL §10).
        """
        wanted = tuple(names)
        start = self.version(version)
        if start is None:
            return wanted[0] if wanted else None
        last = start.roster
        for link in self.links[version:]:
            if before is not None and link.index >= before:
                break
            for name in wanted:
                old, new = last.addressee(name), link.roster.addressee(name)
                if old is None or new is None or _standing(old) != _standing(new):
                    return name
            last = link.roster
        return None


def _standing(addressee: object) -> tuple[object, ...]:
    return tuple(getattr(addressee, name) for name in ("status", "series", "keys"))
