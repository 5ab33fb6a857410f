"""kill -9 at any moment costs nothing but, at times, one duplicate."""

from __future__ import annotations

import random
import re
import signal
from collections import Counter

from road import Road
from servers.rider import Rider

_MESSAGES = 300
_KILLS = 30


def _numbered(first: int, count: int) -> list[bytes]:
    return [b"X-Test-Id: %d\nSubject: numbered\n\n%s" % (number, b"line of text\n" * (number % 60))
            for number in range(first, first + count)]


def _pace(road: Road) -> tuple[float, float]:
    """Seconds of a run without mail, and seconds per message."""
    servers = road.servers
    other = Road(servers, Rider(road.rider.binary, road.rider.folder / "rehearsal"))
    idle = other.once_well().seconds
    other.mailbox.put(_numbered(0, 60))
    return idle, max(0.001, (other.once_well().seconds - idle) / 60)


def test_kill_loses_nothing_and_doubles_at_most_one_message_each_time(road: Road) -> None:
    rng = random.Random(20240603)
    idle, each = _pace(road)
    road.account["delete_after"] = "now"
    road.mailbox.put(_numbered(0, _MESSAGES))
    put, kills = _MESSAGES, 0

    # On average a round does a thirtieth of the work; many end in connect, login or QUIT.
    reach = 2 * (idle + each * _MESSAGES / _KILLS)
    while kills < _KILLS:
        run = road.once(kill_after=rng.uniform(0, reach))
        if run.code == -signal.SIGKILL:
            kills += 1
        else:  # was done before its time came: this machine is quicker than it seemed
            assert run.code == 0, run.err
            reach *= 0.8
            road.mailbox.put(_numbered(put, 30))
            put += 30
    road.once_well()

    arrived = Counter(int(re.search(rb"^X-Test-Id: (\d+)$", one, re.MULTILINE)[1])
                      for one in road.box.messages())
    assert sorted(arrived) == list(range(put)), "messages were lost"
    assert arrived.total() - put <= kills, "more duplicates than kills"
    assert len(road.mailbox) == 0
    print(f"{kills} kills, {put} messages, {arrived.total() - put} duplicates")
