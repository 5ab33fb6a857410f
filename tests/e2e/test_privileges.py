"""As whom postrider works, what it gives up, and whom it tells of trouble."""

from __future__ import annotations

import http.server
import json
import os
import shutil
import subprocess
import threading
from pathlib import Path

import pytest
from road import CONFIGURATION, DONE, Road
from servers.child import free_ports
from servers.daemon import daemon, eventually
from servers.rider import Rider
from test_run import message

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


def _status(pid: int, key: str) -> list[str]:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(key + ":"):
            return line.split()[1:]
    raise AssertionError(key)


@needs_root
@pytest.mark.parametrize("kind", [{"type": "maildir", "path": "/srv/mail/{account}"},
                                  {"type": "command", "argv": ["/bin/cat"]}])
def test_root_does_not_deliver_locally_unless_told(road: Road, kind: dict) -> None:
    """A-035"""
    del road.rider.settings["allow_root"]
    road.rider.destination(**kind)
    for command in ("run", "once"):
        run = road.rider.run(command, timeout=30)
        assert run.code == CONFIGURATION and "allow_root" in run.err and "user:" in run.err
    assert road.rider.run("check").code == DONE


@needs_root
def test_user_is_who_it_becomes(road: Road, binary: Path) -> None:
    place = Path("/var/tmp") / f"postrider-user-{os.getpid()}"
    place.mkdir(mode=0o755)
    try:
        rider = Rider(binary, place / "rider")
        rider.folder.chmod(0o777)
        rider.settings["user"] = "nobody"
        del rider.settings["allow_root"]
        rider.destination(type="maildir", path=str(place / "rider/mail"))
        account = rider.account("alice", road.mailbox.user, road.mailbox.password,
                                host="127.0.0.1", tls="none",
                                port=road.servers.dovecot.plain_port, recipients=["x@localhost"])
        os.chown(account["password"]["file"], 65534, 65534)
        road.mailbox.put([message("one")])
        with daemon(rider) as running:
            eventually(lambda: (place / "rider/mail/new").exists()
                       and len(list((place / "rider/mail/new").iterdir())) == 1)
            assert _status(running.pid, "Uid") == ["65534"] * 4
            assert _status(running.pid, "Gid") == ["65534"] * 4
            assert rider.state.stat().st_uid == 65534
            assert running.stop() == DONE
        run = subprocess.run(["setpriv", "--reuid=1", "--regid=1", "--clear-groups", rider.binary,
                              "-c", rider.config_file, "run"], capture_output=True, text=True)
        assert run.returncode == CONFIGURATION and "only root" in run.stderr
    finally:
        shutil.rmtree(place)


def test_nothing_can_be_read_of_it_nor_left_behind(road: Road, release_binary: Path) -> None:
    """A-030"""
    road.rider.binary = release_binary
    with daemon(road.rider) as running:
        limits = Path(f"/proc/{running.pid}/limits").read_text()
        core = next(line for line in limits.splitlines() if line.startswith("Max core file size"))
        assert core.split()[4:6] == ["0", "0"]
        code = f"open('/proc/{running.pid}/environ', 'rb').read(); open('/proc/{running.pid}/mem')"
        if os.geteuid() != 0:
            assert subprocess.run(["/usr/bin/python3", "-c", code],
                                  capture_output=True).returncode == 1
        else:
            # What is not dumpable belongs to root in /proc, whoever runs it; root we are.
            assert Path(f"/proc/{running.pid}/mem").stat().st_uid == 0
        assert running.stop() == DONE


def test_where_no_programs_are_run_it_locks_itself_in(road: Road, release_binary: Path) -> None:
    road.rider.binary = release_binary
    mail = road.rider.folder / "mail"
    mail.mkdir()
    road.rider.destination("archive", type="maildir", path=str(mail / "{account}"))
    road.account.update(deliver_to="archive", poll_every="1s", delete_after="now")
    road.mailbox.put([message("one")])
    with daemon(road.rider) as running:
        eventually(lambda: len(road.mailbox) == 0)
        assert len(list((mail / "alice/new").iterdir())) == 1
        assert _status(running.pid, "NoNewPrivs") == ["1"]
        assert _status(running.pid, "Seccomp") == ["2"]
        started = next(line for line in running.log.splitlines() if " started " in line)
        assert "seccomp" in started
        # What it can no longer do is told, and the rest of the new configuration is in force.
        road.rider.destination("program", type="command", argv=["/bin/cat"])
        road.rider.destination("elsewhere", type="maildir",
                               path=str(road.rider.folder.parent / "elsewhere/{account}"))
        road.rider.write()
        run = road.rider.run_as_written("reload")
        assert run.code == DONE and "programs can be run only after a restart" in run.err
        if "landlock" in started:
            assert f"{road.rider.folder.parent} can be written to only after" in run.err
        assert running.stop() == DONE


def test_where_programs_are_run_it_does_not(road: Road, release_binary: Path) -> None:
    road.rider.binary = release_binary
    road.rider.destination("program", type="command", argv=["/bin/cat"])
    road.account.update(deliver_to="program", poll_every="1s", delete_after="now")
    road.mailbox.put([message("one")])
    with daemon(road.rider) as running:
        eventually(lambda: len(road.mailbox) == 0)
        assert _status(running.pid, "Seccomp") == ["0"]
        assert "programs are run" in running.log
        assert running.stop() == DONE


def test_a_program_is_told_of_trouble_and_of_its_end(road: Road) -> None:
    told = road.rider.folder / "told"
    road.rider.settings["alerts"] = {"command": ["/bin/sh", "-c", f"cat >> {told}"],
                                     "after": "1s"}
    road.account["poll_every"] = "1s"
    secret = Path(road.account["password"]["file"])
    right = secret.read_text()

    def alerts() -> list[dict]:
        return [json.loads(line) for line in told.read_text().splitlines()] if told.exists() else []

    secret.write_text("swordfish\n")
    with daemon(road.rider) as running:
        eventually(lambda: len(alerts()) == 1, within=30)
        assert alerts()[0]["event"] == "trouble" and alerts()[0]["name"] == "alice"
        assert "check user and password" in alerts()[0]["text"]
        secret.write_text(right)
        running.reload()
        eventually(lambda: len(alerts()) == 2, within=30)
        assert alerts()[1]["event"] == "recovery" and alerts()[1]["kind"] == "account"
        assert "swordfish" not in told.read_text()
        assert running.stop() == DONE


class Hook(http.server.BaseHTTPRequestHandler):
    """Fails once, then takes what comes."""

    got: list[dict] = []
    refused = 0

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if Hook.refused == 0:
            Hook.refused += 1
            self.send_response(503)
        else:
            Hook.got.append(json.loads(body))
            self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def test_a_web_server_is_told_again_what_it_did_not_take(road: Road,
                                                         monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        road.rider.settings["alerts"] = {
            "webhook": f"http://127.0.0.1:{server.server_address[1]}/hook", "after": "1s"}
        road.rider.destination(type="smtp", host="127.0.0.1", port=free_ports(1)[0], tls="none")
        road.mailbox.put([message("one")])
        with daemon(road.rider) as running:
            eventually(lambda: {one["kind"] for one in Hook.got} >= {"destination"}, within=30)
            assert Hook.refused == 1 and "not-alerted" in running.log
            assert running.stop() == DONE
    finally:
        server.shutdown()
        server.server_close()
