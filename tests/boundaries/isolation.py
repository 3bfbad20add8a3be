"""Proving a boundary by absence: fresh interpreters, real wheels, environments that hold only a closure.

Nothing here uses the network. An environment is a virtual environment without pip, whose third-party packages
are links to those of the running one; the wheels under test are installed into it from the files just built.
"""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from ..tools import ROOT

MEMBERS = ("keys", "client", "server")
BUILD_TIMEOUT = 120  # seconds


def plain_environment(**extra: str) -> dict[str, str]:
    """A child's environment: nothing of the caller's that could steer Python or pip."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return kept | {"PYTHONSAFEPATH": "1", "PIP_CONFIG_FILE": os.devnull} | extra


def python(*args: str, cwd: Path, executable: str = sys.executable, timeout: float = 60) -> str:
    """Standard output of a fresh interpreter; its standard error in the assertion if it fails."""
    done = subprocess.run(
        [executable, *args], cwd=cwd, env=plain_environment(), capture_output=True, text=True, timeout=timeout
    )
    assert done.returncode == 0, f"python {' '.join(args)[:200]}\n{done.stdout[-8000:]}{done.stderr[-8000:]}"
    return done.stdout


def build(member: str, out: Path) -> Path:
    """The wheel of one member, built through its sdist as a release is, with the installed hatchling."""
    python(
        "-m",
        "build",
        "--no-isolation",
        "--outdir",
        str(out),
        str(ROOT / member),
        cwd=out,
        timeout=BUILD_TIMEOUT,
    )
    (wheel,) = out.glob(f"envoi_{member}-*.whl")
    return wheel


def closure(*roots: str) -> frozenset[str]:
    """Names of the installed distributions that the given requirements bring along, extras followed."""
    seen: set[tuple[str, frozenset[str]]] = set()
    names: set[str] = set()
    waiting = [Requirement(root) for root in roots]
    while waiting:
        wanted = waiting.pop()
        name, extras = canonicalize_name(wanted.name), frozenset(wanted.extras)
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        names.add(name)
        for line in metadata.requires(name) or ():
            inner = Requirement(line)
            if inner.marker is None or any(inner.marker.evaluate({"extra": extra}) for extra in extras | {""}):
                waiting.append(inner)
    return frozenset(names)


def _top_level(name: str) -> Iterable[Path]:
    """What a distribution put directly into site-packages."""
    distribution = metadata.distribution(name)
    tops = {file.parts[0] for file in distribution.files or ()}
    for top in sorted(tops - {"..", "__pycache__"}):
        if not top.endswith(".pth"):
            yield Path(str(distribution.locate_file(top)))


def environment(folder: Path, third_party: Iterable[str], wheels: Iterable[Path]) -> str:
    """Make a virtual environment of these distributions and wheels and nothing else; its interpreter."""
    venv.create(folder, with_pip=False, symlinks=True)
    executable = str(folder / "bin" / "python")
    site = Path(
        python(
            "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder, executable=executable
        ).strip()
    )
    for name in third_party:
        for source in _top_level(name):
            target = site / source.name
            if not target.exists():
                target.symlink_to(source)
    python(
        *(
            "-m",
            "pip",
            "--python",
            executable,
            "install",
            "--quiet",
            "--no-index",
            "--no-deps",
            "--no-compile",
        ),
        *("--disable-pip-version-check", *map(str, wheels)),
        cwd=folder,
        timeout=BUILD_TIMEOUT,
    )
    return executable
