"""POP3 through a program: a real ssh to a real sshd."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import or_skip
from road import TEMPORARY, Road
from servers import samples
from servers.ssh import Sshd
from servers.workplace import Workplace


@pytest.fixture(scope="module")
def sshd(place: Workplace) -> Iterator[Sshd]:
    with or_skip(lambda: Sshd(place)) as server:
        yield server


def _tunnel(road: Road, sshd: Sshd, key: str = "client") -> None:
    """The account's host is one that is not there."""
    port = road.account["port"]
    road.account.update(host="pop.nowhere.example", port=1, tls_server_name="localhost",
                        transport={"command": sshd.tunnel_to(port, key)})


def _left_of(sshd: Sshd) -> list[str]:
    """Command lines of clients that still run."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = file.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if f"-p {sshd.port} -W" in line:
            found.append(line)
    return found


@pytest.mark.parametrize("tls", ["none", "starttls", "implicit"])
def test_mail_comes_through_ssh(road: Road, sshd: Sshd, tls: str) -> None:
    road.over(tls)
    _tunnel(road, sshd)
    road.account["delete_after"] = "now"
    road.mailbox.put(samples.everyday(20, road.box.address))
    road.once_well()
    assert len(road.box) == 20
    assert len(road.mailbox) == 0
    arrived = road.box.messages()[0]
    assert b"Received: from pop.nowhere.example\n\tby " in arrived, "nothing of the program"
    assert _left_of(sshd) == []


def test_what_ssh_says_is_told(road: Road, sshd: Sshd) -> None:
    road.over("starttls")
    _tunnel(road, sshd, key="stranger")
    road.mailbox.put([b"Subject: a\n\nx\n"])
    run = road.once()
    assert run.code == TEMPORARY
    assert "ended with status 255; it said: tunnel@127.0.0.1: Permission denied" in run.err
    assert len(road.mailbox) == 1


def test_a_program_that_is_not_there_is_told(road: Road) -> None:
    road.account["transport"] = {"command": ["no-such-program"]}
    run = road.once()
    assert run.code != 0
    assert "no-such-program: there is no such program" in run.err
