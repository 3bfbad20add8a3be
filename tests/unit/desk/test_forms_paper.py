"""Notices on paper: every page marked, nothing dropped, and no field that could be markup."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import pytest
import typst

from envoi_client import exercises
from envoi_client.documents import parse
from envoi_desk.forms import glyphs, paper
from envoi_desk.forms.words import LANGUAGES, catalogue, language_of, words
from envoi_desk.register import Version
from envoi_desk.register.versions import read, row_of
from envoi_keys.errors import LocalError

from ..client.aggregates import AGGREGATE
from ..client.denials import spoilt
from .notices import PROFILE, content

HOSTILE = '#panic("x") *b* _i_ = h $x^2$ `c` <l> @r \\ ] [ ) " // /* {{x}} {odd} #eval("1")'


def version(document: dict[str, Any], index: int = 7) -> Version:
    type_ = "aggregate/v1" if "count" in document else "denial/v1"
    notice: Any = parse(type_, document, PROFILE)
    row = row_of(index, "ab" * 32, notice.notifying_government, notice, 1_790_000_000)
    return read(row, index, PROFILE)


def texts(document: dict[str, Any], language: str = "en") -> str:
    return json.dumps(paper.layout([version(document)], PROFILE, words(language), 9).data, ensure_ascii=False)


def found(printed: paper.Printed, selector: str) -> list[dict[str, Any]]:
    """The elements that typst makes of what was laid out."""
    fonts = typst.Fonts(include_system_fonts=False, font_paths=glyphs.directories())
    template = files("envoi_desk.forms").joinpath("notice.typ").read_bytes()
    listed = typst.query(template, selector, font_paths=fonts, sys_inputs={"data": json.dumps(printed.data)})
    elements: list[dict[str, Any]] = json.loads(listed)
    return elements


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_exercise_notices_are_printed_accessibly(language: str) -> None:
    versions = [version(one) for one in exercises.contents()[:3]]
    pdf, _ = paper.print_notices(versions, PROFILE, words(language), 9)
    assert pdf.startswith(b"%PDF-")
    assert b"<pdfuaid:part>1</pdfuaid:part>" in pdf
    assert f"/Lang({language}".encode() in pdf


def test_every_page_is_marked_and_says_where_it_came_from() -> None:
    long = spoilt(lambda c: c.update(remarks="\n".join(["A line of many."] * 150)))
    versions = [version(long, 3), version(content(exercise=False), 4)]
    printed = paper.layout(versions, PROFILE, words("en"), 9)
    pages = paper.to_pdf(printed).count(b"/Type/Page/")
    assert pages == 5
    marks = [json.dumps(one, ensure_ascii=False) for one in found(printed, "<mark>")]
    assert ["EXERCISE" in mark for mark in marks] == [True] * 4 + [False]
    assert ["Partners only" in mark for mark in marks] == [True] * 5
    origins = [json.dumps(one) for one in found(printed, "<origin>")]
    assert ["log index 3" in origin for origin in origins] == [True] * 4 + [False]
    assert all("abab" in origin and "context" in origin for origin in origins)  # which counts the pages


def test_either_language_has_every_word() -> None:
    english, french = (catalogue()[language] for language in LANGUAGES)
    assert list(english) == list(french)
    places = {name: sorted(part.split("}")[0] for part in text.split("{")[1:]) for name, text in english.items()}
    assert places == {name: sorted(part.split("}")[0] for part in text.split("{")[1:]) for name, text in french.items()}
    assert all(text.strip() for text in (*english.values(), *french.values()))


def test_every_term_and_every_field_has_a_word() -> None:
    from dataclasses import fields

    from envoi_client.documents import DenialNotice, hints
    from envoi_client.documents.denial import Kind, Party, Role, Status, TransactionType

    said = words("fr")
    terms = [term for one in (Kind, TransactionType, Role, Status) for term in one]
    assert [term for term in terms if f"term.{term}" not in said] == []
    names = {one.name for one in (*fields(DenialNotice), *fields(Party))} - {"parties", "annex_category"}
    assert [name for name in names if f"label.{name}" not in said] == []
    # Where the validator has a hint for a field, the form's help is the same sentence.
    english = catalogue()["en"]
    same = ("regime_reference", "kind", "transaction_type", "date_of_denial", "date_of_notification", "releasability")
    assert [english[f"help.{name}"] for name in same] == [hints.DENIAL[name] for name in same]
    assert [english[f"help.{name}"] for name in ("name", "role", "country")] == [
        hints.PARTY[name] for name in ("name", "role", "country")
    ]


def test_the_language_is_that_of_the_environment() -> None:
    assert language_of({"LANG": "fr_FR.UTF-8"}) == "fr"
    assert language_of({"LANG": "fr_FR.UTF-8", "LC_ALL": "C"}) == "en"
    assert language_of({}) == "en"
    with pytest.raises(LocalError, match="de is not a language of the forms"):
        words("de")


def test_no_field_is_ever_markup() -> None:
    def spoil(notice: dict[str, Any]) -> None:
        for name in ("item_description", "stated_end_use", "remarks", "releasability", "national_reference", "unit"):
            notice[name] = HOSTILE
        notice["competent_authority"] = {"name": HOSTILE, "contact": HOSTILE}
        notice["reason_for_refusal"]["text"] = HOSTILE
        party = {"name": HOSTILE, "role": "broker", "country": "FR", "address": HOSTILE, "aliases": [HOSTILE + "2"]}
        more = {"name_original_script": HOSTILE, "identifiers": [{"kind": HOSTILE, "value": HOSTILE}]}
        notice["parties"] = [party | more]

    printed = paper.layout([version(spoilt(spoil))], PROFILE, words("en"), 9)
    assert paper.to_pdf(printed).startswith(b"%PDF-")
    assert [one["level"] for one in found(printed, "heading")] == [1, 2]
    assert HOSTILE in json.dumps(printed.data, ensure_ascii=False).replace('\\"', '"').replace("\\\\", "\\")


def test_paper_says_where_the_notice_stands_and_came_from() -> None:
    said = texts(content(status="revoked", revocation_reason="Licensed since."))
    for text in ("MTCR Partners only", "revoked", "Licensed since.", "ab" * 32, "log index 7", "as of log index 9"):
        assert text in said
    assert '"exercise": null' in said
    assert "EXERCICE" in texts(content(exercise=True), "fr")
    catch_all = texts(content(control_entries=["catch-all"], annex_category="not_listed"))
    assert "Not covered by no-undercut." in catch_all
    assert "nobody is screened against it" in texts(AGGREGATE)
    pdf, _ = paper.print_notices([version(AGGREGATE)], PROFILE, words("fr"), 9)
    assert pdf.startswith(b"%PDF-")


def test_letters_without_glyphs_are_never_dropped_silently() -> None:
    party = {"name": "Lanzhou Works", "role": "end_user", "country": "CN", "name_original_script": "兰州 한국 Рига"}
    document = content(parties=[party], remarks="\U0001f680 off")
    printed = paper.layout([version(document)], PROFILE, words("en"), 9)
    said = json.dumps(printed.data, ensure_ascii=False)
    assert "[LanZhou] [HanGug] Рига" in said
    assert "letters that this print has no glyphs for (Han, Hangul)" in said
    assert printed.warnings == [
        "MTCR/DN/FR/2026/0001: no glyphs for Rocket; printed in transliteration: [:rocket:] off",
        "MTCR/DN/FR/2026/0001: no glyphs for Han, Hangul; printed in transliteration: [LanZhou] [HanGug] Рига",
    ]
    # The standard lets no text without a glyph pass, so this is the proof that nothing was missed.
    assert paper.to_pdf(printed).startswith(b"%PDF-")


def test_what_the_fonts_cover_is_what_typst_can_draw() -> None:
    covered = glyphs.coverage()
    assert {ord(one) for one in "Aéğșў ξ Ж ش م ی € – ’"} <= covered
    assert not {ord(one) for one in "兰한ஃ"} & covered
    notice = content(item_description="".join(map(chr, sorted(one for one in covered if chr(one).isalpha())))[:19_000])
    pdf, warnings = paper.print_notices([version(notice)], PROFILE, words("en"), 9)
    assert (pdf[:5], warnings) == (b"%PDF-", [])


def test_a_name_that_looks_like_another_is_said_to() -> None:
    name = "P\u0430lmyra Works"
    said = texts(content(parties=[{"name": name, "role": "broker", "country": "PK"}]))
    assert "[Mind: P\u0430lmyra mixes Latin letters with Cyrillic ones that look alike: \u0430 (U+0430)]" in said


def test_a_failure_of_typst_is_one_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    printed = paper.layout([version(content())], PROFILE, words("en"), 9)
    printed.data["title"] = "兰州"
    with pytest.raises(LocalError, match="the PDF could not be made: "):
        paper.to_pdf(paper.Printed({**printed.data, "notices": [{**printed.data["notices"][0], "title": "兰"}]}))
