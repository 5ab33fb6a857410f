"""Every mail system of Debian takes, or refuses, whatever a mailbox can hold.

The measure is the same message given to the same server by a plain client: what arrives is equal,
and what the server does not take is held."""

from __future__ import annotations

import itertools
import os
import re
import smtplib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from conftest import or_skip
from road import DONE, outgoing
from servers import samples
from servers.certificates import Authority
from servers.cyrus import Cyrus
from servers.dovecot import Dovecot
from servers.exim import Exim
from servers.mta import DOMAIN, Box, Mta
from servers.opensmtpd import OpenSmtpd
from servers.pop3_client import Pop3Client
from servers.pop3_server import PASSWORD as PASSWORD_OF_POP3
from servers.postfix import Postfix
from servers.raw_pop3 import PASSWORD, RawPop3, ended
from servers.recorder import Recorder
from servers.rider import Rider
from servers.sendmail import Sendmail
from servers.workplace import Workplace

_CORPUS = Path(os.environ.get("POSTRIDER_CORPUS",
                              Path(__file__).resolve().parents[3] / "shared/corpus"))

# What postrider puts on top, and the date that its Received line ends in.
_OWN = re.compile(rb"X-Postrider-Id: (?P<id>[0-9a-f]{32})\n"
                  rb"Received: (?:[^\n]*\n[ \t])*?[^\n]*;(?: |\n[ \t])[^\n]*\n")
# What servers add to a header that lacks it.
_ADDED = re.compile(rb"^(?:Message-ID: <[^\n>]*@(?:mx|cyrus)\.trial\.example>|"
                    rb"Date: [^\n]*\+0000(?: \(UTC\))?)\n", re.MULTILINE | re.IGNORECASE)


def _corpus() -> list[bytes]:
    return [one.read_bytes() for one in sorted(_CORPUS.rglob("*"))
            if one.suffix in (".eml", ".msg") and one.stat().st_size > 0]


class ServedBox(Box):
    """A mailbox that is read as its owner reads it, by POP3."""

    def __init__(self, address: str, port: int, user: str, password: str) -> None:
        self.address = address
        self._login = port, user, password

    def __len__(self) -> int:
        return len(self.messages())

    def messages(self) -> list[bytes]:
        client = Pop3Client(*self._login)
        messages = [one.replace(b"\r\n", b"\n") for one in client.fetch()]
        client.quit()
        return messages


class DovecotLmtp:
    """Delivery into Dovecot without an MTA between, in the place of one."""

    def __init__(self, place: Workplace) -> None:
        self._dovecot = Dovecot(place, Authority(place.folder("authority")), name="store")
        self._names = (f"box{number}" for number in itertools.count())
        self.settings = {"type": "lmtp", "socket": self._dovecot.lmtp_socket}

    def client(self) -> smtplib.SMTP:
        return smtplib.LMTP(str(self._dovecot.lmtp_socket))

    def new_box(self) -> Box:
        mailbox = self._dovecot.add_user(next(self._names))
        return ServedBox(f"{mailbox.user}@{DOMAIN}", self._dovecot.plain_port, mailbox.user,
                         mailbox.password)

    def settle(self) -> None:
        """What was answered is filed."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._dovecot.stop()


class CyrusLmtp:
    """As DovecotLmtp."""

    def __init__(self, place: Workplace) -> None:
        self._cyrus = Cyrus(place, Authority(place.folder("authority")))
        self._names = (f"box{number}" for number in itertools.count())
        self.settings = {"type": "lmtp", "host": "127.0.0.1", "port": self._cyrus.lmtp_port,
                         "tls": "none"}

    def client(self) -> smtplib.SMTP:
        return smtplib.LMTP("127.0.0.1", self._cyrus.lmtp_port)

    def new_box(self) -> Box:
        user = next(self._names)
        self._cyrus.add_user(user)
        return ServedBox(user, self._cyrus.plain_port, user, PASSWORD_OF_POP3)

    def settle(self) -> None:
        """What was answered is filed."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._cyrus.stop()


class RecordedBox(Box):
    """What a Recorder took for one address."""

    def __init__(self, address: str, recorder: Recorder) -> None:
        self.address = address
        self._recorder = recorder

    def __len__(self) -> int:
        return len(self.messages())

    def messages(self) -> list[bytes]:
        return [one.content.replace(b"\r\n", b"\n") for one in self._recorder.accepted
                if self.address in one.recipients]


class Aiosmtpd:
    """As DovecotLmtp."""

    def __init__(self, place: Workplace) -> None:
        self._recorder = Recorder(takes_long_lines=False)
        self._names = (f"box{number}" for number in itertools.count())
        self.settings = {"type": "smtp", "host": "127.0.0.1", "port": self._recorder.port,
                         "tls": "none"}

    def client(self) -> smtplib.SMTP:
        return smtplib.SMTP("127.0.0.1", self._recorder.port)

    def new_box(self) -> Box:
        return RecordedBox(f"{next(self._names)}@{DOMAIN}", self._recorder)

    def settle(self) -> None:
        """What was answered is remembered."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._recorder.stop()


Server = Mta | DovecotLmtp | CyrusLmtp | Aiosmtpd


@pytest.fixture(scope="module",
                params=[Postfix, Exim, OpenSmtpd, Sendmail, DovecotLmtp, CyrusLmtp, Aiosmtpd],
                ids=lambda kind: kind.__name__.lower())
def mta(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Workplace() as place, or_skip(lambda: request.param(place)) as server:
        yield server


@dataclass
class Outcome:
    """What became of messages that were given to a server one by one."""

    taken: Counter[bytes] = field(default_factory=Counter)
    refused: int = 0


def _content(arrived: bytes) -> bytes:
    own = _OWN.search(arrived)
    assert own is not None, f"not the lines expected on top: {arrived[:800]!r}"
    return _ADDED.sub(b"", arrived[own.end():])


def _by_hand(mta: Server, messages: list[bytes]) -> Outcome:
    box, outcome = mta.new_box(), Outcome()
    own = (b"X-Postrider-Id: " + b"0" * 32 + b"\r\nReceived: from a by b with POP3;\r\n"
           b"\tMon, 03 Jun 2024 08:00:00 +0000\r\n")
    client: smtplib.SMTP | None = None
    for number, message in enumerate(messages):
        if client is None or number % 40 == 0:
            client = mta.client()
            client.ehlo_or_helo_if_needed()
        body = ["BODY=8BITMIME"] if client.has_extn("8bitmime") else []
        try:
            client.sendmail("", [box.address], own + message, mail_options=body)
        except smtplib.SMTPDataError as error:
            assert 500 <= error.smtp_code < 600, error
            outcome.refused += 1
        except (smtplib.SMTPServerDisconnected, ConnectionError):
            outcome.refused += 1
            client = None
    mta.settle()
    outcome.taken = Counter(map(_content, box.messages()))
    return outcome


class Passage:
    """All messages of a mailbox that keeps them, into one box of the server."""

    def __init__(self, mta: Server, binary: Path, folder: Path, messages: list[bytes]) -> None:
        self.mta = mta
        self.pop3 = RawPop3(messages)
        self.rider = Rider(binary, folder)
        self.box: Box = mta.new_box()
        self.rider.destination(**mta.settings)
        self.rider.account("alice", "alice", PASSWORD, host="127.0.0.1", port=self.pop3.port,
                           tls="none", recipients=[self.box.address])

    def once(self) -> None:
        run = self.rider.run("once")
        assert run.code == DONE, run.err
        self.mta.settle()

    def held(self) -> int:
        """How many durable copies of refused messages there are."""
        return len(list((self.rider.state / "held/new").glob("*")))


def _agree(mta: Server, binary: Path, folder: Path, messages: list[bytes]) -> None:
    passage = Passage(mta, binary, folder, messages)
    with passage.pop3:
        passage.once()
        expected = _by_hand(mta, [outgoing(ended(one)) for one in messages])
        arrived = passage.box.messages()
        assert Counter(map(_content, arrived)) == expected.taken
        assert passage.held() == expected.refused
        assert len(arrived) + passage.held() == len(messages)

        fetched = passage.pop3.retrieved
        passage.once()
        assert len(passage.box) == len(arrived)
        assert passage.pop3.retrieved == fetched


def test_odd_and_everyday_mail(mta: Server, binary: Path, tmp_path: Path) -> None:
    _agree(mta, binary, tmp_path, samples.everyday(20, "alice@trial.example")
           + list(samples.odd().values()) + _corpus())


# S-001, S-002, S-008, S-009, S-010
def test_hostile_shapes(mta: Server, binary: Path, tmp_path: Path) -> None:
    _agree(mta, binary, tmp_path, samples.hostile(200))


# A-020, S-001
def test_no_message_smuggles_another(mta: Server, binary: Path, tmp_path: Path) -> None:
    messages = samples.smuggling()
    passage = Passage(mta, binary, tmp_path, messages)
    with passage.pop3:
        passage.once()
        arrived = passage.box.messages()
        assert len(arrived) + passage.held() == len(messages)
        for one in arrived:
            assert len(_OWN.findall(one)) == 1
            assert one.count(b"Subject: outer") == 1
            # OpenSMTPD cuts a line at NUL: there it may be missing.
            assert one.count(b"MAIL FROM:<evil@sender.example>") <= 1
        assert len({_OWN.search(one)["id"] for one in arrived}) == len(arrived)


_TOP = b"From: ann@sender.example\r\nSubject: %s\r\n"
_ODD = {
    "line of 999": _TOP + b"\r\n" + b"y" * 999 + b"\r\n",
    "line of 2048": _TOP + b"\r\n" + b"y" * 2048 + b"\r\n",
    "line of 70000": _TOP + b"\r\n" + b"y" * 70000 + b"\r\n",
    "long field": _TOP + b"X-Long: " + b"y" * 1100 + b"\r\n\r\nbody\r\n",
    "NUL": _TOP + b"\r\na\0b\r\n",
    "NUL in a field": _TOP + b"X-Nul: a\0b\r\n\r\nbody\r\n",
    "8-bit": _TOP + b"\r\nm\xfcll\r\n",
    "8-bit in a field": _TOP + b"X-Name: m\xfcll\r\n\r\nbody\r\n",
}
_LONG = {"line of 2048", "line of 70000", "long field"}
# What each server does not take, and what it changes; docs/operating.md tells it to people.
_HELD: dict[str, set[str]] = {
    "Exim": {"line of 999"} | _LONG, "OpenSmtpd": {"line of 70000"}, "Aiosmtpd": _LONG,
    "Sendmail": {"NUL", "NUL in a field"}, "CyrusLmtp": {"NUL", "NUL in a field"}}
_CHANGED: dict[str, set[str]] = {
    "Postfix": {"NUL in a field"}, "Exim": {"NUL in a field"},
    "OpenSmtpd": {"NUL", "NUL in a field"}, "CyrusLmtp": {"8-bit in a field"}}


def _subject(message: bytes) -> str:
    found = re.search(rb"^Subject: (.*)$", message, re.MULTILINE)
    assert found is not None
    return found[1].decode()


# S-008, S-009, S-010
def test_what_a_server_does_not_take_is_held_or_made_fit_for_it(
        mta: Server, binary: Path, tmp_path: Path) -> None:
    odd = {name: message % name.encode() for name, message in _ODD.items()}
    passage = Passage(mta, binary, tmp_path / "as-it-is", [*odd.values()])
    with passage.pop3:
        passage.once()
    arrived = {_subject(one): _content(one) for one in passage.box.messages()}
    kind = type(mta).__name__
    assert set(odd) - set(arrived) == _HELD.get(kind, set())
    assert passage.held() == len(odd) - len(arrived)
    changed = {name for name, content in arrived.items()
               if content != odd[name].replace(b"\r\n", b"\n")}
    assert changed == _CHANGED.get(kind, set())

    passage = Passage(mta, binary, tmp_path / "made-fit", [*odd.values()])
    passage.rider.settings["destinations"]["local"].update(nul="strip", long_lines="wrap")
    with passage.pop3:
        passage.once()
    made_fit = {_subject(one): one for one in passage.box.messages()}
    assert set(made_fit) == set(odd) and passage.held() == 0
    for name, message in made_fit.items():
        was_modified = b"X-Postrider-Modified: " in message
        assert was_modified == ("NUL" in name or "long" in name or "line" in name), message
        assert b"\0" not in message and max(map(len, message.split(b"\n"))) <= 998
