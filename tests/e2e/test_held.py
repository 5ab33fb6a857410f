"""What a destination refuses is held, seen, and delivered once the reason is gone."""

from __future__ import annotations

import fcntl
import json
import signal
from pathlib import Path
from typing import Any

import pytest

from road import DONE, TEMPORARY, Road, content, outgoing
from servers.daemon import daemon, eventually

USAGE = 64


@pytest.fixture
def refused(road: Road) -> Road:
    """One message that Postfix has refused, with all that makes a message hard to keep."""
    road.account["delete_after"] = "now"
    road.mailbox.put([b"Return-Path: <ann@example.net>\nReceived: from a by b; Mon, 3 Jun 2024 "
                      b"08:00:00 +0000\nSubject: r\xe9fus\xe9\n\n.dot\n\xff\xfe\nFrom here\n"])
    road.servers.postfix.answer(road.box.address, "550 5.7.1 not from you")
    run = road.once()
    assert run.code == DONE, run.err
    assert "not from you" in run.err
    return road


def held(road: Road, *arguments: str, code: int = DONE) -> Any:
    run = road.rider.run("held", *arguments, "--json")
    assert run.code == code, run.err
    return json.loads(run.out)


def test_a_refused_message_arrives_byte_exact_when_the_reason_is_gone(refused: Road) -> None:
    served = refused.served()
    [listed] = held(refused, "list")
    assert listed["account"] == "alice"
    assert listed["sender"] == "ann@example.net"
    [refusal] = listed["refusals"]
    assert refusal["recipients"] == [refused.box.address]
    assert refusal["destination"] == "local"
    assert "550 5.7.1" in refusal["reason"] and "not from you" in refusal["reason"]

    [result] = held(refused, "retry", listed["id"], code=TEMPORARY)
    assert result["outcome"] == "refused"
    assert held(refused, "list")[0]["refusals"][0]["retries"] == 1
    assert len(refused.mailbox) == 1, "a held message was deleted"

    refused.servers.postfix.accept_all()
    [result] = held(refused, "retry", listed["id"][:6])
    assert (result["id"], result["outcome"]) == (listed["id"], "delivered")
    refused.servers.postfix.settle()
    [arrived] = refused.box.messages()
    assert content(arrived) == outgoing(served[0]).replace(b"\r\n", b"\n")
    assert arrived.startswith(b"Return-Path: <ann@example.net>\n")
    assert held(refused, "list") == []

    # It counts as delivered now: nobody gets it again, and the mailbox is emptied.
    refused.once_well()
    assert len(refused.box) == 1
    assert len(refused.mailbox) == 0


def test_what_is_held_is_told_to_people(refused: Road) -> None:
    run = refused.rider.run("held", "list")
    assert run.code == DONE and run.out == ""
    [line] = run.err.splitlines()
    assert refused.box.address in line and "not from you" in line
    run = refused.rider.run("held", "show", line.split()[0])
    assert run.code == DONE
    assert "ann@example.net" in run.err and r"Subject: r\xe9fus\xe9" in run.err
    assert "From here" not in run.err, "the body is nobody's business here"
    [wrong] = refused.rider.run("held", "show", "0000").err.splitlines()
    assert "held list" in wrong


def test_it_can_be_exported(refused: Road, tmp_path: Path) -> None:
    [listed] = held(refused, "list")
    copy = (refused.rider.state / "held/new" / listed["id"]).read_bytes()
    exported = held(refused, "export", listed["id"], str(tmp_path))
    assert Path(exported["file"]) == tmp_path / f"{listed['id']}.eml"
    assert Path(exported["file"]).read_bytes() == copy
    again = refused.rider.run("held", "export", listed["id"], str(tmp_path))
    assert again.code != DONE, "an export went over another file"
    assert Path(exported["file"]).read_bytes() == copy
    run = refused.rider.run("held", "export", listed["id"])
    assert run.code == DONE
    assert run.out.encode() == copy.decode(errors="replace").encode()


def test_it_can_go_to_another_destination(refused: Road, tmp_path: Path) -> None:
    refused.rider.destination("files", type="maildir", path=str(tmp_path / "mail"))
    wrong = refused.rider.run("held", "retry", "--all", "--to", "file")
    assert wrong.code == USAGE
    [result] = held(refused, "retry", "--all", "--to", "files")
    assert result["outcome"] == "delivered"
    [arrived] = (tmp_path / "mail/new").iterdir()
    assert arrived.read_bytes().endswith(b"\n\n.dot\n\xff\xfe\nFrom here\n")
    assert arrived.name.startswith("1717401600."), "named after the time of the last server"


def test_a_dropped_message_is_gone(refused: Road) -> None:
    [listed] = held(refused, "list")
    assert refused.rider.run("held", "drop", listed["id"]).code == USAGE, "nobody said --yes"
    assert len(held(refused, "list")) == 1
    assert held(refused, "drop", "--older-than", "1d", "--yes") == []
    [result] = held(refused, "drop", listed["id"], "--yes")
    assert result["outcome"] == "dropped"
    assert held(refused, "list") == []
    assert list((refused.rider.state / "held").rglob(f"{listed['id']}*")) == []
    refused.servers.postfix.accept_all()
    refused.once_well()
    assert len(refused.box) == 0
    assert len(refused.mailbox) == 0, "given up by hand, it is not kept on the server either"


def test_a_running_daemon_does_it_and_the_command_shows_the_same(refused: Road,
                                                                 tmp_path: Path) -> None:
    refused.rider.destination("files", type="maildir", path=str(tmp_path / "mail"))
    [listed] = held(refused, "list")
    with daemon(refused.rider) as running:
        assert held(refused, "list") == [listed]
        assert refused.rider.run("held", "show", listed["id"]).code == DONE
        assert len(refused.rider.run("held", "export", listed["id"]).out) == listed["size"]
        for unknown in (("retry", "0000"), ("retry", "--all", "--to", "file"),
                        ("retry", "--all", "--for", "a b@c")):
            run = refused.rider.run("held", *unknown)
            assert run.code == USAGE and len(run.err.splitlines()) == 1, run.err
        [result] = held(refused, "retry", "--all", code=TEMPORARY)
        assert result["outcome"] == "refused" and "not from you" in result["answer"]
        assert held(refused, "list")[0]["refusals"][0]["retries"] == 1
        run = refused.rider.run("held", "retry", "--all")
        assert run.code == TEMPORARY and run.out == ""
        assert run.err.startswith(f"{listed['id']}: refused: ")
        assert running.stop() == DONE
    refused.servers.postfix.accept_all()  # goes on as it was on a connection that is open
    with daemon(refused.rider) as running:
        [result] = held(refused, "retry", listed["id"][:6])
        assert (result["id"], result["outcome"]) == (listed["id"], "delivered")
        refused.servers.postfix.settle()
        [arrived] = refused.box.messages()
        assert arrived.startswith(b"Return-Path: <ann@example.net>\n")
        assert held(refused, "list") == []
        running.signal(signal.SIGUSR1)
        eventually(lambda: len(refused.mailbox) == 0)
        assert len(refused.box) == 1, "it counts as delivered now"
        assert running.stop() == DONE


def test_a_running_daemon_delivers_elsewhere_and_drops(refused: Road, tmp_path: Path) -> None:
    refused.account["poll_every"] = "1h"
    refused.rider.destination("files", type="maildir", path=str(tmp_path / "mail"))
    refused.servers.postfix.answer(refused.box.address, "550 5.7.1 not from you")
    with daemon(refused.rider) as running:
        refused.mailbox.put([b"Subject: second\n\nnobody wants it\n"])
        running.signal(signal.SIGUSR1)
        eventually(lambda: len(held(refused, "list")) == 2)
        first, second = held(refused, "list")
        [result] = held(refused, "retry", first["id"], "--to", "files")
        assert result["outcome"] == "delivered"
        [arrived] = (tmp_path / "mail/new").iterdir()
        assert arrived.read_bytes().endswith(b"\n\n.dot\n\xff\xfe\nFrom here\n")
        run = refused.rider.run("held", "drop", second["id"])
        assert run.code == USAGE and "--yes" in run.err
        assert held(refused, "drop", "--older-than", "1d", "--yes") == []
        run = refused.rider.run("held", "drop", second["id"], "--yes")
        assert run.code == DONE and run.err == f"{second['id']}: dropped: given up by hand; it " \
            f"was held for: {second['refusals'][0]['reason']}\n"
        assert held(refused, "list") == []
        assert running.stop() == DONE
    refused.servers.postfix.accept_all()
    refused.once_well()
    assert (len(refused.box), len(refused.mailbox)) == (0, 0)


def test_beside_a_process_that_is_no_daemon_it_can_only_be_looked_at(refused: Road) -> None:
    with (refused.rider.state / "lock").open("r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert len(held(refused, "list")) == 1
        for command in (("retry", "--all"), ("drop", "--older-than", "0s", "--yes")):
            run = refused.rider.run("held", *command)
            assert run.code == TEMPORARY, run.err
            [line] = run.err.splitlines()
            assert str(refused.rider.state) in line and "no daemon answers" in line
    assert len(held(refused, "list")) == 1
