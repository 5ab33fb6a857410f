"""Mail by way of a real Postfix that wants TLS and a login, and what else there is beyond plain SMTP:
XCLIENT, DSN, BDAT, several hosts (S-004, S-033)."""

from __future__ import annotations

import email
import email.policy
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from conftest import or_skip
from road import DONE, LOGIN_REFUSED, TEMPORARY
from servers.certificates import Authority
from servers.child import free_ports
from servers.dovecot import PASSWORD, Dovecot, Logins
from servers.raw_pop3 import PASSWORD as PASSWORD_OF_POP3
from servers.raw_pop3 import RawPop3
from servers.rider import Rider, Run
from servers.smarthost import SASL, Smarthost
from servers.workplace import Workplace

_USER = "relay"
# Dovecot offers XCLIENT to networks only, not at its Unix sockets.
_SETTINGS = f"""
passdb {{{{
  driver = static
  args = password={PASSWORD}
}}}}
login_trusted_networks = 127.0.0.0/8
service lmtp {{{{
  inet_listener lmtp {{{{
    address = 127.0.0.1
    port = {{port}}
  }}}}
}}}}
"""


@pytest.fixture(scope="module")
def authority(place: Workplace) -> Authority:
    return Authority(place.folder("authority-of-smarthost"))


@dataclass(frozen=True)
class Users:
    """Who may log in to the smarthost, and their mailboxes."""

    dovecot: Dovecot
    lmtp_port: int


@pytest.fixture(scope="module")
def users(place: Workplace, authority: Authority) -> Iterator[Users]:
    [port] = free_ports(1)
    logins = Logins("plain login cram-md5 scram-sha-1 scram-sha-256",
                    _SETTINGS.format(port=port) + SASL)
    with or_skip(lambda: Dovecot(place, authority, logins=logins, name="users")) as server:
        yield Users(server, port)


@pytest.fixture(scope="module")
def smarthost(place: Workplace, authority: Authority, users: Users) -> Iterator[Smarthost]:
    certificate = authority.issue(["DNS:localhost"])
    socket_of_logins = users.dovecot.folder / "run/smtp-auth"
    with or_skip(lambda: Smarthost(place, certificate, socket_of_logins)) as server:
        yield server


class Way:
    """A mailbox that keeps its messages -> postrider -> a box of the smarthost."""

    def __init__(self, rider: Rider, smarthost: Smarthost, authority: Authority,
                 messages: list[bytes]) -> None:
        self.smarthost = smarthost
        self.box = smarthost.new_box()
        self.pop3 = RawPop3(messages)
        self.rider = rider
        secret = rider.folder / "relay.secret"
        secret.write_text(PASSWORD + "\n")
        secret.chmod(0o600)
        self.destination: dict[str, Any] = {
            "type": "smtp", "host": "localhost", "port": smarthost.port, "tls": "starttls",
            "tls_ca_file": authority.file, "user": _USER, "password": {"file": str(secret)}}
        rider.settings["destinations"]["local"] = self.destination
        rider.account("alice", "alice", PASSWORD_OF_POP3, host="127.0.0.1", port=self.pop3.port,
                      tls="none", recipients=[self.box.address])

    def without_login(self) -> None:
        """By the port where anybody may."""
        for key in ("tls_ca_file", "user", "password"):
            del self.destination[key]
        self.destination.update(host="127.0.0.1", port=self.smarthost.open_port, tls="none")

    def once(self) -> Run:
        run = self.rider.run("once")
        self.smarthost.settle()
        assert PASSWORD not in run.err + run.out
        return run

    def arrived(self) -> bytes:
        run = self.once()
        assert run.code == DONE, run.err
        [message] = self.box.messages()
        return message


@pytest.fixture
def way(smarthost: Smarthost, authority: Authority, binary: Path, tmp_path: Path) -> Iterator[Way]:
    made = Way(Rider(binary, tmp_path / "rider"), smarthost, authority,
               [b"Return-Path: <ann@example.net>\r\n"
                b"Received: from helo.example (client.example [192.0.2.7]) by isp with ESMTP; x\r\n"
                b"Subject: one\r\n\r\nbody\r\n"])
    with made.pop3:
        yield made


@pytest.mark.parametrize("auth", ["auto", "plain", "login", "cram-md5", "scram-sha-1",
                                  "scram-sha-256"])
def test_a_login_is_by_the_mechanism_that_is_named_or_the_best(way: Way, auth: str) -> None:
    way.destination["auth"] = auth
    message = way.arrived()
    assert b"(Authenticated sender: relay)" in message and b"using TLSv1.3" in message
    assert b"with ESMTPSA" in message
    assert way.smarthost.commands()[-1]["auth"] == 1


def test_tls_may_come_first(way: Way) -> None:
    way.destination.update(port=way.smarthost.tls_port, tls="implicit")
    assert b"with ESMTPSA" in way.arrived()


def test_a_wrong_password_stops_the_destination_and_nothing_is_fetched(way: Way) -> None:
    secret = Path(way.destination["password"]["file"])
    secret.write_text("no-such-password\n")
    run = way.once()
    assert run.code == LOGIN_REFUSED, run.err
    assert "destination local" in run.err and "535" in run.err
    assert "check user and password of the destination" in run.err
    assert "no-such-password" not in run.err
    assert way.pop3.retrieved == 0
    secret.write_text(PASSWORD + "\n")
    assert len(way.arrived()) > 0


# S-033
def test_a_certificate_for_another_gets_neither_password_nor_mail(way: Way) -> None:
    way.destination["host"] = "127.0.0.1"
    before = len(way.smarthost.commands())
    run = way.once()
    assert run.code != DONE and "certificate" in run.err
    assert way.pop3.retrieved == 0
    assert not any("auth" in one or "mail" in one for one in way.smarthost.commands()[before:])
    way.destination["tls_server_name"] = "localhost"
    assert len(way.arrived()) > 0


def test_mail_that_is_refused_for_want_of_a_login_is_held(way: Way) -> None:
    for key in ("user", "password"):
        del way.destination[key]
    run = way.once()
    assert "1 refused and held" in run.err and "Client host rejected" in run.err
    assert len(way.box) == 0
    assert len(list((way.rider.state / "held/new").iterdir())) == 1


def test_a_filter_is_told_the_true_client(way: Way) -> None:
    way.without_login()
    way.destination["xclient"] = {"trusted_hops": 1}
    top = way.arrived().split(b"X-Postrider-Id")[0]
    assert b"from helo.example (client.example [192.0.2.7])" in top, top


def test_dovecot_is_told_it_too(way: Way, users: Users) -> None:
    mailbox = users.dovecot.add_user("told")
    way.rider.settings["destinations"]["local"] = {
        "type": "lmtp", "host": "127.0.0.1", "port": users.lmtp_port, "tls": "none",
        "xclient": {"trusted_hops": 1}}
    way.rider.settings["accounts"]["alice"]["recipients"] = ["told@trial.example"]
    assert way.once().code == DONE
    [arrived] = mailbox.messages()
    top = arrived.split(b"X-Postrider-Id")[0]
    assert b"from helo.example ([192.0.2.7])" in top, top


# S-002, S-004
@pytest.mark.parametrize("chunking", [True, False])
def test_content_goes_in_chunks_only_where_that_is_wanted_and_arrives_as_it_was(
        smarthost: Smarthost, authority: Authority, binary: Path, tmp_path: Path,
        chunking: bool) -> None:
    message = (b"Subject: dots\r\n\r\n" + b"".join(b"." * (n % 5) + b"line %d\r\n" % n
                                                for n in range(50_000)) + b".\r\n..\r\n")
    way = Way(Rider(binary, tmp_path / "rider"), smarthost, authority, [message])
    way.without_login()
    way.destination["chunking"] = str(chunking).lower()
    with way.pop3:
        arrived = way.arrived()
    assert arrived.endswith(message.replace(b"\r\n", b"\n"))
    assert ("bdat" in smarthost.commands()[-1]) == chunking


def test_delivery_is_reported_to_the_sender_where_that_is_asked_for(way: Way) -> None:
    sender = way.smarthost.new_box()
    way.without_login()
    way.destination["dsn"] = {"notify": ["success"], "ret": "headers", "envid": "true"}
    way.rider.settings["accounts"]["alice"]["envelope_sender"] = sender.address
    name = way.arrived().split(b"X-Postrider-Id: ")[1][:32].decode()
    [report] = [email.message_from_bytes(one, policy=email.policy.default)
                for one in sender.messages()]
    _, status, original = report.iter_parts()
    whole, one = status.get_payload()
    assert whole["Original-Envelope-Id"] == name
    assert one["Action"] == "delivered" and way.box.address in one["Final-Recipient"]
    assert "body" not in str(original)


@contextmanager
def _always_busy() -> Iterator[int]:
    """A server that wants nobody."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def turn_away() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.sendall(b"421 4.3.2 try another\r\n")
        Thread(target=turn_away, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


def test_the_first_host_that_takes_mail_gets_it(way: Way) -> None:
    way.without_login()
    del way.destination["host"]
    [nobody] = free_ports(1)
    with _always_busy() as busy:
        way.destination["hosts"] = [f"127.0.0.1:{nobody}", f"127.0.0.1:{busy}", "127.0.0.1"]
        assert len(way.arrived()) > 0


def test_without_any_host_that_is_there_nobody_logs_in(way: Way) -> None:
    way.without_login()
    del way.destination["host"]
    ports = free_ports(2)
    way.destination["hosts"] = [f"127.0.0.1:{port}" for port in ports]
    run = way.once()
    assert run.code == TEMPORARY
    assert all(f"127.0.0.1:{port}" in run.err for port in ports), run.err
    assert way.pop3.retrieved == 0
