"""A POP3 server within this process whose messages leave it octet by octet as they are given, but
for the dots: a real server would mend their line ends."""

from __future__ import annotations

import socketserver
from collections.abc import Sequence
from threading import Thread
from types import TracebackType

PASSWORD = "open-sesame"


def ended(message: bytes) -> bytes:
    """With the CRLF that stands before the last dot whatever a message ends in."""
    return message if message.endswith(b"\r\n") else message + b"\r\n"


def _stuffed(message: bytes) -> bytes:
    """RFC 1939 section 3: a dot more at the beginning of lines, which CRLF parts."""
    return b"\r\n".join(b"." + line if line.startswith(b".") else line
                        for line in ended(message).split(b"\r\n")) + b".\r\n"


class _Session(socketserver.StreamRequestHandler):
    server: _Server

    def _say(self, text: bytes) -> None:
        self.wfile.write(text)

    def _listing(self, entries: list[str]) -> None:
        self._say(("+OK\r\n" + "".join(f"{one}\r\n" for one in entries) + ".\r\n").encode())

    def handle(self) -> None:
        self._say(b"+OK ready\r\n")
        while line := self.rfile.readline():
            words = line.split()
            verb, number = words[0].upper(), int(words[1]) if words[1:] and words[1].isdigit() else 0
            messages = self.server.messages
            if verb == b"QUIT":
                self._say(b"+OK\r\n")
                return
            if verb == b"CAPA":
                self._listing(["USER", "UIDL", "PIPELINING"])
            elif verb == b"STAT":
                self._say(b"+OK %d %d\r\n" % (len(messages), sum(map(len, messages))))
            elif verb == b"LIST":
                self._listing([f"{n} {len(one)}" for n, one in enumerate(messages, 1)])
            elif verb == b"UIDL":
                self._listing([f"{n} raw{n}" for n in range(1, len(messages) + 1)])
            elif verb == b"RETR":
                self._say(b"+OK\r\n" + _stuffed(messages[number - 1]))
                self.server.retrieved += 1
            elif verb in (b"USER", b"PASS", b"NOOP"):
                self._say(b"+OK\r\n")
            else:
                self._say(b"-ERR what?\r\n")


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 1000

    def __init__(self, messages: Sequence[bytes]) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.messages = messages
        self.retrieved = 0


class RawPop3:
    """Keeps what it has whatever it is told: there is no DELE."""

    def __init__(self, messages: Sequence[bytes]) -> None:
        self._server = _Server(messages)
        self.port: int = self._server.server_address[1]
        Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def retrieved(self) -> int:
        """How many messages were asked for, all sessions together."""
        return self._server.retrieved

    def __enter__(self) -> RawPop3:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
