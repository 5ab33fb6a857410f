"""A private Exim 4, refusing lines of over 998 octets as Debian's does."""

from __future__ import annotations

import os

from .child import Child, says
from .room import Room
from .mta import BOXES, DOMAIN, Mta, files_below
from .unpacked import unpacked
from .workplace import Workplace, owner

_CONFIG = """
exim_user = {user}
exim_group = {group}
never_users =
log_file_path = {folder}/log/%s
keep_environment =
tls_advertise_hosts =
primary_hostname = mx.{domain}
local_interfaces = 127.0.0.1
daemon_smtp_ports = {port}
received_headers_max = 100
smtp_accept_max = 100
smtp_accept_queue_per_connection = 0
smtp_accept_max_per_connection = 50
accept_8bitmime = true
smtputf8_advertise_hosts = *
message_size_limit = 200M
deliver_drop_privilege = true
acl_smtp_rcpt = rcpt
acl_smtp_data = data
begin acl
rcpt:
  accept domains = {domain}
  deny message = not ours
data:
  deny message = maximum allowed line length is 998 octets, got $max_received_linelength
       condition = ${{if >{{$max_received_linelength}}{{998}}}}
  accept
begin routers
box:
  driver = accept
  domains = {domain}
  local_parts = lsearch;{folder}/boxes
  transport = maildir
begin transports
maildir:
  driver = appendfile
  maildir_format
  directory = {mail}/$local_part_data
  create_directory
  return_path_add
  envelope_to_add
"""


class Exim(Mta):
    def __init__(self, place: Workplace) -> None:
        super().__init__(place, "exim")
        self._folder = place.folder("exim")
        self._room = Room(place, "exim", place.programs(unpacked("exim")))
        self._room.add_user("Debian-exim")
        self._spool = self._room.var / "spool/exim4"
        for part in ("db", "input", "msglog"):
            (self._spool / part).mkdir(parents=True)
            os.chown(self._spool / part, owner().pw_uid, owner().pw_gid)
        os.chown(self._spool, owner().pw_uid, owner().pw_gid)
        (self._folder / "boxes").write_text(
            "".join(f"box{number}: box{number}\n" for number in range(BOXES)))
        self._begin()

    def _write_config(self) -> None:
        self._room.write("etc/exim4/exim4.conf", _CONFIG.format(
            user=owner().pw_uid, group=owner().pw_gid, folder=self._folder, domain=DOMAIN,
            port=self.port, mail=self._mail))

    def start(self) -> None:
        # -odi: a message is filed before the next command is read.
        command = self._room.inside("/usr/sbin/exim4", "-bdf", "-odi")
        self._child = Child("exim", command, self._folder / "output",
                            lambda: says(self.port, b"220"))

    def _queued(self) -> list[str]:
        return files_below(self._spool / "input")
