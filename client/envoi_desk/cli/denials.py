"""``envoi denials``: what is in force, what was, and how an authority keeps its own notices up to date."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Final

from cyclopts import Parameter

from envoi_client.body import Body
from envoi_client.cli.common import DEFAULT, Common, Flag, Several, table
from envoi_client.cli.publishing import send
from envoi_client.documents import parse, parse_draft, render
from envoi_client.documents.dates import add_months
from envoi_client.documents.text import printable
from envoi_client.files import read_bounded, write_whole
from envoi_client.limits import MAX_DRAFT_BYTES
from envoi_keys.errors import LocalError, Refused

from ..desk import Desk
from ..register import IN_FORCE, Query, Version
from ..register.rules import Held, check_change
from ..statistics import DUE_DAYS
from .common import VERSION_COLUMNS, find, open_desk, version_json, version_row

_Reference = Annotated[str, Parameter(name="REFERENCE")]
_To = Annotated[tuple[str, ...], Several]
_TEXTS: Final = (
    *("national_reference", "list_edition", "item_description", "quantity", "unit", "value", "currency", "hs_code"),
    *("destination_country", "stated_end_use", "releasability", "review_by", "remarks"),
)
"""Fields of one text, which ``--set`` changes."""


def list_(
    *,
    author: str | None = None,
    destination: str | None = None,
    entry: str | None = None,
    text: str | None = None,
    year: int | None = None,
    state: str = IN_FORCE,
    as_of: str | None = None,
    exercise: Annotated[bool, Flag] = False,
    refused: Annotated[bool, Flag] = False,
    common: Common = DEFAULT,
) -> None:
    """List denials: those in force, in the order in which they were logged.

    Parameters
    ----------
    author
        Only notices of this Partner.
    destination
        Only denials of exports to this country (ISO 3166).
    entry
        Only this entry of the Annex, or what is below it.
    text
        Only notices in which all these words stand.
    year
        Only denials of this year.
    state
        in_force, revoked, superseded or all.
    as_of
        As it stood at this log index, or at the end of this day.
    exercise
        The notices of exercises, which are never among real ones.
    refused
        What was sent and changed nothing, and why.
    """
    with open_desk(common) as desk:
        if refused:
            _list_refused(common, desk)
            return
        query = Query(author, None if state == "all" else state, destination, entry, text, exercise, year=year)
        at = desk.as_of(as_of)
        if common.json:
            common.answer([version_json(one) for one in desk.register.listing(query, as_of=at)], ())
            return
        rows = [version_row(one) for one in desk.register.listing(query, as_of=at)]
        common.answer(None, table(VERSION_COLUMNS, rows))
        if not rows and not exercise:
            common.talk("no real denial is listed; exercises are apart: envoi denials list --exercise")


def _list_refused(common: Common, desk: Desk) -> None:
    found = desk.register.refused()
    rows = [
        (str(one.index), one.author, printable(one.reference), one.reason, _first_line(one.message)) for one in found
    ]
    value = [
        {
            "index": one.index,
            "id": one.id,
            "from": one.author,
            "type": one.type,
            "reference": one.reference,
            "reason": one.reason,
            "message": one.message,
        }
        for one in found
    ]
    common.answer(value, table(("index", "from", "reference", "reason", "why"), rows))


def _first_line(message: str) -> str:
    return printable(message.splitlines()[0])[:100]


def show(
    reference: _Reference,
    /,
    *,
    as_of: str | None = None,
    history: Annotated[bool, Flag] = False,
    out: Path | None = None,
    common: Common = DEFAULT,
) -> None:
    """Show one denial, as it stands or as it stood, or every version of it.

    Parameters
    ----------
    reference
        The notice's regime reference.
    as_of
        As it stood at this log index, or at the end of this day.
    history
        Every version, oldest first.
    out
        Write the notice as JSON into this file, to be changed and sent as an amendment.
    """
    with open_desk(common) as desk:
        version = find(desk, reference, desk.as_of(as_of))
        if out is not None:
            write_whole(out, json.dumps(version.content, ensure_ascii=False, indent=2).encode() + b"\n")
        if history:
            versions = desk.register.history(reference)
            common.answer([version_json(one) for one in versions], table(VERSION_COLUMNS, map_rows(versions)))
            return
        common.answer(version_json(version), [_provenance(version), "", render(version.notice, desk.profile).rstrip()])


def map_rows(versions: list[Version]) -> list[tuple[str, ...]]:
    """The rows of versions of one notice: what each one said of its status stands where the reference would."""
    return [(f"{one.status} at index {one.index}", *version_row(one)[1:]) for one in versions]


def _provenance(version: Version) -> str:
    state = version.state.replace("_", " ")
    return f"{state}; sent by {version.author} in dispatch {version.id[:16]}, log index {version.index}"


def amend(
    reference: _Reference,
    /,
    *,
    file: Path | None = None,
    set_: Annotated[tuple[str, ...], Parameter(name="--set", negative="")] = (),
    to: _To = (),
    dry_run: Annotated[bool, Flag] = False,
    common: Common = DEFAULT,
) -> int:
    """Amend a denial of ours and tell every other Partner.

    Parameters
    ----------
    reference
        The notice's regime reference.
    file
        The whole notice as it is to be, as JSON; envoi denials show --out writes it.
    set_
        A field and its new text, as NAME=VALUE.
    to
        The recipients, if not every other active Partner.
    dry_run
        Say what would be sent, and send nothing.
    """
    if (file is None) == (not set_):
        raise LocalError("say what to amend with --file or with --set", hint="for example: --set remarks='See LEEM'")
    with open_desk(common) as desk:
        held = _own(desk, reference)
        content = _from_file(desk, file, reference) if file else _changed(held.content, set_)
        return _publish(common, desk, held, {**content, "status": "amended"}, to, dry_run)


def renew(
    reference: _Reference,
    /,
    *,
    review_by: str | None = None,
    to: _To = (),
    dry_run: Annotated[bool, Flag] = False,
    common: Common = DEFAULT,
) -> int:
    """Renew a denial of ours after its review and tell every other Partner.

    Parameters
    ----------
    reference
        The notice's regime reference.
    review_by
        The day of the next review; by default the latest that the regime allows.
    to
        The recipients, if not every other active Partner.
    dry_run
        Say what would be sent, and send nothing.
    """
    with open_desk(common) as desk:
        held = _own(desk, reference)
        latest = add_months(desk.today, desk.profile.clocks.review_months)
        change = {
            "status": "renewed",
            "date_of_notification": desk.today.isoformat(),
            "review_by": review_by or latest.isoformat(),
        }
        return _publish(common, desk, held, {**held.content, **change}, to, dry_run)


def revoke(
    reference: _Reference,
    /,
    *,
    reason: str,
    to: _To = (),
    dry_run: Annotated[bool, Flag] = False,
    common: Common = DEFAULT,
) -> int:
    """Revoke a denial of ours and tell every other Partner; it stays on file.

    Parameters
    ----------
    reference
        The notice's regime reference.
    reason
        Why it is revoked.
    to
        The recipients, if not every other active Partner.
    dry_run
        Say what would be sent, and send nothing.
    """
    with open_desk(common) as desk:
        held = _own(desk, reference)
        change = {"status": "revoked", "revocation_reason": reason}
        return _publish(common, desk, held, {**held.content, **change}, to, dry_run)


def due(*, days: int = DUE_DAYS, common: Common = DEFAULT) -> None:
    """List denials of ours whose review is due, the most urgent first, each with the command that renews it.

    Parameters
    ----------
    days
        How many days ahead to look.
    """
    if not 0 <= days <= 3660:
        raise LocalError(f"{days} is not between 0 and 3660 days", hint="for example: --days 90")
    with open_desk(common) as desk:
        found = desk.register.due(desk.me, (desk.today + timedelta(days=days)).isoformat())
        rows, value = [], []
        for one in found:
            assert one.review_by is not None  # what has none is never due
            left = (one.review_by - desk.today).days
            command = f"envoi denials renew {one.reference}"
            what = "exercise" if one.exercise else "denial"
            rows.append((one.review_by.isoformat(), "overdue" if left < 0 else f"{left} days", what, command))
            value.append({**version_json(one), "days_left": left, "renew": command})
        common.answer(value, table(("review by", "left", "what", "to renew it"), rows))


def _own(desk: Desk, reference: str) -> Version:
    held = find(desk, reference)
    if held.author != desk.me:
        raise Refused(
            f"{reference} is a notice of {held.author}",
            reason="not-the-author",
            hint=f"only {held.author} can change it",
        )
    return held


def _from_file(desk: Desk, file: Path, reference: str) -> dict[str, Any]:
    notice = parse_draft("denial/v1", read_bounded(file, MAX_DRAFT_BYTES), desk.profile)
    content = notice.to_content()
    if content["regime_reference"] != reference:
        raise LocalError(
            f"{file} holds {content['regime_reference']}, not {reference}", hint="an amendment keeps the reference"
        )
    return content


def _changed(content: Mapping[str, Any], changes: tuple[str, ...]) -> dict[str, Any]:
    changed = dict(content)
    for change in changes:
        name, equals, value = change.partition("=")
        if not equals or name not in _TEXTS:
            raise LocalError(
                f"{printable(change)[:60]} does not set a field", hint=f"write NAME=VALUE; fields: {', '.join(_TEXTS)}"
            )
        changed[name] = value
        if not value:
            # Without a value the field is left out, as the form wants it.
            del changed[name]
    return changed


def _publish(
    common: Common, desk: Desk, held: Version, content: Mapping[str, Any], to: tuple[str, ...], dry_run: bool
) -> int:
    """Check the changed notice as every recipient will, and send it."""
    if content["status"] != "revoked":
        # What a revoked notice says of that is no part of what would follow it.
        content = {name: value for name, value in content.items() if name != "revocation_reason"}
    notice = parse(held.type, dict(content), desk.profile)
    check_change(Held(held.notice, held.state), notice)  # type: ignore[arg-type]
    body = Body(held.type, notice.to_content(), ())
    return send(common, desk.node, body, to, (), held.exercise, dry_run)
