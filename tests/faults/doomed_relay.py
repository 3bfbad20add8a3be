"""A process with a relay that kills itself, without a word, when it passes a named write point.

Run by `test_kill_relay`: three members publish at once; each writes its bytes down before it posts them, as a
node does, and says so on the standard output when they are acknowledged.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from envoi_server.relay import Acceptance, Relay
from envoi_server.settings import load

from ..exchange import Exchange
from ..unit.server.core.harness import Member

SENDERS = ("FR", "DE", "AU")
EACH = 8


class Doom:
    """Kills the process when ``point`` is passed for the ``nth`` time."""

    def __init__(self, point: str, nth: int) -> None:
        self.point = point
        self.left = nth

    def __call__(self, point: str) -> None:
        if point == self.point:
            self.left -= 1
            if self.left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


async def publish(relay: Relay, member: Member, home: Path) -> None:
    """Publish, one after the other, to everybody else."""
    others = [one for one in (*SENDERS, "AT") if one != member.name]
    for number in range(1, EACH + 1):
        raw = member.compose(*others, filler=bytes([number]) * 500).raw
        name = f"{member.name}-{number}"
        # The death may come from another thread in the middle of this: a name stands for whole bytes.
        partial = home / "posted" / f"{name}.partial"
        partial.write_bytes(raw)
        partial.rename(home / "posted" / name)
        answer = await relay.accept_dispatch(member.name, raw)
        assert isinstance(answer, Acceptance), answer
        print(name, answer.index, flush=True)


async def main(home: Path, point: str, nth: int) -> None:
    """Serve until the end."""
    exchange = Exchange.make(4)
    relay = Relay.open(load(home), at=Doom(point, nth))
    relay.start(asyncio.get_running_loop())
    assert isinstance(await relay.accept_roster(exchange.notes[0]), Acceptance)
    print("roster", 0, flush=True)
    await asyncio.gather(*(publish(relay, Member(exchange, name), home) for name in SENDERS))
    relay.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
