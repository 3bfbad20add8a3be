"""The pictures of the officer's guide are what the commands print."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .pages import text
from .pictures import FOLDER, PICTURES, printed, read, words

PAGE = "docs/OFFICER.md"


def test_every_picture_is_shown_and_every_picture_shown_exists() -> None:
    shown = re.findall(r"!\[[^\]]+\]\(pictures/([\w-]+)\.svg\)", text(PAGE))
    assert sorted(shown) == sorted(PICTURES) == sorted(path.stem for path in FOLDER.glob("*.svg"))


def test_the_pictures_show_what_the_commands_print(tmp_path: Path) -> None:
    assert {name: words(said) for name, said in printed(tmp_path).items()} == {
        name: words(read((FOLDER / f"{name}.svg").read_text("utf-8"))) for name in PICTURES
    }


@pytest.mark.parametrize(
    ("name", "said", "other"),
    [
        ("screen", "rank 0.", "rank 1."),
        ("screen", "names 1.00", "names 0.99"),
        ("screen", "to index 11", "to index 12"),
        ("denials-show", "148500.00", "148600.00"),
        ("denials-list", "2026-03-18", "2026-03-19"),
        ("statistics", "France 2", "France 3"),
    ],
)
def test_a_wrong_figure_in_a_picture_would_be_noticed(name: str, said: str, other: str) -> None:
    shown = " ".join(read((FOLDER / f"{name}.svg").read_text("utf-8")).split())
    assert said in shown
    assert words(shown.replace(said, other)) != words(shown)


def test_the_day_of_the_run_and_ids_may_differ() -> None:
    one = "run 2, 2026-11-27T17:05:43Z, weights c339feb9ddf6; decided by clara on 2026-11-27; 850 days"
    other = "run 2, 2027-01-02T03:04:05Z, weights 0123456789ab; decided by clara\n   on 2027-01-02; 814 days"
    assert words(one) == words(other)


def test_no_picture_fetches_anything() -> None:
    for path in FOLDER.glob("*.svg"):
        assert re.findall(r"(?:url\(|href=|src=)[\"']?https?:", path.read_text("utf-8")) == []
