"""Whom mail is for and from, into real Postfix (S-015, S-012, S-024)."""

from __future__ import annotations

import json

from road import DONE, Road


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
