"""docs/PROTOCOL.md and the code say the same: fields, orders, slugs, limits, examples."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from envoi_client import inbox
from envoi_client.body import Attachment, Body, Envelope
from envoi_keys import limits
from envoi_keys.delegations import Delegation
from envoi_keys.dispatches import Dispatch
from envoi_keys.enrolments import Enrolment, OfficerEnrolment
from envoi_keys.receipts import Direction, Receipt
from envoi_keys.statements import ADDRESSEE, SUB_ADDRESS
from envoi_keys.vkeys import ED25519, ML_DSA_44_COSIGNATURE, ML_DSA_65
from envoi_server import problems, rules, work

from ..exchange import NOW, Exchange, party
from . import pages
from .pages import blocks, spans

PAGE = "docs/PROTOCOL.md"
EXCHANGE = Exchange.make(4)


def section(number: str) -> str:
    return pages.section(PAGE, number)


def fields(statement: bytes) -> list[str]:
    return list(json.loads(statement))


def first_cells(markdown: str) -> list[str]:
    """The names in the first column of a table, in order."""
    rows = re.findall(r"^\| (`.*?) \|", markdown, re.MULTILINE)
    return [name for row in rows for name in re.findall(r"`([^`]+)`", row)]


def words(markdown: str) -> list[str]:
    """The names in the inline code of a sentence."""
    return [word for span in re.findall(r"`([^`]+)`", markdown) for word in re.findall(r"[a-z_]+", span)]


def filled(example: str) -> dict[str, Any]:
    """An example object whose values were left out, with null for each."""
    value: dict[str, Any] = json.loads(re.sub(r"(?<=[:\[])\.\.\.", "null", example.replace("\n", "")))
    return value


def test_the_example_of_a_dispatch_is_one() -> None:
    (block,) = blocks(section("1"))
    line = block.splitlines()[0].encode() + b"\n"
    dispatch = Dispatch.parse(line)
    assert dispatch.text() == line
    assert (dispatch.sender, dispatch.recipients, dispatch.exercise) == ("FR", ("AU", "DE"), True)


def test_the_fields_of_a_dispatch() -> None:
    dispatch, _ = EXCHANGE.dispatch("FR", {"DE": 1})
    assert first_cells(section("4.1")) == fields(dispatch.text())


def test_the_fields_of_a_body_and_of_its_binding() -> None:
    (block,) = blocks(section("4.3"))
    example = json.loads(block.replace("{...}", "{}"))
    assert list(example) == ["type", "binding", *(name for name in Body("note/v1", {}, ()).to_json() if name != "type")]
    dispatch, _ = EXCHANGE.dispatch("FR", {"DE": 1})
    named = section("4.4").partition("of the header")[0].partition("repeats")[2]
    assert words(named) == list(Envelope.of(dispatch).binding())


def test_the_fields_of_an_attachment() -> None:
    (named,) = re.findall(r"`\{([^`]*?)\}`", section("4.5"), re.DOTALL)
    assert re.findall(r"[a-z_0-9]+", named) == list(Attachment("a", "b/c", 1, "", "").to_json())


def test_the_fields_of_a_receipt() -> None:
    (example,) = re.findall(r"`(\{.*?\})`", section("5"), re.DOTALL)
    receipt = Receipt(
        exchange=EXCHANGE.id,
        sender="AU",
        to="FR",
        received=Direction(1, 0, "00" * 32),
        opened_through=0,
        could_not_open=(),
        sent=Direction(1, 0, "00" * 32),
        checkpoint=b"checkpoint",
        issued_at=NOW,
    )
    said, real = filled(example), json.loads(receipt.text())
    assert list(said) == list(real)
    for name in ("series", "transcript"):
        assert list(said[name]) == list(real[name])


def test_the_fields_of_a_roster_and_of_everybody_in_it() -> None:
    roster = json.loads(EXCHANGE.roster.text())
    top, _, rest = section("6.1").partition("A member has")
    member, _, rest = rest.partition("An office has")
    office, _, rest = rest.partition("An officer has")
    officer, _, rest = rest.partition("`log` is")
    assert words(top) == [name for name in roster if name not in ("type", "exchange")]
    assert words(member) == list(roster["members"][0])
    changed = {name for name in words(office) if name != "role"}
    assert set(words(member)) - {"role"} | changed == set(roster["offices"][0])
    assert words(officer) == list(roster["officers"][0])
    assert words(rest.partition("with")[0]) == list(roster["log"])


@pytest.mark.parametrize(
    ("number", "statement"),
    [
        ("6.6", Enrolment("", "IT", "Italy", party("IT").keys, NOW).text()),
        ("6.6", OfficerEnrolment("", "POC/anne", "FR", party("POC/anne").signer.public, NOW).text()),
        (
            "6.7",
            Delegation(
                EXCHANGE.id,
                "FR",
                "FR/iem-1",
                party("FR/iem-1").signer.public,
                party("FR/iem-1").sealing,
                bytes(32),
                ("read",),
                NOW,
                NOW,
            ).text(),
        ),
    ],
    ids=["enrolment", "officer", "delegation"],
)
def test_the_fields_of_what_is_signed_around_a_roster(number: str, statement: bytes) -> None:
    examples = re.findall(r"`(\{.*?\})`", section(number), re.DOTALL)
    named = [re.findall(r'(?:"([a-z_]+)":|(?<=[\s,])([a-z]+)(?=[,\s]))', one) for one in examples]
    type_ = json.loads(statement)["type"]
    (found,) = [names for names, one in zip(named, examples, strict=True) if f'"{type_}"' in one]
    assert ["".join(pair) for pair in found] == fields(statement)


def test_the_types_of_keys() -> None:
    rows = re.findall(r"^\| (\S+) \| (.*?) \| ([\d,]+) bytes", section("3.1"), re.MULTILINE)
    said = {name: (types, int(size.replace(",", ""))) for name, types, size in rows}
    assert said == {
        "Ed25519": (f"`0x{ED25519.hex()}`", 32),
        "ML-DSA-65": (f"`0xff` then `{ML_DSA_65[1:].decode()}`", 1952),
    }
    assert f"0x{ML_DSA_44_COSIGNATURE.hex()}" in section("7.2")


def test_the_grammar_of_names() -> None:
    patterns = spans(section("2.2"))
    assert ADDRESSEE.pattern in patterns
    assert SUB_ADDRESS.pattern in [f"{ADDRESSEE.pattern}/{one}" for one in patterns]


def test_the_problems_are_those_of_the_relay() -> None:
    first = {slug for row in section("8").splitlines() if re.match(r"\| \d", row) for slug in spans(row.split("|")[3])}
    others = section("9.3").partition("A slug is stable.")[2]
    assert first | set(spans(others)) - {"§8"} == set(problems.STATUS)
    assert first.isdisjoint(spans(others))


def test_the_relays_rules_make_every_problem_that_the_order_names() -> None:
    made = "".join(Path(module.__file__ or "").read_text("utf-8") for module in (rules, work))
    for row in re.findall(r"^\| (\d) \| .* \| (.*) \|$", section("8"), re.MULTILINE):
        assert re.search(rf"# {row[0]}[.,]|[Rr]ules? {row[0]}\b|[Rr]ules \d (?:to|and) {row[0]}", made), row
        assert [slug for slug in spans(row[1]) if f'"{slug}"' not in made] == []


STEPS = (
    (1, "log entry"),
    (2, "exchange"),
    (3, "roster that it names"),
    (4, "roster in between"),
    (5, "signature"),
    (6, "opening"),
    (7, "sealed body"),
    (8, "stanza"),
    (9, "header"),
)


def test_a_recipient_checks_in_the_order_that_is_written() -> None:
    said = dict(re.findall(r"^ *(\d+)\. (.*)$", section("10"), re.MULTILINE))
    coded = dict(re.findall(r"^ *(\d+)\. (.*)$", inbox.judge.__doc__ or "", re.MULTILINE))
    assert [int(number) for number in said] == [*range(1, 11)]
    assert [int(number) for number in coded] == [*range(1, 10)]
    for number, word in STEPS:
        assert word in said[str(number)]
        assert word in coded[str(number)]
    assert "number" in said["10"]


def test_the_code_of_a_recipient_names_each_step_in_order() -> None:
    source = Path(inbox.__file__).read_text("utf-8").partition("def judge")[2]
    code = source.replace(inbox.judge.__doc__ or "", "")
    assert {int(number) for number in re.findall(r"# (\d)\.", code)} == {*range(1, 10)}


def test_the_limits() -> None:
    text = section("11")
    said = {
        "MAX_DISPATCH_NOTE_BYTES": re.findall(r"note of a dispatch (\d+) KiB", text),
        "MAX_BODY_BYTES": re.findall(r"sealed body\s+(\d+) MiB", text),
        "MAX_RECIPIENTS": re.findall(r"(\d+) recipients", text),
        "MAX_ATTACHMENTS": re.findall(r"(\d+) attachments", text),
        "MAX_BLOB_BYTES": re.findall(r"at most (\d+) GiB", text),
        "MAX_FRAME_BYTES": re.findall(r"At most (\d+) MiB", section("2.3")),
        "MAX_JSON_DEPTH": re.findall(r"deeper than (\d+)", section("2.1")),
    }
    units = {"MAX_DISPATCH_NOTE_BYTES": limits.KIB, "MAX_BODY_BYTES": limits.MIB, "MAX_BLOB_BYTES": limits.GIB}
    units["MAX_FRAME_BYTES"] = limits.MIB
    for name, values in said.items():
        assert [int(value) * units.get(name, 1) for value in values] == [getattr(limits, name)], name
