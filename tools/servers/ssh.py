"""A private sshd that forwards connections on loopback, and the command line of ssh to it."""

from __future__ import annotations

import subprocess
from pathlib import Path

from .pop3_server import started
from .room import Room
from .unpacked import library_path, unpacked
from .workplace import Workplace

_CONFIG = """
ListenAddress 127.0.0.1
HostKey {folder}/host
PidFile none
AuthorizedKeysFile {folder}/client.pub
StrictModes no
UsePAM no
PasswordAuthentication no
"""


class Sshd:
    def __init__(self, place: Workplace) -> None:
        self._tree = place.programs(unpacked("ssh"))
        self._room = Room(place, "sshd", self._tree)
        self._folder = self._room.folder
        self._room.make("run/sshd")
        for user in ("sshd", "tunnel"):
            self._room.add_user(user)
        for name in ("host", "client", "stranger"):
            subprocess.run([*self._program("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f",
                            self._folder / name], check=True)
        config = self._folder / "sshd_config"
        config.write_text(_CONFIG.format(folder=self._folder))
        self._child, (self.port,) = started(
            "sshd", self._folder / "log", 1, lambda ports: self._room.inside(
                "/usr/sbin/sshd", "-D", "-e", "-f", config, "-p", str(ports[0])), b"SSH-")
        (self._folder / "known_hosts").write_text(
            f"[127.0.0.1]:{self.port} {(self._folder / 'host.pub').read_text()}")

    def _program(self, name: str) -> list[str | Path]:
        return ["env", f"LD_LIBRARY_PATH={library_path(self._tree)}", self._tree / "usr/bin" / name]

    def tunnel_to(self, port: int, key: str = "client") -> list[str]:
        """The command whose input and output are a connection to that port of this machine."""
        return [*map(str, self._program("ssh")), "-F", "none", "-o", "BatchMode=yes", "-o",
                f"UserKnownHostsFile={self._folder}/known_hosts", "-i", str(self._folder / key),
                "-p", str(self.port), "-W", f"127.0.0.1:{port}", "tunnel@127.0.0.1"]

    def stop(self) -> None:
        self._child.stop()

    def __enter__(self) -> Sshd:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
