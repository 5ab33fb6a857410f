"""What becomes of mail that is refused, lost sight of, or bound for several places, into real Postfix."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Iterator
from pathlib import Path

import pytest

from killing import killed_at_the_answer
from road import DONE, TEMPORARY, Road, content, outgoing
from servers.proxy import Proxy


def message(sender: str, subject: bytes, fields: bytes = b"") -> bytes:
    return (b"Return-Path: <%s>\n%sFrom: %s\nSubject: %s\n\nsecret body\n"
            % (sender.encode(), fields, sender.encode(), subject))


def test_what_is_not_wanted_is_discarded(road: Road) -> None:
    road.account.update(delete_after="now", refused={"5.7.1": "discard", "default": "hold"})
    road.mailbox.put([message("ann@example.net", b"spam")])
    road.servers.postfix.answer(road.box.address, "554 5.7.1 spam")
    run = road.once_well()
    assert "1 refused and discarded" in run.err
    assert len(road.mailbox) == 0 and len(road.box) == 0
    assert list((road.rider.state / "held/new").iterdir()) == []

    road.mailbox.put([message("ann@example.net", b"who")])
    road.servers.postfix.answer(road.box.address, "550 5.1.1 no such user")
    road.once_well()
    assert len(road.mailbox) == 1
    assert len(list((road.rider.state / "held/new").iterdir())) == 1


def test_a_sender_is_told_and_a_list_is_not(road: Road) -> None:
    ann = road.servers.postfix.new_box()
    road.account.update(delete_after="now", refused="bounce")
    road.mailbox.put([message(ann.address, b"to a stranger"),
                      message(ann.address, b"of a list", b"List-Id: <list.example>\n"),
                      message("", b"a bounce")])
    road.servers.postfix.answer(road.box.address, "550 5.1.1 no such user here")
    run = road.once()
    assert run.code == DONE, run.err
    assert "1 refused and bounced" in run.err and "2 refused and held" in run.err
    [arrived] = ann.messages()
    assert arrived.startswith(b"Return-Path: <>\n")
    bounce = email.message_from_bytes(arrived, policy=email.policy.default)
    assert bounce.get_content_type() == "multipart/report"
    assert bounce["To"].addresses[0].addr_spec == ann.address and bounce["Auto-Submitted"] == "auto-replied"
    explanation, status, header = bounce.iter_parts()
    assert road.box.address in explanation.get_content()
    reporter, failed = status.get_payload()
    assert failed["Action"] == "failed" and failed["Status"] == "5.1.1"
    assert failed["Final-Recipient"] == f"rfc822; {road.box.address}"
    assert "no such user here" in failed["Diagnostic-Code"]
    assert "to a stranger" in header.get_payload()
    assert b"secret body" not in arrived
    assert len(road.mailbox) == 2, "what was held is still there, what was bounced is not"


def test_each_of_several_destinations_gets_each_message_once(road: Road, tmp_path: Path) -> None:
    archive = tmp_path / "archive"
    road.rider.destination("archive", type="maildir", path=str(archive))
    road.account.update(delete_after="now", deliver_to=["local", "archive"])
    road.mailbox.put([message("ann@example.net", b"%d" % number) for number in range(5)])
    served = road.served()
    road.servers.postfix.stop()
    try:
        run = road.once()
    finally:
        road.servers.postfix.start()
    assert run.code == TEMPORARY, run.err
    assert len(list((archive / "new").iterdir())) == 5, "one that is down does not keep the other"
    assert len(road.mailbox) == 5, "deleted before both had it"

    road.once_well()
    wanted = sorted(outgoing(one).replace(b"\r\n", b"\n") for one in served)
    assert sorted(map(content, road.box.messages())) == wanted
    assert len(list((archive / "new").iterdir())) == 5
    assert len(road.mailbox) == 0


@pytest.fixture
def silent(road: Road) -> Iterator[Proxy]:
    """Postfix behind a proxy that a test tells what not to pass on."""
    with Proxy(road.servers.postfix.port) as proxy:
        road.rider.settings["destinations"]["local"]["port"] = proxy.port
        yield proxy


@pytest.mark.parametrize("choice", ["redeliver", "hold"])
def test_an_answer_that_was_lost(road: Road, silent: Proxy, choice: str) -> None:
    """R-006: it comes twice, or a person is asked."""
    road.account["delete_after"] = "now"
    road.rider.settings["destinations"]["local"]["on_ambiguous"] = choice
    road.mailbox.put([message("ann@example.net", b"once or twice")])
    silent.swallows = lambda piece: b"queued as" in piece
    run = road.once()
    assert silent.cuts == 1
    assert len(road.box) == 1
    silent.swallows = lambda piece: False
    if choice == "redeliver":
        assert run.code == TEMPORARY
        road.once_well()
        assert len(road.box) == 2 and len(road.mailbox) == 0
        return
    assert run.code == DONE and "refused and held" in run.err
    road.once_well()
    assert len(road.box) == 1 and len(road.mailbox) == 1
    assert len(list((road.rider.state / "held/new").iterdir())) == 1


def test_kill_between_handing_over_and_the_record_makes_no_duplicate_where_doubt_is_held(
        road: Road, silent: Proxy) -> None:
    road.account["delete_after"] = "now"
    road.rider.settings["destinations"]["local"]["on_ambiguous"] = "hold"
    road.mailbox.put([message("ann@example.net", b"%d" % number) for number in range(3)])
    killed_at_the_answer(road, silent, b"queued as")
    road.once_well()
    subjects = sorted(one.split(b"Subject: ")[1][:1] for one in road.box.messages())
    assert subjects == [b"0", b"1", b"2"], "each exactly once"
    assert len(list((road.rider.state / "held/new").iterdir())) == 1
    assert len(road.mailbox) == 1, "what is in doubt is still there"
