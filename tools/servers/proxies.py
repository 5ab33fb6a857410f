"""Private proxies that want a login: SOCKS5 by microsocks, HTTP CONNECT by tinyproxy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from .child import Child, StartFailed, free_ports, listens
from .unpacked import library_path, unpacked
from .workplace import Workplace

_USER, _PASSWORD = "passenger", "tollgate-17"

_TINYPROXY = """
Port {port}
Listen 127.0.0.1
Allow 127.0.0.1
BasicAuth {user} {password}
Timeout 60
StatFile "{tree}/usr/share/tinyproxy/stats.html"
DefaultErrorFile "{tree}/usr/share/tinyproxy/default.html"
"""


@dataclass(frozen=True)
class Proxy:
    type: str  # as postrider calls it
    port: int
    child: Child
    user: str = _USER
    password: str = _PASSWORD

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.child.stop()


def _started(kind: str, log: Path, tree: Path,
             command: Callable[[int], list[str | Path]]) -> Proxy:
    log.touch()
    for attempt in range(3):
        port = free_ports(1)[0]
        try:
            child = Child(kind, command(port), log, lambda: listens(port),
                          {"LD_LIBRARY_PATH": library_path(tree)})
            return Proxy(kind, port, child)
        except StartFailed:
            if attempt == 2:
                raise
    raise AssertionError("unreachable")


def socks_proxy(place: Workplace) -> Proxy:
    tree = place.programs(unpacked("microsocks"))
    return _started("socks5", place.path / "microsocks.log", tree, lambda port: [
        tree / "usr/bin/microsocks", "-i", "127.0.0.1", "-p", str(port), "-u", _USER,
        "-P", _PASSWORD])


def http_proxy(place: Workplace) -> Proxy:
    tree = place.programs(unpacked("tinyproxy"))
    config = place.path / "tinyproxy.conf"

    def command(port: int) -> list[str | Path]:
        config.write_text(_TINYPROXY.format(port=port, user=_USER, password=_PASSWORD, tree=tree))
        return [tree / "usr/bin/tinyproxy", "-d", "-c", config]

    return _started("http", place.path / "tinyproxy.log", tree, command)
