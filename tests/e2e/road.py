"""The road that a message takes in these tests, and how to look at both of its ends."""

from __future__ import annotations

import itertools
import re
import smtplib
import sqlite3
from dataclasses import dataclass
from typing import Any

from servers.certificates import Authority
from servers.dovecot import Dovecot, Mailbox
from servers.pop3_client import Pop3Client
from servers.mta import Box
from servers.postfix import Postfix
from servers.rider import Rider, Run
from servers.samples import canonical

# Exit codes of design.md section 5.
DONE, TEMPORARY, LOGIN_REFUSED, CONFIGURATION = 0, 75, 77, 78

_names = (f"user{number}" for number in itertools.count())

# What virtual(8), smtpd(8) and then postrider put on top. A Received line ends in its date: what is
# indented below it may be the beginning of the message.
_RECEIVED = rb"Received: (?:[^\n]*\n[ \t])*?[^\n]*;(?: |\n[ \t])(?:\w{3}, )?\d{1,2} \w{3} \d{4} [^\n]*\n"
_PREPENDED = re.compile(rb"(?:(?:Return-Path|X-Original-To|Delivered-To): [^\n]*\n)*" + _RECEIVED
                        + rb"X-Postrider-Id: (?P<id>[0-9a-f]{32})\n" + _RECEIVED)

_RETURN_PATH = re.compile(rb"return-path[ \t]*:.*\r\n(?:[ \t].*\r\n)*", re.IGNORECASE)


@dataclass(frozen=True)
class Servers:
    dovecot: Dovecot
    postfix: Postfix
    authority: Authority


class Road:
    """One Dovecot mailbox -> postrider -> one Postfix box, over plain loopback unless changed."""

    def __init__(self, servers: Servers, rider: Rider) -> None:
        self.servers = servers
        self.rider = rider
        self.box: Box = servers.postfix.new_box()
        self.mailbox: Mailbox = servers.dovecot.add_user(next(_names))
        rider.destination(type="smtp", host="127.0.0.1", port=servers.postfix.port, tls="none")
        self.account: dict[str, Any] = rider.account(
            "alice", self.mailbox.user, self.mailbox.password, host="127.0.0.1",
            port=servers.dovecot.plain_port, tls="none", recipients=[self.box.address])

    def over(self, tls: str, host: str = "localhost") -> None:
        dovecot = self.servers.dovecot
        self.account.update(host=host, tls=tls, tls_ca_file=self.servers.authority.file,
                            port=dovecot.tls_port if tls == "implicit" else dovecot.plain_port)

    def once(self, **options: Any) -> Run:
        run = self.rider.run("once", **options)
        self.servers.postfix.settle()
        return run

    def once_well(self, **options: Any) -> Run:
        run = self.once(**options)
        assert run.code == DONE, run.err
        return run

    def served(self) -> list[bytes]:
        """What the mailbox holds, as a POP3 client gets it."""
        client = Pop3Client(self.servers.dovecot.plain_port, self.mailbox.user,
                            self.mailbox.password)
        messages = client.fetch()
        client.quit()
        return messages

    def ledger(self) -> dict[bytes, tuple[int, int | None]]:
        """Phase and time of delivery by UID, of all that is more than merely seen."""
        file = self.rider.state / "ledger.db"
        if not file.exists():
            return {}
        with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as database:
            rows = database.execute(
                "SELECT uid, phase, delivered_at FROM messages WHERE phase <> 0").fetchall()
        database.close()
        return {uid: (phase, delivered_at) for uid, phase, delivered_at in rows}

    def age_ledger(self, days: int) -> None:
        age_ledger(self.rider, days)


def age_ledger(rider: Rider, days: int) -> None:
    """As if every delivery had been that much earlier."""
    database = sqlite3.connect(rider.state / "ledger.db")
    with database:
        database.execute("UPDATE messages SET delivered_at = delivered_at - ?",
                         (days * 86_400_000,))
    database.close()


_FIELD = re.compile(rb"[!-9;-~]+[ \t]*:")
_KNOWN = re.compile(rb"(return-path|received|delivered-to|x-original-to|from|to|date|subject|"
                    rb"message-id|mime-version)[ \t]*:", re.IGNORECASE)
_FOLDED = re.compile(rb"[^\n]*\n(?:[ \t][^\n]*\n)*")


def _mended(message: bytes) -> bytes:
    def behind_first(text: bytes) -> bytes:
        first = _FOLDED.match(text)
        return text[first.end():] if first else b""
    if not message or _FIELD.match(message):
        return message
    if message.startswith(b"\r\n"):
        header = message.lstrip(b"\r\n")
        is_header = _KNOWN.match(header) and _FIELD.match(behind_first(header))
        return header if is_header else message
    rest = behind_first(message)
    if message.startswith((b"From ", b">From ", b" ", b"\t")) and (
            not rest or rest.startswith(b"\r\n") or _FIELD.match(rest)):
        name = b"Orphan" if message[:1] in b" \t" else b"Mbox"
        return b"X-Postrider-" + name + b": " + message
    if _KNOWN.match(rest):
        return b"X-Postrider-Orphan: " + message
    return b"\r\n" + message


def outgoing(received: bytes) -> bytes:
    """What postrider hands on of a message, below its own lines: canonical, no Return-Path, and what
    is no header on top of it mended (S-025)."""
    message = _mended(canonical(received))
    end, at = message.find(b"\r\n\r\n") + 2, 0
    if message.startswith(b"\r\n"):
        return message
    if end == 1:
        end = len(message)
    kept = []
    while at < end:
        if field := _RETURN_PATH.match(message, at):
            at = field.end()
            continue
        line = message.index(b"\r\n", at) + 2
        kept.append(message[at:line])
        at = line
    return b"".join(kept) + message[at:]


def content(arrived: bytes) -> bytes:
    """A file of the Maildir without what was put above the message."""
    top = _PREPENDED.match(arrived)
    assert top is not None, f"not the lines expected on top: {arrived[:800]!r}"
    return arrived[top.end():]


def delivery_id(arrived: bytes) -> bytes:
    top = _PREPENDED.match(arrived)
    assert top is not None, f"not the lines expected on top: {arrived[:800]!r}"
    return top["id"]


def controls(postfix: Postfix, messages: list[bytes]) -> list[bytes]:
    """The same messages given to the same Postfix by hand, and what it makes of them.

    Postfix itself changes what is no good mail: it puts an empty line above a first line that is no
    header, drops blanks before a colon and the rest of a header line behind NUL.
    """
    box = postfix.new_box()
    own = (b"X-Postrider-Id: " + b"0" * 32 + b"\r\nReceived: from a by b with POP3;\r\n"
           b"\tMon, 03 Jun 2024 08:00:00 +0000\r\n")
    client = smtplib.SMTP("127.0.0.1", postfix.port)
    for message in messages:
        client.sendmail("", [box.address], own + message, mail_options=["BODY=8BITMIME"])
    client.quit()
    postfix.settle()
    return [content(one) for one in box.messages()]
