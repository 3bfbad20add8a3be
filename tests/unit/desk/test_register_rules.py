"""What a notice does to the register: who may write what after what."""

from __future__ import annotations

from typing import Any

import pytest

from envoi_desk.register.rules import IN_FORCE, REVOKED, SUPERSEDED, Held, check_author, check_change, check_superseded
from envoi_keys.errors import Refused

from .notices import PROFILE, notice, reference

OLD = notice()


def refused(held: Held | None, **changes: Any) -> str:
    with pytest.raises(Refused) as caught:
        check_change(held, notice(**changes))
    return caught.value.reason


@pytest.mark.parametrize("status", ["valid", "amended", "renewed", "revoked"])
def test_where_nothing_is_held_any_status_may_come_first(status: str) -> None:
    """Who joins late was never sent what came before."""
    check_change(None, notice(status=status, revocation_reason="Licensed." if status == "revoked" else None))


def test_a_notice_that_stands_is_amended_renewed_or_revoked() -> None:
    held = Held(OLD, IN_FORCE)
    check_change(held, notice(status="amended", remarks="See LEEM."))
    check_change(held, notice(status="renewed", date_of_notification="2029-02-01", review_by="2032-01-31"))
    check_change(held, notice(status="revoked", revocation_reason="The end-user is known now."))


def test_a_reference_is_not_used_twice() -> None:
    assert refused(Held(OLD, IN_FORCE), item_description="Something else.") == "reference-taken"


def test_what_is_over_is_not_changed() -> None:
    assert refused(Held(OLD, REVOKED), status="amended") == "already-revoked"
    assert refused(Held(OLD, SUPERSEDED), status="amended") == "already-superseded"


def test_a_real_denial_does_not_become_an_exercise() -> None:
    assert refused(Held(OLD, IN_FORCE), status="amended", exercise=True) == "exercise-mismatch"


def test_a_renewal_puts_the_review_off() -> None:
    assert refused(Held(OLD, IN_FORCE), status="renewed") == "review-not-later"


def test_only_the_author_writes_under_its_references() -> None:
    check_author(OLD, "FR", PROFILE)
    with pytest.raises(Refused) as caught:
        check_author(OLD, "DE", PROFILE)
    assert (caught.value.reason, caught.value.hint) == ("not-the-author", "only FR can change it: tell DE")


def test_a_notice_supersedes_one_that_stands_and_nothing_else() -> None:
    new = notice(2, supersedes=reference(1))
    assert check_superseded(Held(OLD, IN_FORCE), new)
    assert not check_superseded(Held(OLD, REVOKED), new)
    assert not check_superseded(None, new)
    with pytest.raises(Refused, match="are not both exercises"):
        check_superseded(Held(notice(exercise=True), IN_FORCE), new)
