"""Real servers for the end-to-end tests: one Dovecot and one Postfix for the whole run."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

ROOT = Path(__file__).resolve().parents[2]

from servers.certificates import Authority
from servers.dovecot import Dovecot
from servers.postfix import Postfix
from servers.rider import Rider
from servers.unpacked import Unavailable
from servers.workplace import Workplace

from road import Road, Servers

T = TypeVar("T")


def or_skip(make: Callable[[], T]) -> T:
    """A server that this machine cannot offer skips the test, but fails it where CI=true."""
    try:
        return make()
    except Unavailable as reason:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(reason))


def _binary(variable: str, preset: str) -> Path:
    path = Path(os.environ.get(variable, ROOT / "build" / preset / "postrider"))
    if not path.exists():
        pytest.fail(f"{path} is not built; tools/test builds it", pytrace=False)
    return path


@pytest.fixture(scope="session")
def binary() -> Path:
    return _binary("POSTRIDER_BINARY", "dev")


@pytest.fixture(scope="session")
def release_binary() -> Path:
    """Without sanitizers: for what is measured."""
    return _binary("POSTRIDER_RELEASE_BINARY", "release")


@pytest.fixture(scope="session")
def place() -> Iterator[Workplace]:
    with Workplace() as workplace:
        yield workplace


@pytest.fixture(scope="session")
def servers(place: Workplace) -> Iterator[Servers]:
    """127.0.0.2 shows a certificate for another host, .3 an expired one, .4 one that a stranger
    signed."""
    ours = Authority(place.folder("authority"))
    stranger = Authority(place.folder("stranger"))
    others = {"127.0.0.2": ours.issue(["DNS:pop.elsewhere.example"]),
              "127.0.0.3": ours.issue(["IP:127.0.0.3"], expired=True),
              "127.0.0.4": stranger.issue(["IP:127.0.0.4"])}
    with or_skip(lambda: Dovecot(place, ours, others)) as dovecot, \
            or_skip(lambda: Postfix(place)) as postfix:
        yield Servers(dovecot, postfix, ours)


@pytest.fixture
def road(servers: Servers, binary: Path, tmp_path: Path) -> Iterator[Road]:
    """One mailbox, one recipient, one postrider between them; the servers all right again after."""
    yield Road(servers, Rider(binary, tmp_path / "rider"))
    servers.postfix.accept_all()
