"""Draws the pictures of docs/OFFICER.md: ``PYTHONPATH=. python -m tests.docs.pictures``.

Each is what a command has just printed, in the exchange of :mod:`.scenario`, as an SVG. Ids and times differ from run
to run, so a picture is drawn anew only when what is left without them has changed: a rank, a weight or a count has.
"""

from __future__ import annotations

import html
import re
import shlex
import tempfile
from contextlib import chdir, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.text import Text

from envoi_client import cli

from ..tools import ROOT
from .scenario import play

FOLDER = ROOT / "docs" / "pictures"
WIDTH = 100
NOTICE = "MTCR/DN/FR/2026/0012"
PICTURES = {
    "denials-list": ("DE", "envoi denials list --exercise"),
    "denials-show": ("DE", f"envoi denials show {NOTICE}"),
    "screen": ("DE", "envoi screen case.json"),
    "decide": ("DE", f"envoi screen decide 2026-118 {NOTICE} --as no-match --reason 'Another Arvand.' --officer clara"),
    "consult-list": ("DE", "envoi consult list"),
    "due": ("FR", "envoi denials due --days 3660"),
    "statistics": ("DE", "envoi statistics --exercise --by partner kind"),
}
"""Whose home, and what is typed."""
_VARYING = re.compile(
    r"\b[0-9a-f]{8,}\b"  # ids and fingerprints
    r"|\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
    r"|(?<= by clara on )\d{4}-\d\d-\d\d"  # when the decision was made; the dates of a notice do not vary
    r"|\b\d+(?= days\b)"  # left until a review
)
_FONTS = re.compile(r"\s*@font-face \{.*?\n    \}", re.DOTALL)


def printed(root: Path) -> dict[str, str]:
    """What each command prints, with the line that was typed."""
    play(root)
    found = {}
    with chdir(root):
        for name, (home, command) in PICTURES.items():
            flags = ["--home", str(root / home), "--passphrase-file", str(root / "passphrase")]
            out, err = StringIO(), StringIO()
            with redirect_stdout(out), redirect_stderr(err):
                code = cli.run([*shlex.split(command)[1:], *flags])
            assert code == cli.DONE, err.getvalue()
            found[name] = f"$ {command}\n{out.getvalue()}"
    return found


def drawn(name: str, text: str) -> str:
    """The picture of a terminal with this text."""
    console = Console(record=True, width=WIDTH, file=StringIO(), force_terminal=True, color_system=None)
    console.print(Text(text.rstrip("\n")), soft_wrap=False)
    svg = console.export_svg(title="envoi", unique_id=name)
    # The library would have a browser fetch its fonts from elsewhere.
    return _FONTS.sub("", svg) + "\n"


def words(text: str) -> list[str]:
    """What is left of a text without what differs from run to run: ids, the day of the run, where lines break."""
    return re.sub(r"[^\w$/.-]+", " ", _VARYING.sub("0", " ".join(text.split()))).split()


def read(svg: str) -> str:
    """The text in a picture."""
    lines = re.findall(r"<text [^>]*>(.*?)</text>", svg)
    return " ".join(html.unescape(line).replace("\xa0", " ") for line in lines if line != "envoi")


def main() -> None:
    """Draw what has changed."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for name, text in printed(Path(folder)).items():
            path = FOLDER / f"{name}.svg"
            if not path.exists() or words(read(path.read_text("utf-8"))) != words(text):
                path.write_text(drawn(name, text), "utf-8")


if __name__ == "__main__":
    main()
