"""Every message arrives exactly once and unchanged, over every kind of connection."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from road import Road, content, controls, delivery_id, outgoing
from servers import samples
from servers.pop3_client import Pop3Client

_CORPUS = Path(os.environ.get("POSTRIDER_CORPUS",
                              Path(__file__).resolve().parents[3] / "shared/corpus"))


def _corpus() -> list[bytes]:
    return [one.read_bytes() for one in sorted(_CORPUS.rglob("*"))
            if one.suffix in (".eml", ".msg") and one.stat().st_size > 0]


def _everything() -> list[bytes]:
    return samples.everyday(40, "alice@trial.example") + list(samples.odd().values()) + _corpus()


# S-035: a message without a date gets none.
@pytest.mark.parametrize("tls", ["implicit", "starttls", "none"])
def test_every_message_arrives_once_and_unchanged(road: Road, tls: str) -> None:
    road.over(tls)
    road.mailbox.put(_everything())
    expected = [outgoing(one) for one in road.served()]

    road.once_well()

    arrived = road.box.messages()
    assert len(arrived) == len(expected)
    assert len({delivery_id(one) for one in arrived}) == len(expected)
    assert Counter(map(content, arrived)) == Counter(controls(road.servers.postfix, expected))
    # What Postfix mends is the exception: nearly all must be equal octet by octet.
    as_filed = Counter(one.replace(b"\r\n", b"\n") for one in expected)
    equal = (Counter(map(content, arrived)) & as_filed).total()
    assert equal >= 0.8 * len(expected), f"only {equal} of {len(expected)} are as they were"
    assert len(road.mailbox) == len(expected)


def test_a_second_run_fetches_nothing_and_a_new_message_arrives_once(road: Road) -> None:
    road.mailbox.put(samples.everyday(20, road.box.address))
    road.once_well()
    before = road.ledger()
    assert len(road.box) == 20

    road.once_well()
    assert len(road.box) == 20
    assert road.ledger() == before

    road.mailbox.put([b"Subject: the new one\n\nhello\n"])
    road.once_well()
    assert len(road.box) == 21
    assert sum(b"Subject: the new one\n" in one for one in road.box.messages()) == 1


def test_the_return_path_becomes_the_sender(road: Road) -> None:
    road.mailbox.put([b"Return-Path: <ada@sender.example>\nSubject: a\n\nx\n",
                      b"Subject: b\n\nx\n"])
    road.once_well()
    senders = {one[one.index(b"Subject: ") + 9:][:1]: one.split(b"\n")[0]
               for one in road.box.messages()}
    assert senders == {b"a": b"Return-Path: <ada@sender.example>", b"b": b"Return-Path: <>"}


def test_equal_messages_are_delivered_each(road: Road) -> None:
    road.mailbox.put([b"Subject: twin\n\nsame\n"] * 5)
    road.once_well()
    assert len(road.box) == 5


def test_accounts_are_polled_together(road: Road) -> None:
    boxes = []
    for name in ("bob", "carol", "dave"):
        mailbox = road.servers.dovecot.add_user(f"{road.mailbox.user}-{name}")
        mailbox.put(samples.everyday(10, f"{name}@trial.example"))
        boxes.append(road.servers.postfix.new_box())
        road.rider.account(name, mailbox.user, mailbox.password, host="127.0.0.1", tls="none",
                           port=road.servers.dovecot.plain_port, recipients=[boxes[-1].address])
    road.once_well()
    assert [len(box) for box in boxes] == [10, 10, 10]


# S-030
def test_lmtp_into_dovecot_on_a_unix_socket(road: Road) -> None:
    target = road.servers.dovecot.add_user(f"{road.mailbox.user}-lmtp")
    road.rider.destination("store", type="lmtp", socket=road.servers.dovecot.lmtp_socket)
    road.account.update(deliver_to="store", recipients=[target.user + "@trial.example"])
    road.mailbox.put(samples.everyday(12, "alice@trial.example"))
    expected = [outgoing(one) for one in road.served()]

    road.once_well()

    client = Pop3Client(road.servers.dovecot.plain_port, target.user, target.password)
    arrived = client.fetch()
    client.quit()
    assert len(arrived) == 12
    for one in expected:
        assert sum(got.endswith(one) for got in arrived) == 1
