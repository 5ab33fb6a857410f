"""Where servers keep their run-time data, and as whom they run."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import tempfile
from pathlib import Path
from types import TracebackType

from .unpacked import BUILD

# The path of a Unix socket is limited to 108 octets; servers add up to 60 below their place.
_LONGEST = 48


def is_root() -> bool:
    return os.geteuid() == 0


def owner() -> pwd.struct_passwd:
    """Who owns mailboxes and runs what needs no root: never root itself."""
    return pwd.getpwnam("nobody") if is_root() else pwd.getpwuid(os.geteuid())


def give(path: Path) -> Path:
    """Makes a file or directory belong to owner()."""
    if is_root():
        os.chown(path, owner().pw_uid, owner().pw_gid)
    return path


def open_to_all(path: Path) -> bool:
    """Can unprivileged users traverse to it?"""
    return all(place.stat().st_mode & 0o001 for place in (path, *path.parents))


class Workplace:
    """A fresh directory for one group of servers, gone when the `with` block ends.

    From then on SIGTERM and SIGHUP end the block as Ctrl-C does: no server may outlive it.
    """

    def __init__(self) -> None:
        run = BUILD / "run"
        run.mkdir(parents=True, exist_ok=True)
        self.is_below_build = len(str(run)) <= _LONGEST and (not is_root() or open_to_all(run))
        base = run if self.is_below_build else Path("/var/tmp")
        self.path = Path(tempfile.mkdtemp(prefix="postrider-" if base != run else "", dir=base))
        self.path.chmod(0o755)
        if not self.is_below_build:
            print(f"run-time data of the servers: {self.path} (removed at the end)", flush=True)

    def folder(self, name: str, mode: int = 0o755) -> Path:
        """A folder of this place that belongs to owner()."""
        path = self.path / name
        path.mkdir(exist_ok=True)
        path.chmod(mode)
        return give(path)

    def programs(self, tree: Path) -> Path:
        """An unpacked tree where unprivileged users can reach it: itself, or a copy."""
        if self.is_below_build:
            return tree
        copy = self.path / "programs" / tree.parent.name
        if not copy.exists():
            shutil.copytree(tree, copy, symlinks=True)
        return copy

    def __enter__(self) -> Workplace:
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.default_int_handler)
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
