"""The pictures of the officer's guide are what the commands print."""

from __future__ import annotations

import re
from pathlib import Path

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


def test_no_picture_fetches_anything() -> None:
    for path in FOLDER.glob("*.svg"):
        assert re.findall(r"(?:url\(|href=|src=)[\"']?https?:", path.read_text("utf-8")) == []
