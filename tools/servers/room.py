"""A room: a mount namespace in which one server finds the folders that were fixed when it was
compiled. The rest of the machine sees nothing of it, and it is gone with its last process."""

from __future__ import annotations

import grp
import os
import pty
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .unpacked import Unavailable
from .workplace import Workplace, is_root, owner

# Users of a room are no users of the machine, and no account of the machine has these numbers.
_FIRST_UID = 40_000

_ENTER = """\
set -e
cd '{place}'
for part in usr etc; do
    below='{tree}'/$part
    [ -d "$below" ] || continue
    mount -t overlay overlay -o "ro,lowerdir=$below:/$part" "/$part"
done
if [ -d '{tree}/lib' ]; then
    mount -t overlay overlay -o 'ro,lowerdir={tree}/lib:/usr/lib' /usr/lib
fi
mount -t overlay overlay -o 'ro,lowerdir={folder}/etc:/etc' /etc
mount --bind '{folder}/var' /var
mount --bind '{folder}/run' /run
{return_to_place}
exec "$@"
"""


@dataclass(frozen=True)
class User:
    name: str
    uid: int
    home: Path  # as the machine sees it


class Room:
    """/usr and /etc are the machine's, below those of an unpacked tree, below `etc`. /var and /run
    are the room's own, and empty but for the folders that every system has there. Of the machine's
    accounts only root and owner() are known here."""

    def __init__(self, place: Workplace, name: str, tree: Path) -> None:
        if not is_root():
            raise Unavailable(f"{name} has fixed folders, and only root can give it others")
        self.folder = place.folder(name)
        self.etc, self.var, self.run = (self.make(part) for part in ("etc", "var", "run"))
        for part in ("lib", "mail", "spool", "tmp", "log"):
            self.make(f"var/{part}")
        (self.var / "run").symlink_to("/run")
        self._users = 0
        self._write_names()
        back = ""
        if place.path.is_relative_to("/var"):
            self.make(str(place.path).lstrip("/"))
            back = f"mount --bind . '{place.path}'"
        self._script = self.folder / "enter"
        self._script.write_text(_ENTER.format(place=place.path, folder=self.folder, tree=tree,
                                              return_to_place=back))
        try:
            subprocess.run(self.inside("true"), check=True, capture_output=True, text=True)
        except subprocess.CalledProcessError as failed:
            raise Unavailable(f"{name}: no mount namespace here: {failed.stderr.strip()}") from failed

    def _write_names(self) -> None:
        user, group = owner(), grp.getgrgid(owner().pw_gid)
        self.write("etc/passwd", "root:x:0:0::/root:/bin/sh\n"
                   f"{user.pw_name}:x:{user.pw_uid}:{user.pw_gid}::/nonexistent:/bin/false\n")
        self.write("etc/group", f"root:x:0:\nmail:x:8:\n{group.gr_name}:x:{group.gr_gid}:\n")
        self.write("etc/shadow", "").chmod(0o600)
        self.write("etc/hosts", "127.0.0.1 localhost mx.trial.example\n")
        self.write("etc/nsswitch.conf", "passwd: files\ngroup: files\nshadow: files\nhosts: files\n")
        self.write("etc/mailname", "mx.trial.example\n")

    def write(self, path: str, text: str) -> Path:
        """A file below etc, var or run."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def make(self, part: str, user: User | None = None, mode: int = 0o755) -> Path:
        """A folder of the room, for root or for one of its users."""
        path = self.folder / part
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(mode)
        self.give(path, user)
        return path

    def give(self, path: Path, user: User | None) -> Path:
        number = user.uid if user else 0
        os.chown(path, number, number)
        return path

    def inside(self, *command: str | Path) -> list[str]:
        """The command line that runs a command in the room."""
        return ["unshare", "--mount", "sh", str(self._script), *map(str, command)]

    def run_inside(self, *command: str | Path, given: str = "") -> str:
        """Runs a command in the room to its end: what it wrote."""
        done = subprocess.run(self.inside(*command), input=given, capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"{command}: {done.stdout}{done.stderr}")
        return done.stdout

    def tell_secret(self, user: User, secret: str, *command: str) -> None:
        """Runs a command as a user that asks a terminal for a new password, and once more."""
        line = self.inside("setpriv", f"--reuid={user.uid}", f"--regid={user.uid}",
                           "--clear-groups", *command)
        pid, terminal = pty.fork()
        if pid == 0:
            os.execvp(line[0], line)
        try:
            for _ in range(2):
                while b"assword" not in os.read(terminal, 1000):
                    pass
                os.write(terminal, secret.encode() + b"\n")
        finally:
            _, status = os.waitpid(pid, 0)
            os.close(terminal)
        if status != 0:
            raise RuntimeError(f"{command}: {status}")

    def add_user(self, name: str, password: str | None = None) -> User:
        """Somebody with an account here; without a password nobody logs in as that."""
        user = User(name, _FIRST_UID + self._users, self.folder / "var/home" / name)
        self._users += 1
        self.make(f"var/home/{name}", user, 0o700)
        hashed = "*" if password is None else _hash(password)
        for file, line in (
                ("passwd", f"{name}:x:{user.uid}:{user.uid}::/var/home/{name}:/bin/false"),
                ("group", f"{name}:x:{user.uid}:"),
                ("shadow", f"{name}:{hashed}:19000:0:99999:7:::")):
            with (self.etc / file).open("a") as out:
                out.write(line + "\n")
        return user


def _hash(password: str) -> str:
    return subprocess.run(["openssl", "passwd", "-6", "-stdin"], input=password, check=True,
                          capture_output=True, text=True).stdout.strip()
