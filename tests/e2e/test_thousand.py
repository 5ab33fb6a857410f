"""A thousand accounts at 50 ms, and three hosts among theirs that do their worst."""

from __future__ import annotations

import asyncio
import json
import os
import re
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from threading import Thread

from road import DONE, Servers
from servers.daemon import daemon, eventually
from servers.proxy import Proxy
from servers.recorder import Recorder
from servers.rider import Rider

ACCOUNTS = 1000
HOSTS = tuple(f"127.0.0.{number}" for number in range(11, 31))
HALF_ROUND_TRIP = 0.025
MESSAGES = 5

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Vice:
    """A POP3 server with one vice, on a thread of its own; counts its connections."""

    def __init__(self, serve: Serve) -> None:
        self.connections = 0
        self._serve = serve
        self._loop = asyncio.new_event_loop()
        self._server = self._loop.run_until_complete(
            asyncio.start_server(self._count, "127.0.0.1", 0))
        self.port = self._server.sockets[0].getsockname()[1]
        Thread(target=self._loop.run_forever, daemon=True).start()

    async def _count(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            await self._serve(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        writer.close()


async def black_hole(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    """Takes everything, says nothing."""
    while await reader.read(4096):
        pass


async def tarpit(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """An octet a second of a greeting that never ends."""
    for octet in b"+OK " + b"x" * 3600:
        writer.write(bytes([octet]))
        await writer.drain()
        await asyncio.sleep(1)


async def looping(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers whatever it is asked with the same lines for ever."""
    writer.write(b"+OK\r\n")
    await reader.readline()
    writer.write(b"+OK\r\n")
    while True:
        writer.write(b"X-AGAIN\r\n" * 1000)
        await writer.drain()
        await asyncio.sleep(0)


def test_a_thousand_accounts_are_polled_whatever_three_hosts_do(
        servers: Servers, release_binary: Path, tmp_path: Path) -> None:
    rider = Rider(release_binary, tmp_path / "rider")
    vices = {"black-hole": Vice(black_hole), "tarpit": Vice(tarpit), "looping": Vice(looping)}
    mailboxes = []
    with Proxy(servers.dovecot.plain_port, HOSTS) as proxy, Recorder() as sink:
        proxy.delay = HALF_ROUND_TRIP
        rider.destination(type="smtp", host="127.0.0.1", port=sink.port, tls="none")
        rider.settings["defaults"] = {"poll_every": "10m", "delete_after": "now"}
        for name, vice in vices.items():  # first of all: they are at it the whole time
            rider.account(name, name, "pw", host="127.0.0.1", port=vice.port, tls="none",
                          recipients=["x@localhost"])
        for number in range(ACCOUNTS):
            mailbox = servers.dovecot.add_user(f"crowd{number}-{os.getpid()}")
            mailboxes.append(mailbox)
            mailbox.put([f"Subject: crowd {number} {message}\n\nhello\n".encode()
                         for message in range(MESSAGES)])
            rider.account(f"crowd{number}", mailbox.user, mailbox.password, tls="none",
                          host=HOSTS[number % len(HOSTS)], port=proxy.port,
                          recipients=[f"crowd{number}@localhost"])
        begun = time.monotonic()
        with daemon(rider) as running:
            eventually(lambda: len(sink.accepted) >= ACCOUNTS * MESSAGES, within=240, every=0.2)
            took = time.monotonic() - begun
            print(f"{ACCOUNTS} accounts with {MESSAGES} messages each at "
                  f"{HALF_ROUND_TRIP * 2000:.0f} ms: {took:.1f} s")
            eventually(lambda: all(len(one) == 0 for one in mailboxes), within=60, every=0.2)
            report = json.loads(rider.run_as_written("status", "--json").out)
            accounts = {one["name"]: one for one in report["accounts"]}
            assert len(accounts) == ACCOUNTS + len(vices)
            well = [one for name, one in accounts.items() if name not in vices]
            assert all(one["delivered"] == MESSAGES and "trouble" not in one for one in well)
            assert all(vice.connections >= 1 for vice in vices.values())
            assert "trouble" in accounts["looping"]
            assert running.stop(within=60) == DONE
            assert "loop-late" not in running.log
    subjects = Counter(re.search(rb"^Subject: (crowd \d+ \d+)\r$", one.content, re.M)[1]
                       for one in sink.accepted)
    assert len(subjects) == ACCOUNTS * MESSAGES
    assert set(subjects.values()) == {1}, "some message came twice"
    assert took < 180, "the crowd is held up"
