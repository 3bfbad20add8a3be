"""``envoi init``, ``status``, ``keys show``, ``config show`` and ``doctor``: who am I here, and is all well."""

from __future__ import annotations

import os
import time
from typing import Annotated

from envoi_client import config
from envoi_client import doctor as doctoring
from envoi_client.enrol import any_enrolment, check_pin, enrol_member, own_enrolment, pin, read_enrolment, read_pin
from envoi_client.files import Home
from envoi_client.node import stranger
from envoi_client.words import parse_roster_id, to_words
from envoi_keys import regimes
from envoi_keys.encoding import format_time
from envoi_keys.enrolments import OfficerEnrolment
from envoi_keys.errors import LocalError
from envoi_keys.fingerprints import key_rows, signing_fingerprint

from . import CHEATING, DONE, FAILED
from .common import DEFAULT, LOCK_PATIENCE, Common, Flag, entries, moment, table, word_lines


def init(
    *,
    member: str = "",
    relay: str = "",
    roster_id: str = "",
    name: str = "",
    regime: str = "",
    work_factor: int | None = None,
    post: Annotated[bool, Flag] = False,
    common: Common = DEFAULT,
) -> None:
    """Make this member's keys, or pin the roster that admitted it.

    The first call makes a home with fresh keys and an enrolment for the officers of the Point of Contact.
    When the roster is published and its id has been read to you, a second call with --roster-id pins it;
    the id may be given in hexadecimal or as its 24 words.

    Parameters
    ----------
    member
        The id of the state or office, such as FR or POC.
    relay
        The relay's address.
    roster_id
        The id of the roster that admitted this member: 64 digits, or 24 words.
    name
        The name as it is to stand in the roster; by default the profile's.
    regime
        The regime's profile; by default mtcr.
    work_factor
        log2 of scrypt's N for the vault; the default takes about a second.
    post
        Send the enrolment to the relay as well.
    """
    home = common.find_home()
    pinned = parse_roster_id(roster_id) if roster_id else ""
    flags = {"member": member, "relay": relay, "regime": regime}
    if pinned:
        check_pin(home, pinned)
    if home.vault.exists():
        _require_owner(home, member)
        config.change(home, {"relay": relay, "regime": regime})
    else:
        _make(common, home, common.settings(**flags), name, work_factor)
    if pinned:
        pin(home, pinned)
    enrolment = own_enrolment(home)
    pinned = read_pin(home) if home.roster_id.exists() else ""
    if post:
        with stranger(common.settings(**flags)) as transport:
            transport.post_enrolment(read_enrolment(home))
        common.talk("the relay keeps the enrolment for the officers")
    rows = key_rows(enrolment.keys)
    answer = {
        "member": enrolment.member,
        "home": str(home.root),
        "enrolment": str(home.enrolment),
        "keys": dict(rows),
        "roster_id": pinned or None,
    }
    lines = [f"member     {enrolment.member} ({enrolment.name})", f"enrolment  {home.enrolment}", ""]
    lines += table(("key", "fingerprint to compare by voice"), rows)
    if pinned:
        lines += ["", "pinned roster", *word_lines(to_words(pinned))]
    else:
        lines += ["", "give the enrolment to the officers of the Point of Contact;"]
        lines += ["when they have read you the roster's id: envoi init --roster-id ID"]
    common.answer(answer, lines)


def _make(common: Common, home: Home, settings: config.Settings, name: str, work_factor: int | None) -> None:
    profile = regimes.load(settings.regime)
    member = settings.member
    if not member and common.interactive:
        member = common.ask("Whose home is this to be, such as FR or POC")
    if not member:
        raise LocalError("whose home is this to be?", hint="name the member: envoi init --member FR")
    known = {state.id: state.name for state in profile.states}
    known |= {office.id: office.name for office in profile.offices}
    if member not in known:
        raise LocalError(
            f"{member} is no state or office of the {settings.regime} profile",
            hint=f"it has: {', '.join(sorted(known))}",
        )
    relay = settings.relay
    if not relay and common.interactive:
        relay = common.ask("The relay's address (empty: say it later)")
    enrol_member(
        home,
        member,
        name or known[member],
        common.passphrase(confirm=True, question="A passphrase for the new vault"),
        relay=relay,
        regime=settings.regime,
        now=int(time.time()),
        random=os.urandom,
        **({} if work_factor is None else {"work_factor": work_factor}),
    )


def _require_owner(home: Home, member: str) -> None:
    owner = own_enrolment(home).member
    if member and member != owner:
        raise LocalError(f"{home.root} belongs to {owner}, not to {member}", hint="name another --home")


def keys_show(*, common: Common = DEFAULT) -> None:
    """Show the fingerprints of this home's public keys: a member's, an office's or an officer's."""
    home = common.find_home()
    home.check()
    enrolment = any_enrolment(home)
    if isinstance(enrolment, OfficerEnrolment):
        rows = [("signing", signing_fingerprint(enrolment.signing))]
        value = {"member": enrolment.id, "fingerprints": dict(rows), "public": enrolment.signing.vkeys()}
    else:
        rows = key_rows(enrolment.keys)
        value = {"member": enrolment.member, "fingerprints": dict(rows), "public": enrolment.keys.to_json()}
    common.answer(value, table(("key", "fingerprint"), rows))


def config_show(*, common: Common = DEFAULT) -> None:
    """Show every setting, and where its value came from."""
    home = common.find_home()
    settings, origins = config.load(home, {})
    rows = [("home", str(home.root), config.home_origin(common.home))]
    rows += [(name, config.shown(getattr(settings, name)), origins[name]) for name in config.NAMES]
    value = {name: {"value": found, "source": source} for name, found, source in rows}
    common.answer(value, table(("setting", "value", "from"), rows))


def status(*, acknowledge: Annotated[bool, Flag] = False, common: Common = DEFAULT) -> int:
    """Say who this is, what is unread, what waits, and how the log stands.

    Parameters
    ----------
    acknowledge
        The alarms shown have been looked at: they are kept, and not shown again.
    """
    with common.open_node() as node:
        session, store = node.session, node.session.store
        view = store.log.view()
        # Before the first sync there is no roster, and all else can be said.
        roster = session.roster if store.rosters.newest() is not None else None
        own = roster.addressee(node.me) if roster else None
        alarms = store.alarms.listing(open_only=True)
        silent = node.silent() if roster else ()
        last_sync = store.log.last_sync
        value = {
            "member": node.me,
            "exchange": session.chain.exchange if roster else None,
            "pinned_roster": session.pinned,
            "roster": {"version": roster.version, "expires": format_time(roster.expires)} if roster else None,
            "keys": dict(key_rows(own.keys)) if own else {},
            "unread": store.inbox.count(unread=True),
            "received": store.inbox.count(),
            "waiting": len(store.outbox.listing("signed")),
            "log": {"size": view.size, "root": view.root().hex(), "witnessed": False},
            "last_sync": None if last_sync is None else format_time(last_sync),
            "silent": list(silent),
            "alarms": [
                {"kind": one.kind, "detail": one.detail, "at": format_time(one.at), "more": one.more} for one in alarms
            ],
        }
        lines = [
            f"member    {node.me}",
            f"roster    version {roster.version}, until {moment(roster.expires)}" if roster else "roster    none yet",
            f"exchange  {value['exchange'] or '-'}",
            f"log       {entries(view.size)}, root {view.root().hex()[:16]}, not witnessed",
            f"last sync {moment(last_sync)}",
            f"inbox     {value['unread']} unread of {value['received']}",
            f"outbox    {value['waiting']} waiting to be sent",
        ]
        lines += [f"silent    {', '.join(silent)}"] if silent else []
        lines += [f"alarm     {one}" for one in alarms]
        common.answer(value, lines)
        if acknowledge:
            for one in alarms:
                store.alarms.acknowledge(one.key, int(time.time()))
        return CHEATING if alarms else DONE


def doctor(*, relay: str | None = None, common: Common = DEFAULT) -> int:
    """Check clock, keys, roster, relay, log, file modes and versions, each with its fix.

    Parameters
    ----------
    relay
        The relay's address, if another than the home's.
    """
    findings = doctoring.examine(common.find_home(), common.passphrase, relay=relay, patience=LOCK_PATIENCE)
    width = max(len(one.check) for one in findings)
    lines: list[str] = []
    for one in findings:
        lines.append(f"{one.state:<5}  {one.check:<{width}}  {one.detail}")
        if one.fix:
            lines.append(f"{'':<5}  {'':<{width}}  fix: {one.fix}")
    common.answer([one.to_json() for one in findings], lines)
    if any(one.state == doctoring.ALARM for one in findings):
        return CHEATING
    return FAILED if any(one.state == doctoring.BAD for one in findings) else DONE
