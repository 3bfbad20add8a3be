"""What a notice does to the register: pure rules over the notice as it stands and the one that comes after it.

Only the author changes its notice. A notice is new, amended, renewed or revoked under its own reference, or
superseded by another one of the same author; what is revoked or superseded stays as it is, on file. Whatever breaks
a rule is refused with a reason and changes nothing, for every member alike, because all apply the same rules in the
order of the log.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from envoi_client.documents import AggregateDenial, DenialNotice
from envoi_client.documents.denial import Status
from envoi_keys.errors import Refused
from envoi_keys.regimes import Profile

Notice = DenialNotice | AggregateDenial
State = Literal["in_force", "revoked", "superseded"]

IN_FORCE: Final = "in_force"
REVOKED: Final = "revoked"
SUPERSEDED: Final = "superseded"


@dataclass(frozen=True, slots=True)
class Held:
    """A notice as the register holds it: its newest version and where that stands."""

    notice: Notice
    state: State


def check_author(notice: Notice, author: str, profile: Profile) -> None:
    """Only a Partner itself notifies, under a reference of its own. Raises Refused ``not-the-author``."""
    for owner in (notice.notifying_government, profile.denials.reference.state(notice.regime_reference)):
        if owner != author:
            raise Refused(
                f"{author} cannot write {notice.regime_reference}, a notice of {owner or 'nobody'}",
                reason="not-the-author",
                hint=f"only {owner} can change it: tell {author}" if owner else None,
            )


def check_change(held: Held | None, new: Notice) -> None:
    """That ``new`` may follow what is ``held`` under its reference; anything may where nothing is.

    Raises Refused ``reference-taken``, ``already-revoked``, ``already-superseded``, ``other-form``,
    ``exercise-mismatch``, ``review-not-later``.
    """
    if held is None:
        return
    reference, old = new.regime_reference, held.notice
    if type(old) is not type(new):
        raise Refused(f"{reference} is another kind of document", reason="other-form", hint="take a new reference")
    if old.exercise is not new.exercise:
        raise Refused(
            f"{reference} is {'an exercise' if old.exercise else 'a real denial'}, and stays so",
            reason="exercise-mismatch",
            hint="take a new reference",
        )
    if held.state == REVOKED:
        raise Refused(
            f"{reference} was revoked",
            reason="already-revoked",
            hint="deny anew under a new reference, if that is meant",
        )
    if held.state == SUPERSEDED:
        raise Refused(
            f"{reference} was superseded", reason="already-superseded", hint="change the notice that replaced it"
        )
    if new.status is Status.VALID:
        raise Refused(
            f"{reference} is taken by a notice that stands",
            reason="reference-taken",
            hint="write the status amended, renewed or revoked, or take a new reference",
        )
    if new.status is Status.RENEWED and isinstance(old, DenialNotice) and isinstance(new, DenialNotice):
        _check_renewal(old, new)


def _check_renewal(old: DenialNotice, new: DenialNotice) -> None:
    if new.review_by <= old.review_by:
        raise Refused(
            f"{new.regime_reference} is renewed with a review by {new.review_by}, not after {old.review_by}",
            reason="review-not-later",
            hint="write the day of the next review",
        )


def check_superseded(held: Held | None, new: Notice) -> bool:
    """Whether ``new`` ends the notice that it says to supersede, which is ``held``; None if nobody has it.

    Raises Refused ``exercise-mismatch`` where a drill would end a real denial, or the reverse. Whose the other notice
    is need not be asked: the form of references says so, and a notice that names another state's is no notice.
    """
    if held is None or held.state != IN_FORCE:
        return False
    if held.notice.exercise is not new.exercise:
        raise Refused(
            f"{new.regime_reference} and {held.notice.regime_reference} are not both exercises",
            reason="exercise-mismatch",
            hint="an exercise supersedes an exercise",
        )
    return True
