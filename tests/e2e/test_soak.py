"""A short soak: kills of every process on the road, and cut connections. See soak.py."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from road import Servers
from soak import Soak

_KILLS = 20
_SECONDS = 120


# W1 to W10 of the crash windows, as they come.
def test_kills_and_cuts_lose_nothing_and_double_little(
        servers: Servers, release_binary: Path, tmp_path: Path) -> None:
    with ExitStack() as proxies:
        soak = Soak(release_binary, servers.dovecot, servers.postfix, tmp_path / "soak", 20240603,
                    proxies)
        tally = soak.run(_KILLS, _SECONDS)
    print(tally)
    assert tally.kills.total() >= _KILLS
    assert tally.lost == 0
    assert tally.is_good, "more duplicates than crashes and disconnects explain"
