"""A TCP proxy on loopback that cuts connections at a given octet, and can slow them down."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from types import TracebackType

from .child import free_ports

_PIECE = 1 << 14


@dataclass(frozen=True)
class Cut:
    """Ends a connection when so many octets have passed in one direction."""

    after: int
    towards_server: bool
    reset: bool = False  # RST to both sides instead of FIN


class _CutNow(Exception):
    pass


class Proxy:
    """Passes connections on to a port of 127.0.0.1 or to a Unix socket; gone with its `with`. It
    listens on the same port of all `addresses`."""

    def __init__(self, target: int | Path, addresses: tuple[str, ...] = ("127.0.0.1",)) -> None:
        self._target = target
        self.delay = 0.0  # seconds before each piece is passed on
        self.cuts = 0  # connections that were cut
        # Sees what a server says before it is passed on; True: it is not, and the connection is cut.
        self.swallows: Callable[[bytes], bool] = lambda piece: False
        self._next_cut: Cut | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._server = self._loop.run_until_complete(
            asyncio.start_server(self._serve, addresses, 0 if len(addresses) == 1
                                 else free_ports(1)[0], backlog=1000))
        self.port: int = self._server.sockets[0].getsockname()[1]
        self._thread = Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._thread.start()

    def cut(self, cut: Cut | None) -> None:
        """The next connection is cut so; if it ends before, nothing is cut."""
        self._next_cut = cut

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        cut, self._next_cut = self._next_cut, None
        try:
            far_reader, far_writer = await (
                asyncio.open_unix_connection(self._target) if isinstance(self._target, Path)
                else asyncio.open_connection("127.0.0.1", self._target))
        except OSError:
            writer.close()
            return
        there = cut.after if cut and cut.towards_server else None
        back = cut.after if cut and not cut.towards_server else None
        pumps = [asyncio.ensure_future(self._pump(reader, far_writer, there, False)),
                 asyncio.ensure_future(self._pump(far_reader, writer, back, True))]
        self._tasks.update(pumps)
        reset = False
        try:
            await asyncio.gather(*pumps)
        except _CutNow:
            self.cuts += 1
            reset = cut is not None and cut.reset
        except (OSError, asyncio.CancelledError):
            reset = True  # one side broke off: so does the other
        for pump in pumps:
            pump.cancel()
        self._tasks.difference_update(pumps)
        for one in (writer, far_writer):
            _end(one, reset)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter,
                    left: int | None, is_back: bool) -> None:
        while piece := await reader.read(_PIECE):
            if is_back and self.swallows(piece):
                raise _CutNow
            if self.delay:
                await asyncio.sleep(self.delay)
            if left is not None and len(piece) >= left:
                writer.write(piece[:left])
                await writer.drain()
                raise _CutNow
            writer.write(piece)
            await writer.drain()
            if left is not None:
                left -= len(piece)
        if writer.can_write_eof():
            writer.write_eof()

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _close(self) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        # What was cancelled ends its connections.
        others = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.gather(*others, return_exceptions=True)

    def __enter__(self) -> Proxy:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.stop()


def _end(writer: asyncio.StreamWriter, reset: bool) -> None:
    if not reset:
        writer.close()
        return
    peer = writer.get_extra_info("socket")
    if peer is not None and peer.family == socket.AF_INET and peer.fileno() >= 0:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
