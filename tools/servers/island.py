"""A place where programs find everything under the paths that they were compiled for.

A mount namespace of its own, in which an unpacked tree lies over /usr, and /etc, /var and /run
belong to the program alone. Nothing of the machine is changed: with the last process it is gone.
"""

from __future__ import annotations

import grp
import subprocess
from collections.abc import Sequence
from pathlib import Path

from .unpacked import Unavailable
from .workplace import Workplace, is_root, owner

_SCRIPT = """
set -eu
root=$1 tree=$2 own=$3 place=$4
shift 4
mount -t tmpfs -o mode=755 island "$root"
cd "$root"
for name in usr etc var run tmp dev proc root; do mkdir "$name"; done
chmod 1777 tmp
for name in bin sbin lib lib32 lib64; do ln -s "usr/$name" "$name"; done
mount -t overlay -o "lowerdir=$tree/usr:/usr" overlay usr
for name in etc var run; do mount --bind "$own/$name" "$name"; done
ln -s ../run var/run 2>/dev/null || true
mount --rbind /dev dev
mount --rbind /proc proc
mkdir -p "$root$place"
mount --bind "$place" "$root$place"
exec chroot "$root" "$@"
"""

_ENTER = ["unshare", "--mount", "--propagation", "private", "sh", "-c", _SCRIPT, "island"]


class Island:
    """`users` get an unprivileged uid each; the machine need not know them."""

    def __init__(self, place: Workplace, name: str, tree: Path, users: Sequence[str] = ()) -> None:
        if not is_root():
            raise Unavailable(f"{name} can only be started by root")
        self._place = place.path
        self._tree = tree
        self.folder = place.folder(f"{name}-island")
        for part in ("root", "etc", "var", "run"):
            (self.folder / part).mkdir()
        self.uids = {user: 61_000 + number for number, user in enumerate(users)}
        self._write_accounts()
        tried = subprocess.run([*self.command(["true"])], capture_output=True, text=True)
        if tried.returncode != 0:
            raise Unavailable(f"{name} needs a mount namespace: {tried.stderr.strip()}")

    def _write_accounts(self) -> None:
        user, group = owner(), grp.getgrgid(owner().pw_gid)
        people = {"root": (0, 0), user.pw_name: (user.pw_uid, user.pw_gid),
                  **{name: (uid, uid) for name, uid in self.uids.items()}}
        groups = {"root": 0, "mail": 8, group.gr_name: group.gr_gid, **self.uids}
        self.write("etc/passwd", "".join(f"{name}:x:{uid}:{gid}::/etc:/bin/sh\n"
                                         for name, (uid, gid) in people.items()))
        self.write("etc/group", "".join(f"{name}:x:{gid}:\n" for name, gid in groups.items()))
        self.write("etc/shadow", "".join(f"{name}:*:1::::::\n" for name in people))
        self.write("etc/hosts", "127.0.0.1 localhost mx.trial.example\n")
        self.write("etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\n")
        self.write("etc/services", "smtp 25/tcp\n")
        self.write("etc/mailname", "mx.trial.example\n")

    def write(self, path: str, text: str) -> Path:
        """A file below etc, var or run."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def command(self, inner: Sequence[str | Path]) -> list[str]:
        """The command line that runs `inner` on the island."""
        return [*_ENTER, *map(str, (self.folder / "root", self._tree, self.folder, self._place)),
                *map(str, inner)]
