"""The n-th call of a kind fails: how postrider is run so, and what must hold whatever happens."""

from __future__ import annotations

import errno
import os
import re
import shutil
import signal
import struct
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from road import CONFIGURATION, DONE, TEMPORARY
from servers.dovecot import Dovecot, Mailbox
from servers.recorder import Recorder
from servers.rider import Rider, Run

REFUSED = b"X-Refused: yes\n"
_TOLD = struct.Struct("QQ")
_TIMEOUT = 60  # seconds: a run takes a few hundredths
_PATIENCE = 1.5  # seconds that a daemon has for what `once` does in hundredths

# What a line must hold, so that a person can tell what is wrong: the system's words or SQLite's.
_WORDS = {
    errno.EIO: r"Input/output error|disk I/O error|unable to open|not be on the disk|its disk cannot be read",
    errno.ENOSPC: r"No space left on device|disk is full|disk I/O error|unable to open",
    errno.EMFILE: r"Too many open files|unable to open|could not be opened",
    errno.ENOMEM: r"[Mm]emory|Cannot allocate|malloc failure|temporarily unavailable|unable to open|disk I/O error",
    errno.ECONNREFUSED: r"refused",
    errno.ENETUNREACH: r"unreachable",
    errno.ECONNRESET: r"reset|closed",
}


@dataclass(frozen=True)
class Fault:
    """A family of calls (failing_call.c), how they fail, and whether they do so from then on."""

    family: str
    error: int
    goes_on: bool = False

    def __str__(self) -> str:
        how = errno.errorcode[self.error]
        return f"{self.family}, {how} {'from then on' if self.goes_on else 'once'}"


@dataclass(frozen=True)
class Trial:
    run: Run
    calls: int   # of the family
    failed: int  # of them


class Interposer:
    """failing_call.c, compiled, before one program."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._library = folder / "failing_call.so"
        self._told = folder / "told"
        source = Path(__file__).with_name("failing_call.c")
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-fno-builtin", "-o", self._library,
                        source, "-ldl"], check=True)

    def once(self, rider: Rider, fault: Fault, nth: int) -> Trial:
        return self._trial(rider, fault, nth, lambda: rider.run("once", timeout=_TIMEOUT))

    def daemon(self, rider: Rider, fault: Fault, nth: int, is_done: Callable[[], bool]) -> Trial:
        return self._trial(rider, fault, nth, lambda: _as_daemon(rider, is_done))

    def _trial(self, rider: Rider, fault: Fault, nth: int, run: Callable[[], Run]) -> Trial:
        self._told.write_bytes(bytes(_TOLD.size))
        rider.wrapper = ["env", f"LD_PRELOAD={self._library}", f"FAILING_FAMILY={fault.family}",
                         f"FAILING_NTH={nth}", f"FAILING_ERRNO={fault.error}",
                         f"FAILING_ON={int(fault.goes_on)}", f"FAILING_BELOW={rider.folder}",
                         f"FAILING_TOLD={self._told}"]
        try:
            ended = run()
        finally:
            rider.wrapper = []
        return Trial(ended, *_TOLD.unpack(self._told.read_bytes()))


def _as_daemon(rider: Rider, is_done: Callable[[], bool]) -> Run:
    """`run` until that holds, or it gives up, or too little comes of it; then it is told to end."""
    rider.write()
    with tempfile.TemporaryFile() as log:
        begun = time.monotonic()
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig=KILL", *rider.wrapper, rider.binary, "-c", rider.config_file,
             "run"], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            while (process.poll() is None and not is_done()
                   and time.monotonic() - begun < _PATIENCE):
                time.sleep(0.02)
            process.terminate()
            code = process.wait(_TIMEOUT)
            log.seek(0)
            said = log.read().decode(errors="replace")
            if code == -signal.SIGTERM and said.endswith(" ended\n"):
                code = DONE  # it had given up just before it was told to
        finally:
            process.kill()
            process.wait()
        return Run(code, "", said, time.monotonic() - begun, 0, 0)


def mail(first: int, large: bool) -> list[bytes]:
    """A few messages with numbers: plain ones, one to be refused, one too large for memory."""
    made = [b"X-Test-Id: %d\nSubject: plain\n\nbody\n" % number for number in (first, first + 1)]
    made.append(b"X-Test-Id: %d\n" % (first + 2) + REFUSED + b"Subject: refused\n\nbody\n")
    if large:
        made.append(b"X-Test-Id: %d\nSubject: large\n\n" % (first + 3) + b"x" * 70 + b"\n" +
                    b"a line of a large message\n" * 12_000)
    made.append(b"X-Test-Id: %d\nSubject: last\n\nbody\n" % (first + 4))
    return made


def numbers(messages: list[bytes]) -> Counter[int]:
    return Counter(int(found[1]) for one in messages
                   if (found := re.search(rb"^X-Test-Id: (\d+)\r?$", one, re.MULTILINE)))


class IntoRecorder:
    """The destination is an SMTP server that refuses some."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self.settings = {"type": "smtp", "host": "127.0.0.1", "port": recorder.port, "tls": "none"}
        self.refuses = True

    def clear(self) -> None:
        self._recorder.accepted.clear()

    def accepted(self) -> list[bytes]:
        return [one.content for one in self._recorder.accepted]


class IntoMaildir:
    """The destination is a Maildir, which takes all; the calls on it count."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.settings = {"type": "maildir", "path": str(folder)}
        self.refuses = False

    def clear(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def accepted(self) -> list[bytes]:
        return [one.read_bytes() for part in ("new", "cur")
                for one in (self._folder / part).glob("*")]


class Stage:
    """One mailbox and one state directory for each trial, between Dovecot and a destination."""

    def __init__(self, binary: Path, dovecot: Dovecot, destination: IntoRecorder | IntoMaildir,
                 folder: Path, names: Iterator[str]) -> None:
        self._binary, self._dovecot, self._destination = binary, dovecot, destination
        self._folder = folder
        self._names = names
        self.auth = "auto"
        self.is_daemon = False
        self._interposer = Interposer(folder / "interposer")

    def prepare(self, has_past: bool) -> None:
        """A mailbox with mail that nobody fetched yet; where there is a past, also a ledger, and
        mail that was delivered and is due for deletion."""
        self._destination.clear()
        self.rider = Rider(self._binary, self._folder / "rider")
        shutil.rmtree(self.rider.state, ignore_errors=True)
        self.mailbox: Mailbox = self._dovecot.add_user(next(self._names))
        self.rider.destination(**self._destination.settings)
        account = self.rider.account(
            "alice", self.mailbox.user, self.mailbox.password, host="127.0.0.1", tls="none",
            port=self._dovecot.plain_port, auth=self.auth, poll_every="1s", recipients=["alice@trial.example"],
            delete_after="never" if has_past else "now")
        self._put: list[bytes] = []
        if has_past:
            self._add(mail(0, large=False))
            self._well()
            account["delete_after"] = "now"
        self._add(mail(100, large=True))

    def _add(self, messages: list[bytes]) -> None:
        self.mailbox.put(messages)
        self._put += messages

    def _well(self) -> None:
        run = self.rider.run("once", timeout=_TIMEOUT)
        assert run.code == DONE, run.err

    def trial(self, fault: Fault, nth: int, has_past: bool) -> Trial:
        """One run with a fault and one without; everything that must hold is asserted."""
        self.prepare(has_past)
        if self.is_daemon:
            trial = self._interposer.daemon(self.rider, fault, nth, self._is_accounted)
        else:
            trial = self._interposer.once(self.rider, fault, nth)
        where = f"{fault}, call {nth} of {trial.calls}: exit {trial.run.code}: {trial.run.err}"
        self._assert_ended_well(fault, trial, where)
        assert not self._lost(), f"lost {self._lost()} at {where}"
        self._well()
        self._assert_all_done(where)
        return trial

    @staticmethod
    def _assert_ended_well(fault: Fault, trial: Trial, where: str) -> None:
        run = trial.run
        assert run.code in (DONE, TEMPORARY, CONFIGURATION), where
        lines = run.err.splitlines()
        assert lines, where
        if run.code != DONE:
            assert trial.failed, where
            assert re.search(_WORDS[fault.error], run.err), where
        for line in lines:
            assert re.match(r"((postrider|alice|\S+\.yaml:\d+:\d+|\S+\.yaml): ?|"
                            r"\d{4}-\d\d-\d\dT\S+ (warning|error|info) )", line), where

    def _accounted(self) -> Counter[int]:
        accepted = self._destination.accepted()
        held = [one.read_bytes() for one in (self.rider.state / "held").rglob("*")
                if one.is_file() and one.parent.name != "tmp"]
        return numbers(accepted + held)

    def _is_accounted(self) -> bool:
        return set(self._accounted()) == set(numbers(self._put))

    def _lost(self) -> set[int]:
        left = numbers(self.mailbox.messages())
        return set(numbers(self._put)) - set(self._accounted()) - set(left)

    def _assert_all_done(self, where: str) -> None:
        """Delivered or held, each; nothing more than once but, for this one fault, one (I5)."""
        wanted = numbers(self._put)
        refused = numbers([one for one in self._put
                           if self._destination.refuses and REFUSED in one])
        accepted = numbers(self._destination.accepted())
        assert set(accepted) == set(wanted) - set(refused), where
        assert accepted.total() - len(accepted) <= 1, f"duplicates {accepted} at {where}"
        assert self._is_accounted(), where
        assert numbers(self.mailbox.messages()) == refused, where


def some_of(calls: int, few: int) -> list[int]:
    """Of so many calls: every so-manyth, or with POSTRIDER_LONG=1 each."""
    step = 1 if os.environ.get("POSTRIDER_LONG") == "1" else max(1, -(-calls // few))
    return list(range(1, calls + 1, step))
