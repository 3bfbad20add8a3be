"""``envoi denials import`` and ``envoi denials new``: notices from other systems, and by asking a person."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO, Final, Literal

from cyclopts import Parameter

from envoi_client.cli.common import DEFAULT, Common, Flag, Several, moment, table
from envoi_client.files import read_bounded, whole_file
from envoi_keys import regimes
from envoi_keys.errors import EnvoiError, LocalError

from .. import limits
from .common import open_desk

if TYPE_CHECKING:
    from envoi_client.documents import Problem

    from ..desk import Desk
    from ..forms.importing import Import

_Files = Annotated[tuple[Path, ...], Parameter(name="FILE", consume_multiple=True)]
_Repeated = Annotated[tuple[str, ...], Several]
Language = Literal["en", "fr"]
_SHOWN: Final = 20
"""Names of notices that an answer on a terminal lists."""


def import_(
    files: _Files,
    /,
    *,
    defaults: Path | None = None,
    default: _Repeated = (),
    to: _Repeated = (),
    dry_run: Annotated[bool, Flag] = False,
    common: Common = DEFAULT,
) -> None:
    """Publish notices of ours from JSON, CSV or XLSX files: all of them, or none if anything is wrong.

    Parameters
    ----------
    files
        The files; envoi denials new --template FILE writes an empty one.
    defaults
        What the table does not say, as TOML or JSON, by the template's columns.
    default
        The same as NAME=VALUE, such as kind=refusal.
    to
        The recipients, if not every other active Partner.
    dry_run
        Say what would be sent, and send nothing.
    """
    from ..forms.defaults import read_assignments, read_defaults

    given: dict[str, Any] = read_assignments(default)
    if defaults is not None:
        given = {**read_defaults(read_bounded(defaults, limits.MAX_DEFAULTS_BYTES), defaults.name), **given}
    with open_desk(common) as desk:
        if not dry_run:
            desk = _caught_up(common, desk)
        found = _read(desk, files, given)
        for one in found.odd[:_SHOWN]:
            common.talk(f"mind: {one}")
        if dry_run:
            _say_plan(common, desk, found, to)
        else:
            _publish(common, desk, found, to)


def _caught_up(common: Common, desk: Desk) -> Desk:
    from ..desk import Desk

    report = desk.node.catch_up()
    for alarm in report.alarms if report else ():
        common.talk(f"alarm: {alarm}")
    # What the log had of ours is read into the register before anything is held against it.
    return Desk.open(desk.node)


def _read(desk: Desk, files: tuple[Path, ...], defaults: Mapping[str, Any]) -> Import:
    """What the files hold, judged. Raises ImportRefused with everything that is wrong with any of them."""
    from ..forms.importing import ImportRefused, check, read_items
    from ..forms.publishing import waiting
    from ..register.rules import Held

    problems: list[Problem] = []
    items = []
    for done, path in enumerate(files):
        desk.session.progress("reading files", done, len(files), "files")
        raw = read_bounded(path, limits.MAX_IMPORT_BYTES)
        items += read_items(raw, str(path), desk.profile, defaults, problems)
    partners = [one.id for one in desk.session.roster.members if one.role == "partner"]

    def held(reference: str) -> Held | None:
        version = desk.register.get(reference)
        return Held(version.notice, version.state) if version else None

    progress = desk.session.progress
    found = check(items, desk.profile, partners, desk.me, held, waiting(desk.session), progress=progress)
    problems += found.problems
    if problems:
        raise ImportRefused(tuple(problems))
    return found


def _summary(found: Import) -> dict[str, Any]:
    return {
        "new": [{"reference": one.regime_reference, "type": one.type, "status": one.status.value} for one in found.new],
        "unchanged": found.unchanged,
        "odd": [{"where": one.path, "message": one.message} for one in found.odd],
    }


def _say_plan(common: Common, desk: Desk, found: Import, to: tuple[str, ...]) -> None:
    from envoi_keys.fingerprints import key_rows

    from ..forms.publishing import outlook

    look = outlook(desk.session, found.new, to)
    keys = {}
    for name in look.recipients:
        member = desk.session.roster.addressee(name)
        keys[name] = [print_ for kind, print_ in key_rows(member.keys) if kind.startswith("sealing")] if member else []
    lines = [f"would send  {count_of(len(found.new))}, {look.size} bytes before sealing"]
    lines += [f"unchanged   {count_of(len(found.unchanged))}"]
    if found.new:
        references = [f"{one.regime_reference}  {one.status.value}" for one in found.new[:_SHOWN]]
        more = [f"and {len(found.new) - _SHOWN} more"] if len(found.new) > _SHOWN else []
        rows = [(name, f"{first} to {last}", ", ".join(keys[name])) for name, (first, last) in look.recipients.items()]
        lines += ["", *references, *more, "", *table(("to", "no.", "sealed to the key"), rows)]
    numbers = {name: {"first": first, "last": last} for name, (first, last) in look.recipients.items()}
    value = {"dry_run": True, **_summary(found), "bytes": look.size, "recipients": numbers, "sealed_to": keys}
    common.answer(value, lines)


def count_of(number: int) -> str:
    """So many notices, in words."""
    return "1 notice" if number == 1 else f"{number} notices"


def _publish(common: Common, desk: Desk, found: Import, to: tuple[str, ...]) -> None:
    from ..forms.publishing import send_all, sign_all

    keys = sign_all(desk.session, found.new, to)
    try:
        sent = send_all(desk.session, keys)
    except EnvoiError:
        common.talk(f"{count_of(len(keys))} signed and stored: the next envoi sync sends what was not sent")
        raise
    rows = [(one.regime_reference, done.id, done.index) for one, done in zip(found.new, sent, strict=True)]
    value = {
        "dry_run": False,
        **_summary(found),
        "sent": [{"reference": reference, "id": id_, "index": index} for reference, id_, index in rows],
    }
    lines = [f"logged  {reference} at index {index}" for reference, _, index in rows[:_SHOWN]]
    lines += [f"and {len(rows) - _SHOWN} more"] if len(rows) > _SHOWN else []
    common.answer(value, [*lines, f"{count_of(len(rows))} sent, {len(found.unchanged)} unchanged"])


def new(
    *,
    template: Path | None = None,
    out: Path | None = None,
    aggregate: Annotated[bool, Flag] = False,
    discard: Annotated[bool, Flag] = False,
    language: Language | None = None,
    common: Common = DEFAULT,
) -> None:
    """Fill in a denial notice, question by question, or write an empty table to fill in.

    Parameters
    ----------
    template
        Write the empty table instead, CSV or XLSX; the latter has a sheet with all permitted terms.
    out
        The file for the notice; by default one that is named after its reference.
    aggregate
        An aggregate denial.
    discard
        Forget the draft and begin anew.
    language
        en or fr; by default that of the environment.
    """
    from ..forms.words import language_of, words

    said = words(language or language_of(os.environ))
    if template is not None:
        from ..forms.columns import AGGREGATE, FULL
        from ..forms.templates import write_template

        xlsx = template.suffix.lower() == ".xlsx"
        if not xlsx and template.suffix.lower() != ".csv":
            raise LocalError(
                f"{template} is neither CSV nor XLSX by its name", hint="for example: --template denials.xlsx"
            )
        profile = regimes.load(common.settings().regime)
        with _new_file(template) as file:
            write_template(file, AGGREGATE if aggregate else FULL, profile, said, xlsx=xlsx)
        common.answer({"file": str(template)}, [str(template), f"to publish it: envoi denials import {template}"])
        return
    if not common.interactive:
        raise LocalError("a form is filled in at a terminal", hint="write a table to fill in: --template denials.xlsx")
    if out is not None and out.exists():
        raise LocalError(f"{out} exists already", hint="choose another name")
    with open_desk(common) as desk:
        content = _ask(common, desk, "aggregate/v1" if aggregate else "denial/v1", said, discard)
        path = out or Path(f"{content['regime_reference'].replace('/', '-')}.json")
        with _new_file(path) as file:
            file.write(json.dumps(content, ensure_ascii=False, indent=2).encode() + b"\n")
        _drafts(desk).discard("aggregate/v1" if aggregate else "denial/v1")
    value = {"file": str(path), "notice": content}
    common.answer(value, [said("say.written", path=path), said("say.next", path=path)])


@contextmanager
def _new_file(path: Path) -> Iterator[BinaryIO]:
    if path.exists():
        raise LocalError(f"{path} exists already", hint="choose another name")
    with whole_file(path) as file:
        yield file


def _drafts(desk: Desk) -> Any:
    from ..forms.drafts import Drafts

    return Drafts(desk.database)


def _ask(common: Common, desk: Desk, type_: str, words: Any, discard: bool) -> dict[str, Any]:
    from ..forms.asking import fill_in
    from ..forms.guide import Guide, next_reference
    from ..register import Query

    drafts = _drafts(desk)
    if discard:
        drafts.discard(type_)
    draft = drafts.load(type_)
    if draft:
        common.talk(words("say.resume", when=moment(draft[1])))
    taken = [one.reference for one in desk.register.listing(Query(author=desk.me))]
    guide = Guide(
        type_,
        desk.me,
        desk.profile,
        [one.id for one in desk.session.roster.members if one.role == "partner"],
        words,
        next_reference(desk.profile, desk.me, desk.today.year, taken),
        desk.today,
        draft[0] if draft else {},
    )
    try:
        document = fill_in(
            guide, common.ask, common.talk, lambda answers: drafts.save(type_, answers, desk.session.clock())
        )
    except (KeyboardInterrupt, LocalError):
        common.talk(f"\n{words('say.saved')}")
        raise
    return document.to_content()
