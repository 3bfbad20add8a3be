"""Enrolment: making a home with fresh keys, and the request that carries their public halves to the officers.

Keys are made here and never leave the vault. A home is begun before the first roster exists and completed
when its id has been read aloud: pinning it is the one decision of trust that a person makes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from envoi_keys.addressees import Keys
from envoi_keys.enrolments import Enrolment, OfficerEnrolment, verify_enrolment, verify_officer
from envoi_keys.errors import LocalError, PeerError
from envoi_keys.limits import MAX_DISPATCH_NOTE_BYTES
from envoi_keys.notes import Note
from envoi_keys.signing import sign_note
from envoi_keys.statements import OFFICER, statement_type

from . import config
from .files import Home, read_bounded, write_whole
from .limits import SCRYPT_WORK_FACTOR
from .passphrase import checked
from .seeds import MemberSeeds, Secrets
from .vault import Vault

Random = Callable[[int], bytes]

_ROSTER_ID_BYTES: Final = 65
"""64 hexadecimal digits and the line's end."""


def enrol_member(
    home: Home,
    member: str,
    name: str,
    passphrase: str,
    *,
    relay: str = "",
    regime: str = "mtcr",
    now: int,
    random: Random,
    work_factor: int = SCRYPT_WORK_FACTOR,
) -> bytes:
    """Make the home, vault and settings of a member or office; its signed enrolment, kept in the home too.

    Raises LocalError if the home has a vault already: keys are never overwritten.
    """
    secrets = Secrets.generate(random, member=member)
    assert secrets.member is not None  # it was asked for
    enrolment = Enrolment("", member, name, member_keys(secrets.member), now)
    note = sign_note(enrolment.text(), secrets.member.signer()).serialise()
    verify_enrolment(note)  # before anything is written: a name that nobody could read is refused here
    _begin(home, passphrase, secrets, note, work_factor, config.Settings(member=member, relay=relay, regime=regime))
    return note


def enrol_officer(
    home: Home,
    officer: str,
    state: str,
    passphrase: str,
    *,
    now: int,
    random: Random,
    work_factor: int = SCRYPT_WORK_FACTOR,
) -> bytes:
    """Make the home and vault of an officer of the Point of Contact.

    The signed enrolment, kept in the home too.
    """
    secrets = Secrets.generate(random, officer=officer)
    signer = secrets.officer(officer)
    note = sign_note(OfficerEnrolment("", officer, state, signer.public, now).text(), signer).serialise()
    verify_officer(note)  # before anything is written, likewise
    _begin(home, passphrase, secrets, note, work_factor)
    return note


def _begin(
    home: Home,
    passphrase: str,
    secrets: Secrets,
    note: bytes,
    work_factor: int,
    settings: config.Settings | None = None,
) -> None:
    """Write a new home, its vault last: what a killed call leaves has no vault, and the same call begins it again."""
    passphrase = checked(passphrase)
    home.create()
    with home.lock():
        Vault.require_none(home.vault)
        if settings is not None:
            config.save(home, settings)
        write_whole(home.enrolment, note)
        Vault.create(home.vault, passphrase, secrets, work_factor=work_factor)


def member_keys(seeds: MemberSeeds) -> Keys:
    """The public keys that follow from a member's seeds."""
    return Keys(
        signing=seeds.signer().public,
        sealing=tuple(seeds.identities()),
        transport=seeds.transport_public(),
        cosigning=seeds.cosigner().public,
    )


def read_enrolment(home: Home) -> bytes:
    """The signed enrolment of ``home`` as it was written. Raises LocalError."""
    if not home.enrolment.exists():
        raise LocalError(f"there is no enrolment at {home.enrolment}", hint="is it the right --home?")
    return read_bounded(home.enrolment, MAX_DISPATCH_NOTE_BYTES)


def own_enrolment(home: Home) -> Enrolment:
    """The enrolment of the member or office whose home this is. Raises LocalError."""
    found = any_enrolment(home)
    if isinstance(found, OfficerEnrolment):
        raise LocalError(f"{home.root} is the home of the officer {found.id}", hint="name a member's --home")
    return found


def any_enrolment(home: Home) -> Enrolment | OfficerEnrolment:
    """The enrolment of whoever's home this is. Raises LocalError."""
    raw = read_enrolment(home)
    try:
        type_ = statement_type(Note.parse(raw).text, MAX_DISPATCH_NOTE_BYTES)
        return verify_officer(raw) if type_ == OFFICER else verify_enrolment(raw)
    except PeerError as error:
        raise LocalError(f"{home.enrolment} is damaged: {error}", hint="restore it from its backup") from None


def read_pin(home: Home) -> str:
    """The pinned roster id of ``home``. Raises LocalError if none is pinned."""
    if not home.roster_id.exists():
        raise LocalError(
            "no roster is pinned",
            hint="when the Point of Contact has read you its id: envoi init --roster-id ID",
        )
    return read_bounded(home.roster_id, _ROSTER_ID_BYTES).decode("ascii", "replace").strip()


def check_pin(home: Home, roster_id: str) -> None:
    """Raise LocalError if ``home`` pins another roster than this one."""
    if home.roster_id.exists() and read_pin(home) != roster_id:
        raise LocalError(
            f"{home.roster_id} pins another roster already",
            hint="one home belongs to one exchange; make another home for another exchange",
        )


def pin(home: Home, roster_id: str) -> None:
    """Pin the roster that admitted this member. Pinning another id than before raises LocalError."""
    check_pin(home, roster_id)
    write_whole(home.roster_id, roster_id.encode() + b"\n")
