"""Kills at the one moment at which only the destination knows that it has taken a message (W5, W6)."""

from __future__ import annotations

import os
import signal

from road import Road
from servers.daemon import daemon, eventually
from servers.proxy import Proxy


def killed_at_the_answer(road: Road, proxy: Proxy, answer: bytes, nth: int = 1) -> None:
    """A daemon that dies when the destination has taken its n-th message and says so."""
    started: list[int] = []
    answers = 0

    def kill(piece: bytes) -> bool:
        nonlocal answers
        answers += piece.count(answer)
        if answers < nth:
            return False
        eventually(lambda: started)
        os.kill(started[0], signal.SIGKILL)
        return True
    proxy.swallows = kill
    with daemon(road.rider) as running:
        started.append(running.pid)
        assert running.wait(60) == -signal.SIGKILL
    proxy.swallows = lambda piece: False
