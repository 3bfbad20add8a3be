"""Every command of ``envoi``: its function, its line in the list, and an example that can be pasted.

One table, so that the help, the pages and the tests speak of the same commands. The functions are imported when
they are called: ``envoi --help`` is to be quick. A package that builds on the client brings its own
:class:`Extension` under the entry point ``envoi.extensions``; nothing here knows which there are.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.metadata import entry_points
from typing import Final, NamedTuple


class Command(NamedTuple):
    """A command: the function that is imported when it is called, its line in the list, and a pasteable example."""

    function: str
    text: str
    example: str


COMMANDS: Final = {
    "init": Command(
        "envoi_client.cli.membership:init",
        "Make this member's keys, or pin the roster that admitted it.",
        "envoi init --member FR --relay https://poc.example",
    ),
    "status": Command(
        "envoi_client.cli.membership:status",
        "Say who this is, what is unread, what waits, and how the log stands.",
        "envoi status",
    ),
    "doctor": Command(
        "envoi_client.cli.membership:doctor",
        "Check clock, keys, roster, relay, log, modes and versions, each with its fix.",
        "envoi doctor",
    ),
    "keys show": Command(
        "envoi_client.cli.membership:keys_show", "Show the fingerprints of this home's public keys.", "envoi keys show"
    ),
    "config show": Command(
        "envoi_client.cli.membership:config_show",
        "Show every setting, and where its value came from.",
        "envoi config show",
    ),
    "officer init": Command(
        "envoi_client.cli.officers:init",
        "Make an officer's signing key, at the officer's own machine.",
        "envoi officer init POC/anne --state FR",
    ),
    "roster propose": Command(
        "envoi_client.cli.rosters:propose",
        "Propose the first roster, or the next, and sign it as the proposer.",
        "envoi roster propose roster-2.note --after roster-1.note --suspend EE",
    ),
    "roster sign": Command(
        "envoi_client.cli.rosters:sign",
        "Read what a proposed roster changes, and sign it.",
        "envoi roster sign roster-1.note",
    ),
    "roster publish": Command(
        "envoi_client.cli.rosters:publish",
        "Send a roster that its quorum has signed to the relay.",
        "envoi roster publish roster-1.note --relay https://poc.example",
    ),
    "roster show": Command(
        "envoi_client.cli.rosters:show", "Show a roster and who has signed it.", "envoi roster show roster-1.note"
    ),
    "publish denial": Command(
        "envoi_client.cli.publishing:denial",
        "Publish a denial notice, to every other active Partner by default.",
        "envoi publish denial notice.json --dry-run",
    ),
    "publish note": Command(
        "envoi_client.cli.publishing:note",
        "Send a note: a subject and a text.",
        "envoi publish note reply.txt --to DE --subject 'Your question of Monday'",
    ),
    "sync": Command(
        "envoi_client.cli.syncing:sync",
        "Fetch, check and acknowledge what is new, and send what waits.",
        "envoi sync --watch",
    ),
    "inbox": Command("envoi_client.cli.reading:inbox", "List what was received, oldest first.", "envoi inbox --new"),
    "show": Command("envoi_client.cli.reading:show", "Show one dispatch, received or sent.", "envoi show 3f2a9c"),
    "outbox": Command(
        "envoi_client.cli.reading:outbox", "List what was sent, and who has received and opened it.", "envoi outbox"
    ),
    "attachments get": Command(
        "envoi_client.cli.reading:attachments_get",
        "Fetch and open the attachments of a dispatch.",
        "envoi attachments get 3f2a9c --to papers/",
    ),
    "log verify": Command(
        "envoi_client.cli.log:verify",
        "Check the whole log again, against every checkpoint ever seen.",
        "envoi log verify",
    ),
    "log cosign": Command("envoi_client.cli.log:cosign", "Cosign the last verified checkpoint.", "envoi log cosign"),
    "seal": Command(
        "envoi_client.cli.age_files:seal",
        "Seal a file in the age format, with the age tool's flags.",
        "envoi seal -r age1pq1... -o notice.age notice.json",
    ),
    "open": Command(
        "envoi_client.cli.age_files:open_",
        "Open an age file, armored or not.",
        "envoi open -i key.txt -o notice.json notice.age",
    ),
}

GROUPS: Final = {
    "keys": "Look at this member's own keys.",
    "config": "Look at the settings.",
    "officer": "Be an officer of the Point of Contact.",
    "roster": "Propose, sign, publish and show who is a member.",
    "publish": "Seal, sign and send.",
    "attachments": "Fetch attachments.",
    "log": "Check and cosign the relay's log.",
}


class Extension(NamedTuple):
    """What another package adds: commands, groups, and what it has to say after each sync.

    ``after_sync`` names a function (``module:function``) that takes the open node and gives the lines to print.
    """

    commands: Mapping[str, Command]
    groups: Mapping[str, str]
    after_sync: str = ""


@cache
def extensions() -> tuple[Extension, ...]:
    """Those that are installed, in the order of their names."""
    found = sorted(entry_points(group="envoi.extensions"), key=lambda one: one.name)
    return tuple(one.load() for one in found)


@cache
def all_commands() -> dict[str, Command]:
    """All commands, those of the client first."""
    return COMMANDS | {name: command for one in extensions() for name, command in one.commands.items()}


@cache
def all_groups() -> dict[str, str]:
    """All groups of commands."""
    return GROUPS | {name: text for one in extensions() for name, text in one.groups.items()}


def named(arguments: list[str]) -> str | None:
    """The command that these arguments begin with, or None."""
    return next((name for size in (3, 2, 1) if (name := " ".join(arguments[:size])) in all_commands()), None)
