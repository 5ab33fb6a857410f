"""A POP3 server within this process that is as odd as a test wants it: what it says to a command can
be replaced, cut into pieces, put under TLS. Where nothing is replaced it is a correct one."""

from __future__ import annotations

import random
import re
import socket
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from threading import Lock, Thread
from types import TracebackType

from .raw_pop3 import PASSWORD, ended

__all__ = ["PASSWORD", "Hangup", "OddPop3", "pieces_of"]

# Octets to say in place of the usual answer, or what makes them of the command and that answer.
Answer = bytes | Callable[[bytes, bytes], bytes]


class Hangup(Exception):
    """Raised by an answer: the octets it carries are said, and nothing more."""

    def __init__(self, last: bytes = b"") -> None:
        super().__init__()
        self.last = last


def pieces_of(seed: int) -> Callable[[bytes], list[bytes]]:
    """Cuts in random places, each its own segment."""
    choice = random.Random(seed)

    def cut(octets: bytes) -> list[bytes]:
        pieces = []
        while octets:
            size = choice.choice([1, 1, 2, 3, 7, 40, 1000])
            pieces.append(octets[:size])
            octets = octets[size:]
        return pieces
    return cut


def _stuffed(message: bytes, line_end: bytes) -> bytes:
    lines = ended(message).split(b"\r\n")[:-1]
    return b"".join((b"." if line.startswith(b".") else b"") + line + line_end for line in lines)


class OddPop3:
    """`asked` holds all commands of all connections, `messages` what is not deleted yet.

    `answers` maps verbs (and b"GREETING") to what is said in place of the usual answer; a key may
    have an argument, b"RETR 2". `sizes` and `uids` are what is listed, `ends` is the line end.
    """

    def __init__(self, messages: Sequence[bytes], answers: Mapping[bytes, Answer] | None = None, *,
                 capa: Sequence[bytes] = (b"USER", b"UIDL", b"TOP"), ends: bytes = b"\r\n",
                 uids: Sequence[bytes] | None = None,
                 pieces: Callable[[bytes], list[bytes]] | None = None,
                 tls: ssl.SSLContext | None = None, implicit: bool = False,
                 host: str = "127.0.0.1") -> None:
        self.messages = list(messages)
        self.uids = list(uids or (b"odd%d" % n for n in range(1, len(messages) + 1)))
        self.answers = dict(answers or {})
        self.asked: list[bytes] = []
        self.connections = 0
        self._capa, self._ends, self._pieces = list(capa), ends, pieces
        self._tls, self._implicit = tls, implicit
        self._lock = Lock()
        self._listener = socket.create_server((host, 0), backlog=100)
        self.port: int = self._listener.getsockname()[1]
        Thread(target=self._accept, daemon=True).start()

    def verbs(self) -> list[bytes]:
        return [line.split()[0].upper() if line.split() else b"" for line in self.asked]

    def __enter__(self) -> OddPop3:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer: socket.socket) -> None:
        try:
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is not None and self._implicit:
                peer = self._tls.wrap_socket(peer, server_side=True)
            _Talk(self, peer).hold()
        except (OSError, ValueError):
            pass  # the client had enough
        finally:
            peer.close()

    def _usual(self, verb: bytes, number: int) -> bytes:
        end, messages = self._ends, self.messages
        listing: list[bytes] | None = None
        if verb == b"CAPA":
            listing = self._capa
        elif verb == b"LIST":
            listing = [b"%d %d" % (n, len(one)) for n, one in enumerate(messages, 1)]
        elif verb == b"UIDL":
            listing = [b"%d %s" % (n, self.uids[n - 1]) for n in range(1, len(messages) + 1)]
        elif verb == b"STAT":
            return b"+OK %d %d" % (len(messages), sum(map(len, messages))) + end
        elif verb in (b"RETR", b"TOP"):
            if not 1 <= number <= len(messages):
                return b"-ERR no such message" + end
            whole = messages[number - 1]
            if verb == b"TOP":
                whole = whole.split(b"\r\n\r\n")[0] + b"\r\n\r\n"
            return b"+OK" + end + _stuffed(whole, end) + b"." + end
        elif verb == b"AUTH":
            return b"-ERR not here" + end
        if listing is not None:
            return b"".join(line + end for line in (b"+OK", *listing, b"."))
        return b"+OK" + end

    def answer(self, line: bytes) -> bytes:
        words = line.split()
        verb = words[0].upper() if words else b""
        number = int(words[1]) if words[1:] and re.fullmatch(rb"\d+", words[1]) else 0
        usual = self._usual(verb, number)
        odd = self.answers.get(b" ".join([verb, *words[1:2]]), self.answers.get(verb))
        if odd is None:
            return usual
        return odd if isinstance(odd, bytes) else odd(line, usual)


class _Talk:
    """One connection."""

    def __init__(self, server: OddPop3, peer: socket.socket) -> None:
        self._server, self._peer = server, peer
        self._deleted: set[int] = set()

    def _say(self, octets: bytes) -> None:
        pieces = self._server._pieces
        for piece in [octets] if pieces is None else pieces(octets):
            self._peer.sendall(piece)
            if pieces is not None and len(octets) < 5000:
                time.sleep(0.0003)  # a segment of its own, mostly

    def hold(self) -> None:
        server = self._server
        greeting = server.answers.get(b"GREETING", b"+OK ready" + server._ends)
        lines = self._peer.makefile("rb")
        try:
            self._say(greeting if isinstance(greeting, bytes) else greeting(b"", b"+OK ready\r\n"))
            while line := lines.readline():
                line = line.rstrip(b"\r\n")
                server.asked.append(line)
                verb = line.split()[0].upper() if line.split() else b""
                said = server.answer(line)
                self._say(said)
                if verb == b"DELE" and said.startswith(b"+OK"):
                    self._deleted.add(int(line.split()[1]))
                if verb == b"STLS" and said.upper().startswith(b"+OK") and server._tls is not None:
                    self._peer = server._tls.wrap_socket(self._peer, server_side=True)
                    lines = self._peer.makefile("rb")
                if verb == b"QUIT":
                    self._commit(said)
                    return
        except Hangup as hangup:
            self._say(hangup.last)

    def _commit(self, said: bytes) -> None:
        if not said.startswith(b"+OK"):
            return
        server = self._server
        with server._lock:
            kept = [n for n in range(1, len(server.messages) + 1) if n not in self._deleted]
            server.uids = [server.uids[n - 1] for n in kept]
            server.messages = [server.messages[n - 1] for n in kept]
