"""The unit: its score, its files where they belong, and postrider under its system call filter."""

from __future__ import annotations

import configparser
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from conftest import ROOT, or_skip
from road import DONE, Road
from servers.daemon import daemon, eventually
from servers.rider import Rider
from servers.unpacked import Unavailable
from test_run import message


class Unit(configparser.ConfigParser):
    """Read as systemd reads it: a key may stand there several times."""

    def __init__(self, file: Path) -> None:
        super().__init__(strict=False, interpolation=None, comment_prefixes="#", delimiters="=",
                         dict_type=dict)
        self.optionxform = str
        self.calls: list[str] = []
        for line in file.read_text().splitlines():
            if line.startswith("SystemCallFilter="):
                self.calls.append(line.partition("=")[2])
        self.read(file)


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `DESTDIR=... cmake --install` puts where, with a prefix of a distribution."""
    place = tmp_path_factory.mktemp("installed")
    build = place / "build"
    for command in (
            ["cmake", "-S", ROOT, "-B", build, "-G", "Ninja", "-DPOSTRIDER_TESTS=OFF",
             "-DCMAKE_INSTALL_PREFIX=/usr", "-DCMAKE_BUILD_TYPE=RelWithDebInfo"],):
        run = subprocess.run([str(one) for one in command], capture_output=True, text=True)
        assert run.returncode == 0, run.stderr
    (build / "postrider").write_bytes(b"the binary\n")  # to build it once more would prove nothing
    run = subprocess.run(["cmake", "--install", str(build)], capture_output=True, text=True,
                         env={**os.environ, "DESTDIR": str(place / "root")})
    assert run.returncode == 0, run.stderr
    return place / "root"


def _tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise Unavailable(f"{name} is not there: tools/packages names its package")
    return found


def test_everything_is_put_in_its_place(installed: Path) -> None:
    files = {str(one.relative_to(installed)) for one in installed.rglob("*") if one.is_file()}
    assert files == {
        "usr/bin/postrider",
        "usr/share/man/man1/postrider.1",
        "usr/share/man/man5/postrider.yaml.5",
        "usr/lib/systemd/system/postrider.service",
        "usr/lib/sysusers.d/postrider.conf",
        "usr/lib/tmpfiles.d/postrider.conf",
        "usr/share/doc/postrider/README.md",
        "usr/share/doc/postrider/CHANGELOG.md",
        "usr/share/doc/postrider/operating.md",
        "usr/share/doc/postrider/control-protocol.md",
        "usr/share/doc/postrider/examples/postrider.yaml",
        "usr/share/doc/postrider/examples/prometheus-alerts.yaml",
        "usr/share/doc/postrider/examples/grafana-dashboard.json",
        "usr/share/postrider/postrider.schema.json",
    }
    service = Unit(installed / "usr/lib/systemd/system/postrider.service")["Service"]
    assert service["ExecStart"] == "/usr/bin/postrider run"


def test_user_and_directories_are_made(installed: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    shutil.copytree(installed, root)
    (root / "etc").mkdir()
    run = subprocess.run([or_skip(lambda: _tool("systemd-sysusers")), f"--root={root}"],
                         capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert "postrider:" in (root / "etc/passwd").read_text()
    if os.geteuid() == 0:
        run = subprocess.run([or_skip(lambda: _tool("systemd-tmpfiles")), f"--root={root}",
                              "--create", "postrider.conf"], capture_output=True, text=True)
        assert run.returncode == 0, run.stderr
        assert (root / "etc/postrider/secrets").stat().st_mode & 0o7777 == 0o750


def test_the_unit_is_well_formed_and_safe(installed: Path) -> None:
    """U-004: 2.0 or less of 10."""
    unit = installed / "usr/lib/systemd/system/postrider.service"
    analyze = or_skip(lambda: _tool("systemd-analyze"))
    run = subprocess.run([analyze, "security", "--offline=true", "--threshold=20", str(unit)],
                         capture_output=True, text=True, env={**os.environ, "LC_ALL": "C.UTF-8"})
    assert run.returncode == 0, run.stdout
    assert "Overall exposure level" in run.stdout
    copy = installed / "verified" / "postrider.service"
    copy.parent.mkdir(exist_ok=True)
    copy.write_text(unit.read_text().replace("ExecStart=/usr/bin/postrider", "ExecStart=/bin/true")
                    .replace("man:postrider(1) man:postrider.yaml(5)", "https://example.org/"))
    run = subprocess.run([analyze, "verify", str(copy)], capture_output=True, text=True)
    assert run.returncode == 0 and run.stderr == "", run.stderr


def _expanded(analyze: str, group: str) -> set[str]:
    """The calls of a group, those of the groups within it among them."""
    listing = subprocess.run([analyze, "syscall-filter", group], capture_output=True, text=True,
                             check=True).stdout
    calls: set[str] = set()
    for line in listing.splitlines()[1:]:
        word = line.strip()
        if word.startswith("@"):
            calls |= _expanded(analyze, word)
        elif word and not word.startswith("#"):
            calls.add(word)
    return calls


def _allowed(analyze: str, filters: list[str]) -> set[str]:
    """What the SystemCallFilter= lines come to, as systemd.exec(5) has it."""
    calls = _expanded(analyze, "@default")
    for line in filters:
        words = line.lstrip("~").split()
        of_line = {call for word in words
                   for call in (_expanded(analyze, word) if word.startswith("@") else {word})}
        calls = calls - of_line if line.startswith("~") else calls | of_line
    return calls | _expanded(analyze, "@default")


@pytest.fixture(scope="session")
def sandbox(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command line that runs a program under the unit's filter."""
    place = tmp_path_factory.mktemp("sandbox")
    analyze = or_skip(lambda: _tool("systemd-analyze"))
    filters = Unit(installed / "usr/lib/systemd/system/postrider.service").calls
    assert len(filters) == 2
    calls = place / "calls"
    calls.write_text("\n".join(sorted(_allowed(analyze, filters))) + "\n")
    program = place / "sandboxed"
    source = Path(__file__).with_name("sandboxed.c")
    made = subprocess.run(["cc", "-O1", "-Wall", "-Werror", "-o", program, source, "-lseccomp"],
                          capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    return [str(program), str(calls)]


def test_the_filter_of_the_test_filters(sandbox: list[str]) -> None:
    run = subprocess.run([*sandbox, "/bin/echo", "well"], capture_output=True, text=True)
    assert (run.returncode, run.stdout) == (0, "well\n"), run.stderr
    for code in ("import os; os.chown('/tmp', 0, 0)", "import socket; socket.socket(16, 3, 0)",
                 "import mmap; mmap.mmap(-1, 4096, prot=7)"):
        assert subprocess.run([*sandbox, "/usr/bin/python3", "-c", code],
                              capture_output=True).returncode == 1, code


def test_it_works_under_the_filter_of_the_unit(road: Road, sandbox: list[str],
                                               release_binary: Path) -> None:
    """U-004: start, polls over TLS, delivery, control, metrics, reload, watchdog and end."""
    road.rider.binary = release_binary
    road.rider.wrapper = sandbox
    road.over("implicit")
    road.account["poll_every"] = "1s"
    road.account["delete_after"] = "now"
    road.rider.destination("archive", type="maildir", path=str(road.rider.folder / "archive"))
    road.rider.destination("program", type="command", argv=["/bin/cat"])
    road.mailbox.put([message("one")])
    with daemon(road.rider, watchdog=0.9) as running:
        eventually(lambda: len(road.box) == 1 and len(road.mailbox) == 0)
        status = Path(f"/proc/{running.pid}/status").read_text()
        assert "Seccomp:\t2" in status and "NoNewPrivs:\t1" in status
        for name in ("archive", "program"):
            road.account["deliver_to"] = name
            running.reload()
            road.mailbox.put([message(name)])
            eventually(lambda: len(road.mailbox) == 0)
        assert len(list((road.rider.folder / "archive/new").iterdir())) == 1
        assert "3 delivered" in road.rider.run_as_written("status", "alice").out
        running.await_said("WATCHDOG=1", times=2)
        assert running.stop() == DONE
        assert Counter(line.split()[1] for line in running.log.splitlines())["error"] == 0


def test_a_password_comes_as_a_credential(road: Road, tmp_path: Path,
                                          monkeypatch: pytest.MonkeyPatch) -> None:
    """U-005"""
    (tmp_path / "alice").write_text(road.mailbox.password)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    road.account["password"] = {"credential": "alice"}
    road.mailbox.put([message("one")])
    with daemon(road.rider) as running:
        eventually(lambda: len(road.box) == 1)
        assert running.stop() == DONE


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_it_works_as_a_user_of_its_own_behind_the_link_of_systemd(road: Road, binary: Path,
                                                                  tmp_path: Path) -> None:
    """U-003: DynamicUser=yes makes StateDirectory= a link to a private directory."""
    place = Path("/var/tmp") / f"postrider-dynamic-{os.getpid()}"
    place.mkdir(mode=0o755)
    try:
        private = place / "private-state"
        private.mkdir(mode=0o700)
        os.chown(private, 65534, 65534)
        (place / "state").symlink_to(private)
        rider = Rider(binary, place / "rider")
        rider.folder.chmod(0o755)
        rider.state = place / "state"
        rider.settings["state_dir"] = str(rider.state)
        rider.wrapper = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        rider.settings["destinations"] = road.rider.settings["destinations"]
        account = rider.account("alice", road.mailbox.user, road.mailbox.password,
                                host="127.0.0.1", tls="none",
                                port=road.servers.dovecot.plain_port,
                                recipients=[road.box.address])
        os.chown(account["password"]["file"], 65534, 65534)
        road.mailbox.put([message("one")])
        with daemon(rider) as running:
            eventually(lambda: len(road.box) == 1)
            assert (private / "ledger.db").stat().st_uid == 65534
            assert running.stop() == DONE
    finally:
        shutil.rmtree(place)


# Under the filter they would show nothing, or something else: they run postrider under something of
# their own, measure it, or are about root, which the unit is not.
NOT_UNDER_THE_FILTER = {"test_systemd.py", "test_failing_calls.py", "test_privileges.py",
                        "test_soak.py", "test_thousand.py"}


def test_other_end_to_end_tests_pass_under_the_filter(sandbox: list[str],
                                                      release_binary: Path) -> None:
    """U-004. One file of them; with POSTRIDER_LONG all that can."""
    here = Path(__file__).parent
    tests = {"test_deletion.py"}
    if "POSTRIDER_LONG" in os.environ:
        tests = {one.name for one in here.glob("test_*.py")} - NOT_UNDER_THE_FILTER
    environment = {key: value for key, value in os.environ.items() if key != "POSTRIDER_LONG"}
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=short",
         *(str(here / one) for one in sorted(tests))],
        capture_output=True, text=True,
        env={**environment, "POSTRIDER_WRAPPER": " ".join(sandbox),
             "POSTRIDER_BINARY": str(release_binary)})
    assert run.returncode == 0, run.stdout[-20000:]
    print(run.stdout.splitlines()[-1])
