"""postrider itself: its configuration and one run of it, measured."""

from __future__ import annotations

import os
import select
import shlex
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .workplace import is_root


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
        try:
            peak = _watch(process.pid, begun + (timeout if kill_after is None else kill_after))
            if peak is None:
                process.kill()
                if kill_after is None:
                    raise TimeoutError(f"{command} still ran after {timeout} s")
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        except BaseException:
            process.kill()
            process.wait()
            raise
        seconds = time.monotonic() - begun
        out.seek(0)
        err.seek(0)
        return Run(process.returncode, out.read().decode(errors="replace"),
                   err.read().decode(errors="replace"), seconds,
                   usage.ru_utime + usage.ru_stime, peak or 0)


def _watch(pid: int, until: float) -> int | None:
    """Waits for the end of a process that is not reaped yet: its peak RSS in KiB, or nothing if it
    still runs. ru_maxrss would not do: it counts what this process held when it forked."""
    peak = 0
    handle = os.pidfd_open(pid)
    try:
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        while (left := until - time.monotonic()) > 0:
            if poll.poll(min(left * 1000, 5)):
                return peak
            peak = max(peak, _high_water(pid))
        return None
    finally:
        os.close(handle)


def _high_water(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    return 0  # has just ended


class Rider:
    """postrider with a configuration of its own below one folder."""

    def __init__(self, binary: Path, folder: Path) -> None:
        self.binary = binary
        self.folder = folder
        self.state = folder / "state"
        self.config_file = folder / "postrider.yaml"
        # A command line that postrider is run by.
        self.wrapper: list[str] = shlex.split(os.environ.get("POSTRIDER_WRAPPER", ""))
        self.settings: dict[str, Any] = {
            "state_dir": str(self.state), "destinations": {}, "accounts": {}}
        if is_root():
            self.settings["allow_root"] = "true"  # Maildirs and programs of a test harm nobody
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
