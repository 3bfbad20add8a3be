"""``envoi publish denial`` and ``envoi publish note``: check a document, seal it, sign it, send it."""

from __future__ import annotations

import mimetypes
import sys
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from envoi_client.body import MEDIA_TYPE, Body
from envoi_client.documents import DenialNotice, Document, InvalidDocument, parse_draft
from envoi_client.files import read_bounded
from envoi_client.limits import MAX_DRAFT_BYTES
from envoi_client.node import FileToAttach, Node
from envoi_client.node.publish import default_recipients, draft_of
from envoi_keys.addressees import Member
from envoi_keys.errors import LocalError, Malformed, NetworkError, Refused
from envoi_keys.fingerprints import key_rows

from . import CHEATING, DONE
from .common import DEFAULT, Common, Flag, Several, table

_To = Annotated[tuple[str, ...], Several]
_Attach = Annotated[tuple[Path, ...], Several]
_File = Annotated[Path, Parameter(name="FILE")]


def denial(
    file: _File,
    /,
    *,
    to: _To = (),
    attach: _Attach = (),
    dry_run: Annotated[bool, Flag] = False,
    common: Common = DEFAULT,
) -> int:
    """Publish a denial notice, to every other active Partner unless --to names some.

    Parameters
    ----------
    file
        The notice as JSON, or - for standard input.
    to
        The recipients.
    attach
        Files to attach.
    dry_run
        Say what would be sent, and send nothing.
    """
    raw = _read(file)
    with common.open_node() as node:
        _read_log_once(common, node)
        partners = [one.id for one in node.session.roster.members if one.role == "partner"]
        try:
            notice = parse_draft("denial/v1", raw, node.session.profile, partners)
        except InvalidDocument:
            raise
        except Malformed as error:
            raise Malformed(error.message, field=str(file), hint="docs/DOCUMENTS.md shows a whole notice") from None
        content = notice.to_content()
        if content["notifying_government"] != node.me:
            raise LocalError(
                f"notifying_government is {content['notifying_government']}, and this home is that of {node.me}",
                hint="a Partner notifies its own denials",
            )
        _check_dates(node, notice)
        _check_reference(node, content)
        for name in to:
            found = node.session.roster.addressee(name)
            role = found.role if isinstance(found, Member) else "office"
            if found is not None and role not in node.session.profile.denials.sent_to:
                common.talk(f"note: {name} is an {role}; denials go to Partners unless somebody is named")
        return send(common, node, Body("denial/v1", content, ()), to, attach, bool(content["exercise"]), dry_run)


def _check_dates(node: Node, notice: Document) -> None:
    """Nobody has denied or notified anything tomorrow. Raises LocalError; a day is allowed for time zones."""
    assert isinstance(notice, DenialNotice)
    latest = datetime.fromtimestamp(node.session.clock(), UTC).date() + timedelta(days=1)
    for name in ("date_of_denial", "date_of_notification"):
        day: date = getattr(notice, name)
        if day > latest:
            raise LocalError(f"{name}: {day} is in the future", hint="correct the date, or this machine's clock")


def _check_reference(node: Node, content: Mapping[str, Any]) -> None:
    """A regime reference is that of one notice; what changes it says so in its status. Raises Refused."""
    reference = content["regime_reference"]
    if content["status"] != "valid":
        return
    for state in ("signed", "accepted"):
        for entry in node.session.store.outbox.listing(state):
            if draft_of(entry).get("content", {}).get("regime_reference") == reference:
                raise Refused(
                    f"regime_reference: {reference} was sent before, as dispatch {(entry.id or '')[:16]}",
                    reason="reference-taken",
                    hint="take a new reference; or write the status amended, renewed or revoked",
                )


def _read_log_once(common: Common, node: Node) -> None:
    """A home that was just made has read no roster yet, and what to check is in it."""
    if not node.session.store.rosters.all():
        report = node.catch_up()
        for alarm in report.alarms if report else ():
            common.warn(f"alarm: {alarm}")


def note(
    file: _File,
    /,
    *,
    to: _To,
    subject: str = "",
    attach: _Attach = (),
    exercise: Annotated[bool, Flag] = False,
    dry_run: Annotated[bool, Flag] = False,
    common: Common = DEFAULT,
) -> int:
    """Send a note: a subject and a text.

    Parameters
    ----------
    file
        The text, or - for standard input.
    to
        The recipients.
    subject
        The subject; by default the file's name.
    attach
        Files to attach.
    exercise
        Mark it as part of a drill.
    dry_run
        Say what would be sent, and send nothing.
    """
    from envoi_client.documents import parse_note

    try:
        # The line ends of a text file, and what an editor leaves behind its last line, are not part of the text.
        text = _read(file).decode("utf-8").replace("\r\n", "\n").strip()
    except UnicodeDecodeError:
        raise LocalError(f"{file} is not UTF-8 text", hint="attach it instead, with --attach") from None
    with common.open_node() as node:
        content = parse_note({"subject": subject or file.stem, "text": text}, node.session.profile).to_content()
        return send(common, node, Body("note/v1", content, ()), to, attach, exercise, dry_run)


def _read(file: Path) -> bytes:
    if file != Path("-"):
        return read_bounded(file, MAX_DRAFT_BYTES)
    raw = sys.stdin.buffer.read(MAX_DRAFT_BYTES + 1)
    if len(raw) > MAX_DRAFT_BYTES:
        raise LocalError(f"standard input has more than {MAX_DRAFT_BYTES} bytes", hint="is it the right file?")
    return raw


def _file(path: Path) -> FileToAttach:
    if not path.is_file():
        raise LocalError(f"{path} is no file that could be attached", hint="check the path")
    # The type is a courtesy to the reader; what is not known well is bytes.
    type_ = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return FileToAttach(path, path.name, type_ if MEDIA_TYPE.fullmatch(type_) else "application/octet-stream")


def send(
    common: Common,
    node: Node,
    body: Body,
    to: tuple[str, ...],
    attach: tuple[Path, ...],
    exercise: bool,
    dry_run: bool,
) -> int:
    """Send one document, or with ``dry_run`` say what would be sent; the answer of a command that publishes.

    Without ``to``, to everybody who gets a document of its type. The exit code says whether an alarm was met.
    """
    files = [_file(path) for path in attach]
    code = DONE
    if not dry_run:
        report = node.catch_up()
        for alarm in report.alarms if report else ():
            common.warn(f"alarm: {alarm}")
            code = CHEATING
    # Everybody is everybody of the roster that was just read.
    to = to or default_recipients(node.session, body.type)
    if dry_run:
        plan = node.plan(body, to, files=files, exercise=exercise)
        keys = {name: _sealing(node, name) for name in plan.recipients}
        sizes = {file.name: file.path.stat().st_size for file in files}
        value: dict[str, Any] = {
            "dry_run": True,
            "type": body.type,
            "recipients": plan.recipients,
            "sealed_to": keys,
            "roster": plan.roster,
            "body_bytes": plan.body_bytes,
            "attachments": list(plan.attachments),
            "exercise": plan.exercise,
        }
        lines = [
            f"would send  {body.type}{', an exercise' if exercise else ''}, {plan.body_bytes} bytes sealed",
            f"under       roster {plan.roster}",
            *(f"attached    {name} ({size} bytes)" for name, size in sizes.items()),
            "",
        ]
        rows = [(name, str(number), ", ".join(keys[name])) for name, number in plan.recipients.items()]
        lines += table(("to", "no.", "sealed to the key"), rows)
        common.answer(value, lines)
        return code
    before = {entry.key for entry in node.session.store.outbox.listing("signed")}
    try:
        done = node.publish(body, to, files=files, exercise=exercise)
    except NetworkError:
        # Only what is in the outbox: before it is signed, the log has to be read, and that may have failed.
        if any(entry.key not in before for entry in node.session.store.outbox.listing("signed")):
            common.talk("signed and stored: the next envoi sync sends it")
        raise
    common.answer(
        {"id": done.id, "index": done.index, "numbers": done.numbers},
        [f"logged  {done.id} at index {done.index}", f"to      {', '.join(done.numbers)}"],
    )
    return code


def _sealing(node: Node, name: str) -> list[str]:
    found = node.session.roster.addressee(name)
    return [print_ for kind, print_ in key_rows(found.keys) if kind.startswith("sealing")] if found else []
