"""The n-th write, fsync, rename, open, connect, malloc, ... fails, for every n: nothing is lost.

A normal run tries each call of a family while they are few, and of those that are many every
so-manyth; POSTRIDER_LONG=1 tries them all.
"""

from __future__ import annotations

import errno
import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import or_skip
from failing_calls import REFUSED, Fault, IntoMaildir, IntoRecorder, Stage, some_of
from road import Servers
from servers.dovecot import Dovecot, Logins
from servers.recorder import Recorder
from servers.workplace import Workplace

# How many calls of a family a normal run tries: with an empty state directory, and with a past.
_FEW = {False: 4, True: 2}
_FEW_OF_DAEMON = {False: 2, True: 1}  # each takes seconds

_FAULTS = [
    Fault("write", errno.EIO), Fault("write", errno.ENOSPC, goes_on=True),
    Fault("sync", errno.EIO),
    Fault("rename", errno.EIO), Fault("rename", errno.ENOSPC, goes_on=True),
    Fault("open", errno.EMFILE), Fault("open", errno.EMFILE, goes_on=True),
    Fault("read", errno.EIO),
    Fault("truncate", errno.ENOSPC),
    Fault("mkdir", errno.ENOSPC),
    Fault("unlink", errno.EIO),
    Fault("map", errno.ENOMEM),
    Fault("connect", errno.ECONNREFUSED), Fault("connect", errno.ENETUNREACH, goes_on=True),
    Fault("receive", errno.ECONNRESET),
    Fault("memory", errno.ENOMEM), Fault("memory", errno.ENOMEM, goes_on=True),
]

_names = (f"failing{number}" for number in itertools.count())


# Where a Maildir has calls of its own.
_MAILDIR_FAULTS = [one for one in _FAULTS if one.family not in
                   ("read", "truncate", "map", "connect", "receive")]


@pytest.fixture
def destination(tmp_path: Path) -> Iterator[IntoRecorder]:
    with Recorder(refused=REFUSED.strip()) as recorder:
        yield IntoRecorder(recorder)


@pytest.fixture(scope="module")
def gate(place: Workplace, servers: Servers) -> Iterator[Dovecot]:
    logins = Logins("cram-md5 scram-sha-1 scram-sha-256")
    with or_skip(lambda: Dovecot(place, servers.authority, logins=logins, name="digests")) as one:
        yield one


@pytest.mark.parametrize("fault", _FAULTS, ids=str)
def test_whichever_call_fails_nothing_is_lost(
        servers: Servers, release_binary: Path, destination: IntoRecorder, tmp_path: Path,
        fault: Fault) -> None:
    try_all(Stage(release_binary, servers.dovecot, destination, tmp_path, _names), fault)


@pytest.mark.parametrize("fault", _MAILDIR_FAULTS, ids=str)
def test_whichever_call_fails_nothing_is_lost_on_the_way_to_a_maildir(
        servers: Servers, release_binary: Path, tmp_path: Path, fault: Fault) -> None:
    destination = IntoMaildir(tmp_path / "rider/mail")
    try_all(Stage(release_binary, servers.dovecot, destination, tmp_path, _names), fault)


@pytest.mark.parametrize("fault", _FAULTS, ids=str)
def test_whichever_call_of_the_daemon_fails_nothing_is_lost(
        servers: Servers, release_binary: Path, destination: IntoRecorder, tmp_path: Path,
        fault: Fault) -> None:
    stage = Stage(release_binary, servers.dovecot, destination, tmp_path, _names)
    stage.is_daemon = True
    try_all(stage, fault, _FEW_OF_DAEMON)


@pytest.mark.parametrize("auth", ["cram-md5", "scram-sha-256"])
def test_a_login_that_lacks_memory_is_not_a_refused_one(
        gate: Dovecot, release_binary: Path, destination: IntoRecorder, tmp_path: Path,
        auth: str) -> None:
    stage = Stage(release_binary, gate, destination, tmp_path, _names)
    stage.auth = auth
    try_all(stage, Fault("memory", errno.ENOMEM))


def try_all(stage: Stage, fault: Fault, few: dict[bool, int] = _FEW) -> None:
    tried = failed = 0
    for has_past in (False, True):
        calls = stage.trial(fault, 0, has_past).calls
        assert calls > 0 or fault.family in ("mkdir", "rename"), "the family does not occur"
        for nth in some_of(calls, few[has_past]):
            trial = stage.trial(fault, nth, has_past)
            tried += 1
            failed += bool(trial.failed)
    assert failed > 0
    print(f"{fault}: {tried} calls tried, {failed} of them reached")
