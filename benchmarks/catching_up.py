"""One node that catches up, in a process of its own as `envoi sync` is: reads from stdin what it is, prints seconds.

A module by itself, because each process that judges dispatches imports what its parent ran.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

from envoi_client.cli import collect_seldom
from envoi_client.files import Home
from envoi_client.node import Node


def main() -> int:
    """Sync once; the exit code."""
    collect_seldom()
    given = json.loads(sys.stdin.readline())
    with Node.open(Home(Path(given["home"])), given["passphrase"]) as node:
        before = time.process_time()
        start = time.perf_counter()
        report = node.sync()
        seconds = time.perf_counter() - start
        opened = len(report.received)
    # Its own processor time and that of the processes that judged, which have ended.
    cpu = sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(json.dumps({"seconds": seconds, "cpu": cpu - before, "opened": opened, "alarms": len(report.alarms)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
