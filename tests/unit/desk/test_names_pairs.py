"""``envoi screen pairs``: every row comes back with what the matcher says, or the file is refused whole."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from envoi_client.cli.common import Common
from envoi_desk.cli.pairs import pairs
from envoi_desk.names.pairs import judge
from envoi_keys.errors import LocalError, Malformed

GOOD = """pair_id,name1,name2,schema,country1,country2
1,KU Sung Sop,KU Seung Sub,Person,"Korea, North",KP
2,Kolvar Optics Ltd,Tarsan Trading,,Iran,RU
"""


def test_every_row_and_column_comes_back(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "pairs.csv"
    file.write_text(GOOD)

    pairs(file)

    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["pair_id"] for row in rows] == ["1", "2"]
    assert [row["match"] for row in rows] == ["true", "false"]
    assert float(rows[0]["score"]) > 0.9 > float(rows[1]["score"])
    assert "sung and seung may be one name, romanised twice" in rows[0]["reasons"]
    assert list(rows[0])[:6] == GOOD.partition("\n")[0].split(",")


def test_json_says_the_same(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "pairs.csv"
    file.write_text(GOOD)

    pairs(file, common=Common(json=True))

    first, second = json.loads(capsys.readouterr().out)
    assert (first["match"], second["match"]) == (True, False)
    assert isinstance(first["reasons"], list)


def test_a_file_is_written_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, out = tmp_path / "pairs.csv", tmp_path / "judged.csv"
    file.write_text(GOOD)

    pairs(file, out=out)

    assert len(out.read_text().splitlines()) == 3
    assert "2 pairs, 1 of them matches" in capsys.readouterr().out


def test_a_bad_file_leaves_the_old_one(tmp_path: Path) -> None:
    file, out = tmp_path / "pairs.csv", tmp_path / "judged.csv"
    file.write_text(GOOD + "3,only one name\n")
    out.write_text("old")

    with pytest.raises(Malformed, match=r"row 4: has 2 cells, and the first row has 6"):
        pairs(file, out=out)

    assert out.read_text() == "old"


def test_a_missing_file_is_our_own_fault(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match="cannot read"):
        pairs(tmp_path / "none.csv")


BAD = [
    ("empty", b"", "is empty"),
    ("no column", b"name1,names\na,b\n", "has no column name2"),
    ("a column twice", b"name1,name2,name1\na,b,c\n", "'?name1'? stands twice"),
    ("a column that is added", b"name1,name2,score\na,b,c\n", "is a column that is added"),
    ("an empty name", b"name1,name2\nKolvar,\n", r"row 2, column name2 \(B\): is empty"),
    ("a schema", b"name1,name2,schema\na,b,Vessel\n", r"column schema \(C\)"),
    ("a long name", b"name1,name2\n" + b"x" * 1_001 + b",b\n", "has 1001 characters"),
    ("ten megabytes", b"name1,name2\n" + b"x" * 10_000_000 + b",b\n", "holds a cell of more than"),
    ("a quote", b'name1,name2\n"a,b\n', "row 2: is not CSV"),
    ("NUL", b"name1,name2\na\x00,b\n", "holds a NUL byte in line 2"),
    ("UTF-16", "name1,name2\na,b\n".encode("utf-16"), "UTF-16"),
    ("Latin-1", "name1,name2\nKölvar,b\n".encode("latin-1"), "is not UTF-8 in line 2"),
]


@pytest.mark.parametrize(("raw", "told"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_a_malformed_file_is_refused_with_one_error(raw: bytes, told: str) -> None:
    with pytest.raises(Malformed, match=told) as caught:
        judge(raw, "pairs.csv")

    assert len(str(caught.value)) < 300


def test_a_near_miss_of_a_column_is_suggested() -> None:
    with pytest.raises(Malformed) as caught:
        judge(b"name1,name_2\na,b\n", "pairs.csv")

    assert caught.value.hint == "did you mean name2?"


def test_semicolons_and_a_byte_order_mark_are_read() -> None:
    _, judged = judge("\ufeffname1;name2\nKolvar;KOLVAR Ltd\n".encode(), "pairs.csv")

    assert [one.comparison.match for one in judged] == [True]


def test_formulas_are_guarded_on_the_way_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "pairs.csv"
    file.write_text('name1,name2\n"=HYPERLINK(""x"")",Kolvar\n')

    pairs(file)

    assert "\"'=HYPERLINK" in capsys.readouterr().out
