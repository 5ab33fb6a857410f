"""An SMTP server within this process that remembers what it accepted: aiosmtpd on a thread.

For what needs to know at once, and many times over, what a destination took: there is no queue to
wait for. A message that holds the octets of `refused` is answered 550. It takes lines of any length,
unless it is to be as aiosmtpd is by itself.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from threading import Thread
from types import TracebackType
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope

_LIMIT = 200_000_000


class _LongLines(SMTP):
    line_length_limit = _LIMIT


@dataclass(frozen=True)
class Accepted:
    sender: str
    recipients: list[str]
    content: bytes


class Recorder:
    def __init__(self, refused: bytes | None = None, takes_long_lines: bool = True,
                 knows_utf8: bool = True) -> None:
        self._refused = refused
        self._knows_utf8 = knows_utf8
        self._protocol = _LongLines if takes_long_lines else SMTP
        self.accepted: list[Accepted] = []
        self._loop = asyncio.new_event_loop()
        # Port 0: nobody else can have it.
        self._server = self._loop.run_until_complete(
            self._loop.create_server(self._session, "127.0.0.1", 0))
        self.port: int = self._server.sockets[0].getsockname()[1]
        self._thread = Thread(target=self._loop.run_forever, name="recorder", daemon=True)
        self._thread.start()

    def _session(self) -> SMTP:
        return self._protocol(self, data_size_limit=_LIMIT, enable_SMTPUTF8=self._knows_utf8,
                              decode_data=False, hostname="recorder.trial.example",
                              loop=self._loop)

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:
        content = envelope.original_content or b""
        if self._refused is not None and self._refused in content:
            return "550 5.7.1 not of my liking"
        self.accepted.append(Accepted(envelope.mail_from or "", list(envelope.rcpt_tos), content))
        return "250 2.0.0 taken"

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._server.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def __enter__(self) -> Recorder:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.stop()
