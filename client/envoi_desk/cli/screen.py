"""``envoi screen``: a case against the denials on file, and what an officer decides about each hit.

Everything happens on this machine; a screening sends nothing.
"""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Annotated, Any, Final

from cyclopts import Parameter

from envoi_client.cli.common import DEFAULT, Common, Flag
from envoi_client.documents.text import printable, safe
from envoi_client.files import read_bounded, write_whole
from envoi_keys.errors import LocalError, Refused

from .. import limits
from ..desk import Desk
from ..lists import Lists
from ..screening.cases import read_cases
from ..screening.dispositions import Decision, Disposition, from_file, to_file, verified
from ..screening.process import RECENT_DAYS, Moment, Screening
from ..screening.records import Records, Run
from ..screening.show import amount, decision_lines, run_lines, view
from ..screening.values import disposition_value
from .common import open_desk

_MOST: Final = 100_000
"""The largest number that an option takes: hits, or days."""
_FINDS: Final = {
    Decision.FULL_MATCH: "a full match of",
    Decision.POSSIBLE_MATCH: "a possible match of",
    Decision.NO_MATCH: "no match of",
}
_Case = Annotated[str, Parameter(name="CASE")]


def screen(
    *cases: Annotated[Path, Parameter(name="CASE")],
    all_: Annotated[bool, Parameter(name="--all", negative="")] = False,
    days: int = RECENT_DAYS,
    as_of: str | None = None,
    revoked: Annotated[bool, Flag] = False,
    lists: Annotated[bool, Flag] = False,
    limit: int = limits.MAX_SHOWN_HITS,
    common: Common = DEFAULT,
) -> None:
    """Screen cases against the denials on file; nothing leaves this machine.

    Parameters
    ----------
    cases
        Files of cases: JSON with one case, or CSV with one row a party.
    all_
        Screen pending and recently granted cases again, and show only what is new.
    days
        How long after its grant a case is still screened by --all.
    as_of
        Against what was in force at this log index, or at the end of this day.
    revoked
        Show notices that were revoked or superseded too.
    lists
        Search the reference lists too; they stand apart from denials.
    limit
        Show so many hits of each case.
    """
    if all_ == bool(cases) or (all_ and (as_of or lists)):
        raise LocalError(
            "name files of cases, or --all for those on file, which are screened as of now",
            hint="for example: envoi screen case.json; or: envoi screen --all",
        )
    _check("--limit", limit, 1)
    _check("--days", days, 0)
    with open_desk(common) as desk:
        if all_:
            _again(common, desk, days, limit)
            return
        # Every file is read before the first case is screened: all or nothing of them.
        raws = [(path.name, read_bounded(path, limits.MAX_CASE_FILE_BYTES)) for path in cases]
        read = [case for name, raw in raws for case in read_cases(raw, desk.profile, name)]
        at = desk.as_of(as_of)
        process, moment = _process(desk), _moment(desk)
        with desk.database.transaction():
            runs = [process.screen(case, moment, as_of=at, lists=lists) for case in read]
        _answer(common, [view(run.result, limit=limit, ended=revoked) for run in runs])


def _check(option: str, number: int, least: int) -> None:
    if not least <= number <= _MOST:
        raise LocalError(f"{option} {number} is not between {least} and {_MOST}")


def _again(common: Common, desk: Desk, days: int, limit: int) -> None:
    shown, count = [], 0
    # What is not told is not kept as shown: it is news once, also if this ends half-way.
    with desk.database.transaction():
        for run in _process(desk).rescreen(_moment(desk), desk.today, days=days):
            count += 1
            desk.session.progress("screening", count, count, "cases")
            if run is not None and _has_news(run):
                shown.append(view(run.result, limit=limit, new=True))
        _answer(common, shown)
    common.talk(f"{amount(count, 'case', 'cases')} screened again, {len(shown)} with something new")


def _has_news(run: Run) -> bool:
    found = (*run.result["hits"], *run.result["ended"], *(run.result["lists"] or ()))
    return bool(run.result["lost"]) or any(hit["new"] for hit in found)


def _answer(common: Common, shown: list[dict[str, Any]]) -> None:
    lines: list[str] = []
    for one in shown:
        lines += [*([""] if lines else []), *run_lines(one)]
    common.answer(shown, lines)


def show(
    case: _Case,
    /,
    *,
    run: int | None = None,
    limit: int = limits.MAX_SHOWN_HITS,
    revoked: Annotated[bool, Flag] = False,
    common: Common = DEFAULT,
) -> None:
    """Show a screening of a case again, as it was, and what was decided since.

    Parameters
    ----------
    case
        The authority's reference of the case.
    run
        The number of the screening; by default the last.
    limit
        Show so many hits.
    revoked
        Show notices that were revoked or superseded too.
    """
    _check("--limit", limit, 1)
    with open_desk(common) as desk:
        records = Records(desk.database, desk.profile)
        _process(desk).case(case)
        found = records.run(case, run)
        if found is None:
            raise Refused(
                f"case {printable(case)} has no run {run}",
                reason="unknown-run",
                hint=f"envoi screen show {case} shows the last",
            )
        since = [one for one in records.dispositions(case) if one.decided_at >= found.screened_at]
        value = view(found.result, limit=limit, ended=revoked) | {"decided_since": [_decided(one) for one in since]}
        lines = [*run_lines(value)]
        if since:
            lines += ["", "decided since", *decision_lines(value["decided_since"])]
        common.answer(value, lines)


def decide(
    case: _Case,
    reference: Annotated[str, Parameter(name="REFERENCE")],
    /,
    *,
    as_: Annotated[Decision, Parameter(name="--as")],
    reason: str,
    officer: str | None = None,
    common: Common = DEFAULT,
) -> None:
    """Decide about a hit; the authority signs, and the decision is kept for good.

    Parameters
    ----------
    case
        The authority's reference of the case.
    reference
        The reference of the notice that it met, or of the entry of a list, as the screening shows it.
    as_
        full-match, possible-match or no-match.
    reason
        Why, in one line.
    officer
        Who decides; by default the name of this login.
    """
    with open_desk(common) as desk:
        session = desk.session
        made = _process(desk).decide(
            case,
            reference,
            as_,
            reason,
            officer or _login(),
            signer=session.keys.signer,
            exchange=session.chain.exchange,
            now=desk.now,
        )
        said = f"kept  {made.id[:16]}: {safe(reference)} is {_FINDS[as_]} case {safe(case)}"
        common.answer(_decided(made), [said])


def export_dispositions(file: Annotated[Path, Parameter(name="FILE")], /, *, common: Common = DEFAULT) -> None:
    """Write every decision to a file of signed notes, for another officer or a court.

    Parameters
    ----------
    file
        Where to write it.
    """
    with open_desk(common) as desk:
        notes = list(Records(desk.database, desk.profile).notes())
        write_whole(file, to_file(notes))
        common.answer(
            {"file": str(file), "dispositions": len(notes)},
            [f"{amount(len(notes), 'decision', 'decisions')} written to {file}"],
        )


def import_dispositions(file: Annotated[Path, Parameter(name="FILE")], /, *, common: Common = DEFAULT) -> None:
    """Take the decisions of another officer of this authority; all of a file or nothing.

    Parameters
    ----------
    file
        What the other officer exported.
    """
    with open_desk(common) as desk:
        session = desk.session
        own = session.roster.addressee(session.me)
        if own is None:
            raise Refused(f"the roster has no member {session.me}", reason="unknown-sender", hint="run: envoi sync")
        raw = read_bounded(file, limits.MAX_DISPOSITION_FILE_BYTES)
        found = [verified(note, session.chain.exchange, own.keys.signing) for note in from_file(raw)]
        records = Records(desk.database, desk.profile)
        with desk.database.transaction():
            taken = sum(records.add_disposition(one) for one in found)
        known = len(found) - taken
        common.answer(
            {"taken": taken, "known": known}, [f"{amount(taken, 'decision', 'decisions')} taken, {known} known already"]
        )


def _decided(disposition: Disposition) -> dict[str, Any]:
    return {"case": disposition.case, "reference": disposition.reference} | disposition_value(disposition)


def _process(desk: Desk) -> Screening:
    records = Records(desk.database, desk.profile)
    return Screening(desk.register, desk.names, Lists(desk.database, desk.names), records, desk.profile)


def _moment(desk: Desk) -> Moment:
    return Moment(desk.now, desk.head, desk.session.store.arrivals.since(0).seq)


def _login() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        raise LocalError("this login has no name", hint="say who decides: --officer NAME") from None
