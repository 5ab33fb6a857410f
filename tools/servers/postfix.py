"""A private Postfix: smtpd on one loopback port, virtual(8) files into a Maildir per box.

What recipients get can be switched between two connections: each smtpd process serves one
connection only, and so reads the access table anew.
"""

from __future__ import annotations

import grp
import os
import pwd
from pathlib import Path

from .child import Child, says
from .mta import BOXES, DOMAIN, Mta
from .unpacked import Unavailable, library_path, unpacked
from .workplace import Workplace, is_root, owner

_MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
command_directory = {tree}/usr/sbin
daemon_directory = {tree}/usr/lib/postfix/sbin
shlib_directory = {tree}/usr/lib/postfix
import_environment = MAIL_CONFIG TZ LD_LIBRARY_PATH={libraries}
mail_owner = {owner}
setgid_group = {setgid}
default_privs = {unprivileged}
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mx.{domain}
mydestination =
mynetworks = 127.0.0.0/8
alias_maps =
alias_database =
smtpd_recipient_restrictions = check_recipient_access texthash:{folder}/access,
    permit_auth_destination, reject
smtpd_client_connection_count_limit = 0
smtpd_peername_lookup = no
smtputf8_enable = yes
virtual_mailbox_domains = {domain}
virtual_mailbox_maps = texthash:{folder}/boxes
virtual_mailbox_base = {mail}
virtual_mailbox_limit = 0
virtual_minimum_uid = 1
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
message_size_limit = 200000000
mailbox_size_limit = 0
header_size_limit = 10000000
# Tests kill smtpd, which is no reason to be slow.
service_throttle_time = 1s
# A message shall come out as it went in, but for what is put above it.
local_header_rewrite_clients =
message_drop_headers =
"""

_MASTER = """
127.0.0.1:{port} inet n - n - - smtpd -o max_use=1
cleanup   unix n - n - 0 cleanup
qmgr      unix n - n 300 1 qmgr
rewrite   unix - - n - - trivial-rewrite
bounce    unix - - n - 0 bounce
defer     unix - - n - 0 bounce
trace     unix - - n - 0 bounce
proxymap  unix - - n - - proxymap
error     unix - - n - - error
retry     unix - - n - - error
discard   unix - - n - - discard
virtual   unix - n n - - virtual
anvil     unix - - n - 1 anvil
tlsmgr    unix - - n 1000? 1 tlsmgr
postlog   unix-dgram n - n - 1 postlogd
"""

_QUEUES = ("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming",
           "private", "saved", "trace")


class Postfix(Mta):
    def __init__(self, place: Workplace, name: str = "postfix") -> None:
        if not is_root():
            raise Unavailable("Postfix can only be started by root")
        super().__init__(place, name)
        self._folder = place.folder(name)
        self._tree = place.programs(unpacked("postfix"))
        self._queue = self._folder / "queue"
        self._make_folders()
        names = [f"box{number}" for number in range(BOXES)]
        (self._folder / "boxes").write_text(
            "".join(f"{name}@{DOMAIN} {name}/\n" for name in names))
        self.accept_all()
        self._begin()

    def _make_folders(self) -> None:
        keeper = pwd.getpwnam(_keeper())
        self._folder.chmod(0o755)
        os.chown(self._folder, 0, 0)
        for path, mode in ((self._queue, 0o755), (self._queue / "pid", 0o755)):
            path.mkdir()
            path.chmod(mode)
        for path in (self._folder / "data", *(self._queue / name for name in _QUEUES)):
            path.mkdir(mode=0o700)
            os.chown(path, keeper.pw_uid, 0)
        for name, mode in (("public", 0o710), ("maildrop", 0o730)):
            path = self._queue / name
            path.mkdir()
            os.chown(path, keeper.pw_uid, grp.getgrnam(_setgid()).gr_gid)
            path.chmod(mode)

    def _write_config(self) -> None:
        user = owner()
        (self._folder / "main.cf").write_text(_MAIN.format(
            folder=self._folder, tree=self._tree, libraries=library_path(self._tree),
            owner=_keeper(), setgid=_setgid(), unprivileged=user.pw_name, domain=DOMAIN,
            mail=self._mail, uid=user.pw_uid, gid=user.pw_gid))
        (self._folder / "master.cf").write_text(_MASTER.format(port=self.port))

    def start(self) -> None:
        command = [self._tree / "usr/lib/postfix/sbin/master", "-d", "-c", self._folder]
        self._child = Child("postfix", command, self._folder / "log",
                            lambda: says(self.port, b"220"),
                            env={"LD_LIBRARY_PATH": library_path(self._tree)})

    def answer(self, recipient: str, reply: str) -> None:
        """From the next connection on, this recipient (or the whole DOMAIN) gets this reply."""
        (self._folder / "access").write_text(f"{recipient} {reply}\n")

    def accept_all(self) -> None:
        (self._folder / "access").write_text("")

    def _queued(self) -> list[str]:
        # Upstream first: a message that moves on while we look is then still seen downstream.
        return [one.name for part in ("maildrop", "incoming", "active", "deferred")
                for one in (self._queue / part).rglob("*") if one.is_file()]


def _keeper() -> str:
    """Owner of the queue: an unprivileged account that every Debian has."""
    return "mail"


def _setgid() -> str:
    return "daemon"
