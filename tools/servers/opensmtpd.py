"""A private OpenSMTPD."""

from __future__ import annotations

import os

from .child import Child, says
from .room import Room
from .mta import DOMAIN, Mta, files_below
from .unpacked import unpacked
from .workplace import Workplace, owner

_CONFIG = """
table boxes {{ "@{domain}" = {user} }}
smtp max-message-size 200M
smtp limit max-mails 100
listen on 127.0.0.1 port {port} hostname mx.{domain}
action box maildir "{mail}/%{{rcpt.user}}" virtual <boxes>
match from any for domain {domain} action box
"""


class OpenSmtpd(Mta):
    def __init__(self, place: Workplace) -> None:
        super().__init__(place, "opensmtpd")
        self._folder = place.folder("opensmtpd")
        self._room = Room(place, "opensmtpd", place.programs(unpacked("opensmtpd")))
        self._room.add_user("opensmtpd")
        self._keeper = self._room.add_user("opensmtpq")
        self._spool = self._room.make("var/spool/smtpd", mode=0o711)
        self._room.make("var/lib/opensmtpd/empty")
        self._make_spool()
        self._begin()

    def _make_spool(self) -> None:
        queue = self._keeper.uid
        for name, uid, gid, mode in (("corrupt", queue, 0, 0o700), ("incoming", queue, 0, 0o700),
                                     ("purge", queue, 0, 0o700), ("queue", queue, 0, 0o700),
                                     ("temporary", queue, 0, 0o700),
                                     ("offline", 0, queue, 0o770)):
            part = self._spool / name
            part.mkdir()
            os.chown(part, uid, gid)
            part.chmod(mode)

    def _write_config(self) -> None:
        self._room.write("etc/smtpd.conf", _CONFIG.format(
            domain=DOMAIN, user=owner().pw_name, port=self.port, mail=self._mail))

    def start(self) -> None:
        command = self._room.inside("/usr/sbin/smtpd", "-d")
        self._child = Child("opensmtpd", command, self._folder / "log",
                            lambda: says(self.port, b"220"))

    def _queued(self) -> list[str]:
        return files_below(self._spool / "incoming") + files_below(self._spool / "queue")
