"""The daemon: new mail within its interval, reload, signals, crash and start again."""

from __future__ import annotations

import signal
import socket
import threading
import time
from pathlib import Path

from road import DONE, Road
from servers import samples
from servers.child import free_ports
from servers.daemon import daemon, eventually


def message(subject: str) -> bytes:
    return f"Subject: {subject}\n\nhello\n".encode()


def add_account(road: Road, name: str) -> tuple:
    mailbox = road.servers.dovecot.add_user(f"{road.mailbox.user}-{name}")
    box = road.servers.postfix.new_box()
    account = road.rider.account(name, mailbox.user, mailbox.password, host="127.0.0.1",
                                 tls="none", port=road.servers.dovecot.plain_port,
                                 recipients=[box.address], poll_every="1s")
    return mailbox, box, account


def test_new_mail_arrives_within_its_interval_and_sigterm_ends_well(road: Road) -> None:
    road.account["poll_every"] = "2s"
    road.mailbox.put([message("before the start")])
    with daemon(road.rider) as running:
        eventually(lambda: len(road.box) == 1)
        for number in range(2, 5):
            road.mailbox.put([message(f"number {number}")])
            eventually(lambda number=number: len(road.box) == number, within=6)
        assert running.stop() == DONE
        assert "STOPPING=1" in running.hear()
        assert any(line.startswith("STATUS=1 account") for line in running.said), running.said
        assert "traceback" not in running.log.lower() and "Sanitizer" not in running.log


def test_sigusr1_polls_all_now(road: Road) -> None:
    road.account["poll_every"] = "1h"
    with daemon(road.rider) as running:
        eventually(lambda: "session" in running.log)
        road.mailbox.put([message("asked for")])
        running.signal(signal.SIGUSR1)
        eventually(lambda: len(road.box) == 1)


def test_reload_adds_changes_and_removes(road: Road) -> None:
    road.account["poll_every"] = "1h"
    with daemon(road.rider) as running:
        eventually(lambda: running.log.count("session") == 1)
        mailbox, box, account = add_account(road, "bob")
        mailbox.put([message("for bob")])
        running.reload()
        eventually(lambda: len(box) == 1)
        assert "account=alice" not in running.log.split("reloaded")[-1], \
            "an account that does not differ was touched"

        other = road.servers.postfix.new_box()
        account["recipients"] = [other.address]
        running.reload()
        mailbox.put([message("for another")])
        eventually(lambda: len(other) == 1)

        del road.rider.settings["accounts"]["bob"]
        running.reload()
        polls = running.log.count("account=bob")
        mailbox.put([message("for nobody")])
        road.mailbox.put([message("for alice")])
        running.signal(signal.SIGUSR1)
        eventually(lambda: len(road.box) == 1)
        assert running.log.count("account=bob") == polls
        assert (len(box), len(other)) == (1, 1)
        assert running.stop() == DONE


def test_a_broken_file_changes_nothing_and_is_told(road: Road) -> None:
    road.account["poll_every"] = "1s"
    with daemon(road.rider) as running:
        eventually(lambda: "session" in running.log)
        good = road.rider.config_file.read_text()
        road.rider.config_file.write_text(good.replace("poll_every: 1s", "pol_every: 1s"))
        running.reload_as_written()
        eventually(lambda: "not-reloaded" in running.log)
        assert "pol_every" in running.log
        road.mailbox.put([message("as before")])
        eventually(lambda: len(road.box) == 1)
        assert running.stop() == DONE


def test_a_file_of_a_directory_adds_and_removes_accounts(road: Road) -> None:
    road.account["poll_every"] = "1h"
    road.rider.settings["include"] = ["conf.d/*.yaml"]
    extra = road.rider.folder / "conf.d" / "carol.yaml"
    extra.parent.mkdir()
    with daemon(road.rider) as running:
        mailbox = road.servers.dovecot.add_user(f"{road.mailbox.user}-carol")
        box = road.servers.postfix.new_box()
        secret = road.rider.folder / "carol.secret"
        secret.write_text(mailbox.password)
        secret.chmod(0o600)
        mailbox.put([message("for carol")])
        extra.write_text(
            f"accounts:\n  carol: {{host: 127.0.0.1, port: {road.servers.dovecot.plain_port}, "
            f"tls: none, user: {mailbox.user}, password: {{file: {secret}}}, "
            f"recipients: [{box.address}], deliver_to: local}}\n")
        running.reload()
        eventually(lambda: len(box) == 1)
        extra.unlink()
        running.reload()
        assert "1 removed" in running.log
        assert running.stop() == DONE


def test_a_changed_password_file_is_read_after_a_refusal_and_a_reload(road: Road) -> None:
    secret = Path(road.account["password"]["file"])
    right = secret.read_text()
    secret.write_text("swordfish\n")
    road.mailbox.put([message("once it is right")])
    with daemon(road.rider) as running:
        eventually(lambda: "trouble" in running.log)
        secret.write_text(right)
        running.reload()
        eventually(lambda: len(road.box) == 1)
        eventually(lambda: "recovered" in running.log)
        assert "swordfish" not in running.log and right.strip() not in running.log


def test_one_account_without_its_password_does_not_keep_the_others_from_being_polled(
        road: Road) -> None:
    _, _, account = add_account(road, "bob")
    Path(account["password"]["file"]).unlink()
    road.mailbox.put([message("for alice")])
    with daemon(road.rider) as running:
        eventually(lambda: len(road.box) == 1)
        assert "bob" in running.log
        assert running.stop() == DONE


def test_killed_and_started_again_nothing_is_lost_or_twice(road: Road) -> None:
    road.account["poll_every"] = "1s"
    road.mailbox.put(samples.everyday(200, road.box.address))
    with daemon(road.rider) as running:
        eventually(lambda: len(road.box) > 20)
        running.signal(signal.SIGKILL)
        running.wait()
    with daemon(road.rider) as running:
        eventually(lambda: len(road.box) >= 200)
        road.mailbox.put([message("the last one")])
        eventually(lambda: any(b"the last one" in one for one in road.box.messages()))
        assert running.stop() == DONE
    road.servers.postfix.settle()
    assert 201 <= len(road.box) <= 202, "at most one duplicate for a crash"


def test_once_polls_two_accounts_of_one_mailbox_one_after_the_other(road: Road) -> None:
    """P-032"""
    together = []
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        """Hangs up on whoever came within half a second."""
        peers = [listener.accept()[0]]
        listener.settimeout(0.5)
        while True:
            try:
                peers.append(listener.accept()[0])
            except TimeoutError:
                together.append(len(peers))
                for peer in peers:
                    peer.close()
                peers = []

    threading.Thread(target=serve, daemon=True).start()
    del road.rider.settings["accounts"]["alice"]
    for name, user in {"a": "bob", "b": "bob", "c": "carol"}.items():
        road.rider.account(name, user, "pw", host="127.0.0.1", tls="none",
                           port=listener.getsockname()[1], recipients=[road.box.address])
    assert road.rider.run("once").code == 75
    assert [one for one in together if one > 0] == [2, 1], "bob and carol, and then bob again"


class SlowSink:
    """An SMTP server that takes its time to answer the final dot, and counts what it took."""

    def __init__(self, delay: threading.Event) -> None:
        self._delay = delay
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.in_doubt = threading.Event()
        self.accepted = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            peer, _ = self._listener.accept()
            threading.Thread(target=self._talk, args=(peer,), daemon=True).start()

    def _talk(self, peer: socket.socket) -> None:
        try:
            self._dialogue(peer)
        except ConnectionError:
            pass  # it was cut

    def _dialogue(self, peer: socket.socket) -> None:
        in_data = False
        peer.sendall(b"220 slow.example\r\n")
        for line in peer.makefile("rb"):
            if in_data:
                if line == b".\r\n":
                    in_data = False
                    self.in_doubt.set()
                    self._delay.wait()
                    self.accepted += 1
                    peer.sendall(b"250 taken\r\n")
                continue
            word = line[:4].upper()
            in_data = word == b"DATA"
            peer.sendall(b"354 go on\r\n" if in_data else
                         b"221 bye\r\n" if word == b"QUIT" else b"250 slow.example\r\n")


def test_sigterm_in_the_middle_of_data_awaits_the_answer(road: Road) -> None:
    answer = threading.Event()
    sink = SlowSink(answer)
    road.rider.destination(type="smtp", host="127.0.0.1", port=sink.port, tls="none")
    road.mailbox.put([message("in doubt")])
    with daemon(road.rider) as running:
        assert sink.in_doubt.wait(20)
        running.signal(signal.SIGTERM)
        running.await_said("STOPPING=1")
        answer.set()
        assert running.wait() == DONE
    assert sink.accepted == 1
    with daemon(road.rider) as running:
        eventually(lambda: "session" in running.log)
        assert running.stop() == DONE
    assert sink.accepted == 1, "delivered twice"


def test_an_account_removed_in_mid_poll_ends_what_is_under_way(road: Road) -> None:
    """U-008"""
    answer = threading.Event()
    sink = SlowSink(answer)
    road.rider.destination(type="smtp", host="127.0.0.1", port=sink.port, tls="none")
    road.account["delete_after"] = "now"
    road.mailbox.put([message("in doubt")])
    add_account(road, "bob")
    with daemon(road.rider) as running:
        assert sink.in_doubt.wait(20)
        del road.rider.settings["accounts"]["alice"]
        running.reload()
        assert "1 removed" in running.log
        assert '"alice"' not in road.rider.run_as_written("status", "--json").out
        answer.set()
        eventually(lambda: len(road.mailbox) == 0)
        assert sink.accepted == 1
        assert running.stop() == DONE


def test_a_second_sigterm_cuts(road: Road) -> None:
    sink = SlowSink(threading.Event())
    road.rider.destination(type="smtp", host="127.0.0.1", port=sink.port, tls="none")
    road.mailbox.put([message("in doubt")])
    with daemon(road.rider) as running:
        assert sink.in_doubt.wait(20)
        running.signal(signal.SIGTERM)
        running.await_said("STOPPING=1")
        running.signal(signal.SIGTERM)
        assert running.wait(within=10) == DONE
    assert len(road.mailbox) == 1


def test_stop_timeout_ends_the_waiting(road: Road) -> None:
    sink = SlowSink(threading.Event())
    road.rider.settings["limits"] = {"stop_timeout": "1s"}
    road.rider.destination(type="smtp", host="127.0.0.1", port=sink.port, tls="none")
    road.mailbox.put([message("in doubt")])
    with daemon(road.rider) as running:
        assert sink.in_doubt.wait(20)
        assert running.stop(within=10) == DONE


def test_the_watchdog_hears_of_us(road: Road) -> None:
    with daemon(road.rider, watchdog=0.9) as running:
        running.await_said("WATCHDOG=1", times=3)
        assert running.stop() == DONE


def test_a_starved_watchdog_hears_nothing_and_its_restart_loses_nothing(road: Road) -> None:
    """U-002: what systemd does when WATCHDOG=1 does not come."""
    road.mailbox.put(samples.everyday(100, road.box.address))
    with daemon(road.rider, watchdog=0.9) as running:
        running.await_said("WATCHDOG=1")
        eventually(lambda: len(road.box) > 0)
        running.signal(signal.SIGSTOP)
        heard = running.hear().count("WATCHDOG=1")
        time.sleep(1.8)
        assert running.hear().count("WATCHDOG=1") == heard, "it lives, though it does nothing"
        running.signal(signal.SIGABRT)
        running.signal(signal.SIGCONT)
        assert running.wait() == -signal.SIGABRT
    with daemon(road.rider) as running:
        eventually(lambda: len(road.box) >= 100)
        assert running.stop() == DONE
    road.servers.postfix.settle()
    assert 100 <= len(road.box) <= 101, "at most one duplicate for a crash"


def test_two_daemons_do_not_share_a_state_directory(road: Road) -> None:
    with daemon(road.rider) as running:
        run = road.rider.run("once")
        assert run.code == 75
        assert str(running.pid) in run.err
        assert running.stop() == DONE


def test_an_unreachable_account_changes_nothing_for_the_others(road: Road) -> None:
    road.account["poll_every"] = "1s"
    road.rider.account("broken", "nobody", "pw", host="127.0.0.1", port=free_ports(1)[0],
                       tls="none", recipients=[road.box.address], poll_every="1s")
    with daemon(road.rider) as running:
        for number in range(1, 4):
            road.mailbox.put([message(f"number {number}")])
            eventually(lambda number=number: len(road.box) == number, within=6)
        assert running.log.count("trouble") == 1, "told once, not at every poll"
        assert running.stop() == DONE
