"""POP3 servers other than Dovecot, each as private as that: what they have in common, and the small
ones. Courier and Cyrus have modules of their own."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from .certificates import Authority
from .child import Child, StartFailed, free_ports, says
from .pop3_client import Pop3Client
from .room import Room, User
from .unpacked import unpacked
from .workplace import Workplace

PASSWORD = "open-sesame"  # of every user


class Pop3Server(ABC):
    """A running server. Its mailboxes are filled from outside and looked at by POP3."""

    plain_port: int
    tls_port: int | None = None
    starttls = False
    logins: tuple[str, ...] = ("user", "auto")  # words for `auth` that must get in
    refusals: tuple[type[Exception], ...] = ()  # of put(), for what the server does not want

    @abstractmethod
    def add_user(self, name: str) -> None:
        """Somebody whose mailbox is empty."""

    @abstractmethod
    def put(self, name: str, messages: list[bytes]) -> None:
        """Adds messages with LF line ends to a mailbox, to be listed in this order."""

    @abstractmethod
    def stop(self) -> None: ...

    def served(self, name: str) -> list[bytes]:
        """What a mailbox holds, as a POP3 client gets it."""
        client = Pop3Client(self.plain_port, name, PASSWORD)
        messages = client.fetch()
        client.quit()
        return messages

    def __enter__(self) -> Pop3Server:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.stop()


def started(name: str, log: Path, ports: int, command: Callable[[list[int]], list[str]],
            greeting: bytes = b"+OK") -> tuple[Child, list[int]]:
    """A child that greets on the first of some free ports."""
    for attempt in range(3):
        chosen = free_ports(ports)
        try:
            return Child(name, command(chosen), log, lambda: says(chosen[0], greeting)), chosen
        except StartFailed as failed:
            if attempt == 2 or "in use" not in str(failed):
                raise
    raise AssertionError("unreachable")


def make_maildir(room: Room, user: User) -> None:
    for part in ("", "/tmp", "/new", "/cur"):
        room.make(f"var/home/{user.name}/Maildir{part}", user, 0o700)


def file_into_maildir(room: Room, user: User, messages: list[bytes]) -> None:
    maildir = user.home / "Maildir"
    stamp = time.time_ns()
    for number, message in enumerate(messages):
        name = f"{stamp // 10**9}.M{stamp % 10**9 // 1000:06}P{number:06}.trial"
        draft = maildir / "tmp" / name
        draft.write_bytes(message)
        room.give(draft, user).rename(maildir / "new" / name)


def file_into_mbox(room: Room, user: User, mbox: Path, messages: list[bytes]) -> None:
    with mbox.open("ab") as out:
        for message in messages:
            body = (b"\n" + message).replace(b"\nFrom ", b"\n>From ")[1:]
            out.write(b"From trial@sender.example Mon Jun  3 08:00:00 2024\n" + body
                      + (b"\n" if body.endswith(b"\n") else b"\n\n"))
    mbox.chmod(0o600)
    room.give(mbox, user)


class _OfSystemUsers(Pop3Server):
    """Mail of users with system accounts, who prove themselves by PAM."""

    def __init__(self, place: Workplace, name: str) -> None:
        self._room = Room(place, name, place.programs(unpacked(name)))
        self._log = self._room.folder / "log"
        self._log.touch()
        self._users: dict[str, User] = {}
        self._child: Child | None = None

    def _serve_with(self, *program: str) -> None:
        inetd = Path(__file__).with_name("inetd.py")
        self._child, (self.plain_port,) = started(
            program[0], self._log, 1, lambda ports: self._room.inside(
                "/usr/bin/python3", inetd, str(ports[0]), *program))

    def add_user(self, name: str) -> None:
        self._users[name] = self._room.add_user(name, PASSWORD)

    def put(self, name: str, messages: list[bytes]) -> None:
        file_into_mbox(self._room, self._users[name], self._room.var / "mail" / name, messages)

    def stop(self) -> None:
        if self._child is not None:
            self._child.stop()


class Popa3d(_OfSystemUsers):
    """mbox files; USER and PASS are all it knows, no CAPA."""

    def __init__(self, place: Workplace) -> None:
        super().__init__(place, "popa3d")
        self._room.add_user("popa3d")
        self._room.make("var/lib/popa3d")
        self._serve_with("/usr/sbin/popa3d")


class SolidPop3d(_OfSystemUsers):
    """Maildirs; APOP secrets from a file of the user."""

    logins = ("user", "auto", "apop")

    def __init__(self, place: Workplace) -> None:
        super().__init__(place, "solid-pop3d")
        self._room.add_user("spop3d")
        self._room.make("var/lib/solid-pop3d/bulletins")
        self._room.write(
            "etc/spop3d.conf", '<Global>\n    MailDropName "Maildir"\n    MailDropType maildir\n</Global>\n')
        self._serve_with("/usr/sbin/solid-pop3d")

    def add_user(self, name: str) -> None:
        super().add_user(name)
        make_maildir(self._room, self._users[name])
        self._room.tell_secret(self._users[name], PASSWORD, "pop_auth")

    def put(self, name: str, messages: list[bytes]) -> None:
        # A message whose last line has no end is damaged in its eyes, and shuts the mailbox.
        file_into_maildir(self._room, self._users[name],
                          [one if one.endswith(b"\n") else one + b"\n" for one in messages])


_APOP = "/var/lib/apop.db"
_MAILUTILS = """
mode daemon;
foreground yes;
pidfile /run/pop3d.pid;
max-children 100;
auth {{ authentication pam; authorization system; }};
pam {{ service mailutils; }};
tcp-wrappers {{ enable no; }};
logging {{ syslog no; }};
tls {{ ssl-certificate-file {chain}; ssl-key-file {key}; }};
apop-database-file /var/lib/apop.db;
tls-file-checks {{ key-file none; cert-file none; }};
server 127.0.0.1:{plain} {{ tls-mode ondemand; }};
server 127.0.0.1:{implicit} {{ tls-mode connection; }};
"""


class Mailutils(_OfSystemUsers):
    """mbox files; STLS and implicit TLS by GnuTLS; APOP secrets in a database."""

    starttls = True
    logins = ("user", "auto", "apop")

    def __init__(self, place: Workplace, authority: Authority) -> None:
        super().__init__(place, "mailutils")
        self._room.write(
            "etc/pam.d/mailutils", "@include common-auth\n@include common-account\n")
        self._popauth("--create", "--file=/dev/null", f"--output={_APOP}")
        own = authority.issue(["DNS:localhost", "IP:127.0.0.1"])
        config = self._room.folder / "pop3d.conf"

        def command(ports: list[int]) -> list[str]:
            config.write_text(_MAILUTILS.format(
                chain=own.chain, key=own.key, plain=ports[0], implicit=ports[1]))
            return self._room.inside("/usr/sbin/pop3d", f"--config-file={config}")

        self._child, (self.plain_port, self.tls_port) = started(
            "mailutils-pop3d", self._log, 2, command)

    def add_user(self, name: str) -> None:
        super().add_user(name)
        self._popauth("--add", f"--user={name}", f"--password={PASSWORD}", f"--file={_APOP}")

    def _popauth(self, *arguments: str) -> None:
        self._room.run_inside("popauth", *arguments)
