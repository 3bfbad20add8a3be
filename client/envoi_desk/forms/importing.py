"""An import, up to the point where it is signed: what the files hold, what is wrong with it, and what is new in it.

Everything is read and judged before anything is done, so that the answer is all that is wrong, and so that one bad row
keeps the whole import back. A notice that the register holds word for word, or that waits to be sent, is unchanged;
every other one must be allowed to follow what is held (:mod:`envoi_desk.register.rules`). Pure: the register is a
function here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

from envoi_client.documents import AggregateDenial, DenialNotice, InvalidDocument, Problem, parse
from envoi_client.node.session import Progress, silent
from envoi_keys.errors import Malformed, Refused
from envoi_keys.regimes import Profile

from .. import limits
from ..register.rules import Held, Notice, check_change, check_superseded
from .csv_files import read_csv
from .json_files import read_json
from .odd import oddities
from .rows import Item, items_of
from .xlsx_files import read_xlsx

_ZIP: Final = b"PK\x03\x04"
_OLE: Final = b"\xd0\xcf\x11\xe0"
_STEP: Final = 200
"""Notices between two signs of progress."""


@dataclass(slots=True)
class Import:
    """What an import would do: the notices that are new, the references of those that are ``unchanged``, and all
    ``problems``. ``odd`` are remarks on names that look like something else; they keep nothing back."""

    new: list[Notice] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    odd: list[Problem] = field(default_factory=list)


def read_items(
    raw: bytes, name: str, profile: Profile, defaults: Mapping[str, Any], problems: list[Problem]
) -> list[Item]:
    """The notices in the bytes of a file, whose form is told by what it holds. Raises Malformed.

    Rows that cannot belong to a notice become ``problems``.
    """
    if len(raw) > limits.MAX_IMPORT_BYTES:
        raise Malformed(f"has more than {limits.MAX_IMPORT_BYTES} bytes", field=name, hint="split it")
    if raw.startswith(_OLE):
        raise Malformed("is an XLS file or has a password", field=name, hint="save it as XLSX without a password")
    if raw.startswith(_ZIP):
        return items_of(read_xlsx(raw, name), profile, defaults, problems)
    if raw.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"["):
        return read_json(raw, name)
    return items_of(read_csv(raw, name), profile, defaults, problems)


def check(
    items: Collection[Item],
    profile: Profile,
    partners: Collection[str],
    me: str,
    held: Callable[[str], Held | None],
    waiting: Mapping[str, Any],
    *,
    progress: Progress = silent,
) -> Import:
    """Judge the notices of an import into the register of ``me``.

    ``held`` answers what the register holds under a reference; ``waiting`` are the contents of own notices that were
    signed and not yet logged, by reference.
    """
    found = Import()
    seen: dict[str, Item] = {}
    if len(items) > limits.MAX_IMPORT_NOTICES:
        message = f"these are {len(items)} notices; at most {limits.MAX_IMPORT_NOTICES} are taken at once"
        found.problems.append(Problem("the import", message, "split it"))
        return found
    for done, item in enumerate(items, 1):
        if done % _STEP == 0 or done == len(items):
            progress("checking notices", done, len(items), "notices")
        if len(found.problems) >= limits.MAX_IMPORT_PROBLEMS:
            found.problems.append(Problem("the import", f"{len(items) - done + 1} notices were not looked at"))
            break
        try:
            notice = cast("Notice", parse(item.type, item.content, profile, partners))
        except InvalidDocument as error:
            found.problems += [Problem(item.place(one.path), one.message, one.hint) for one in error.problems]
            continue
        reference = notice.regime_reference
        if notice.notifying_government != me:
            message = f"{notice.notifying_government} notifies it, and this home is that of {me}"
            where = item.place("notifying_government")
            found.problems.append(Problem(where, message, "a Partner notifies its own denials"))
        elif reference in seen:
            other = seen[reference].place("regime_reference")
            message = f"{reference} stands twice, also in {other}"
            found.problems.append(Problem(item.place("regime_reference"), message, "leave one of them out"))
        else:
            _check_change(notice, item, held, waiting, found)
            _look(notice, item, found)
        seen.setdefault(reference, item)
    return found


def _check_change(
    notice: Notice, item: Item, held: Callable[[str], Held | None], waiting: Mapping[str, Any], found: Import
) -> None:
    reference = notice.regime_reference
    if reference in waiting:
        if waiting[reference] == notice.to_content():
            found.unchanged.append(reference)
        else:
            message = f"{reference} waits in the outbox with another content"
            found.problems.append(Problem(item.place("regime_reference"), message, "send it first: envoi sync"))
        return
    now = held(reference)
    if now is not None and now.notice == notice:
        found.unchanged.append(reference)
        return
    supersedes = notice.supersedes if isinstance(notice, DenialNotice) else None
    try:
        check_change(now, notice)
        if supersedes:
            check_superseded(held(supersedes), notice)
    except Refused as error:
        field_ = "exercise" if error.reason == "exercise-mismatch" else "status"
        found.problems.append(Problem(item.place(field_), error.message, error.hint))
        return
    found.new.append(notice)


def _look(notice: Notice, item: Item, found: Import) -> None:
    if isinstance(notice, AggregateDenial):
        return
    for number, party in enumerate(notice.parties):
        for name in party.names:
            found.odd += [Problem(item.place(f"parties[{number}].name"), odd) for odd in oddities(name)]


class ImportRefused(InvalidDocument):
    """An import that is not done. Its message has a line for each problem, up to a limit; ``problems`` has them all."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        count = "there is 1 problem" if len(problems) == 1 else f"there are {len(problems)} problems"
        lines = [f"nothing was imported, as {count}:", *(f"  {one}" for one in problems[: limits.MAX_SHOWN_PROBLEMS])]
        more = len(problems) - limits.MAX_SHOWN_PROBLEMS
        if more > 0:
            lines.append(f"  and {more} more")
        Malformed.__init__(self, "\n".join(lines))
        self.problems = problems
