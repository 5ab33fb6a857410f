"""postrider itself: its configuration and one run of it, measured."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Run:
    """How one process ended and what it took."""

    code: int  # negative: the signal that ended it
    out: str
    err: str
    seconds: float
    cpu_seconds: float
    peak_rss_kib: int


def measured(command: list[str | Path], timeout: float = 300, kill_after: float | None = None,
             env: dict[str, str] | None = None) -> Run:
    """Runs a command to its end, or until kill -9 after `kill_after` seconds."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        begun = time.monotonic()
        process = subprocess.Popen([*map(str, command)], stdin=subprocess.DEVNULL, stdout=out,
                                   stderr=err, env={**os.environ, **(env or {})})
        killer = threading.Timer(timeout if kill_after is None else kill_after,
                                 os.kill, (process.pid, signal.SIGKILL))
        killer.start()
        try:
            # Seen ended but not yet reaped: the id is still its own, should the timer fire.
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
            killer.cancel()
            killer.join()
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        except BaseException:
            killer.cancel()
            process.kill()
            process.wait()
            raise
        seconds = time.monotonic() - begun
        if kill_after is None and seconds >= timeout:
            raise TimeoutError(f"{command} still ran after {timeout} s")
        out.seek(0)
        err.seek(0)
        return Run(process.returncode, out.read().decode(errors="replace"),
                   err.read().decode(errors="replace"), seconds,
                   usage.ru_utime + usage.ru_stime, usage.ru_maxrss)


class Rider:
    """postrider with a configuration of its own below one folder."""

    def __init__(self, binary: Path, folder: Path) -> None:
        self.binary = binary
        self.folder = folder
        self.state = folder / "state"
        self.config_file = folder / "postrider.yaml"
        self.wrapper: list[str] = []  # a command line that postrider is run by
        self.settings: dict[str, Any] = {
            "state_dir": str(self.state), "destinations": {}, "accounts": {}}
        folder.mkdir(parents=True, exist_ok=True)

    def destination(self, name: str = "local", **settings: Any) -> None:
        self.settings["destinations"][name] = settings

    def account(self, name: str, user: str, password: str, **settings: Any) -> dict[str, Any]:
        """Adds an account; what is returned may still be changed."""
        secret = self.folder / f"{name}.secret"
        secret.write_text(password + "\n")
        secret.chmod(0o600)
        account = {"deliver_to": "local", "user": user, "password": {"file": str(secret)},
                   **settings}
        self.settings["accounts"][name] = account
        return account

    def write(self) -> None:
        self.config_file.write_text("\n".join(_yaml(self.settings)) + "\n")

    def run(self, *arguments: str, timeout: float = 300, kill_after: float | None = None) -> Run:
        self.write()
        return self.run_as_written(*arguments, timeout=timeout, kill_after=kill_after)

    def run_as_written(self, *arguments: str, timeout: float = 300,
                       kill_after: float | None = None) -> Run:
        """Uses the configuration file as it is."""
        return measured([*self.wrapper, self.binary, "-c", self.config_file, *arguments],
                        timeout, kill_after)


def _yaml(value: dict[str, Any], depth: int = 0) -> list[str]:
    lines = []
    for key, inner in value.items():
        if isinstance(inner, dict) and inner:
            lines += [f"{'  ' * depth}{key}:", *_yaml(inner, depth + 1)]
        else:
            lines.append(f"{'  ' * depth}{key}: {_scalar(inner)}")
    return lines


def _scalar(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_scalar, value))}]"
    if isinstance(value, dict):
        return "{}"
    text = str(value)
    plain = text and all(one.isalnum() or one in "/._-@" for one in text) and text[0] not in "-@"
    return text if plain else "'" + text.replace("'", "''") + "'"
