"""delete_after: what leaves the mailbox, and when."""

from __future__ import annotations

from road import Road
from servers import samples


def test_now_empties_the_mailbox_of_what_was_delivered(road: Road) -> None:
    road.account["delete_after"] = "now"
    road.mailbox.put(samples.everyday(30, road.box.address))
    road.once_well()
    assert len(road.box) == 30
    assert len(road.mailbox) == 0


def test_now_leaves_what_was_not_delivered(road: Road) -> None:
    road.account["delete_after"] = "now"
    road.mailbox.put(samples.everyday(5, road.box.address))
    road.servers.postfix.answer("trial.example", "451 4.3.0 not now")
    road.once()
    assert len(road.mailbox) == 5
    road.servers.postfix.accept_all()
    road.once_well()
    assert len(road.box) == 5
    assert len(road.mailbox) == 0


def test_never_deletes_nothing(road: Road) -> None:
    road.account["delete_after"] = "never"
    road.mailbox.put(samples.everyday(10, road.box.address))
    road.once_well()
    road.age_ledger(days=5000)
    road.once_well()
    assert len(road.mailbox) == 10
    assert len(road.box) == 10


def test_an_age_deletes_on_the_first_poll_after_it(road: Road) -> None:
    road.account["delete_after"] = "14d"
    road.mailbox.put(samples.everyday(10, road.box.address))
    road.once_well()
    assert len(road.mailbox) == 10

    road.age_ledger(days=13)
    road.mailbox.put([b"Subject: younger\n\nx\n"])
    road.once_well()
    assert len(road.mailbox) == 11

    road.age_ledger(days=1)
    road.once_well()
    assert [b"Subject: younger" in one for one in road.mailbox.messages()] == [True]
    assert len(road.box) == 11
