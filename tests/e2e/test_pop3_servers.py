"""The POP3 servers of Debian 12 besides Dovecot: Courier, Cyrus, mailutils, popa3d and solid-pop3d.

What a mailbox holds is judged by a bare POP3 client, and that by what was put into it.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from conftest import or_skip
from road import DONE, LOGIN_REFUSED, age_ledger, outgoing
from servers import samples
from servers.certificates import Authority
from servers.courier import Courier
from servers.cyrus import Cyrus
from servers.pop3_server import PASSWORD, Mailutils, Pop3Server, Popa3d, SolidPop3d
from servers.recorder import Recorder
from servers.rider import Rider, Run
from servers.workplace import Workplace

_SERVERS: dict[str, Callable[[Workplace, Authority], Pop3Server]] = {
    "courier": Courier,
    "cyrus": Cyrus,
    "mailutils": Mailutils,
    "popa3d": lambda place, _: Popa3d(place),
    "solid-pop3d": lambda place, _: SolidPop3d(place),
}
_OWN_LINES = re.compile(rb"X-Postrider-Id: [0-9a-f]{32}\r\n"
                        rb"Received: (?:[^\r\n]*\r\n[ \t])*?[^\r\n]*;\r\n\t[^\r\n]*\r\n")
# What changes from session to session: fields that mailutils keeps in a mailbox, and the boundary of
# the message that Courier makes in place of one that wants UTF8.
_KEPT_BY_SERVER = re.compile(rb"(?m)^(?:Status|X-UIDL?|X-IMAPbase): [^\r]*\r\n")
_SEAM = re.compile(rb"=_[0-9]+-[0-9]+")

_numbers = itertools.count()
_names = (f"user{number}" for number in itertools.count())


@dataclass(frozen=True)
class Gate:
    server: Pop3Server
    authority: Authority


@pytest.fixture(scope="module")
def gates(place: Workplace) -> Iterator[Callable[[str], Gate]]:
    """Starts each server when it is first asked for."""
    authority = Authority(place.folder("authority-of-pop3"))
    with ExitStack() as stack:
        @functools.cache
        def gate(name: str) -> Gate:
            return Gate(stack.enter_context(_SERVERS[name](place, authority)), authority)

        yield gate


@pytest.fixture(params=_SERVERS)
def gate(request: pytest.FixtureRequest, gates: Callable[[str], Gate]) -> Gate:
    return or_skip(lambda: gates(request.param))


class Way:
    """One mailbox of the server -> postrider -> a destination that remembers what it took."""

    def __init__(self, gate: Gate, rider: Rider, recorder: Recorder) -> None:
        self.server = gate.server
        self.rider = rider
        self.user = next(_names)
        self._gate = gate
        self._recorder = recorder
        self.server.add_user(self.user)
        rider.destination(type="smtp", host="127.0.0.1", port=recorder.port, tls="none")
        self.account: dict[str, Any] = rider.account(
            "alice", self.user, PASSWORD, host="127.0.0.1", port=self.server.plain_port,
            tls="none", recipients=["alice@trial.example"])

    def over(self, tls: str) -> None:
        port = self.server.tls_port if tls == "implicit" else self.server.plain_port
        self.account.update(host="localhost", tls=tls, tls_ca_file=self._gate.authority.file,
                            port=port)

    def put(self, *messages: bytes) -> None:
        self.server.put(self.user, [one.replace(b"\r\n", b"\n") for one in messages])

    def served(self) -> list[bytes]:
        return self.server.served(self.user)

    def once(self) -> Run:
        return self.rider.run("once")

    def once_well(self) -> None:
        run = self.once()
        assert run.code == DONE, run.err

    def arrived(self) -> list[bytes]:
        contents = []
        for one in self._recorder.accepted:
            own = _OWN_LINES.match(one.content)
            assert own is not None, f"not the lines expected on top: {one.content[:800]!r}"
            contents.append(one.content[own.end():])
        return contents


@pytest.fixture
def way(gate: Gate, binary: Path, tmp_path: Path) -> Iterator[Way]:
    with Recorder() as recorder:
        yield Way(gate, Rider(binary, tmp_path / "rider"), recorder)


def _letters(count: int) -> list[bytes]:
    """popa3d derives UIDs from Received; Cyrus would add a Date and a Message-ID."""
    return [b"Received: by mx.trial.example id %d; Mon, 03 Jun 2024 08:00:00 +0200\n"
            b"From: a@sender.example\nDate: Mon, 03 Jun 2024 08:00:00 +0200\n"
            b"Message-ID: <letter@sender.example>\nSubject: letter\n\nletter\n" % next(_numbers)
            for _ in range(count)]


def _contents(messages: Iterable[bytes]) -> Counter[bytes]:
    return Counter(_SEAM.sub(b"=_", _KEPT_BY_SERVER.sub(b"", one)) for one in messages)


def _ends_alike(served: list[bytes], put: list[bytes]) -> bool:
    """Is what is served what was put, below lines that the server may have added and but for those
    that it keeps for itself? In any order."""
    left = [_KEPT_BY_SERVER.sub(b"", outgoing(one)) for one in served]
    for one in map(outgoing, put):
        found = next((each for each in left if each.endswith(one)), None)
        if found is None:
            return False
        left.remove(found)
    return not left


def test_everyday_mail_arrives_octet_by_octet(way: Way) -> None:
    put = samples.everyday(40, "alice@trial.example")
    way.put(*put)
    served = way.served()
    assert _ends_alike(served, [one if one.endswith(b"\n") else one + b"\n" for one in put])
    way.once_well()
    assert _contents(way.arrived()) == _contents(map(outgoing, served))
    assert _contents(way.served()) == _contents(served), "nothing is deleted unasked"


def test_odd_mail_arrives_octet_by_octet(way: Way) -> None:
    for message in samples.odd().values():
        try:
            way.put(message)
        except way.server.refusals:
            pass
    served = way.served()
    assert len(served) >= 10
    way.once_well()
    assert _contents(way.arrived()) == _contents(map(outgoing, served))


def test_a_second_poll_fetches_what_is_new(way: Way) -> None:
    way.put(*_letters(5))
    way.once_well()
    way.once_well()
    assert len(way.arrived()) == 5
    new = _letters(1)
    way.put(*new)
    way.once_well()
    assert len(way.arrived()) == 6
    assert _ends_alike(way.arrived()[5:], new)


def test_deletion(way: Way) -> None:
    way.account["delete_after"] = "now"
    way.put(*_letters(20))
    way.once_well()
    assert len(way.arrived()) == 20
    assert way.served() == []
    way.once_well()
    way.put(*_letters(1))
    way.once_well()
    assert len(way.arrived()) == 21
    assert way.served() == []


def test_deletion_at_an_age(way: Way) -> None:
    way.account["delete_after"] = "14d"
    way.put(*_letters(10))
    way.once_well()
    assert len(way.served()) == 10
    age_ledger(way.rider, days=14)
    younger = _letters(1)
    way.put(*younger)
    way.once_well()
    assert _ends_alike(way.served(), younger)
    assert len(way.arrived()) == 11


# P-012, P-013, P-015
def test_every_login(way: Way) -> None:
    ways_over = ["none"] + ["starttls"] * way.server.starttls + ["implicit"] * bool(
        way.server.tls_port)
    way.account["delete_after"] = "now"
    expected = 0
    for tls in ways_over:
        if tls != "none":
            way.over(tls)
        for auth in way.server.logins:
            if (auth, tls) == ("apop", "starttls"):
                continue  # its timestamp came before TLS
            if isinstance(way.server, Cyrus) and (auth, tls) == ("auto", "starttls"):
                continue  # see test_a_server_that_binds_in_another_way_is_told_of
            expected += 1
            # A state directory of its own: Courier's LOGIN-DELAY of 10 s would be honoured.
            way.rider.settings["state_dir"] = str(way.rider.folder / f"state{expected}")
            way.account["auth"] = auth
            way.put(*_letters(1))
            way.once_well()
            assert len(way.arrived()) == expected, (tls, auth)


# P-015
@pytest.mark.parametrize("gate", ["cyrus"], indirect=True)
@pytest.mark.parametrize("auth", ["scram-sha-1-plus", "scram-sha-256-plus", "auto"])
def test_scram_is_bound_to_the_channel(way: Way, auth: str) -> None:
    way.over("implicit")
    way.account["auth"] = auth
    way.put(*_letters(1))
    way.once_well()
    assert len(way.arrived()) == 1


# P-015: Cyrus lists it under TLS 1.3, and binds it to what TLS 1.3 does not have.
@pytest.mark.parametrize("gate", ["cyrus"], indirect=True)
def test_a_server_that_binds_in_another_way_is_told_of(way: Way) -> None:
    way.over("starttls")
    way.put(*_letters(1))
    run = way.once()
    assert run.code == LOGIN_REFUSED
    assert "try auth: scram-sha-256" in run.err
    way.account["auth"] = "scram-sha-256"
    way.once_well()
    assert len(way.arrived()) == 1


# P-028
def test_a_wrong_password_is_a_refused_login(way: Way) -> None:
    Path(way.account["password"]["file"]).write_text("c4n4ry-wrong\n")
    way.put(*_letters(1))
    for auth in ("user", "auto"):  # each takes its time
        way.account["auth"] = auth
        run = way.once()
        assert run.code == LOGIN_REFUSED, (auth, run.err)
        assert "c4n4ry" not in run.err
    assert way.arrived() == []


# P-036, RFC 6856: what is in UTF-8 comes as it is only where UTF8 was asked for; else Courier makes
# another message of it.
@pytest.mark.parametrize("gate", ["courier"], indirect=True)
def test_mail_in_utf8_comes_as_it_is_where_that_is_wanted(way: Way) -> None:
    message = ("Received: by mx.trial.example; Mon, 03 Jun 2024 08:00:00 +0200\n"
               "From: =?utf-8?q?J=C3=BCrgen?= <j\u00fcrgen@sender.example>\n"
               "Subject: Gr\u00fc\u00dfe\n\nGr\u00fc\u00dfe\n").encode()
    way.put(message)
    way.once_well()
    assert "Grüße".encode() not in way.arrived()[0].split(b"\r\n\r\n")[0], "a surrogate"
    way.rider.settings["state_dir"] = str(way.rider.folder / "fresh")
    way.account["utf8"] = "true"
    way.once_well()
    assert way.arrived()[1:] == [outgoing(message)]


# S-026: mailutils writes Status and X-UIDL into what it has listed once.
@pytest.mark.parametrize("gate", ["mailutils"], indirect=True)
def test_what_was_there_before_the_first_poll_stays_there(way: Way) -> None:
    way.account["initial"] = "new"
    way.put(*_letters(5))
    way.once_well()
    sizes = [len(one) for one in way.served()]
    for _ in range(3):
        way.once_well()
    assert sum(map(len, way.served())) >= sum(sizes)
    assert way.arrived() == []
    way.put(*_letters(2))
    way.once_well()
    assert len(way.arrived()) == 2
    way.once_well()
    assert len(way.arrived()) == 2
    assert len(way.served()) == 7
