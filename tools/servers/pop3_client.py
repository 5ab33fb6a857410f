"""A bare POP3 client that keeps every octet: the judge of what a server holds, and the bound of
what a fetcher can reach. It knows only what it needs: USER/PASS, RETR ahead, CRLF.CRLF."""

from __future__ import annotations

import socket
from collections.abc import Iterator

_WINDOW = 64


class Pop3Client:
    def __init__(self, port: int, user: str, password: str) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self._input = b""
        self._line()
        self._ask(f"USER {user}")
        self._ask(f"PASS {password}")

    def _more(self) -> None:
        piece = self._socket.recv(1 << 18)
        if not piece:
            raise EOFError("the POP3 server closed the connection")
        self._input += piece

    def _line(self) -> bytes:
        while (end := self._input.find(b"\r\n")) < 0:
            self._more()
        line, self._input = self._input[:end], self._input[end + 2:]
        if not line.startswith(b"+OK"):
            raise ValueError(f"refused: {line!r}")
        return line

    def _ask(self, command: str) -> bytes:
        self._socket.sendall(command.encode() + b"\r\n")
        return self._line()

    def _multi_line(self) -> bytes:
        """What follows a status line, with its dots as they came and without the last line."""
        at = 0
        if self._input.startswith(b".\r\n"):
            self._input = self._input[3:]
            return b""
        while (end := self._input.find(b"\r\n.\r\n", at)) < 0:
            at = max(0, len(self._input) - 4)
            self._more()
            if at == 0 and self._input.startswith(b".\r\n"):
                self._input = self._input[3:]
                return b""
        content, self._input = self._input[:end + 2], self._input[end + 5:]
        return content

    def fetch_stuffed(self) -> Iterator[bytes]:
        """Every message by number, RETR sent ahead."""
        count = int(self._ask("STAT").split()[1])
        asked = 0
        for number in range(1, count + 1):
            if asked - number < _WINDOW // 4:
                ahead = range(asked + 1, min(count, number + _WINDOW) + 1)
                if ahead:
                    self._socket.sendall(b"".join(b"RETR %d\r\n" % one for one in ahead))
                    asked = ahead[-1]
            self._line()
            yield self._multi_line()

    def fetch(self) -> list[bytes]:
        """Every message, its dots as the sender wrote them."""
        return [(b"\r\n" + one).replace(b"\r\n.", b"\r\n")[2:] for one in self.fetch_stuffed()]

    def quit(self) -> None:
        self._ask("QUIT")
        self._socket.close()
