"""Debian packages of servers, fetched and unpacked below build/servers, never installed."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

BUILD = Path(__file__).resolve().parents[2] / "build"

PACKAGES: dict[str, list[str]] = {
    "dovecot": ["dovecot-core", "dovecot-pop3d", "dovecot-lmtpd"],
    "pigeonhole": ["dovecot-core", "dovecot-pop3d", "dovecot-lmtpd", "dovecot-sieve"],
    "postfix": ["postfix"],
    "exim": ["exim4-daemon-light"],
    "opensmtpd": ["opensmtpd"],
    "sendmail": ["sendmail-bin"],
    "fetchmail": ["fetchmail"],
    "courier": ["courier-pop"],
    "cyrus": ["cyrus-pop3d", "cyrus-imapd", "sasl2-bin", "libsasl2-modules"],
    "mailutils": ["mailutils-pop3d"],
    "popa3d": ["popa3d"],
    "solid-pop3d": ["solid-pop3d"],
    "microsocks": ["microsocks"],
    "tinyproxy": ["tinyproxy-bin"],
    "prometheus": ["prometheus"],
    "ssh": ["openssh-server", "openssh-client"],
}


class Unavailable(Exception):
    """A server cannot be had on this machine; the text says why."""


def _apt(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = ["apt-get", "-q", "-o", "APT::Sandbox::User=root", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True,
                          env={**os.environ, "LC_ALL": "C"})


def _wanted(packages: list[str]) -> list[str]:
    """The packages, and those of their dependencies that the machine lacks.

    An Inst line that carries an old version in brackets would replace something: left alone.
    """
    plan = _apt("-s", "install", "--no-install-recommends", *packages)
    if plan.returncode != 0:
        raise Unavailable(f"apt-get knows no way to {', '.join(packages)}: {_last(plan)}")
    names = list(packages)
    for line in plan.stdout.splitlines():
        words = line.split()
        if words[:1] == ["Inst"] and not words[2].startswith("[") and words[1] not in names:
            names.append(words[1])
    return names


def _last(process: subprocess.CompletedProcess[str]) -> str:
    lines = (process.stderr or process.stdout).strip().splitlines()
    return lines[-1] if lines else f"exit {process.returncode}"


def _download(names: list[str], into: Path) -> None:
    got = _apt("download", *names, cwd=into)
    if got.returncode != 0:
        raise Unavailable(f"apt-get download {' '.join(names)}: {_last(got)}")


def unpacked(name: str) -> Path:
    """The root of the unpacked tree of one entry of PACKAGES."""
    base = BUILD / "servers" / name
    if (base / "complete").exists():
        return base / "root"
    if shutil.which("apt-get") is None:
        raise Unavailable(f"{name} is fetched by apt-get, which this machine lacks")
    shutil.rmtree(base, ignore_errors=True)
    (base / "debs").mkdir(parents=True)
    try:
        _download(_wanted(PACKAGES[name]), base / "debs")
    except Unavailable:
        if os.geteuid() != 0 or _apt("update").returncode != 0:
            raise
        _download(_wanted(PACKAGES[name]), base / "debs")
    for deb in sorted((base / "debs").glob("*.deb")):
        subprocess.run(["dpkg", "-x", deb, base / "root"], check=True)
    (base / "complete").touch()
    return base / "root"


def library_path(tree: Path) -> str:
    """LD_LIBRARY_PATH under which programs of the tree find what came with them."""
    places = [*tree.glob("usr/lib/*-linux-gnu"), *tree.glob("lib/*-linux-gnu"),
              tree / "usr/lib/dovecot", tree / "usr/lib/dovecot/modules",
              tree / "usr/lib/dovecot/modules/old-stats", tree / "usr/lib/postfix"]
    return ":".join(str(place) for place in places if place.is_dir())
