"""The registry of documents, how they look on a terminal, and the form for other systems."""

from __future__ import annotations

import csv
import io
import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envoi_client.documents import DOCUMENTS, InvalidDocument, PlainNote, parse, parse_draft, render, show
from envoi_client.documents.denial import DenialNotice
from envoi_client.documents.tabular import COLUMNS, to_csv
from envoi_client.documents.text import columns, isolated, printable, safe, unsafe_character, wrap
from envoi_keys.errors import Malformed, Refused

from .denials import PROFILE, SOUND, spoilt

RENDERED = """\
EXERCISE EXERCISE EXERCISE
Denial notice     MTCR/DN/FR/2026/0001
Status            valid
Notified by       France (FR)
Authority         Licensing desk
                  desk@exercise.example
Their reference   FR-1
Decision          refusal (export)
Dates             denied 2026-03-01, notified 2026-03-15, review by 2029-03-15
Control entries   9.A.3 Linear accelerometers
                  9.A.6 Inertial measurement equipment or systems
                  Category II
List edition      2024
Item              Accelerometers
                  and their units
Quantity          12.50 pieces
Value             140000 EUR
HS code           9014.20
Destination       Brazil (BR)
Stated end-use    Drilling
Reason            Assessment of the end-use, including the recipient's assurances
                  Doubtful.
Releasability     Partners only
Remarks           None.

Party 1           Serra Azul Ltda.
  role            end user
  original        Serra Azúl Ltda.
  also known as   Serra Azul
                  Sierra Azul
  address         Rua do Exercício 1
  country         Brazil (BR)
  identifiers     CNPJ: 0

EXERCISE EXERCISE EXERCISE
"""


def test_each_type_is_read_written_and_shown() -> None:
    assert set(DOCUMENTS) == {"denial/v1", "aggregate/v1", "consultation/v1", "undercut/v1", "note/v1"}
    denial = parse("denial/v1", SOUND, PROFILE)
    assert isinstance(denial, DenialNotice)
    assert render(denial, PROFILE) == RENDERED
    note = parse("note/v1", {"subject": "Tea", "text": "At four.\nBring cups."}, PROFILE)
    assert note == PlainNote("Tea", "At four.\nBring cups.")
    assert render(note) == "Subject           Tea\n\nAt four.\nBring cups.\n"


def test_an_unknown_type_is_refused_by_name() -> None:
    with pytest.raises(Refused, match="denail/v1 is not a document that this version reads") as caught:
        parse("denail/v1", SOUND, PROFILE)
    assert (caught.value.reason, caught.value.hint) == ("unknown-document", "did you mean denial/v1?")
    with pytest.raises(Refused) as caught:
        parse("paper/v9", SOUND, PROFILE)
    assert caught.value.hint == "a newer version may read it"


def test_what_cannot_be_read_is_shown_all_the_same() -> None:
    content = spoilt(lambda c: c.update(status="in force", remarks="\x1b[31m \u202e"))
    text = show("denial/v1", content, PROFILE)
    assert text.startswith("the denial notice has 2 problems:\n  status: in force is not one of valid,")
    assert '"name": "Serra Azul Ltda."' in text
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert show("paper/v9", {"a": ["x"] * 5000}, PROFILE).endswith("... and 3004 more lines\n")
    assert show("denial/v1", SOUND, PROFILE) == RENDERED


def test_without_a_profile_codes_stand_for_themselves() -> None:
    denial = parse("denial/v1", SOUND, PROFILE)
    text = render(denial)
    assert "Control entries   9.A.3\n                  9.A.6\n                  Category II\n" in text
    assert "Reason            end use\n                  Doubtful.\n" in text


def test_a_catch_all_denial_is_labelled() -> None:
    content = spoilt(lambda c: c.update(control_entries=["catch-all"], annex_category="not_listed"))
    text = show("denial/v1", content, PROFILE)
    assert "catch-all: the item is not on the Annex\n                  Not covered by no-undercut.\n" in text


def test_a_revoked_notice_says_why_and_a_withheld_reason_that_it_is() -> None:
    content = spoilt(
        lambda c: c.update(
            status="revoked",
            revocation_reason="Verified.",
            reason_for_refusal={"code": "withheld"},
            exercise=False,
            supersedes="MTCR/DN/FR/2025/0001",
        )
    )
    text = show("denial/v1", content, PROFILE)
    assert "Status            revoked: Verified.\n" in text
    assert "Supersedes        MTCR/DN/FR/2025/0001\n" in text
    assert "Reason            withheld\n" in text
    assert "EXERCISE" not in text


def test_a_draft_is_a_file_laid_out_as_its_author_likes() -> None:
    raw = json.dumps(SOUND, indent=4).replace("\n", "\r\n").encode("utf-8-sig")
    assert parse_draft("denial/v1", raw, PROFILE) == parse("denial/v1", SOUND, PROFILE)
    with pytest.raises(Malformed, match="is not JSON: line 2, column 1"):
        parse_draft("denial/v1", b'{"kind":\n}', PROFILE)
    with pytest.raises(Malformed, match="kind: stands twice"):
        parse_draft("denial/v1", b'{"kind": "refusal", "kind": "suspension"}', PROFILE)


def test_a_note_tells_its_problems_too() -> None:
    with pytest.raises(InvalidDocument) as caught:
        parse("note/v1", {"subject": "a\nb", "txt": "c"}, PROFILE)
    assert str(caught.value).split("\n") == [
        "the note has 3 problems:",
        "  subject: holds a line break at character 2; remove it, or type the text anew",
        "  text: is missing; write the note",
        "  txt: is not a field of a note; did you mean text?",
    ]


@given(st.text(alphabet="abאבمد\u202e\u2068 ", max_size=40), st.integers(0, 40) | st.none())
def test_a_strangers_text_never_leaves_an_isolate_open(text: str, most: int | None) -> None:
    said = safe(text, most)
    assert said.count("\u2068") == said.count("\u2069")
    assert "\u202e" not in said
    assert safe("دستگاه", 3) == "\u2068دست\u2069"


def test_right_to_left_names_keep_their_neighbours_in_place() -> None:
    name = "دار النورس"
    text = show("denial/v1", spoilt(lambda c: c["parties"][0].update(name_original_script=name)), PROFILE)
    assert f"  original        \u2068{name}\u2069\n" in text
    assert isolated("Δελτα 株式会社") == "Δελτα 株式会社"


def test_wide_letters_take_two_columns_and_marks_none() -> None:
    assert columns("株式会社") == 8
    assert columns("हिन्दी") < len("हिन्दी")
    assert columns("e\u0301") == 1
    assert wrap("兰州栖云山测量仪器", 8) == ["兰州栖云", "山测量仪", "器"]
    assert wrap("one two three", 8) == ["one two", "three"]
    assert wrap("a\n\nb", 8) == ["a", "", "b"]
    assert wrap("", 8) == [""]


@given(st.text(max_size=200), st.integers(2, 40))
def test_wrapping_loses_nothing_but_space_and_overflows_nowhere(text: str, width: int) -> None:
    lines = wrap(text, width)
    bare = ["".join(c for c in line if c not in "\u2068\u2069") for line in lines]
    assert all(columns(line) <= width for line in bare)
    assert "".join("".join(bare).split()) == "".join("".join(c for c in text if c not in "\u2068\u2069").split())
    if text and not unicodedata.combining(text[0]):
        assert not any(unicodedata.combining(line[0]) for line in bare if line)


@given(st.text(max_size=100))
def test_printable_text_holds_nothing_unsafe(text: str) -> None:
    assert unsafe_character(printable(text)) is None
    assert unsafe_character(printable(text, line_breaks=True), line_breaks=True) is None
    if unsafe_character(text) is None:
        assert printable(text) == text


def test_the_tabular_form_has_one_row_per_party() -> None:
    def change(content: dict[str, object]) -> None:
        first = {"name": 'Quote " and, comma', "role": "broker", "country": "FR", "address": "A\nB"}
        content["parties"] = [first, {"name": "株式会社", "role": "exporter", "country": "JP"}]
        del content["national_reference"], content["stated_end_use"]

    notice = parse("denial/v1", spoilt(change), PROFILE)
    assert isinstance(notice, DenialNotice)
    raw = to_csv([notice])
    one, other = csv.DictReader(io.StringIO(raw.decode()))
    assert tuple(one) == COLUMNS
    assert one == {
        "reference": "MTCR/DN/FR/2026/0001",
        "regime_reg_ref": "MTCR/DN/FR/2026/0001",
        "notifying_government": "FR",
        "denial_cle": "9.A.3, 9.A.6",
        "item_description": "Accelerometers and their units",
        "end_use": "",
        "reason_for_refusal": "end_use: Doubtful.",
        "entity_type": "broker",
        "name": 'Quote " and, comma',
        "address": "A B",
        "country": "FR",
    }
    assert (other["regime_reg_ref"], other["name"], other["address"]) == (
        one["regime_reg_ref"],
        "株式会社",
        "",
    )
    assert len(raw.decode().splitlines()) == 3


def test_marks_that_take_no_column_are_wrapped_in_one_pass() -> None:
    """Measured anew for each of them, these would take minutes."""
    (line,) = wrap("a" + "\u0301" * 100_000, 20)
    assert len(line) == 100_001
