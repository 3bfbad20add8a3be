"""Disks that run full: a file system of a few MiB in memory, or a limit that the kernel sets to a process's files."""

from __future__ import annotations

import contextlib
import resource
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from envoi_keys.limits import MIB

from ..tools import missing

_PIECE = 64 * 1024


class SmallDisk:
    """A file system of its own under ``path``. What is full gives ENOSPC, as a real one does."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._ballast = path / "ballast"

    def fill(self, *, leaving: int = 0) -> None:
        """Leave so many bytes free, which may be a page more."""
        with contextlib.suppress(OSError), self._ballast.open("ab", buffering=0) as file:
            while (room := shutil.disk_usage(self.path).free - leaving) > 0:
                file.write(bytes(min(room, _PIECE)))
        assert shutil.disk_usage(self.path).free <= leaving

    def empty(self) -> None:
        """Make room again."""
        self._ballast.unlink(missing_ok=True)


@contextmanager
def small_disk(path: Path, size: int) -> Iterator[SmallDisk]:
    """A disk of ``size`` bytes, mounted at ``path`` inside the block."""
    path.mkdir()
    options = f"size={size // MIB}m,mode=0700"
    for prefix in ([], ["sudo", "-n"]):
        command = [*prefix, "mount", "-t", "tmpfs", "-o", options, "tmpfs", str(path)]
        if shutil.which(command[0]) and subprocess.run(command, capture_output=True, check=False).returncode == 0:
            break
    else:
        missing("mount", "run as root, or with sudo, to mount a small file system in memory")
    try:
        yield SmallDisk(path)
    finally:
        # Lazily: what a killed process still has open does not keep the name.
        subprocess.run([*prefix, "umount", "--lazy", str(path)], check=True)


@contextmanager
def files_limited(pid: int, size: int) -> Iterator[None]:
    """No file of the process ``pid`` can grow beyond ``size`` bytes inside the block (EFBIG); needs no privilege."""
    before, most = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, most))
    try:
        yield
    finally:
        # The process may have been killed in the meantime, and its limit with it.
        with contextlib.suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (before, most))
