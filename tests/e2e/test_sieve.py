"""The Sieve recipe of docs/duplicate.sieve makes delivery into Dovecot exactly once (R-001, R-003)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

import pytest

from conftest import ROOT, or_skip
from killing import killed_at_the_answer
from road import Road, Servers
from servers.dovecot import Dovecot, Mailbox
from servers.proxy import Proxy
from servers.workplace import Workplace

_RECIPE = ROOT / "docs/duplicate.sieve"
_MESSAGES = 6


@pytest.fixture(scope="module")
def pigeonhole(servers: Servers, place: Workplace) -> Iterator[Dovecot]:
    with or_skip(lambda: Dovecot(place, servers.authority, name="pigeonhole",
                                 sieve=_RECIPE)) as dovecot:
        yield dovecot


def _bound_for(road: Road, dovecot: Dovecot, proxy: Proxy) -> Mailbox:
    """Mail goes into a mailbox of this Dovecot from now on, by LMTP through the proxy."""
    mailbox = dovecot.add_user(f"to-{road.mailbox.user}")
    road.rider.destination(type="lmtp", host="127.0.0.1", port=proxy.port)
    road.account.update(delete_after="now", recipients=[mailbox.user])
    road.mailbox.put([b"Subject: %d\n\nbody\n" % number for number in range(_MESSAGES)])
    return mailbox


def _arrived(mailbox: Mailbox) -> Counter[int]:
    found = [re.search(rb"^Subject: (\d)$", one, re.MULTILINE) for one in mailbox.messages()]
    return Counter(int(one[1]) for one in found if one is not None)


def _killed_again_and_again(road: Road, proxy: Proxy) -> None:
    """Each run ends when its second message was taken; so each but the first begins with one that
    had been taken before."""
    for _ in range(_MESSAGES - 1):
        killed_at_the_answer(road, proxy, b" Saved", nth=2)
    road.once_well()
    assert len(road.mailbox) == 0


def test_a_kill_between_answer_and_record_makes_no_duplicate(road: Road,
                                                             pigeonhole: Dovecot) -> None:
    with Proxy(pigeonhole.lmtp_socket) as proxy:
        mailbox = _bound_for(road, pigeonhole, proxy)
        _killed_again_and_again(road, proxy)
    assert _arrived(mailbox) == Counter(range(_MESSAGES)), "each exactly once"


def test_without_the_recipe_it_does(road: Road) -> None:
    dovecot = road.servers.dovecot
    with Proxy(dovecot.lmtp_socket) as proxy:
        mailbox = _bound_for(road, dovecot, proxy)
        _killed_again_and_again(road, proxy)
    arrived = _arrived(mailbox)
    assert set(arrived) == set(range(_MESSAGES))
    assert arrived.total() == 2 * _MESSAGES - 1, "a duplicate for each kill"
