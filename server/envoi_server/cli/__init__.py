"""The command line ``envoi-poc``: what whoever runs the relay types.

Commands are imported when they are called, so that ``envoi-poc --help`` is quick. Answers go to stdout, talk and logs
to stderr; an error is one lower-case sentence, with a hint of what to do next. Exit codes: 0 done, 1 refused or
failed, 2 usage, 3 the records are not what was signed.
"""

from __future__ import annotations

import errno
import json
import os
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from cyclopts import App, CycloptsError

from envoi_keys.errors import EnvoiError
from envoi_server import __version__

DONE: Final = 0
FAILED: Final = 1
USAGE: Final = 2
CHEATING: Final = 3

_PACKAGE: Final = "envoi_server.cli"
_OF_STDOUT: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)


class Command(NamedTuple):
    """A command: the function that is imported when it is called, its line in the list, and a pasteable example."""

    function: str
    text: str
    example: str


COMMANDS: Final = {
    "init": Command(
        "running:init",
        "Make a new relay, and print its log's two public keys.",
        "envoi-poc init --origin poc.example/log --url https://poc.example",
    ),
    "serve": Command(
        "running:serve",
        "Run the relay until it is told to stop.",
        "envoi-poc serve --port 8470",
    ),
    "migrate": Command(
        "running:migrate",
        "Bring the database to the schema of this version.",
        "envoi-poc migrate",
    ),
    "config": Command(
        "running:config", "Show every setting, and where its value comes from.", "envoi-poc config --json"
    ),
    "check": Command(
        "looking:check",
        "Compute the log anew and compare it with what was signed.",
        "envoi-poc check --json",
    ),
    "deliveries": Command(
        "looking:deliveries",
        "Show who has been sent what, and what was received and opened.",
        "envoi-poc deliveries --behind",
    ),
}


def build() -> App:
    """The commands."""
    app = App(
        name="envoi-poc",
        help="Run the Point of Contact's relay: it orders, logs, stores and forwards what it cannot open.",
        version=__version__,
        help_format="plaintext",
        help_formatter="plain",
        help_epilogue="Example: envoi-poc init --origin poc.example/log --url https://poc.example",
        # Interrupted is a failure like others, and not an exit of the library's own.
        suppress_keyboard_interrupt=False,
    )
    for name, command in COMMANDS.items():
        app.command(
            f"{_PACKAGE}.{command.function}", name=name, help=command.text, help_epilogue=f"Example: {command.example}"
        )
    return app


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code. Raises nothing; ``--debug`` shows the traceback."""
    try:
        result = build()(list(arguments), exit_on_error=False, print_error=False, result_action="return_value")
        return result if isinstance(result, int) else DONE
    except CycloptsError as error:
        hint = "envoi-poc --help shows the commands, and each has a --help of its own"
        return _failed(arguments, USAGE, "usage", _sentence(str(error)), hint)
    except EnvoiError as error:
        return _failed(arguments, FAILED, error.kind, str(error), error.hint)
    except KeyboardInterrupt:
        return _failed(arguments, FAILED, "interrupted", "interrupted", None)
    except BrokenPipeError:
        # The reader went away, and wants no explanation.
        _abandon_stdout()
        return FAILED
    except Exception as error:  # noqa: BLE001 - the border of the program: whatever it is, one line and an exit code
        if isinstance(error, OSError) and error.filename is None and error.errno in _OF_STDOUT:
            return _unwritten(arguments, error)
        where = traceback.extract_tb(error.__traceback__)[-1]
        message = f"internal error: {type(error).__name__} in {Path(where.filename).name}, line {where.lineno}"
        return _failed(arguments, FAILED, "internal", message, "please report it; --debug shows the traceback")


def _abandon_stdout() -> None:
    """Let what standard output has not taken go nowhere: Python would try again when it ends, and complain."""
    with suppress(OSError):  # a test's standard output has no descriptor
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _unwritten(arguments: Sequence[str], error: OSError) -> int:
    _abandon_stdout()
    message = f"cannot write the answer: {(error.strerror or str(error)).lower()}"
    return _failed(arguments, FAILED, "local", message, None)


def _sentence(message: str) -> str:
    text = " ".join(message.split()).removesuffix(".")
    return text[:1].lower() + text[1:]


def _failed(arguments: Sequence[str], code: int, kind: str, message: str, hint: str | None) -> int:
    if "--debug" in arguments:
        traceback.print_exc()
    if "--json" in arguments:
        described = {"kind": kind, "message": message, "hint": hint}
        sys.stdout.write(json.dumps({"error": described}, ensure_ascii=False) + "\n")
    sys.stderr.write(f"envoi-poc: {message}\n" + (f"hint: {hint}\n" if hint else ""))
    return code


def main() -> None:
    """The entry point of the command ``envoi-poc``."""
    code = run(sys.argv[1:])
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _abandon_stdout()
        code = code or FAILED
    except OSError as error:
        code = code or _unwritten((), error)
    sys.exit(code)
