"""Servers that would have all memory, or all time: P-003, P-017, P-019, A-006, A-010."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest

from road import DONE, TEMPORARY
from servers.daemon import eventually
from servers.raw_pop3 import PASSWORD, RawPop3
from servers.recorder import Recorder
from servers.rider import Rider

_MIB = 1 << 20
_MESSAGE = b"Subject: letter\r\n\r\nletter\r\n"

# What one connection gets: the verb asked for, and how to answer.
Answer = Callable[[bytes, Callable[[bytes], None]], None]


def _plain(verb: bytes, say: Callable[[bytes], None]) -> None:
    answers = {b"CAPA": b"+OK\r\nUSER\r\nUIDL\r\n.\r\n", b"LIST": b"+OK\r\n1 27\r\n.\r\n",
               b"UIDL": b"+OK\r\n1 one\r\n.\r\n", b"RETR": b"+OK\r\n" + _MESSAGE + b".\r\n"}
    say(answers.get(verb, b"+OK\r\n"))


@contextmanager
def _server(answer: Answer) -> Iterator[tuple[int, list[bytes]]]:
    """A POP3 server on some port; and the verbs that it was asked."""
    asked: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(peer: socket.socket) -> None:
        with peer, peer.makefile("rb") as lines:
            try:
                peer.sendall(b"+OK ready\r\n")
                for line in lines:
                    asked.append(line.split()[0].upper())
                    answer(asked[-1], peer.sendall)
            except OSError:
                pass  # it had enough

    def accept() -> None:
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            Thread(target=serve, args=(peer,), daemon=True).start()

    Thread(target=accept, daemon=True).start()
    try:
        yield listener.getsockname()[1], asked
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def _flood(prefix: bytes, verb: bytes) -> Answer:
    """Answers this verb with a gibibyte that has no line end."""
    piece = b"a" * _MIB

    def answer(asked: bytes, say: Callable[[bytes], None]) -> None:
        if asked != verb:
            _plain(asked, say)
            return
        say(prefix)
        for _ in range(1024):
            say(piece)
    return answer


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    with Recorder() as one:
        yield one


@pytest.fixture
def rider(release_binary: Path, tmp_path: Path, recorder: Recorder) -> Rider:
    rider = Rider(release_binary, tmp_path / "rider")
    rider.destination(type="smtp", host="127.0.0.1", port=recorder.port, tls="none")
    return rider


def _account(rider: Rider, port: int, name: str = "alice") -> dict[str, object]:
    return rider.account(name, name, PASSWORD, host="127.0.0.1", port=port, tls="none",
                         auth="user", delete_after="now", recipients=[f"{name}@trial.example"])


@pytest.mark.parametrize(("prefix", "verb"), [
    (b"+OK ", b"USER"), (b"+OK ", b"PASS"), (b"+OK\r\n", b"CAPA"), (b"+OK ", b"UIDL"),
    (b"+OK\r\n1 ", b"UIDL"), (b"+OK\r\n1 ", b"LIST"), (b"+OK ", b"RETR")])
def test_a_gibibyte_without_a_line_end(rider: Rider, recorder: Recorder, prefix: bytes,
                                       verb: bytes) -> None:
    with _server(_flood(prefix, verb)) as (port, asked):
        _account(rider, port)
        run = rider.run("once")
    assert run.code == TEMPORARY
    assert "octets" in run.err
    assert run.peak_rss_kib < 40 * 1024, f"peak RSS {run.peak_rss_kib} KiB"
    assert b"DELE" not in asked and b"QUIT" not in asked
    assert recorder.accepted == []


# P-014
def test_a_challenge_of_a_gibibyte(rider: Rider, recorder: Recorder) -> None:
    flood = _flood(b"+ ", b"AUTH")

    def answer(verb: bytes, say: Callable[[bytes], None]) -> None:
        if verb == b"CAPA":
            say(b"+OK\r\nSASL CRAM-MD5\r\n.\r\n")
        else:
            flood(verb, say)

    with _server(answer) as (port, asked):
        _account(rider, port)["auth"] = "cram-md5"
        run = rider.run("once")
    assert run.code == TEMPORARY
    assert "octets" in run.err
    assert run.peak_rss_kib < 40 * 1024, f"peak RSS {run.peak_rss_kib} KiB"
    assert asked == [b"CAPA", b"AUTH"]
    assert recorder.accepted == []


#
@pytest.mark.parametrize("line", [b"X-Line: y\r\n", b" folded\r\n", b"Received: by x\r\n"])
def test_a_million_header_lines(rider: Rider, line: bytes) -> None:
    message = b"Subject: bomb\r\n" + line * 1_000_000 + b"\r\nbody\r\n"
    maildir = rider.folder / "maildir"
    rider.destination(type="maildir", path=str(maildir), line_ends="crlf")
    with RawPop3([message, _MESSAGE]) as server:
        _account(rider, server.port)["delete_after"] = "never"
        run = rider.run("once")
    assert run.code == DONE, run.err
    assert run.peak_rss_kib < 60 * 1024, f"peak RSS {run.peak_rss_kib} KiB"
    contents = [file.read_bytes() for file in (maildir / "new").iterdir()]
    assert any(one.endswith(_MESSAGE) for one in contents), "the other one comes all the same"
    if line.startswith(b"Received"):
        assert "1 refused and held" in run.err
        assert "it goes round" in run.err
    else:
        assert any(one.endswith(message) for one in contents)


# P-025: a message may have such a line; it is given up at the size that is allowed.
def test_a_message_of_one_line_is_given_up_at_the_largest_size(rider: Rider,
                                                               recorder: Recorder) -> None:
    with _server(_flood(b"+OK\r\n", b"RETR")) as (port, asked):
        _account(rider, port)["max_message_size"] = "10MiB"
        run = rider.run("once")
    assert run.peak_rss_kib < 40 * 1024, f"peak RSS {run.peak_rss_kib} KiB"
    assert "max_message_size" in run.err or run.code == DONE
    assert b"DELE" not in asked and b"QUIT" not in asked
    assert recorder.accepted == []


def test_a_million_messages(rider: Rider, recorder: Recorder) -> None:
    count = 1_000_000
    listings = {b"LIST": b"+OK\r\n" + b"".join(b"%d 27\r\n" % n for n in range(1, count + 1)),
                b"UIDL": b"+OK\r\n" + b"".join(b"%d %016x\r\n" % (n, n * 7919)
                                                for n in range(1, count + 1))}

    def answer(verb: bytes, say: Callable[[bytes], None]) -> None:
        if verb in listings:
            say(listings[verb] + b".\r\n")
        else:
            _plain(verb, say)

    with _server(answer) as (port, _):
        _account(rider, port)["max_messages_per_poll"] = 10
        run = rider.run("once")
        assert run.code == DONE, run.err
        assert len(recorder.accepted) == 10
        print(f"peak RSS {run.peak_rss_kib} KiB in {run.seconds:.1f} s")
        assert run.peak_rss_kib < 900 * 1024, f"peak RSS {run.peak_rss_kib} KiB"


def test_a_message_more_than_a_million(rider: Rider, recorder: Recorder) -> None:
    listing = b"+OK\r\n" + b"".join(b"%d 27\r\n" % n for n in range(1, 1_000_002)) + b".\r\n"

    def answer(verb: bytes, say: Callable[[bytes], None]) -> None:
        if verb in (b"LIST", b"UIDL"):
            say(listing)
        else:
            _plain(verb, say)

    with _server(answer) as (port, asked):
        _account(rider, port)
        run = rider.run("once")
    assert run.code == TEMPORARY
    assert "1000000" in run.err
    assert run.peak_rss_kib < 300 * 1024, f"peak RSS {run.peak_rss_kib} KiB"
    assert b"RETR" not in asked and b"QUIT" not in asked
    assert recorder.accepted == []


class _Tarpits:
    """Greets, and then says nothing any more."""

    def __init__(self) -> None:
        self.held = 0
        self._loop = asyncio.new_event_loop()
        self._server = self._loop.run_until_complete(
            asyncio.start_server(self._hold, "127.0.0.1", 0, backlog=1000))
        self.port: int = self._server.sockets[0].getsockname()[1]
        Thread(target=self._loop.run_forever, daemon=True).start()

    async def _hold(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.held += 1
        writer.write(b"+OK\r\n")
        while await reader.read(1000):
            pass
        writer.close()


#
def test_tarpits_do_not_delay_the_others(rider: Rider, recorder: Recorder) -> None:
    tarpits = _Tarpits()
    with RawPop3([_MESSAGE] * 5) as good:
        rider.settings["limits"] = {"polls": 400, "polls_per_host": 400}
        for number in range(200):
            _account(rider, good.port, f"good{number}")["delete_after"] = "never"
        alone = rider.run("once").seconds
        assert len(recorder.accepted) == 1000
        recorder.accepted.clear()
        for number in range(200):
            _account(rider, tarpits.port, f"tarpit{number}")
        rider.settings["state_dir"] = str(rider.folder / "fresh")
        rider.write()
        begun = time.monotonic()
        run = subprocess.Popen([rider.binary, "-c", rider.config_file, "once"],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            eventually(lambda: len(recorder.accepted) == 1000, within=60)
            together = time.monotonic() - begun
            eventually(lambda: tarpits.held == 200)
            assert run.poll() is None, "it waits for the tarpits"
        finally:
            run.kill()
            run.wait()
    print(f"alone {alone:.2f} s, among tarpits {together:.2f} s")
    # Whoever waits for a tarpit waits for its deadline: half a minute at least.
    assert together < 3 * alone + 5
