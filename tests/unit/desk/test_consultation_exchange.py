"""Whole consultations between real nodes, by the commands that officers type."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from envoi_desk.cli import consult
from envoi_desk.consultation.agenda import reminders
from envoi_keys.errors import Refused

from .office import CASE, REFERENCE, Office, denied, office, refused, untimed

__all__ = ["denied", "office"]  # fixtures


def test_a_consultation_from_the_request_to_the_undercut_notice(office: Office, tmp_path: Path) -> None:
    id_ = office.opens()
    office.world.sync("FR", "AU")
    theirs = office.sees("FR", id_[:8])
    assert (theirs["state"], theirs["with"], theirs["opened_by"], theirs["mine"]) == ("open", "DE", "DE", True)
    assert (theirs["reply_due"], theirs["reply_latest"], theirs["next"]) == ("2026-12-07", "2027-01-06", "reply")
    assert (theirs["witnessed"], theirs["silence"], theirs["exercise"]) == (False, "no_objection", True)
    request = theirs["steps"][0]["content"]
    assert request["items"] == CASE["items"]
    assert (request["regime_reference"], request["reply_by"]) == (REFERENCE, "2026-12-07")
    # A third party knows nothing of it.
    assert office.types("AU", consult.list_) == []

    office.types("FR", consult.reply, id_[:8], outcome="more_information", text="Which scale factor?")
    office.world.sync("DE")
    assert office.sees("DE", id_)["next"] == "complete the request, or close it"
    assert office.opens(completes=id_[:8], why="Scale factor 900 ppm.") == id_
    office.world.sync("FR")
    office.types("FR", consult.reply, id_[:8], outcome="not_identical", text="Another one indeed.")
    office.world.sync("DE")
    assert office.sees("DE", id_)["next"] == "decide and close: FR says not identical"

    closed = office.types("DE", consult.close, id_[:8], outcome="granted", text="Granted for the dam.")
    assert closed["draft"] == "undercut-2026-118.json"
    assert closed["missing"] == ["reasons: is missing; say why it was granted all the same"]
    (pending,) = office.types("DE", consult.list_, due=True)
    assert (pending["undercut_due"], pending["left"], pending["next"]) == ("2026-12-23", 30, "send the undercut notice")
    draft = json.loads((tmp_path / closed["draft"]).read_text())
    assert draft["deadline"] == "2026-12-23"
    assert "dam" not in json.dumps(draft)
    (tmp_path / closed["draft"]).write_text(json.dumps({**draft, "reasons": "The end-use was verified."}))
    sent = office.types("DE", consult.undercut, id_[:8])
    assert sorted(sent["numbers"]) == ["AT", "AU", "FR", "JP"]

    office.world.sync("FR", "AU")
    ours, theirs = office.sees("DE", id_), office.sees("FR", id_)
    assert ours["undercut_index"] == theirs["undercut_index"] == sent["index"]
    assert untimed(ours) == untimed(theirs)
    assert [step["content"]["step"] for step in ours["steps"]] == ["request", "reply", "request", "reply", "close"]
    for name in ("DE", "FR"):
        assert office.types(name, consult.list_, open_=True) == []
    assert refused(lambda: office.types("DE", consult.undercut, id_)) == "already-sent"
    assert office.types("AU", consult.list_) == []


def test_more_time_is_asked_for_and_agreed_on(office: Office) -> None:
    id_ = office.opens()
    office.world.sync("FR")
    assert refused(lambda: office.types("FR", consult.extend, id_, until="2026-12-18")) == "not-asked"
    office.types("DE", consult.extend, id_, until="2026-12-18", reason="Holidays of ours.")
    office.world.sync("FR")
    (reminder,) = reminders(office.desk("FR"))
    assert reminder.startswith(f"consultation {id_[:12]} with DE about {REFERENCE} (exercise): reply, or agree to more")
    assert reminder.endswith(" time until 2026-12-18 by 2026-12-07 (10 days left)")
    assert refused(lambda: office.types("FR", consult.extend, id_, until="2026-12-21")) == "more-than-asked"
    office.types("FR", consult.extend, id_, until="2026-12-18")
    office.world.sync("DE")
    assert [office.sees(name, id_)["reply_due"] for name in ("DE", "FR")] == ["2026-12-18", "2026-12-18"]
    assert refused(lambda: office.types("DE", consult.extend, id_, until="2027-01-07", reason="More.")) == "too-late"


def test_a_refusal_drafts_the_own_denial(office: Office, tmp_path: Path) -> None:
    id_ = office.opens()
    office.world.sync("FR")
    office.types("FR", consult.reply, id_, outcome="identical_object", text="The same to the same.")
    office.world.sync("DE")
    closed = office.types("DE", consult.close, id_, outcome="refused", text="We refuse as well.")
    draft = json.loads((tmp_path / "denial-2026-118.json").read_text())
    assert closed["draft"] == "denial-2026-118.json"
    assert [line.partition(":")[0] for line in closed["missing"]] == [
        *("regime_reference", "competent_authority", "transaction_type", "reason_for_refusal", "releasability")
    ]
    assert (draft["notifying_government"], draft["date_of_denial"], draft["review_by"]) == (
        *("DE", "2026-11-23", "2029-11-23"),
    )
    assert draft["parties"] == CASE["parties"]
    assert "FR" not in json.dumps(draft)
    assert office.types("DE", consult.list_, open_=True) == []


def test_silence_is_reminded_of_on_both_sides(office: Office) -> None:
    id_ = office.opens()
    office.world.sync("FR")
    assert reminders(office.desk("FR")) == []
    office.wait_until("2026-12-03")
    head = f"consultation {id_[:12]} with DE about {REFERENCE} (exercise): "
    assert reminders(office.desk("FR")) == [f"{head}reply by 2026-12-07 (2 days left)"]
    office.wait_until("2026-12-08")
    office.world.sync("DE", "FR")
    # The grace is not over yet.
    assert office.sees("DE", id_)["state"] == "open"
    assert reminders(office.desk("FR")) == [f"{head}reply by 2026-12-07 (overdue)"]
    (reminder,) = reminders(office.desk("DE"))
    assert reminder.endswith(" (exercise): wait for the reply of FR by 2026-12-07 (overdue)")
    office.wait_until("2026-12-09")
    # Silent is who was silent by the log's time, and nobody has read the log since.
    assert office.sees("DE", id_)["state"] == "open"
    office.world.sync("DE", "FR")
    assert [office.sees(name, id_)["state"] for name in ("DE", "FR")] == ["silent", "silent"]
    assert "decide and close: FR was silent; silence means no objection" in reminders(office.desk("DE"))[0]
    assert "reply at last; silence means no objection" in reminders(office.desk("FR"))[0]
    office.types("DE", consult.close, id_, outcome="granted", text="No reply came.")
    assert office.sees("DE", id_)["granted_early"] is False


def test_a_grant_before_the_answer_is_meant_and_marked(office: Office) -> None:
    id_ = office.opens()
    close = {"outcome": "granted", "text": "It cannot wait."}
    with pytest.raises(Refused, match="FR has not answered, and its time runs until 2026-12-07") as caught:
        office.types("DE", consult.close, id_, **close)
    assert (caught.value.reason, caught.value.hint) == ("too-early", "if that is meant, say so with --anyway")
    assert not Path("undercut-2026-118.json").exists()
    office.types("DE", consult.close, id_, **close, anyway=True)
    office.world.sync("FR")
    assert [office.sees(name, id_)["granted_early"] for name in ("DE", "FR")] == [True, True]
    assert office.sees("FR", id_)["next"] == "wait for the undercut notice of DE"
