"""Small SMTP servers: one that files into a Maildir, one that takes everything and forgets it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from .child import Child, StartFailed, free_ports, says
from .unpacked import library_path, unpacked
from .workplace import Workplace


class SmtpServer:
    """A running server and its port."""

    def __init__(self, child: Child, port: int) -> None:
        self._child = child
        self.port = port

    def stop(self) -> None:
        self._child.stop()

    def __enter__(self) -> SmtpServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _started(name: str, log: Path, command: Callable[[int], list[str | Path]],
             env: dict[str, str] | None = None, as_owner: bool = False) -> SmtpServer:
    for attempt in range(3):
        port = free_ports(1)[0]
        try:
            return SmtpServer(Child(name, command(port), log, lambda: says(port, b"220"), env,
                                    as_owner), port)
        except StartFailed as failed:
            if attempt == 2 or "in use" not in str(failed):
                raise
    raise AssertionError("unreachable")


def maildir_server(place: Workplace, maildir: Path) -> SmtpServer:
    """aiosmtpd with its Mailbox handler, which tells the envelope in X-MailFrom and X-RcptTo."""
    return _started("aiosmtpd", place.path / "aiosmtpd.log", lambda port: [
        sys.executable, "-m", "aiosmtpd", "-n", "-l", f"127.0.0.1:{port}",
        "-c", "aiosmtpd.handlers.Mailbox", maildir])


def smtp_sink(place: Workplace) -> SmtpServer:
    """Postfix's smtp-sink: the fastest receiver there is."""
    tree = place.programs(unpacked("postfix"))
    return _started("smtp-sink", place.path / "smtp-sink.log", lambda port: [
        tree / "usr/sbin/smtp-sink", f"127.0.0.1:{port}", "1000"],
        env={"LD_LIBRARY_PATH": library_path(tree)}, as_owner=True)
