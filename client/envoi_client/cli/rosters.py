"""``envoi roster``: the ceremony that says who is a member.

A proposal is a file that travels among those who sign it; each signature is added after the person has seen
what the roster changes. Nothing is sent before ``publish``, and the relay checks the quorums itself.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from envoi_client import ceremony
from envoi_client.files import write_whole
from envoi_client.node import stranger
from envoi_client.vault import Vault
from envoi_client.words import to_words
from envoi_keys import regimes, tlog_proof
from envoi_keys.encoding import format_time, parse_time
from envoi_keys.entries import log_entry
from envoi_keys.errors import Fraud, LocalError, PeerError
from envoi_keys.fingerprints import key_rows, signing_fingerprint
from envoi_keys.notes import Note
from envoi_keys.roster_changes import diff
from envoi_keys.rosters import Roster
from envoi_keys.signing import LogKey, Signer
from envoi_keys.statements import ROSTER, statement_id

from .common import DEFAULT, Common, Flag, Several, moment, table, word_lines


def propose(
    output: Annotated[Path, Parameter(name="OUT")],
    /,
    *,
    enrolment: Annotated[tuple[Path, ...], Several] = (),
    officer: Annotated[tuple[Path, ...], Several] = (),
    holds: Annotated[tuple[str, ...], Several] = (),
    log_key: Annotated[tuple[str, ...], Several] = (),
    expires: str = "",
    quorum_file: Path | None = None,
    after: Path | None = None,
    suspend: Annotated[tuple[str, ...], Several] = (),
    activate: Annotated[tuple[str, ...], Several] = (),
    regime: str = "",
    common: Common = DEFAULT,
) -> None:
    """Propose the first roster, or the one after --after, and sign it as the proposer.

    The first needs --enrolment, --officer, --log-key twice and --expires; the next only what it changes.

    Parameters
    ----------
    output
        The file to write.
    enrolment
        Enrolments of members and offices, or a directory of them.
    officer
        Enrolments of officers, or a directory of them.
    holds
        Which states hold an office, such as POC=FR or CHAIR=AT,CH; by default as the profile says.
    log_key
        The two keys that envoi-poc init printed.
    expires
        Until when the roster is good, as YYYY-MM-DDTHH:MM:SSZ.
    quorum_file
        Lines of the quorum's policy; by default the profile's shape.
    after
        The signed roster in force, when this is not the first.
    suspend
        Members to suspend.
    activate
        Members to make active again.
    regime
        The regime's profile; by default mtcr.
    """
    profile = regimes.load(common.settings(regime=regime).regime)
    until = parse_time(expires, "--expires") if expires else None
    enrolments = ceremony.read_enrolments(enrolment)
    if after is None:
        if until is None:
            raise LocalError("a first roster needs an end", hint="name it with --expires")
        roster = ceremony.first(
            profile,
            enrolments,
            ceremony.read_officers(officer),
            holds,
            _log_key(log_key),
            until,
            ceremony.read_lines(quorum_file) if quorum_file else (),
        )
        before = None
    else:
        before = ceremony.read_note(after)
        status = dict.fromkeys(suspend, "suspended") | dict.fromkeys(activate, "active")
        roster = ceremony.following(before, profile, enrolments, status, until)
    ceremony.check_sealing_keys(roster)
    signer = _signer(common)
    note = ceremony.signed(roster.text(), None, signer)
    write_whole(output, note.serialise())
    _answer(common, note, roster, Roster.parse(before.text) if before else None, str(output))


def sign(
    file: Annotated[Path, Parameter(name="FILE")],
    /,
    *,
    after: Path | None = None,
    yes: Annotated[bool, Flag] = False,
    common: Common = DEFAULT,
) -> None:
    """Read what a proposed roster changes, and add this home's signature to it.

    Parameters
    ----------
    file
        The proposal; the signature is added to it.
    after
        The roster that it follows, to show the differences; needed unless it is the first.
    yes
        Do not ask; for a script that has shown the changes itself.
    """
    note = ceremony.read_note(file)
    roster = Roster.parse(note.text)
    before = ceremony.read_note(after) if after else None
    ceremony.check_follows(roster, before)
    ceremony.check_sealing_keys(roster)
    old = Roster.parse(before.text) if before else None
    signer = _signer(common)
    ceremony.check_signer(signer.public, roster, old)
    if not yes:
        if not common.interactive:
            raise LocalError("nobody is there to read the changes and to agree", hint="to sign unasked, pass --yes")
        ceremony.ask(roster, diff(old, roster), signer.public.name)
    note = ceremony.signed(note.text, note, signer)
    write_whole(file, note.serialise())
    _answer(common, note, roster, old, str(file))


def publish(
    file: Annotated[Path, Parameter(name="FILE")],
    /,
    *,
    relay: str | None = None,
    ca_file: Path | None = None,
    common: Common = DEFAULT,
) -> None:
    """Send a roster that its quorum has signed to the relay.

    Parameters
    ----------
    file
        The signed roster.
    relay
        The relay's address, if another than this home's.
    ca_file
        The certificate authority of the relay, if the system does not know it.
    """
    note = ceremony.read_note(file)
    roster = Roster.parse(note.text)
    if not roster.approves(note):
        raise LocalError(
            "the roster's own quorum has not signed it",
            hint=f"signed so far: {_signed_by(roster, note)}; each state counts once",
        )
    with stranger(common.settings(relay=relay, ca_file=str(ca_file or ""))) as transport:
        proof = transport.post_roster(note.serialise())
    try:
        index, _ = tlog_proof.verify(proof, log_entry(ROSTER, note.serialise()), roster.log)
    except PeerError as error:
        raise Fraud(
            f"the relay acknowledged the roster with a proof that does not hold: {error}",
            evidence=(note.serialise(), proof),
            hint="it may not be logged: look at the log with envoi sync, and tell the other members",
        ) from error
    id_ = statement_id(note.text)
    common.answer(
        {"id": id_, "version": roster.version, "index": index},
        [f"published roster {roster.version} at index {index}", f"id {id_}", *word_lines(to_words(id_))],
    )


def show(file: Annotated[Path | None, Parameter(name="FILE")] = None, /, *, common: Common = DEFAULT) -> None:
    """Show a roster: its members, offices, officers, quorum, and who has signed it.

    Parameters
    ----------
    file
        The roster; by default the current one of this home.
    """
    if file is None:
        with common.open_node() as node:
            note = Note.parse(node.session.chain.links[-1].note)
    else:
        note = ceremony.read_note(file)
    roster = Roster.parse(note.text)
    keys = {one.id: key_rows(one.keys) for one in roster.addressees}
    rows = [
        (one.id, getattr(one, "role", "office"), one.status, one.name, dict(keys[one.id])["signing"])
        for one in roster.addressees
    ]
    officers = [(one.id, one.state, signing_fingerprint(one.signing)) for one in roster.officers]
    id_ = statement_id(note.text)
    value = {
        "id": id_,
        "version": roster.version,
        "exchange": roster.exchange or id_,
        "expires": format_time(roster.expires),
        "quorum": list(roster.quorum),
        "members": [
            dict(zip(("id", "role", "status", "name", "signing"), row, strict=True)) | {"keys": dict(keys[row[0]])}
            for row in rows
        ],
        "officers": [dict(zip(("id", "state", "signing"), one, strict=True)) for one in officers],
        "signed_by": sorted(roster.signers(note)),
        "quorum_met": roster.approves(note),
    }
    lines = [f"roster {roster.version}, until {moment(roster.expires)}", f"id {id_}", *word_lines(to_words(id_)), ""]
    rows += [(name, "officer", "", state, print_) for name, state, print_ in officers]
    lines += table(("id", "role", "status", "name", "signing key"), rows)
    # Whoever signs compares all of them: a sealing key of somebody else's would open what is sealed to this member.
    others = [(name, kind, print_) for name, prints in keys.items() for kind, print_ in prints if kind != "signing"]
    lines += ["", *table(("id", "key for", "fingerprint"), others)]
    lines += ["", *roster.quorum, "", f"signed by {_signed_by(roster, note)}"]
    lines.append("its own quorum is met" if value["quorum_met"] else "its own quorum is not met yet")
    common.answer(value, lines)


def _signer(common: Common) -> Signer:
    secrets = Vault.open(common.find_home().vault, common.passphrase()).secrets
    if secrets.member is not None:
        return secrets.member.signer()
    if len(secrets.officers) != 1:
        raise LocalError("this home has no one signing key", hint="name the --home of a member or an officer")
    return secrets.officer(next(iter(secrets.officers)))


def _log_key(vkeys: tuple[str, ...]) -> LogKey:
    if len(vkeys) != 2:
        raise LocalError("a log has two keys", hint="pass both that envoi-poc init printed, each with --log-key")
    return LogKey.parse(vkeys[0].partition("+")[0], list(vkeys), "--log-key")


def _answer(common: Common, note: Note, roster: Roster, old: Roster | None, file: str) -> None:
    id_ = statement_id(note.text)
    changes = diff(old, roster)
    value: dict[str, Any] = {
        "file": file,
        "id": id_,
        "version": roster.version,
        "changes": [{"what": one.what, "subject": one.subject, "detail": one.detail} for one in changes],
        "signed_by": sorted(roster.signers(note)),
        "quorum_met": roster.approves(note),
    }
    lines = [f"{one.what:<9} {one.subject:<12} {one.detail}" for one in changes]
    lines += ["", f"roster {roster.version} in {file}", f"id {id_}", *word_lines(to_words(id_)), ""]
    lines.append(f"signed by {_signed_by(roster, note)}")
    lines.append("its own quorum is met" if value["quorum_met"] else "its own quorum is not met yet")
    common.answer(value, lines)


def _signed_by(roster: Roster, note: Note) -> str:
    return ", ".join(sorted(roster.signers(note))) or "nobody"
