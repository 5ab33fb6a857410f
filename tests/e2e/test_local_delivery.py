"""Dovecot -> postrider -> a Maildir, or a program: no mail server at the end of the road."""

from __future__ import annotations

import random
import re
import signal
import sqlite3
from collections import Counter
from pathlib import Path

import pytest

from road import DONE, TEMPORARY, Road, outgoing

_MESSAGES = 300
_KILLS = 200

# What a final delivery puts on top, and then postrider's own lines.
_TOP = re.compile(rb"Return-Path: <[^\n]*>\n(?:Delivered-To: [^\n]*\n)*"
                  rb"X-Postrider-Id: [0-9a-f]{32}\n"
                  rb"Received: (?:[^\n]*\n[ \t])*?[^\n]*;\n\t[^\n]*\n")


def _files(maildir: Path) -> list[Path]:
    return sorted((*maildir.glob("new/*"), *maildir.glob("cur/*")))


def _content(arrived: bytes) -> bytes:
    top = _TOP.match(arrived)
    assert top is not None, f"not the lines expected on top: {arrived[:800]!r}"
    return arrived[top.end():]


def _numbered(first: int, count: int) -> list[bytes]:
    return [b"X-Test-Id: %d\nSubject: numbered\n\n%s" % (number, b"line of text\n" * (number % 60))
            for number in range(first, first + count)]


def _number(message: bytes) -> int:
    found = re.search(rb"^X-Test-Id: (\d+)$", message, re.MULTILINE)
    assert found is not None
    return int(found[1])


def _into_maildir(road: Road, tmp_path: Path) -> Path:
    road.rider.destination(type="maildir", path=str(tmp_path / "mail/{account}"))
    return tmp_path / "mail" / "alice"


def _into_program(road: Road, tmp_path: Path, body: str, *arguments: str) -> Path:
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ncd '{tmp_path}' || exit 75\n{body}\n")
    program.chmod(0o700)
    road.rider.destination(type="command", argv=[str(program), *arguments])
    return tmp_path


def test_a_maildir_gets_what_the_mailbox_holds_with_line_ends_of_this_system(
        road: Road, tmp_path: Path) -> None:
    maildir = _into_maildir(road, tmp_path)
    road.mailbox.put([b"Return-Path: <ann@example.net>\nSubject: a\n\n.dot\nFrom here\n",
                      b"Subject: 8-bit\n\n\xff\xfe\n" + b"x" * 5000 + b"\n"])
    served = road.served()
    road.once_well()
    arrived = [one.read_bytes() for one in _files(maildir)]
    assert sorted(map(_content, arrived)) == sorted(
        outgoing(one).replace(b"\r\n", b"\n") for one in served)
    assert any(one.startswith(b"Return-Path: <ann@example.net>\n") for one in arrived)
    assert list(maildir.glob("tmp/*")) == []
    assert {one.stat().st_mode & 0o777 for one in _files(maildir)} == {0o600}


def test_a_reader_that_moves_mail_does_not_make_it_come_again(road: Road, tmp_path: Path) -> None:
    maildir = _into_maildir(road, tmp_path)
    road.mailbox.put(_numbered(0, 3))
    road.once_well()
    for one in list(maildir.glob("new/*")):
        one.rename(maildir / "cur" / f"{one.name}:2,S")
    with sqlite3.connect(road.rider.state / "ledger.db") as database:
        database.execute("DELETE FROM messages")
    database.close()
    road.once_well()
    assert len(_files(maildir)) == 3, "as after a kill between delivery and record"


def test_kill_makes_no_duplicate_in_a_maildir(road: Road, tmp_path: Path) -> None:
    maildir = _into_maildir(road, tmp_path)
    rng = random.Random(20261125)
    road.account["delete_after"] = "now"
    road.mailbox.put(_numbered(0, _MESSAGES))
    put, kills, reach = _MESSAGES, 0, 1.0
    while kills < _KILLS:
        run = road.rider.run("once", kill_after=rng.uniform(0, reach))
        if run.code == -signal.SIGKILL:
            kills += 1
        else:
            assert run.code == DONE, run.err
            reach *= 0.8
            road.mailbox.put(_numbered(put, 30))
            put += 30
        for one in list(maildir.glob("new/*"))[:rng.randrange(3)]:
            one.rename(maildir / "cur" / f"{one.name}:2,S")
    road.once_well()
    arrived = Counter(_number(one.read_bytes()) for one in _files(maildir))
    assert arrived == Counter(range(put)), "each exactly once"
    assert len(road.mailbox) == 0


def test_a_place_that_fails_puts_mail_off_and_loses_nothing(road: Road, tmp_path: Path) -> None:
    maildir = _into_maildir(road, tmp_path)
    maildir.parent.mkdir()
    maildir.write_text("in the way")
    road.account["delete_after"] = "now"
    road.mailbox.put(_numbered(0, 2))
    run = road.once()
    assert run.code == TEMPORARY
    assert "Not a directory" in run.err
    maildir.unlink()
    road.once_well()
    assert len(_files(maildir)) == 2
    assert len(road.mailbox) == 0


@pytest.mark.parametrize(("status", "code", "held", "left"), [
    (0, DONE, 0, 0),
    (65, DONE, 1, 1), (67, DONE, 1, 1), (69, DONE, 1, 1), (77, DONE, 1, 1),
    (75, TEMPORARY, 0, 1), (73, TEMPORARY, 0, 1), (1, TEMPORARY, 0, 1)])
def test_the_exit_code_of_a_program_decides(road: Road, tmp_path: Path, status: int, code: int,
                                            held: int, left: int) -> None:
    folder = _into_program(road, tmp_path, f"cat > \"$1\"; echo said so >&2; exit {status}",
                           "{user}")
    road.account["recipients"] = ["bob@example.org"]
    road.account["delete_after"] = "now"
    road.mailbox.put([b"Subject: a\n\n.b\n"])
    run = road.once()
    assert run.code == code, run.err
    assert len(list((road.rider.state / "held/new").glob("*"))) == held
    assert len(road.mailbox) == left
    assert ("said so" in run.err) == (status != 0)
    assert _content((folder / "bob").read_bytes()) == b"Subject: a\n\n.b\n"


def test_a_program_that_hangs_is_ended(road: Road, tmp_path: Path) -> None:
    _into_program(road, tmp_path, "sleep 1000")
    road.rider.settings["destinations"]["local"]["timeout"] = "500ms"
    road.mailbox.put([b"Subject: a\n\nb\n"])
    run = road.once()
    assert run.code == TEMPORARY
    assert "did not end within 500ms" in run.err
    assert run.seconds < 60
