"""A large message passes without being held in memory."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path

from road import Road, content

_SIZE = 95_000_000


def _large() -> bytes:
    line = random.Random(1).randbytes(57).hex().encode()[:76] + b"\n"
    return b"Subject: large\n\n" + line * (_SIZE // len(line))


def test_95_mb_pass_within_40_mib_of_memory(road: Road, release_binary: Path) -> None:
    message = _large()
    road.rider.binary = release_binary
    road.mailbox.put([message])

    run = road.once_well()

    assert run.peak_rss_kib < 40 * 1024, f"peak RSS {run.peak_rss_kib} KiB"
    [arrived] = road.box.messages()
    assert hashlib.sha256(content(arrived)).digest() == hashlib.sha256(message).digest()
    print(f"{len(message)} octets in {run.seconds:.2f} s, peak RSS {run.peak_rss_kib} KiB")
