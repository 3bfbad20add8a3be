"""An import up to its signing: everything that is wrong is told of its cell, and one bad row keeps all of it back."""

from __future__ import annotations

import datetime
import json
from typing import Any

import pytest

from envoi_client.documents import Problem
from envoi_client.documents.denial import Role
from envoi_desk import limits
from envoi_desk.forms.importing import ImportRefused, check, read_items
from envoi_keys.errors import Malformed

from .imports import PARTNERS, importing, said, spoilt
from .notices import PROFILE, content, notice, reference
from .sheets import HEADER, cell, csv_of, rows, workbook, xlsx_of


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        (
            {"control_entries": "9.Q.3"},
            "n.csv, row 2, column control_entries (J): 9.Q.3 is not an entry of the Annex; did you mean 9.A.3?",
        ),
        (
            {"date_of_denial": "03.04.2026"},
            (
                "n.csv, row 2, column date_of_denial (H): 03.04.2026 is not a date in the form YYYY-MM-DD; "
                "write 2026-04-03 or 2026-03-04"
            ),
        ),
        ({"kind": "refused"}, "n.csv, row 2, column kind (F): refused is not one of refusal, "),
        ({"exercise": "perhaps"}, "n.csv, row 2, column exercise (AB): perhaps is not true or false"),
        ({"exercise": ""}, "n.csv, row 2, column exercise (AB): is missing; write true for a drill"),
        ({"authority_contact": ""}, "n.csv, row 2, column authority_contact (E): is missing; say how colleagues"),
        ({"reason_code": "end_use"}, "n.csv, row 2, column reason_text (V): is missing; give the reason in words"),
        ({"party_role": "buyer"}, "n.csv, row 2, column party_role (AE): buyer is not one of consignee"),
        ({"party_country": "Pakistan"}, "n.csv, row 2, column party_country (AG): Pakistan is not an ISO 3166 code; "),
        ({"party_name": "A\u202eB"}, "n.csv, row 2, column party_name (AD): holds a hidden mark that changes the"),
        ({"party_aliases": "a; A"}, "n.csv, row 2, column party_aliases (AH): A stands among the names already"),
        ({"party_identifiers": "12345"}, "n.csv, row 2, column party_identifiers (AJ): 12345 is not an identifier"),
        ({"quantity": "12"}, "n.csv, row 2, column unit (O): is missing beside quantity"),
        ({"quantity": "1,200", "unit": "kg"}, "n.csv, row 2, column quantity (N): 1,200 is not a decimal number"),
        ({"regime_reference": "0001"}, "n.csv, row 2, column regime_reference (A): 0001 is not of the form "),
        ({"party_name": "x" * 10_000}, "n.csv, row 2, column party_name (AD): has 10000 characters; at most 300"),
        ({"status": "revoked"}, "n.csv, row 2, column revocation_reason (Z): is missing; a revoked notice says why"),
    ],
)
def test_each_slip_is_told_of_its_row_and_column(cells: dict[str, str], problem: str) -> None:
    (found,) = said(spoilt(**cells))
    assert found.startswith(problem)


@pytest.mark.parametrize(
    "written",
    [
        *("03/04/2026", "3/4/2026", "03.04.2026", "3. 4. 2026", "03-04-2026", "3 Apr 2026", "3 April 2026"),
        *("April 3, 2026", "20260403", "2026/04/03", "2026.4.3", "2026-4-3"),
    ],
)
def test_a_day_in_a_national_form_is_refused_with_the_iso_form_and_never_guessed(written: str) -> None:
    (found,) = said(spoilt(date_of_denial=written))
    assert found.startswith("n.csv, row 2, column date_of_denial (H): ")
    assert "2026-04-03" in found


def test_a_date_cell_of_a_workbook_is_no_guess() -> None:
    raw = workbook(lambda sheet: sheet.__setitem__(cell("date_of_denial"), datetime.date(2026, 3, 1)))
    (new,) = importing(raw).new
    assert new.to_content() == content(date_of_denial="2026-03-01")


def test_all_that_is_wrong_is_told_at_once_in_the_order_of_the_file() -> None:
    bad = [content(1, control_entries=["9.Q.3"]), content(2), content(3, kind="no")]
    found = importing(csv_of(HEADER, *rows(*bad)))
    assert [problem.path.split(",")[1] for problem in found.problems] == [" row 2", " row 4"]
    error = ImportRefused(tuple(found.problems))
    assert str(error).startswith("nothing was imported, as there are 2 problems:\n  n.csv, row 2, column control")
    many = ImportRefused(tuple(found.problems) * 100)
    assert str(many).endswith("  and 150 more")
    assert len(many.problems) == 200


def test_rows_of_one_notice_are_its_parties_and_agree() -> None:
    one = content(1, parties=[{"name": f"P{at}", "role": "broker", "country": "PK"} for at in range(3)])
    lines = rows(one, content(2))
    lines[1][HEADER.index("kind")] = ""  # left empty, it is that of the first row
    lines = [lines[0], lines[1], lines[3], lines[2]]  # and a notice may be spread
    (first, _) = importing(csv_of(HEADER, *lines)).new
    assert first.to_content() == one
    lines[3][HEADER.index("destination_country")] = "IR"
    lines[3][HEADER.index("party_role")] = "buyer"
    assert said(csv_of(HEADER, *lines)) == [
        (
            "n.csv, row 5, column destination_country (S): IR differs within one notice: row 2 has PK; "
            "write it in the first row alone"
        ),
        f"n.csv, row 5, column party_role (AE): buyer is not one of {', '.join(Role)}",
    ]


def test_a_row_without_its_reference_belongs_to_nothing() -> None:
    line = rows(content())[0]
    line[0] = ""
    assert said(csv_of(HEADER, *rows(content()), line)) == [
        "n.csv, row 3, column regime_reference (A): is empty; every row has the reference of its notice"
    ]


def test_a_column_that_no_form_has_is_refused_and_a_missing_one_is_named() -> None:
    with pytest.raises(Malformed, match=r"n.csv, row 1, column B: destnation_country is not a column") as caught:
        importing(csv_of(["regime_reference", "destnation_country"], ["x", "y"]))
    assert caught.value.hint == "did you mean destination_country?"
    with pytest.raises(Malformed, match=r"n\.csv, row 1: has no column regime_reference"):
        importing(csv_of(["kind"], ["refusal"]))
    without = [name for name in HEADER if name != "exercise"]
    line = [cell for name, cell in zip(HEADER, rows(content())[0], strict=True) if name != "exercise"]
    assert said(csv_of(without, line)) == [
        (
            "n.csv, row 2, column exercise, which the file does not have: is missing; "
            "write true for a drill and false for a real denial"
        )
    ]


# -- the register ------------------------------------------------------------------------------------------


def test_what_the_register_holds_word_for_word_is_unchanged() -> None:
    held = {reference(1): notice(1)}
    found = importing(csv_of(HEADER, *rows(content(1), content(2))), held=held)
    assert (found.unchanged, [one.regime_reference for one in found.new]) == ([reference(1)], [reference(2)])


def test_a_change_says_what_it_is() -> None:
    held = {reference(1): notice(1)}
    assert said(spoilt(remarks="More."), held=held) == [
        (
            f"n.csv, row 2, column status (X): {reference(1)} is taken by a notice that stands; "
            "write the status amended, renewed or revoked, or take a new reference"
        )
    ]
    assert len(importing(spoilt(remarks="More.", status="amended"), held=held).new) == 1
    assert said(spoilt(status="amended", exercise="true"), held=held) == [
        f"n.csv, row 2, column exercise (AB): {reference(1)} is a real denial, and stays so; take a new reference"
    ]


def test_what_waits_to_be_sent_is_not_sent_twice() -> None:
    assert importing(spoilt(), waiting={reference(1): content(1)}).unchanged == [reference(1)]
    assert said(spoilt(), waiting={reference(1): content(1, remarks="Before.")}) == [
        (
            f"n.csv, row 2, column regime_reference (A): {reference(1)} waits in the outbox with another content; "
            "send it first: envoi sync"
        )
    ]


def test_nobody_imports_anothers_notices_nor_one_twice() -> None:
    assert said(spoilt(), me="DE") == [
        (
            "n.csv, row 2, column notifying_government (C): FR notifies it, and this home is that of DE; "
            "a Partner notifies its own denials"
        )
    ]
    assert said(spoilt(), xlsx_of(HEADER, *rows(content()))) == [
        (
            f"n.csv, row 2, column regime_reference (A): {reference(1)} stands twice, also in "
            "n.csv, row 2, column regime_reference (A); leave one of them out"
        )
    ]


def test_an_import_of_too_many_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_IMPORT_NOTICES", 1)
    assert said(csv_of(HEADER, *rows(content(1), content(2)))) == [
        "the import: these are 2 notices; at most 1 are taken at once; split it"
    ]
    monkeypatch.setattr(limits, "MAX_IMPORT_BYTES", 10)
    with pytest.raises(Malformed, match=r"n\.csv: has more than 10 bytes"):
        importing(spoilt())


def test_what_is_wrong_all_over_is_not_looked_at_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_IMPORT_PROBLEMS", 2)
    found = said(csv_of(HEADER, *rows(*(content(number, kind="no") for number in range(1, 6)))))
    assert (len(found), found[-1]) == (3, "the import: 3 notices were not looked at")


def test_a_name_of_ten_megabytes_is_told_by_its_length() -> None:
    party = {"name": "x" * 10_000_000, "role": "broker", "country": "PK"}
    assert said(json.dumps(content(parties=[party])).encode(), name="n.json") == [
        "n.json, parties[0].name: has 10000000 characters; at most 300 are allowed"
    ]
    (row,) = rows(content())
    row[HEADER.index("party_name")] = "x" * 32_767
    assert said(xlsx_of(HEADER, row), name="n.xlsx") == [
        "n.xlsx, row 2, column party_name (AD): has 32767 characters; at most 300 are allowed"
    ]


def test_an_old_or_locked_workbook_is_refused_with_the_way_to_save() -> None:
    with pytest.raises(Malformed, match=r"n\.csv: is an XLS file or has a password"):
        importing(b"\xd0\xcf\x11\xe0" + bytes(512))


def test_a_name_that_looks_like_another_is_taken_and_told() -> None:
    name = "P\u0430lmyra Works"  # with a Cyrillic a
    found = importing(spoilt(party_name=name))
    assert len(found.new) == 1
    assert [str(one) for one in found.odd] == [
        (
            "n.csv, row 2, column party_name (AD): P\u0430lmyra mixes Latin letters with Cyrillic ones "
            "that look alike: \u0430 (U+0430)"
        )
    ]
    assert not importing(spoilt(party_name="Пальмира", party_aliases="Palmyra Γ Works; μm")).odd


def test_progress_is_told() -> None:
    told: list[tuple[Any, ...]] = []
    problems: list[Problem] = []
    items = read_items(csv_of(HEADER, *rows(*map(content, range(1, 251)))), "n", PROFILE, {}, problems)
    check(items, PROFILE, PARTNERS, "FR", lambda _: None, {}, progress=lambda *what: told.append(what))
    assert told == [("checking notices", 200, 250, "notices"), ("checking notices", 250, 250, "notices")]
