"""What is refused before anything is signed, and steps that the other side is shown as refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from envoi_client.body import Body
from envoi_client.node.publish import default_recipients
from envoi_desk.cli import consult
from envoi_keys.errors import LocalError, Malformed, Refused

from ..client.aggregates import AGGREGATE
from .consultations import REPLY, content
from .office import CASE, DENIAL, REFERENCE, Office, denied, office, refused

__all__ = ["denied", "office"]  # fixtures


def test_an_exercise_consults_about_an_exercise(office: Office) -> None:
    Path("real.json").write_text(json.dumps({**CASE, "exercise": False}))
    with pytest.raises(Refused, match="the notice is an exercise and the case is not"):
        office.opens(case=Path("real.json"))


def test_a_catch_all_denial_is_consulted_about_only_if_that_is_meant(office: Office) -> None:
    reference = "MTCR/DN/FR/2026/0099"
    changes = {"regime_reference": reference, "control_entries": ["catch-all"], "annex_category": "not_listed"}
    office.publish("FR", content(DENIAL, **changes))
    office.world.sync("DE")
    with pytest.raises(Refused, match="is a catch-all denial, which no-undercut does not cover") as caught:
        office.opens(denial=reference)
    assert caught.value.hint == "if that is meant, say so with --anyway"
    office.opens(denial=reference, anyway=True)


def test_a_revoked_denial_and_a_second_request_are_doubtful(office: Office) -> None:
    id_ = office.opens()
    assert refused(office.opens) == "doubtful"
    assert office.opens(anyway=True) != id_
    office.publish("FR", content(DENIAL, status="revoked", revocation_reason="Verified."))
    office.world.sync("DE")
    with pytest.raises(Refused, match="is revoked and no longer in force"):
        office.opens()


def test_steps_that_are_not_ours_are_refused_here(office: Office) -> None:
    id_ = office.opens()
    office.world.sync("FR")
    before = [office.world[name].state().outbox for name in ("DE", "FR")]
    reply = {"outcome": "not_identical", "text": "No."}
    close = {"outcome": "withdrawn", "text": "No."}
    assert refused(lambda: office.types("DE", consult.reply, id_, **reply)) == "not-your-step"
    assert refused(lambda: office.types("FR", consult.close, id_, **close)) == "not-your-step"
    assert refused(lambda: office.types("AU", consult.show, id_)) == "unknown-consultation"
    assert refused(lambda: office.types("DE", consult.undercut, id_)) == "not-granted"
    assert refused(lambda: office.opens(completes=id_)) == "already-open"
    assert refused(lambda: office.opens("FR")) == "own-denial"
    assert refused(lambda: office.opens(denial="MTCR/DN/FR/2026/9999")) == "unknown-reference"
    assert [office.world[name].state().outbox for name in ("DE", "FR")] == before


def test_a_case_without_an_end_use_says_what_is_missing(office: Office) -> None:
    Path("case.json").write_text(json.dumps(content(CASE, stated_end_use=None)))
    with pytest.raises(Exception, match="stated_end_use: is missing; say what the applicant says it is for"):
        office.opens()


def test_a_file_that_is_no_case_is_named(office: Office) -> None:
    Path("case.json").write_text("case: 7")
    with pytest.raises(Malformed, match=r"case\.json: .*is not JSON: line 1, column 1"):
        office.opens()


def test_an_aggregate_is_about_no_one_export(office: Office) -> None:
    node = office.world["FR"].node
    aggregate = content(AGGREGATE, regime_reference="MTCR/DN/FR/2026/0900")
    node.publish(Body("aggregate/v1", aggregate, ()), default_recipients(node.session, "aggregate/v1"), exercise=True)
    office.world.sync("DE")
    assert refused(lambda: office.opens(denial="MTCR/DN/FR/2026/0900")) == "aggregate"


def test_the_opener_may_give_more_time_and_withdraw(office: Office) -> None:
    id_ = office.opens(reply_by="2026-12-15")
    assert office.sees("DE", id_)["reply_due"] == "2026-12-15"
    office.types("DE", consult.close, id_, outcome="withdrawn", text="The applicant gave up.")
    office.world.sync("FR")
    assert [office.sees(name, id_)["outcome"] for name in ("DE", "FR")] == ["withdrawn", "withdrawn"]
    assert list(Path().glob("*-2026-118.json")) == []


def test_a_third_partner_with_the_id_is_refused_and_shown(office: Office) -> None:
    id_ = office.opens()
    before = office.sees("DE", id_)
    forged = {**REPLY, "consultation": id_, "outcome": "identical_no_objection"}
    node = office.world["AU"].node
    node.publish(Body("consultation/v1", forged, ()), ("DE",), exercise=True)
    node.publish(Body("consultation/v1", {"step": "reply", "consultation": id_}, ()), ("DE", "FR"), exercise=True)
    office.world.sync("DE", "FR")
    assert office.sees("DE", id_) == before
    with pytest.raises(Refused, match="nobody has opened this consultation"):
        office.types("DE", consult.reply, f"{id_}/AU", outcome="not_identical", text="x")
    stray = office.sees("DE", f"{id_}/AU")
    assert [(step["from"], step["refused"]) for step in stray["steps"]] == [("AU", "not-open"), ("AU", "unreadable")]
    assert [one["state"] for one in office.types("FR", consult.list_)] == ["open", "unopened"]
    assert [one["with"] for one in office.types("DE", consult.list_, open_=True)] == ["FR"]


def test_a_dry_run_sends_nothing(office: Office) -> None:
    plan = office.types("DE", consult.open_, case=Path("case.json"), denial=REFERENCE, dry_run=True)
    assert (plan["dry_run"], plan["type"], list(plan["recipients"])) == (True, "consultation/v1", ["FR"])
    assert office.world["DE"].state().outbox == ()


def test_a_draft_is_never_written_over(office: Office) -> None:
    id_ = office.opens()
    Path("undercut-2026-118.json").write_text("mine")
    with pytest.raises(LocalError, match="exists already"):
        office.types("DE", consult.close, id_, outcome="granted", text="x", anyway=True)
    assert office.sees("DE", id_)["state"] == "open"
    assert Path("undercut-2026-118.json").read_text() == "mine"


def test_a_lost_draft_is_written_again_and_another_notice_is_not_sent_for_it(office: Office) -> None:
    id_ = office.opens()
    office.types("DE", consult.close, id_, outcome="granted", text="x", anyway=True)
    path = Path("undercut-2026-118.json")
    draft = json.loads(path.read_text())
    path.unlink()
    assert office.types("DE", consult.undercut, id_, draft=True)["draft"] == str(path)
    assert json.loads(path.read_text()) == draft
    path.write_text(json.dumps({**draft, "reasons": "x", "case_reference": "2026-119"}))
    with pytest.raises(LocalError, match="is not the notice of this case"):
        office.types("DE", consult.undercut, id_)
