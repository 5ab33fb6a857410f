"""postrider as a daemon: started, awaited and watched as a service manager does it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from .rider import Rider


def eventually(what: Callable[[], object], within: float = 20, every: float = 0.02) -> None:
    """Waits until `what` holds."""
    deadline = time.monotonic() + within
    while not what():
        assert time.monotonic() < deadline, f"not within {within} s: {what}"
        time.sleep(every)


class Daemon:
    """`postrider run` from the configuration of a rider; what it says to its service manager is in
    `said`."""

    def __init__(self, rider: Rider, watchdog: float | None = None, *arguments: str) -> None:
        self._rider = rider
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        address = f"\0postrider-test-{os.getpid()}-{id(self)}"
        self._socket.bind(address)
        self.said: list[str] = []
        self._log = rider.folder / f"daemon.{time.monotonic_ns()}.log"
        env = {**os.environ, "NOTIFY_SOCKET": "@" + address[1:]}
        if watchdog is not None:
            env["WATCHDOG_USEC"] = str(int(watchdog * 1e6))
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig=KILL", *rider.wrapper, str(rider.binary), "-c",
                 str(rider.config_file), "run", *arguments],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env)
        try:
            self.await_said("READY=1")
        except BaseException:
            self.kill()
            raise

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def hear(self) -> list[str]:
        """All that was said so far."""
        try:
            while True:
                self.said += self._socket.recv(4096).decode().splitlines()
        except BlockingIOError:
            return self.said

    def await_said(self, line: str, times: int = 1, within: float = 20) -> None:
        def is_said() -> bool:
            assert self._process.poll() is None, f"ended with {self._process.poll()}:\n{self.log}"
            return sum(one.startswith(line) for one in self.hear()) >= times
        eventually(is_said, within)

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def reload(self) -> None:
        """Writes the configuration, has it read, and waits until that is done."""
        self._rider.write()
        self.reload_as_written()

    def reload_as_written(self) -> None:
        ready = self.hear().count("READY=1")
        self.signal(signal.SIGHUP)
        self.await_said("READY=1", ready + 1)

    def wait(self, within: float = 20) -> int:
        return self._process.wait(within)

    def stop(self, within: float = 20) -> int:
        """Ends it the good way; the exit code."""
        self.signal(signal.SIGTERM)
        return self.wait(within)

    def kill(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._socket.close()

    def rss_kib(self) -> int:
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
        raise AssertionError("no VmRSS")

    def __enter__(self) -> Daemon:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.kill()
        if kind is not None:
            print(self.log)


def daemon(rider: Rider, watchdog: float | None = None) -> Daemon:
    rider.write()
    return Daemon(rider, watchdog)
