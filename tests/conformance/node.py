"""Runs the Node programs of this directory. Where Node or a package is missing, the test is skipped."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from ..tools import node_package, program

HERE = Path(__file__).resolve().parent


def run_node(script: str, package: str, request: dict[str, Any] | None = None) -> Any:
    """What ``script``, which uses ``package``, answers to ``request``; both are JSON."""
    node = program("node")
    node_package(package)
    asked = json.dumps(request or {}).encode()
    done = subprocess.run([node, HERE / script], input=asked, capture_output=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return json.loads(done.stdout)
