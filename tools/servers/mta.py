"""What all private mail transfer agents share: one domain, a Maildir for each of its recipients."""

from __future__ import annotations

import smtplib
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from .child import Child, StartFailed, free_ports
from .workplace import Workplace

DOMAIN = "trial.example"
BOXES = 400


class Box:
    """One recipient and the Maildir that its mail arrives in."""

    def __init__(self, address: str, folder: Path) -> None:
        self.address = address
        self._folder = folder

    def __len__(self) -> int:
        return len(self._files())

    def messages(self) -> list[bytes]:
        return [one.read_bytes() for one in self._files()]

    def _files(self) -> list[Path]:
        new = self._folder / "new"
        return sorted(new.iterdir()) if new.is_dir() else []


class Mta:
    """An SMTP server at `port` of 127.0.0.1 that files what it takes into Maildirs."""

    def __init__(self, place: Workplace, name: str) -> None:
        self.name = name
        self.port = 0
        self._mail = place.folder(f"delivered-{name}")
        self._handed_out = 0
        self._child: Child | None = None

    def _begin(self) -> None:
        """Starts at a port that is free; once more, should somebody have been faster."""
        for attempt in range(3):
            self.port = free_ports(1)[0]
            self._write_config()
            try:
                self.start()
                return
            except StartFailed as failed:
                if attempt == 2 or "in use" not in str(failed):
                    raise

    def _write_config(self) -> None:
        raise NotImplementedError

    def start(self) -> None:
        raise NotImplementedError

    def _queued(self) -> list[str]:
        """What was accepted and does not lie in a Maildir yet."""
        raise NotImplementedError

    def stop(self) -> None:
        if self._child is not None:
            self._child.stop()
            self._child = None

    @property
    def pid(self) -> int:
        """Of the process that started all others."""
        assert self._child is not None
        return self._child.pid

    @property
    def settings(self) -> dict[str, Any]:
        """Of a destination of postrider's."""
        return {"type": "smtp", "host": "127.0.0.1", "port": self.port, "tls": "none"}

    def client(self) -> smtplib.SMTP:
        return smtplib.SMTP("127.0.0.1", self.port)

    def new_box(self) -> Box:
        """A recipient that got no mail yet."""
        name = f"box{self._handed_out}"
        self._handed_out += 1
        assert self._handed_out <= BOXES, f"more boxes than {self.name} was told of"
        return Box(f"{name}@{DOMAIN}", self._mail / name)

    def settle(self) -> None:
        """Waits until everything accepted lies in a Maildir."""
        deadline = time.monotonic() + 30
        while self._queued():
            if time.monotonic() > deadline:
                raise TimeoutError(f"still in the queue of {self.name}: {self._queued()}")
            time.sleep(0.02)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.stop()


def files_below(folder: Path) -> list[str]:
    return [one.name for one in folder.rglob("*") if one.is_file()]
