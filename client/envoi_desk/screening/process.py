"""Screening as it is done: search, rank, put each old decision beside its hit, tell what is new, and keep it all.

Everything happens on this machine: the register, the names and the cases are in the home's store, and nothing here
holds a way to the network. What a run found is kept as it was shown, with the log index up to which the register had
read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from envoi_keys.encoding import format_time
from envoi_keys.errors import Refused
from envoi_keys.regimes import Profile
from envoi_keys.signing import Signer, sign_note

from ..lists import Lists
from ..names import Found, NameIndex
from ..register import IN_FORCE, Register, Version, identifiers
from . import weights
from .case import Case
from .dispositions import Decision, Disposition, ListSeen, NoticeSeen, Seen, Signed, listed, newest
from .hits import EXERCISE, REAL, Hit, find_hits, queries
from .listed import list_hits
from .records import KeptCase, Records, Run
from .relevance import changed, facets, notice_fingerprint
from .values import GONE, disposition_value, hit_value

LOST: Final = ""
"""Kept in place of a fingerprint of a notice that was told as no longer met."""
RECENT_DAYS: Final = 90
"""How long after a grant a case is screened again."""


@dataclass(frozen=True, slots=True)
class Moment:
    """Where a screening stands: the time, what the register had read, and what had arrived by then."""

    now: int
    head: int
    seq: int


class Screening:
    """Screening over one home's register, names and records."""

    def __init__(self, register: Register, names: NameIndex, lists: Lists, records: Records, profile: Profile) -> None:
        self._register = register
        self._names = names
        self._lists = lists
        self._records = records
        self._profile = profile

    def screen(self, case: Case, moment: Moment, *, as_of: int | None = None, lists: bool = False) -> Run:
        """Screen a case and keep what was found. Raises LocalError if the store fails.

        ``as_of`` is the log index whose state is asked for. With ``lists``, the reference lists are searched too,
        except for an exercise, which meets nothing real. Raises Refused ``exercise-mismatch`` for a case that is on
        file as the other.
        """
        held = self._records.case(case.id)
        if held is not None and held.case.exercise is not case.exercise:
            raise Refused(
                f"case {case.id} is on file as {'an exercise' if held.case.exercise else 'a real case'}",
                reason="exercise-mismatch",
                hint="give the other one a reference of its own",
            )
        kept = self._records.put_case(case, moment.now)
        at = moment.head if as_of is None else as_of
        shown = self._records.shown(case.id)
        hits = self._hits(case, at, shown if as_of is None else {})
        values = [self._value(case, hit) | {"new": as_of is None and _new(hit, shown)} for hit in hits]
        standing = [value for value in values if value["state"] == IN_FORCE]
        ended = [value for value in values if value["state"] != IN_FORCE]
        lost = [] if as_of is not None else list(self._lost(shown, {hit.version.reference for hit in hits}))
        listed_ = self._listed(case, shown, now=as_of is None) if lists and not case.exercise else None
        number = self._records.next_number(case.id)
        result: dict[str, Any] = {
            "case": case.id,
            "run": number,
            "screened_at": format_time(moment.now),
            "head": moment.head,
            "as_of": as_of,
            "weights": weights.version(),
            "exercise": case.exercise,
            "status": case.status.value,
            "hits": standing,
            "ended": ended,
            "lost": lost,
            "lists": listed_,
        }
        run = Run(0, number, moment.head, moment.seq, as_of, weights.version(), moment.now, result)
        told = [(one["reference"], one["index"], one["fingerprint"]) for one in (*standing, *ended)]
        told += [(one["reference"], one["index"], LOST) for one in lost]
        told += [(one["reference"], moment.head, one["fingerprint"]) for one in listed_ or ()]
        self._records.add_run(kept.key, run, told)
        return run

    def rescreen(self, moment: Moment, today: date, *, days: int = RECENT_DAYS) -> Iterator[Run | None]:
        """Screen every pending case and those granted in the last ``days`` again; None for one where nothing arrived.

        The reference lists are searched for those for which they were searched before. A run's new hits, ended ones
        among those shown before, and those that no longer meet are marked or listed in it.
        """
        for kept in self._records.open_cases(today - timedelta(days=days)):
            last = self._records.last_now(kept)
            lists = last is not None and last.result["lists"] is not None
            changed_ = last is None or (last.seq, last.weights) != (moment.seq, weights.version())
            if last is not None and lists:
                changed_ |= any(one.loaded_at >= last.screened_at for one in self._lists.loaded())
            yield self.screen(kept.case, moment, lists=lists) if changed_ else None

    def decide(
        self,
        case_id: str,
        reference: str,
        decision: Decision,
        reason: str,
        officer: str,
        signer: Signer,
        exchange: str,
        now: int,
    ) -> Disposition:
        """Keep a decision about a hit that was shown, signed by the authority.

        Raises Refused ``unknown-case``, ``not-a-hit``, ``changed-since`` where it is no longer what was shown;
        Malformed for a reason or a name that is empty, long or not fit to print.
        """
        kept = self.case(case_id)
        shown = self._records.shown(case_id).get(reference)
        current = self._current(reference)
        if shown is None or current is None or shown[1] == LOST:
            told = f"no screening of case {case_id} has shown {reference[:80]}"
            raise Refused(
                told if shown is None else f"{reference[:80]} no longer meets case {case_id}",
                reason="not-a-hit",
                hint=f"envoi screen show {case_id} lists what was shown",
            )
        seen, print_ = current
        if print_ != shown[1]:
            raise Refused(
                f"{reference} has changed since case {case_id} was screened",
                reason="changed-since",
                hint="screen the case again and look at what is new",
            )
        before = newest(self._records.dispositions(case_id, reference))
        disposition = Disposition(
            exchange=exchange,
            member=signer.public.name,
            officer=officer,
            case=case_id,
            reference=reference,
            seen=seen,
            hit_fingerprint=print_,
            case_fingerprint=kept.case.fingerprint,
            decision=decision,
            reason=reason,
            replaces=before.id if before else "",
            decided_at=now,
        )
        disposition.check()
        # What is signed is what every reader will take: it is read back before it is kept.
        disposition = Disposition.parse(disposition.text())
        self._records.add_disposition(Signed(disposition, sign_note(disposition.text(), signer).serialise()))
        return disposition

    def case(self, id_: str) -> KeptCase:
        """The case on file. Raises Refused ``unknown-case``."""
        kept = self._records.case(id_)
        if kept is None:
            raise Refused(
                f"no case {id_[:80]} is on file", reason="unknown-case", hint="screen it first: envoi screen CASE.json"
            )
        return kept

    def _hits(self, case: Case, as_of: int, shown: Mapping[str, tuple[int, str]]) -> list[Hit]:
        before = [self._register.get(reference) for reference, (_, print_) in shown.items() if print_ != LOST]
        return find_hits(
            case,
            self._found(case),
            self._register.bearing(identifiers.values(case.parties)),
            {version.index for version in before if version is not None},
            self._register.at,
            lambda index: self._register.state_at(index, as_of),
            self._profile,
        )

    def _found(self, case: Case) -> list[Found]:
        return self._names.search(queries(case), sources=(EXERCISE if case.exercise else REAL,))

    def _value(self, case: Case, hit: Hit) -> dict[str, Any]:
        value = hit_value(hit)
        decided = newest(self._records.dispositions(case.id, hit.version.reference))
        differs: list[str] = []
        if decided and decided.hit_fingerprint != value["fingerprint"]:
            old = self._register.at(decided.seen.index) if isinstance(decided.seen, NoticeSeen) else None
            differs = self._differences(old, hit.version, hit.state)
        value["disposition"] = _carried(decided, case, differs)
        return value

    def _listed(self, case: Case, shown: Mapping[str, tuple[int, str]], *, now: bool) -> list[dict[str, Any]]:
        hits = list_hits(case, self._names, self._lists)
        for hit in hits:
            before = shown.get(hit["reference"])
            hit["new"] = now and (before is None or before[1] != hit["fingerprint"])
            decided = newest(self._records.dispositions(case.id, hit["reference"]))
            differs = ["the entry"] if decided and decided.hit_fingerprint != hit["fingerprint"] else []
            hit["disposition"] = _carried(decided, case, differs)
        return hits

    def _current(self, reference: str) -> tuple[Seen, str] | None:
        """What a decision about a notice or an entry would be about now, and its fingerprint; None if there is none."""
        named = listed(reference)
        if named is not None:
            entry = self._lists.find(*named)
            return (ListSeen(entry.sha256), entry.fingerprint) if entry else None
        version = self._register.get(reference)
        if version is None:
            return None
        return NoticeSeen(version.index, version.id), notice_fingerprint(version, version.state)

    def _differences(self, old: Version | None, new: Version, state: str = "") -> list[str]:
        if old is None:
            return ["the notice"]
        was = self._register.state_at(old.index, old.index)
        return list(changed(facets(old, was or old.state), facets(new, state or new.state))) or ["the notice"]

    def _lost(self, shown: Mapping[str, tuple[int, str]], found: set[str]) -> Iterator[dict[str, Any]]:
        """Notices that met the case when they were shown and no longer do, each told once, with what has changed."""
        for reference, (index, print_) in shown.items():
            if reference in found or print_ == LOST or listed(reference):
                continue
            version, old = self._register.get(reference), self._register.at(index)
            if version is None:
                # The log was read again from below it, and it is refused now: envoi denials list --refused says why.
                yield {"reference": reference, "index": index, "from": "", "state": GONE, "changed": ["the notice"]}
                continue
            current = notice_fingerprint(version, version.state)
            yield {
                "reference": reference,
                "index": version.index,
                "from": version.author,
                "state": version.state,
                # Nothing where the notice is as it was: then the case is another, or names are compared otherwise.
                "changed": [] if current == print_ else self._differences(old, version),
            }


def _carried(decided: Disposition | None, case: Case, differs: list[str]) -> dict[str, Any] | None:
    """The old decision, if there is one, and whether it is carried over or what has changed since."""
    if decided is None:
        return None
    changed_ = [*differs, "the case"] if decided.case_fingerprint != case.fingerprint else differs
    return disposition_value(decided) | {"carried_over": not changed_, "changed": changed_}


def _new(hit: Hit, shown: Mapping[str, tuple[int, str]]) -> bool:
    """Whether a hit was not shown before as it is now. What has ended is news where it was shown while it stood."""
    before = shown.get(hit.version.reference)
    return before[1] != notice_fingerprint(hit.version, hit.state) if before else hit.state == IN_FORCE
