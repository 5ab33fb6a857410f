"""A server as a child process: started in the foreground, awaited, ended by its process id."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

from .workplace import is_root, owner


class StartFailed(Exception):
    """The server did not come up; the text holds the end of its log."""


def free_ports(count: int) -> list[int]:
    """Ports that were free a moment ago on every loopback address."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("0.0.0.0", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def says(port: int, greeting: bytes) -> bool:
    """Does a server on this port greet like that?"""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as peer:
            peer.settimeout(5)
            return peer.recv(200).startswith(greeting)
    except OSError:
        return False


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
        return True
    except OSError:
        return False


def _prefix(as_owner: bool) -> list[str]:
    # Should this script be killed, the kernel ends the server. A change of user would undo that.
    dies_with_us = ["setpriv", "--pdeathsig=TERM"]
    if not (as_owner and is_root()):
        return dies_with_us
    return ["setpriv", f"--reuid={owner().pw_uid}", f"--regid={owner().pw_gid}",
            "--clear-groups", *dies_with_us]


class Child:
    """One process with all it starts, in a process group of its own; runs as owner() if asked."""

    def __init__(self, name: str, command: Sequence[str | Path], log: Path,
                 ready: Callable[[], bool], env: dict[str, str] | None = None,
                 as_owner: bool = False) -> None:
        self._name = name
        self._log = log
        with log.open("ab") as out:
            self._process = subprocess.Popen(
                [*_prefix(as_owner), *map(str, command)], stdin=subprocess.DEVNULL,
                stdout=out, stderr=out, start_new_session=True, env={**os.environ, **(env or {})})
        try:
            self._await(ready)
        except BaseException:
            self.stop()
            raise

    def _await(self, ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 30
        while not ready():
            if self._process.poll() is not None:
                raise StartFailed(f"{self._name} ended with {self._process.returncode}:\n{self._tail()}")
            if time.monotonic() > deadline:
                raise StartFailed(f"{self._name} does not answer after 30 s:\n{self._tail()}")
            time.sleep(0.02)

    def _tail(self) -> str:
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-15:])

    @property
    def pid(self) -> int:
        return self._process.pid

    def stop(self) -> None:
        """Ends the process and, as they share its group, whatever it left behind."""
        for sent in (signal.SIGTERM, signal.SIGKILL):
            if self._process.poll() is None:
                self._process.send_signal(sent)
            deadline = time.monotonic() + 5
            while time.monotonic() < deadline:
                ended = self._process.poll() is not None
                left = _living(self._process.pid)
                if ended and not left:
                    return
                for one in left if ended else []:
                    _signal(one, sent)
                time.sleep(0.01)

    def __enter__(self) -> Child:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.stop()


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def _living(group: int) -> list[int]:
    """Members of a process group. Zombies do not count: where no init reaps, they stay."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, its_group = stat.read_text().rpartition(") ")[2].split()[:3]
        except (OSError, ValueError):
            continue
        if int(its_group) == group and state != "Z":
            found.append(int(stat.parent.name))
    return found
