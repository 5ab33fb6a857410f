"""Each fault gives one clear line and the right exit code, and leaves mail and ledger alone."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from road import CONFIGURATION, DONE, LOGIN_REFUSED, TEMPORARY, Road
from servers import samples
from servers.child import free_ports
from servers.rider import Run


@pytest.fixture
def laden(road: Road) -> Road:
    """Some mail was delivered before and will be due for deletion one day; some is new."""
    road.account["delete_after"] = "14d"
    road.mailbox.put(samples.everyday(5, road.box.address))
    road.once_well()
    road.mailbox.put(samples.everyday(3, road.box.address, seed=2))
    return road


@contextmanager
def nothing_changes(road: Road) -> Iterator[None]:
    mail, ledger, arrived = road.mailbox.messages(), road.ledger(), len(road.box)
    yield
    assert sorted(road.mailbox.messages()) == sorted(mail)
    assert len(road.box) == arrived
    assert road.ledger() == ledger


def assert_one_line(run: Run, *words: str) -> None:
    """Exactly one line on stderr, and it says what a person must know."""
    lines = run.err.splitlines()
    assert len(lines) == 1, run.err
    for word in words:
        assert word in lines[0], run.err


def test_mta_stopped(laden: Road) -> None:
    postfix = laden.servers.postfix
    postfix.stop()
    try:
        with nothing_changes(laden):
            run = laden.once()
    finally:
        postfix.start()
    assert run.code == TEMPORARY
    assert_one_line(run, "local", f"127.0.0.1:{postfix.port}", "refused")


def test_mta_answers_4xx(laden: Road) -> None:
    laden.servers.postfix.answer("trial.example", "451 4.3.0 come back later")
    with nothing_changes(laden):
        run = laden.once()
    assert run.code == TEMPORARY
    assert_one_line(run, "alice", "come back later")
    laden.servers.postfix.accept_all()
    laden.once_well()
    assert len(laden.box) == 8


def test_mta_refuses_one_recipient_of_two(road: Road) -> None:
    stranger = road.servers.postfix.new_box()
    road.account.update(delete_after="now", recipients=[road.box.address, stranger.address])
    message = b"Subject: for two\n\nbody\n"
    road.mailbox.put([message])
    road.servers.postfix.answer(stranger.address, "550 5.1.1 no such user here")

    run = road.once()

    assert run.code == DONE
    assert "no such user here" in run.err
    assert (len(road.box), len(stranger)) == (1, 0)
    assert len(road.mailbox) == 1, "a refused message was deleted"
    copies = [one for one in (road.rider.state / "held").rglob("*") if one.is_file()]
    assert any(one.read_bytes().endswith(b"Subject: for two\r\n\r\nbody\r\n") for one in copies)
    [note] = [json.loads(one.read_text()) for one in copies if one.suffix == ".json"]
    assert stranger.address in json.dumps(note)
    assert road.box.address not in json.dumps(note)

    # Held is held: nothing is tried again, and nobody gets it twice.
    road.servers.postfix.accept_all()
    road.once_well()
    assert (len(road.box), len(stranger)) == (1, 0)


def test_pop3_server_stopped(laden: Road) -> None:
    dovecot = laden.servers.dovecot
    dovecot.stop()
    try:
        with nothing_changes(laden):
            run = laden.once()
    finally:
        dovecot.start()
    assert run.code == TEMPORARY
    assert_one_line(run, "alice", f"127.0.0.1:{dovecot.plain_port}", "refused")


def test_wrong_password(laden: Road) -> None:
    Path(laden.account["password"]["file"]).write_text("swordfish\n")
    with nothing_changes(laden):
        run = laden.once()
    assert run.code == LOGIN_REFUSED
    assert_one_line(run, "alice", "Authentication failed")
    assert "swordfish" not in run.err


@pytest.mark.parametrize(("host", "words"), [
    pytest.param("127.0.0.2", "127.0.0.2", id="wrong host name"),
    pytest.param("127.0.0.3", "expired", id="expired"),
    pytest.param("127.0.0.4", "not trusted", id="untrusted"),
])
@pytest.mark.parametrize("tls", ["implicit", "starttls"])
def test_bad_certificate(laden: Road, tls: str, host: str, words: str) -> None:
    laden.over(tls, host)
    with nothing_changes(laden):
        run = laden.once()
    assert run.code == TEMPORARY
    assert_one_line(run, "alice", "certificate", words)


def test_state_directory_cannot_be_made(road: Road) -> None:
    road.mailbox.put(samples.everyday(2, road.box.address))
    blocked = road.rider.folder / "a file"
    blocked.write_text("")
    road.rider.settings["state_dir"] = str(blocked / "state")
    with nothing_changes(road):
        run = road.once()
    assert run.code == CONFIGURATION
    assert_one_line(run, str(blocked))


def test_state_directory_cannot_be_written(laden: Road) -> None:
    state = laden.rider.state
    state.chmod(0o555)
    for one in state.rglob("*"):
        one.chmod(0o555 if one.is_dir() else 0o444)
    try:
        with nothing_changes(laden):
            laden.rider.wrapper = _without_privileges()
            run = laden.once()
    finally:
        state.chmod(0o700)
    assert run.code == CONFIGURATION
    assert_one_line(run, str(state))


def _without_privileges() -> list[str]:
    """root writes anywhere, unless this capability is taken away."""
    if os.geteuid() != 0:
        return []
    lost = "-dac_override,-dac_read_search,-fowner"
    return ["setpriv", f"--bounding-set={lost}", f"--inh-caps={lost}"]


_FIVE_MISTAKES = """\
state_dir: {state}
destinations:
  local: {{type: smtp, host: 127.0.0.1, port: 70000, tls: none}}
accounts:
  alice:
    host: 127.0.0.1
    tls: sometimes
    usr: alice
    user: alice
    password: {{file: {secret}}}
    recipients: [not an address]
    deliver_to: lokal
"""


def test_all_mistakes_of_a_configuration_are_told_at_once(laden: Road) -> None:
    laden.rider.write()
    broken = laden.rider.config_file
    broken.write_text(_FIVE_MISTAKES.format(
        state=laden.rider.state, secret=laden.account["password"]["file"]))
    with nothing_changes(laden):
        run = laden.rider.run_as_written("once")
    assert run.code == CONFIGURATION
    assert [line.split(":")[1] for line in run.err.splitlines()] == ["3", "7", "8", "11", "12"]
    for line, words in zip(run.err.splitlines(), ["port", "tls", "user", "recipients", "local"]):
        assert line.startswith(f"{broken}:"), run.err
        assert words in line, run.err


def test_a_failing_account_does_not_hold_up_the_others(laden: Road) -> None:
    laden.rider.account("broken", "nobody", "pw", host="127.0.0.1", port=free_ports(1)[0],
                        tls="none", recipients=[laden.box.address])
    run = laden.once()
    assert run.code == TEMPORARY
    assert len(laden.box) == 8
