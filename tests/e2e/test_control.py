"""A running daemon is talked to: status, poll, pause, resume, reload, trace."""

from __future__ import annotations

import base64
import json
import os
import pty
import select
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest
from road import CONFIGURATION, DONE, LOGIN_REFUSED, TEMPORARY, Road
from servers.daemon import daemon, eventually
from servers.rider import Run

USAGE = 64


def message(subject: str) -> bytes:
    return f"Subject: {subject}\n\nhello\n".encode()


def ask(road: Road, *arguments: str) -> Run:
    return road.rider.run_as_written(*arguments)


def well(road: Road, *arguments: str) -> str:
    run = ask(road, *arguments)
    assert run.code == DONE, run.err
    return run.out


def status_of(road: Road, account: str = "alice") -> dict:
    return json.loads(well(road, "status", "--json", account))["accounts"][0]


def polled(road: Road) -> bool:
    return status_of(road)["polls"] > 0


def test_status_shows_what_became_of_an_account(road: Road) -> None:
    road.account["poll_every"] = "1h"
    road.mailbox.put([message("one"), message("two")])
    with daemon(road.rider) as running:
        eventually(lambda: status_of(road)["delivered"] == 2)
        everything = json.loads(well(road, "status", "--json"))
        assert everything["daemon"]["pid"] == running.pid
        assert [one["name"] for one in everything["destinations"]] == ["local"]
        alice = everything["accounts"][0]
        assert (alice["state"], alice["polls"], alice["backlog"]) == ("waiting", 1, 0)
        assert 3000 < alice["interval"] < 4000
        table = well(road, "status").splitlines()
        assert table[0].startswith("postrider ") and "1 account" in table[0]
        assert table[2].split()[:2] == ["alice", "waiting"]
        assert all(len(line) <= 80 for line in table)
        details = well(road, "status", "alice")
        assert "2 delivered" in details and "\x1b" not in details
        assert running.stop() == DONE
    assert not (road.rider.state / "control.sock").exists()


def test_status_tells_the_last_error_and_what_to_do(road: Road) -> None:
    Path(road.account["password"]["file"]).write_text("swordfish\n")
    with daemon(road.rider):
        eventually(lambda: "trouble" in status_of(road))
        trouble = status_of(road)["trouble"]
        assert trouble["class"] and "check user and password" in trouble["text"]
        table = well(road, "status").splitlines()
        assert "1 in trouble" in table[0] and "check user" in well(road, "status", "alice")
        assert "swordfish" not in well(road, "status", "--json")


def test_poll_pause_and_resume(road: Road) -> None:
    road.account["poll_every"] = "1s"
    with daemon(road.rider):
        eventually(lambda: polled(road))
        well(road, "pause", "alice")
        eventually(lambda: status_of(road)["state"] == "paused")
        polls = status_of(road)["polls"]
        road.mailbox.put([message("not yet")])
        time.sleep(2.5)
        assert status_of(road)["polls"] == polls and len(road.box) == 0
        well(road, "poll", "alice")
        eventually(lambda: len(road.box) == 1)
        assert status_of(road)["state"] == "paused"
        road.mailbox.put([message("and now")])
        well(road, "resume", "--all")
        eventually(lambda: len(road.box) == 2)


def test_a_pause_outlives_reload_and_daemon(road: Road) -> None:
    road.account["poll_every"] = "1s"
    with daemon(road.rider) as running:
        eventually(lambda: polled(road))
        well(road, "pause", "alice")
        road.account["poll_every"] = "2s"
        running.reload()
        assert status_of(road)["state"] == "paused"
        running.signal(signal.SIGKILL)
        running.wait()
    with daemon(road.rider) as running:
        road.mailbox.put([message("waits")])
        assert status_of(road)["state"] == "paused"
        assert "paused account=alice" in running.log
        time.sleep(2.5)
        assert status_of(road)["polls"] == 0 and len(road.box) == 0
        well(road, "resume", "alice")
        eventually(lambda: len(road.box) == 1)
        assert running.stop() == DONE
    with daemon(road.rider) as running:
        eventually(lambda: polled(road))
        assert running.stop() == DONE


def test_reload_tells_what_came_of_it(road: Road) -> None:
    with daemon(road.rider):
        eventually(lambda: polled(road))
        road.account["poll_every"] = "7m"
        road.rider.write()
        run = ask(road, "reload")
        assert run.code == DONE and "1 changed" in run.err
        good = road.rider.config_file.read_text()
        road.rider.config_file.write_text(good.replace("poll_every", "pol_every"))
        run = ask(road, "reload")
        assert run.code == CONFIGURATION
        assert "pol_every" in run.err and "all stays as it was" in run.err
        assert status_of(road)["interval"] == 420


def test_what_is_not_there_is_told(road: Road) -> None:
    road.rider.write()
    run = ask(road, "status")
    assert run.code == TEMPORARY and "postrider run" in run.err
    with daemon(road.rider):
        run = ask(road, "poll", "alise")
        assert run.code == USAGE and "did you mean 'alice'?" in run.err
        assert ask(road, "poll").code == USAGE
        run = ask(road, "status", "--socket", str(road.rider.folder / "none.sock"))
        assert run.code == TEMPORARY


def test_a_trace_shows_the_session_and_no_secret(road: Road) -> None:
    road.account["poll_every"] = "1h"
    password = road.mailbox.password
    with daemon(road.rider) as running:
        eventually(lambda: polled(road))
        road.mailbox.put([b"Subject: private\n\nthe content\n"])
        trace = subprocess.Popen(
            [road.rider.binary, "-c", road.rider.config_file, "trace", "--now", "alice"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            lines = []
            for line in trace.stdout:
                lines.append(line.split(" ", 1)[1].rstrip("\n"))
                if "ended" in lines[-1]:
                    break
        finally:
            trace.kill()
            trace.wait()
        text = "\n".join(lines)
        assert lines[0].startswith("-- connecting to 127.0.0.1")
        assert "C: CAPA" in lines and "C: RETR 1" in lines and "C: QUIT" in lines
        assert any(line.startswith("S: (message of") for line in lines)
        # What the destination was told and answered; its login would stand before that.
        assert any(line.startswith("local C: MAIL FROM:<") for line in lines)
        assert f"local C: RCPT TO:<{road.box.address}>" in "\n".join(lines)
        assert any(line.startswith("local C: (message of") for line in lines)
        assert sum(line.startswith("local S: 250") for line in lines) >= 3
        assert "****" in text and "the content" not in text
        for form in (password, base64.b64encode(password.encode()).decode(),
                     base64.b64encode(f"\0{road.mailbox.user}\0{password}".encode()).decode()):
            assert form not in text
        assert running.stop() == DONE


def test_the_daemon_ends_while_somebody_listens(road: Road) -> None:
    with daemon(road.rider) as running:
        trace = subprocess.Popen(
            [road.rider.binary, "-c", road.rider.config_file, "trace", "alice"],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            assert "tracing" in trace.stderr.readline()
            assert running.stop() == DONE
            assert trace.wait(20) == TEMPORARY
        finally:
            trace.kill()
            trace.wait()


def test_watch_draws_a_table_again_and_again_on_a_terminal(road: Road) -> None:
    Path(road.account["password"]["file"]).write_text("swordfish\n")
    with daemon(road.rider):
        eventually(lambda: "trouble" in status_of(road))
        mine, theirs = pty.openpty()
        watch = subprocess.Popen(
            [road.rider.binary, "-c", road.rider.config_file, "status", "--watch"], stdout=theirs,
            env={**os.environ, "NO_COLOR": ""})
        os.close(theirs)
        shown = b""
        try:
            deadline = time.monotonic() + 20
            while shown.count(b"\x1b[H") < 3 and time.monotonic() < deadline:
                if select.select([mine], [], [], 1)[0]:
                    shown += os.read(mine, 65536)
        finally:
            watch.kill()
            watch.wait()
            os.close(mine)
        assert shown.count(b"ACCOUNT ") >= 2
        assert b"\x1b[33malice" in shown or b"\x1b[1;31malice" in shown


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_foreign_user_is_refused(road: Road) -> None:
    """A-037: by the mode of the socket, and where that has been changed by the kernel's word."""
    place = Path("/tmp") / f"postrider-control-{os.getpid()}"
    place.mkdir(mode=0o755)
    try:
        control = place / "control.sock"
        road.rider.settings["control"] = {"socket": str(control)}
        with daemon(road.rider) as running:
            def as_nobody(request: bytes) -> bytes:
                code = ("import socket, sys\n"
                        "peer = socket.socket(socket.AF_UNIX)\n"
                        f"peer.connect({str(control)!r})\n"
                        "try:\n"
                        f"    peer.sendall({request!r})\n"
                        "except BrokenPipeError:\n"
                        "    pass\n"
                        "sys.stdout.buffer.write(peer.makefile('rb').readline())\n")
                return subprocess.run(
                    ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                     "/usr/bin/python3", "-c", code], capture_output=True).stdout
            request = b'{"command": "pause"}\n'
            assert as_nobody(request) == b"", "the mode of the socket lets nobody in"
            control.chmod(0o666)
            answer = json.loads(as_nobody(request))
            assert answer["kind"] == "refused" and "65534" in answer["error"]
            eventually(lambda: polled(road))
            assert status_of(road)["state"] != "paused"
            assert "control-refused" in running.log
            assert running.stop() == DONE
    finally:
        for left in place.iterdir():
            left.unlink()
        place.rmdir()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_members_of_the_group_are_let_in(road: Road) -> None:
    place = Path("/tmp") / f"postrider-group-{os.getpid()}"
    place.mkdir(mode=0o755)
    try:
        control = place / "control.sock"
        # Under the filter of the unit nobody changes a group (docs/operating.md).
        group = "root" if road.rider.wrapper else "mail"
        road.rider.settings["control"] = {"socket": str(control), "group": group}
        with daemon(road.rider) as running:
            code = ("import socket\n"
                    "peer = socket.socket(socket.AF_UNIX)\n"
                    f"peer.connect({str(control)!r})\n"
                    "peer.sendall(b'{\"command\": \"pause\"}\\n')\n"
                    "print(peer.makefile().readline())\n")
            run = subprocess.run(
                ["setpriv", "--reuid=65534", "--regid=65534", f"--groups={group}",
                 "/usr/bin/python3", "-c", code], capture_output=True, text=True)
            assert json.loads(run.stdout) == {"done": True}, run.stderr
            eventually(lambda: status_of(road)["state"] == "paused")
            assert running.stop() == DONE
    finally:
        for left in place.iterdir():
            left.unlink()
        place.rmdir()


def talk(road: Road) -> socket.socket:
    peer = socket.socket(socket.AF_UNIX)
    peer.connect(str(road.rider.state / "control.sock"))
    peer.settimeout(20)
    return peer


def test_nonsense_is_answered_and_what_is_endless_is_dropped(road: Road) -> None:
    with daemon(road.rider) as running:
        with talk(road) as peer:
            peer.sendall(b"nonsense\n{\"command\": \"status\"}\n")
            lines = peer.makefile("rb")
            assert json.loads(lines.readline())["kind"] == "usage"
            assert "daemon" in json.loads(lines.readline())
        with talk(road) as peer:
            peer.sendall(b"x" * 70000)
            assert peer.recv(100) == b""
        peers = [talk(road) for _ in range(40)]
        for peer in peers:
            peer.close()
        assert running.stop() == DONE




def test_a_canary_password_is_seen_nowhere(road: Road) -> None:
    """A-030, A-031: not in the log at its most verbose, not in a trace, not in the status, not in
    what /proc shows of the process."""
    road.rider.settings["log"] = {"level": "debug"}
    canary = "c4n4ry-5w0rdf15h"
    secret = Path(road.account["password"]["file"])
    secret.write_text(canary + "\n")
    forms = [canary, base64.b64encode(canary.encode()).decode(),
             base64.b64encode(f"\0{road.mailbox.user}\0{canary}".encode()).decode(),
             canary.encode("utf-16-le").decode("latin-1")]
    with daemon(road.rider) as running:
        trace = subprocess.Popen(
            [road.rider.binary, "-c", road.rider.config_file, "trace", "alice"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            trace.stdout.readline()
            well(road, "poll", "alice")
            seen = ""
            for line in trace.stdout:
                seen += line
                if "failed" in line:
                    break
        finally:
            trace.kill()
            trace.wait()
        assert "****" in seen
        seen += well(road, "status", "--json") + well(road, "status", "alice") + running.log
        proc = Path(f"/proc/{running.pid}")
        for name in ("cmdline", "environ", "status", "stat", "comm"):
            seen += (proc / name).read_bytes().decode("latin-1")
        for task in (proc / "task").iterdir():
            seen += (task / "comm").read_text()
        for form in forms:
            assert form not in seen
        assert running.stop() == DONE
    for file in road.rider.state.rglob("*"):
        if file.is_file():
            assert canary.encode() not in file.read_bytes(), file
