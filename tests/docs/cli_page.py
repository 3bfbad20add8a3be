"""Writes what is generated of docs/CLI.md: ``PYTHONPATH=. python -m tests.docs.cli_page``.

Commands and options come from the two programs, the JSON from a real run. Values differ from run to run, so what is
compared of the JSON is its shape, and examples are written anew only when that has changed.
"""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path
from typing import Any

from cyclopts import App

from envoi_client import cli as member_cli
from envoi_server import cli as relay_cli

from ..tools import ROOT
from .scenario import play

PAGE = ROOT / "docs" / "CLI.md"
PROGRAMS = {"envoi": member_cli.build, "envoi-poc": relay_cli.build}
BY_NAME = {"recipients", "numbers", "fingerprints", "keys", "public", "config", "sealed_to"}
"""Objects whose names are data and not fields."""
ERROR = "An error, of any command"
_CUT = 64
_FEW = 2


def commands(app: App, *path: str) -> list[tuple[tuple[str, ...], App]]:
    """Every command of a program with its words, in the order of its help."""
    found = []
    for name in app:
        if name.startswith("-"):
            continue
        one = app[name]
        inner = commands(one, *path, name)
        # A group may do something by itself, as `envoi screen CASE` does.
        found += inner if inner and one.default_command is None else [((*path, name), one), *inner]
    return found


def options(app: App) -> list[tuple[str, str, bool]]:
    """Names, meaning and whether it belongs to every command, for each argument and option."""
    rows = []
    common = False
    for one in app.assemble_argument_collection(parse_docstring=True):
        if one.name == "*":
            common = True
            continue
        names = ", ".join(f"`{name}`" for name in one.names)
        meaning = (one.parameter.help or "").strip()
        rows.append((names + (" (needed)" if one.required else ""), meaning, common))
    return rows


def reference() -> str:
    """The commands with their options, and those that all commands share."""
    parts = []
    for program, build in PROGRAMS.items():
        app = build()
        shared: list[tuple[str, str]] = []
        parts.append(f"## The commands of `{program}`\n")
        for words, one in commands(app):
            rows = options(one)
            shared = [(names, meaning) for names, meaning, common in rows if common]
            parts.append(f"### `{program} {' '.join(words)}`\n\n{one.help.strip().splitlines()[0]}\n")
            example = re.search(r"Example: (.*)", f"{one.help}\n{one.help_epilogue or ''}")
            if example:
                parts.append(f"```sh\n{example[1]}\n```\n")
            own = [(names, meaning) for names, meaning, common in rows if not common]
            if own:
                parts.append(table(("argument or option", "meaning"), own))
        parts.append(f"### Options of every command of `{program}`\n")
        parts.append(table(("option", "meaning"), shared))
    return "\n".join(parts)


def table(headings: tuple[str, ...], rows: list[tuple[str, str]]) -> str:
    """A Markdown table."""
    lines = [f"| {' | '.join(headings)} |", f"|{'---|' * len(headings)}"]
    lines += [f"| {names} | {meaning.replace('|', chr(92) + '|')} |" for names, meaning in rows]
    return "\n".join(lines) + "\n"


def shown(value: Any, root: Path) -> Any:
    """An answer as the page shows it: short strings, short lists, no path of the machine it ran on."""
    if isinstance(value, dict):
        return {name: shown(one, root) for name, one in value.items()}
    if isinstance(value, list):
        return [shown(one, root) for one in value[:_FEW]]
    if isinstance(value, str):
        plain = value.replace(str(root), "~")
        return plain if len(plain) <= _CUT else f"{plain[: _CUT - 3]}..."
    return value


def answers(found: dict[str, Any], root: Path) -> str:
    """The JSON of every command."""
    parts = ["## The JSON of each command\n"]
    for command, value in sorted(found.items()):
        few = dict(list(value.items())[:3]) if command == "envoi-poc config" else value
        title = ERROR if command == "error" else f"`{command} --json`"
        text = json.dumps(shown(few, root), ensure_ascii=False, indent=2)
        parts.append(f"### {title}\n\n```json\n{text}\n```\n")
    return "\n".join(parts)


def shape(value: Any, name: str = "") -> Any:
    """The names and types in some JSON, without its values."""
    if isinstance(value, dict):
        if name in BY_NAME:
            return {"*": merged([shape(one) for one in value.values()])}
        return {key: shape(one, key) for key, one in value.items()}
    if isinstance(value, list):
        return [merged([shape(one) for one in value])] if value else []
    return type(value).__name__


def merged(shapes: list[Any]) -> Any:
    """What items of one list have in common, with the type that a field has where it is not null."""
    known = [one for one in shapes if one != "NoneType"]
    if not known:
        return "NoneType"
    first = known[0]
    if isinstance(first, dict):
        names = list(dict.fromkeys(name for one in known for name in one))
        return {name: merged([one.get(name, "NoneType") for one in known]) for name in names}
    return first


def fits(page: Any, real: Any) -> bool:
    """Whether two shapes are the same, fields in the same order: null fits null alone, an empty list an empty one."""
    if isinstance(page, dict) and isinstance(real, dict):
        return list(page) == list(real) and all(fits(page[name], real[name]) for name in page)
    if isinstance(page, list) and isinstance(real, list):
        return len(page) == len(real) and all(map(fits, page, real))
    return bool(page == real)


def replace(page: str, name: str, text: str) -> str:
    """The page with another text between two marks."""
    begin, end = f"<!-- generated: {name} -->\n", f"<!-- end: {name} -->"
    before, _, rest = page.partition(begin)
    _, _, after = rest.partition(end)
    return f"{before}{begin}\n{text}\n{end}{after}"


def between(page: str, name: str) -> str:
    """What stands between two marks."""
    found = re.search(rf"<!-- generated: {name} -->\n\n(.*?)\n<!-- end: {name} -->", page, re.DOTALL)
    assert found is not None, f"docs/CLI.md has no part {name}"
    return found[1]


def documented(page: str) -> dict[str, Any]:
    """The examples on the page, by command; ``error`` is the last."""
    found = re.compile(r"^### ([^\n]*)\n\n```json\n(.*?)\n```$", re.MULTILINE | re.DOTALL)
    titles = found.findall(between(page, "answers"))
    return {
        "error" if title == ERROR else title.strip("`").removesuffix(" --json"): json.loads(example)
        for title, example in titles
    }


def stale(said: dict[str, Any], real: dict[str, Any]) -> list[str]:
    """The commands whose JSON is not of the documented shape, or is not documented, or is gone."""
    wrong = sorted(said.keys() ^ real.keys())
    for name in sorted(said.keys() & real.keys()):
        answer = real[name]
        if name == "envoi-poc config":
            answer = {key: answer.get(key) for key in said[name]}
        if not fits(shape(said[name]), shape(answer)):
            wrong.append(name)
    return wrong


def main() -> None:
    """Write the commands, and the examples if one of them is not of the shape of a fresh run."""
    page = replace(PAGE.read_text("utf-8"), "commands", reference())
    with tempfile.TemporaryDirectory() as folder:
        found = play(Path(folder))
        if stale(documented(page), found):
            page = replace(page, "answers", answers(found, Path(folder)))
    PAGE.write_text(page, "utf-8")


if __name__ == "__main__":
    main()
