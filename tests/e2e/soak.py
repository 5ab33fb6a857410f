#!/usr/bin/python3
"""Kills and cuts at random while mail goes on: is every message still there, and how often?

usage: tests/e2e/soak.py [--kills N] [--minutes N] [--seed S] [--binary FILE]

Dovecot -> postrider -> Postfix by SMTP (the mailbox is emptied), and Dovecot -> postrider -> Dovecot
by LMTP (mail is kept). Every connection passes a proxy. In each round `postrider once` runs, and
something happens to it: kill -9 of postrider, of Dovecot's POP3 or LMTP process, of Postfix's smtpd,
or a connection is cut at some octet. At the end a run without faults, and the account: each message
carries a number. Exit 0 if all kills hit before the minutes are over, none is lost, and duplicates
stay within the bound: at most one for each crash or disconnect that a destination's connection saw (I5).
"""

from __future__ import annotations

import argparse
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tests/e2e")]

from servers.certificates import Authority
from servers.dovecot import Dovecot, Mailbox
from servers.mta import Box
from servers.postfix import Postfix
from servers.proxy import Cut, Proxy
from servers.rider import Rider
from servers.unpacked import Unavailable
from servers.workplace import Workplace

_ROUND = 4  # messages at most, put into each mailbox before a round
_LARGEST = 60_000  # octets of a message's body
_PATIENCE = 120  # seconds for one run of postrider


@dataclass
class Tally:
    """What happened, and what came of it."""

    kills: Counter[str] = field(default_factory=Counter)
    cuts: Counter[str] = field(default_factory=Counter)
    messages: int = 0
    lost: int = 0
    duplicates: Counter[str] = field(default_factory=Counter)
    bounds: Counter[str] = field(default_factory=Counter)
    seconds: float = 0

    @property
    def is_good(self) -> bool:
        return self.lost == 0 and all(count <= self.bounds[to]
                                      for to, count in self.duplicates.items())

    def __str__(self) -> str:
        def told(counts: Counter[str]) -> str:
            return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))

        return (f"kills       {self.kills.total():6}  ({told(self.kills)})\n"
                f"cuts        {self.cuts.total():6}  ({told(self.cuts)})\n"
                f"messages    {self.messages:6}\n"
                f"duplicates  {self.duplicates.total():6}  ({told(self.duplicates)})\n"
                f"bound       {self.bounds.total():6}  ({told(self.bounds)})\n"
                f"lost        {self.lost:6}\n"
                f"seconds     {self.seconds:6.0f}")


@dataclass
class Lane:
    """One mailbox and the destination of its mail."""

    name: str
    mailbox: Mailbox
    arrived: Box | Mailbox
    pop3: Proxy
    delivery: Proxy
    put: int = 0


def process_of(parent: int, name: str) -> int | None:
    """A process of that name that `parent` has started."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            head, _, rest = stat.read_text().rpartition(") ")
        except OSError:
            continue
        state, its_parent = rest.split()[:2]
        if int(its_parent) == parent and state != "Z" and head.partition("(")[2] == name:
            return int(stat.parent.name)
    return None


def kill(pid: int) -> bool:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


class Soak:
    def __init__(self, binary: Path, dovecot: Dovecot, postfix: Postfix, folder: Path, seed: int,
                 proxies: ExitStack) -> None:
        self._rng = random.Random(seed)
        self._dovecot, self._postfix = dovecot, postfix
        self._rider = Rider(binary, folder)
        self._tally = Tally()
        name = folder.name.replace("_", "-").lower()
        target = dovecot.add_user(f"{name}-target")
        self._box = postfix.new_box()
        self._lanes = [
            Lane("smtp", dovecot.add_user(f"{name}-smtp"), self._box,
                 proxies.enter_context(Proxy(dovecot.plain_port)),
                 proxies.enter_context(Proxy(postfix.port))),
            Lane("lmtp", dovecot.add_user(f"{name}-lmtp"), target,
                 proxies.enter_context(Proxy(dovecot.plain_port)),
                 proxies.enter_context(Proxy(dovecot.lmtp_socket)))]
        for lane, address, delete_after in zip(
                self._lanes, [self._box.address, f"{target.user}@trial.example"], ["now", "never"]):
            self._rider.destination(lane.name, type=lane.name, host="127.0.0.1", tls="none",
                                    port=lane.delivery.port)
            self._rider.account(
                lane.name, lane.mailbox.user, lane.mailbox.password, host="127.0.0.1", tls="none",
                port=lane.pop3.port, recipients=[address], deliver_to=lane.name,
                delete_after=delete_after)
        self._rider.write()
        self._pace = self._measure()

    def _measure(self) -> float:
        """Seconds of a round that nothing happens to."""
        self._put()
        run = self._rider.run("once", timeout=_PATIENCE)
        if run.code != 0:
            raise RuntimeError(f"a run without faults ended with {run.code}: {run.err}")
        return run.seconds

    def _put(self) -> None:
        for lane in self._lanes:
            messages = []
            for _ in range(self._rng.randint(1, _ROUND)):
                lines = self._rng.randint(0, int(self._rng.choice([20, _LARGEST / 60])))
                messages.append(b"X-Soak-Id: %d\nSubject: soak\n\n" % lane.put
                                + b"a line of about sixty octets, of which there are many more.\n"
                                * lines)
                lane.put += 1
            lane.mailbox.put(messages)

    def run(self, kills: int, seconds: float, tell: bool = False) -> Tally:
        """Until so many kills hit, or the time is over; then the account."""
        begun = time.monotonic()
        while self._tally.kills.total() < kills and time.monotonic() - begun < seconds:
            self._round()
            if tell and sys.stderr.isatty():
                print(f"\r{self._tally.kills.total()} kills", end="", file=sys.stderr, flush=True)
        for lane in self._lanes:
            for proxy in (lane.pop3, lane.delivery):
                proxy.cut(None)
                proxy.delay = 0
        self._settle_up()
        self._tally.seconds = time.monotonic() - begun
        return self._tally

    def _round(self) -> None:
        self._put()
        for lane in self._lanes:
            for proxy in (lane.pop3, lane.delivery):
                proxy.delay = self._rng.choice([0, 0, 0, 0.002])
        cut = self._arm_a_cut() if self._rng.random() < 0.4 else None
        with subprocess.Popen([self._rider.binary, "-c", self._rider.config_file, "once"],
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL) as process:
            try:
                self._strike(process)
                process.wait(_PATIENCE)
            except BaseException:
                process.kill()
                raise
        if process.returncode not in (0, 75, -signal.SIGKILL):
            raise RuntimeError(f"postrider ended with {process.returncode}")
        if cut is not None:
            self._count_the_cut(*cut)

    def _arm_a_cut(self) -> tuple[Lane, Proxy, int]:
        lane = self._rng.choice(self._lanes)
        proxy = self._rng.choice([lane.pop3, lane.delivery])
        # Half of them in the talk before the mail, or in what follows a short message.
        after = int(self._rng.choice([300, 3 * _LARGEST]) * self._rng.random()) + 1
        proxy.cut(Cut(after, self._rng.random() < 0.5, self._rng.random() < 0.5))
        return lane, proxy, proxy.cuts

    def _count_the_cut(self, lane: Lane, proxy: Proxy, before: int) -> None:
        proxy.cut(None)
        hit = proxy.cuts - before
        if hit == 0:
            return
        self._tally.cuts[f"{lane.name} {'pop3' if proxy is lane.pop3 else 'delivery'}"] += hit
        if proxy is lane.delivery:
            self._tally.bounds[lane.name] += hit

    def _strike(self, process: subprocess.Popen[bytes]) -> None:
        """Kills one of the processes at some moment, if it is there then."""
        victim = self._rng.choice(["postrider", "postrider", "pop3", "smtpd", "lmtp"])
        moment = time.monotonic() + self._rng.uniform(0, 1.2 * self._pace)
        while process.poll() is None:
            if time.monotonic() >= moment:
                pid = self._pid_of(victim, process)
                if pid is not None and kill(pid):
                    self._count_the_kill(victim)
                    return
            time.sleep(0.001)

    def _pid_of(self, victim: str, process: subprocess.Popen[bytes]) -> int | None:
        if victim == "postrider":
            return process.pid
        return process_of(self._postfix.pid if victim == "smtpd" else self._dovecot.pid, victim)

    def _count_the_kill(self, victim: str) -> None:
        self._tally.kills[victim] += 1
        for lane in self._lanes:
            if victim in ("postrider", {"smtp": "smtpd", "lmtp": "lmtp"}[lane.name]):
                self._tally.bounds[lane.name] += 1

    def _settle_up(self) -> None:
        run = self._rider.run("once", timeout=_PATIENCE)
        if run.code != 0:
            raise RuntimeError(f"the last run, without faults, ended with {run.code}: {run.err}")
        self._postfix.settle()
        for lane in self._lanes:
            arrived = Counter(int(re.search(rb"^X-Soak-Id: (\d+)\r?$", one, re.MULTILINE)[1])
                              for one in lane.arrived.messages())
            self._tally.messages += lane.put
            self._tally.lost += len(set(range(lane.put)) - set(arrived))
            self._tally.duplicates[lane.name] += arrived.total() - len(arrived)
        left = len(self._lanes[0].mailbox)
        if left:
            raise RuntimeError(f"{left} messages were delivered and not deleted")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--binary", type=Path, default=ROOT / "build/release/postrider")
    options = parser.parse_args()
    try:
        with Workplace() as place, ExitStack() as stack:
            dovecot = stack.enter_context(Dovecot(place, Authority(place.folder("authority"))))
            postfix = stack.enter_context(Postfix(place))
            soak = Soak(options.binary, dovecot, postfix, place.path / "soak", options.seed, stack)
            print(f"seed {options.seed}", flush=True)
            tally = soak.run(options.kills, 60 * options.minutes, tell=True)
    except Unavailable as reason:
        print(f"soak: {reason}", file=sys.stderr)
        return 69
    except KeyboardInterrupt:
        return 130
    print(tally)
    if tally.kills.total() < options.kills:
        print(f"soak: only {tally.kills.total()} of {options.kills} kills within "
              f"{options.minutes:g} minutes", file=sys.stderr)
        return 1
    return 0 if tally.is_good else 1


if __name__ == "__main__":
    sys.exit(main())
