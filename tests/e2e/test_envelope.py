"""Whom mail is for and from, into real Postfix (S-015, S-012, S-024)."""

from __future__ import annotations

import json

from pathlib import Path

import pytest

from road import DONE, Road
from servers.raw_pop3 import PASSWORD, RawPop3
from servers.recorder import Recorder
from servers.rider import Rider


def _mail(to: str, subject: bytes, field: bytes = b"X-Original-To") -> bytes:
    return (b"Return-Path: <ann@example.net>\n%s: %s\nTo: eve@isp.example\nSubject: %s\n\nbody\n"
            % (field, to.encode(), subject))


def test_a_mailbox_for_many_is_parted_by_the_field_that_its_provider_wrote(road: Road) -> None:
    bob, carol = road.box, road.servers.postfix.new_box()
    road.account.update(delete_after="now", recipients={
        "header": "X-Original-To", "strip_prefix": "mbox-",
        "map": {"bob@isp.example": bob.address, "carol": carol.address}})
    road.mailbox.put([_mail("mbox-bob@isp.example", b"one"), _mail("Carol+x@isp.example", b"two"),
                      _mail("<bob@isp.example>, carol@isp.example", b"three"),
                      _mail("victim@elsewhere.example", b"four")])
    run = road.once()
    assert run.code == DONE, run.err
    assert "1 refused and held" in run.err and "names nobody here" in run.err

    def subjects(box) -> list[bytes]:  # type: ignore[no-untyped-def]
        return sorted(one.split(b"Subject: ")[1].split(b"\n")[0] for one in box.messages())
    assert subjects(bob) == [b"one", b"three"]
    assert subjects(carol) == [b"three", b"two"]
    assert len(road.mailbox) == 1, "what is for nobody was deleted"

    [listed] = json.loads(road.rider.run("held", "list", "--json").out)
    assert listed["refusals"][0]["recipients"] == []
    run = road.rider.run("held", "retry", listed["id"], "--for", carol.address)
    assert run.code == DONE, run.err
    road.servers.postfix.settle()
    assert subjects(carol) == [b"four", b"three", b"two"]


def test_the_sender_can_be_fixed(road: Road) -> None:
    road.account["envelope_sender"] = "fetched@trial.example"
    road.mailbox.put([_mail("x", b"one")])
    road.once_well()
    [arrived] = road.box.messages()
    assert arrived.startswith(b"Return-Path: <fetched@trial.example>\n")


def test_a_delivered_to_that_names_the_recipient_is_not_taken_for_a_loop(road: Road) -> None:
    road.mailbox.put([_mail(road.box.address, b"one", b"Delivered-To")])
    road.once_well()
    [arrived] = road.box.messages()
    assert b"\nX-Delivered-To: " + road.box.address.encode() + b"\n" in arrived


# S-022
def test_our_own_received_line_can_be_left_out(road: Road) -> None:
    road.account["add_received"] = "false"
    road.mailbox.put([_mail("x", b"one")])
    road.once_well()
    [arrived] = road.box.messages()
    top, own, rest = arrived.partition(b"X-Postrider-Id: ")
    assert own and rest[32:].startswith(b"\nX-Original-To: x\n"), arrived
    assert arrived.count(b"Received: ") == top.count(b"Received: ")

    # What is held without it comes back from there as it was, too.
    road.servers.postfix.answer(road.box.address, "550 5.7.1 not now")
    road.mailbox.put([_mail("x", b"two", b"Received: from a\n\tby b with POP3 id 5;\n\tc\nX-To")])
    road.once()
    road.servers.postfix.accept_all()
    [listed] = json.loads(road.rider.run("held", "list", "--json").out)
    run = road.rider.run("held", "retry", listed["id"])
    assert run.code == DONE, run.err
    road.servers.postfix.settle()
    [again] = [one for one in road.box.messages() if b"Subject: two" in one]
    assert b"\nReceived: from a\n\tby b with POP3 id 5;\n\tc\nX-To: x\n" in again


# S-013
@pytest.mark.parametrize("knows_utf8", [False, True])
def test_an_international_domain_goes_in_the_form_that_the_server_knows(
        binary: Path, tmp_path: Path, knows_utf8: bool) -> None:
    messages = [b"Return-Path: <ann@gr\xc3\xbcn.example>\r\nSubject: one\r\n\r\nx\r\n",
                b"Return-Path: <j\xc3\xb6rg@example.net>\r\nSubject: two\r\n\r\nx\r\n"]
    rider = Rider(binary, tmp_path / "rider")
    with RawPop3(messages) as pop3, Recorder(knows_utf8=knows_utf8) as recorder:
        rider.destination(type="smtp", host="127.0.0.1", port=recorder.port, tls="none")
        rider.account("alice", "alice", PASSWORD, host="127.0.0.1", port=pop3.port, tls="none",
                      recipients=["bob@b\u00fccher.example", "carol@example.org", "j\u00f6rg@example.org"])
        run = rider.run("once")
        assert run.code == DONE, run.err
        one, two = recorder.accepted
    if knows_utf8:
        assert one.sender == "ann@gr\u00fcn.example" and two.sender == "j\u00f6rg@example.net"
        assert one.recipients == ["bob@b\u00fccher.example", "carol@example.org", "j\u00f6rg@example.org"]
        return
    assert one.sender == "ann@xn--grn-ioa.example" and two.sender == "<>"
    assert one.recipients == ["bob@xn--bcher-kva.example", "carol@example.org"]
    held = json.loads(rider.run("held", "list", "--json").out)
    assert len(held) == 2
    for refusal in (entry["refusals"][0] for entry in held):
        assert refusal["recipients"] == ["j\u00f6rg@example.org"]
        assert "does not offer SMTPUTF8" in json.dumps(refusal)
