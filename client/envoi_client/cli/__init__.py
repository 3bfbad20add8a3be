"""The command line ``envoi``: what a member, an officer or a delegate types.

Commands are imported when they are called, so that ``envoi --help`` is quick. Answers go to stdout, talk to
stderr; an error is one lower-case sentence, with a hint of what to do next. Exit codes: 0 done, 1 refused
or failed, 2 usage, 3 somebody may be cheating.
"""

from __future__ import annotations

import errno
import gc
import json
import sys
import traceback
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from cyclopts import App, CycloptsError

from envoi_client import __version__
from envoi_keys.errors import EnvoiError, Fraud

from .commands import COMMANDS, Command, all_commands, all_groups, named
from .common import Common, abandon_stdout, unwritten
from .help import Screen, explained

__all__ = ["CHEATING", "DONE", "FAILED", "USAGE", "Command", "all_commands", "build", "main", "run"]

DONE: Final = 0
FAILED: Final = 1
USAGE: Final = 2
CHEATING: Final = 3

_ALLOCATIONS: Final = 100_000
_EXTRA: Final = "install it with: pip install 'envoi-client[desk]'"
_OF_STDOUT: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)


def build(words: Sequence[str] | None = None) -> App:
    """The tree of commands. What a group does by itself is there if ``words`` begin with it, or are None."""
    app = App(
        name="envoi",
        help="Exchange sealed denial notices and papers among the members of an export-control regime.",
        version=__version__,
        help_format="plaintext",
        help_formatter=Screen(),
        help_epilogue=f"{explained(Common)}\n\nExample: {COMMANDS['init'].example}",
        # Interrupted is a failure like others, and not an exit of the library's own.
        suppress_keyboard_interrupt=False,
    )
    commands, groups = all_commands(), all_groups()
    examples = {
        group: next(one.example for name, one in commands.items() if f"{name} ".startswith(f"{group} "))
        for group in groups
    }
    apps = {"": app} | {
        name: App(name=name.rpartition(" ")[2], help=text, help_epilogue=f"Example: {examples[name]}")
        for name, text in groups.items()
    }
    for name, command in commands.items():
        if name in groups:
            # A command is imported when it is called; what a group does by itself, when it is registered.
            if words is None or name in words[:1]:
                apps[name].default(_function(command.function))
            continue
        group, _, last = name.rpartition(" ")
        apps[group].command(
            command.function,
            name=last,
            help=command.text,
            help_epilogue=f"Example: {command.example}",
        )
    for name in groups:
        apps[name.rpartition(" ")[0]].command(apps[name])
    app.register_install_completion_command(
        add_to_startup=False, help="Install the completion of commands and options for this shell."
    )
    return app


def _function(path: str) -> Callable[..., Any]:
    module, _, name = path.partition(":")
    function: Callable[..., Any] = getattr(import_module(module), name)
    return function


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code. Raises nothing; ``--debug`` shows the traceback of an error."""
    words = list(arguments)
    options = words[: words.index("--")] if "--" in words else words
    try:
        # A lone hyphen is standard input or output, and not the beginning of an option; as a path "./-" is the same.
        result = build(words)(
            ["./-" if word == "-" else word for word in words],
            exit_on_error=False,
            print_error=False,
            result_action="return_value",
        )
        return result if isinstance(result, int) else DONE
    except CycloptsError as error:
        return _failed(options, USAGE, "usage", _sentence(str(error)), _example(words))
    except EnvoiError as error:
        code = CHEATING if isinstance(error, Fraud) or error.suspicious else FAILED
        return _failed(options, code, error.kind, str(error), error.hint, **_problems(error))
    except ImportError as error:
        # An extension's commands are listed whether or not what it needs beside us is installed.
        return _failed(options, FAILED, "local", f"this command needs {error.name}", _EXTRA)
    except KeyboardInterrupt:
        return _failed(options, FAILED, "interrupted", "interrupted", None)
    except BrokenPipeError:
        # The reader went away, and wants no explanation.
        abandon_stdout()
        return FAILED
    except Exception as error:  # noqa: BLE001 - the border of the program: whatever it is, one line and an exit code
        if isinstance(error, OSError) and error.filename is None and error.errno in _OF_STDOUT:
            # A file of ours would be named. Help is what is written without Common.answer.
            abandon_stdout()
            return _failed(options, FAILED, "local", unwritten(error), None)
        # Not the error's own text: it may quote what was sealed.
        where = traceback.extract_tb(error.__traceback__)[-1]
        message = f"internal error: {type(error).__name__} in {Path(where.filename).name}, line {where.lineno}"
        return _failed(options, FAILED, "internal", message, "please report it; --debug shows the traceback")


def _failed(options: Sequence[str], code: int, kind: str, message: str, hint: str | None, **more: Any) -> int:
    if "--debug" in options:
        traceback.print_exc()
    if "--json" in options:
        described = {"kind": kind, "message": message, "hint": hint, **more}
        sys.stdout.write(json.dumps({"error": described}, ensure_ascii=False) + "\n")
    sys.stderr.write(f"envoi: {message}\n")
    if hint:
        sys.stderr.write(f"hint: {hint}\n")
    return code


def _problems(error: EnvoiError) -> dict[str, Any]:
    """All that is wrong with a document, one by one, for a program that shows them beside its fields."""
    found = getattr(error, "problems", ())
    return (
        {"problems": [{"path": one.path, "message": one.message, "hint": one.hint} for one in found]} if found else {}
    )


def _sentence(message: str) -> str:
    text, _, listed = " ".join(message.split()).partition(" Available commands: ")
    if listed and "Did you mean" not in text:
        # With a suggestion, the list of everything would only be noise.
        text = f"{text.removesuffix('.')}; there are: {listed}"
    text = text if text.endswith("...") else text.removesuffix(".")
    return text[:1].lower() + text[1:]


def _example(words: list[str]) -> str:
    command = named(words)
    if command is None:
        return "envoi --help shows the commands, and each has a --help of its own"
    return f"for example: {all_commands()[command].example}"


def collect_seldom() -> None:
    """Look for cyclic garbage after so many allocations only: a command makes little of it and keeps what it makes."""
    gc.set_threshold(_ALLOCATIONS, 10, 10)


def main() -> None:
    """The entry point of the command ``envoi``."""
    collect_seldom()
    for stream in (sys.stdout, sys.stderr):
        # A name in a script that the terminal's encoding lacks is written as escapes; it does not end the command.
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    code = run(sys.argv[1:])
    try:
        sys.stdout.flush()
    except OSError as error:
        abandon_stdout()
        code = code or (
            FAILED if isinstance(error, BrokenPipeError) else _failed((), FAILED, "local", unwritten(error), None)
        )
    sys.exit(code)
