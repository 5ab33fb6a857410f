"""A private sendmail, configured by the m4 macros that come with it."""

from __future__ import annotations

from .child import Child, says
from .room import Room
from .mta import DOMAIN, Mta, files_below
from .unpacked import unpacked
from .workplace import Workplace, owner

_CONFIG = """divert(0)dnl
OSTYPE(`debian')dnl
DOMAIN(`generic')dnl
define(`confDOMAIN_NAME', `mx.{domain}')dnl
define(`confDELIVERY_MODE', `interactive')dnl
define(`confDEF_USER_ID', `{uid}:{gid}')dnl
define(`confTO_IDENT', `0')dnl
define(`confMAX_MESSAGE_SIZE', `200000000')dnl
define(`confMAX_HOP', `100')dnl
define(`confMAX_HEADERS_LENGTH', `10000000')dnl
define(`confDONT_BLAME_SENDMAIL', `GroupWritableDirPathSafe,WorldWritableForwardFile')dnl
define(`confSERVICE_SWITCH_FILE', `/etc/mail/service.switch')dnl
undefine(`ALIAS_FILE')dnl
define(`ALIAS_FILE', `')dnl
FEATURE(`no_default_msa')dnl
FEATURE(`nocanonify')dnl
FEATURE(`accept_unqualified_senders')dnl
FEATURE(`accept_unresolvable_domains')dnl
DAEMON_OPTIONS(`Name=MTA, Addr=127.0.0.1, Port={port}')dnl
MAILER(`local')dnl
MAILER(`smtp')dnl
MAILER_DEFINITIONS
Mbox, P=/etc/mail/file, F=SDFMPn8uh, S=10, R=20, T=DNS/RFC822/X-Unix, U={uid}:{gid}, A=file $u
LOCAL_RULE_0
R$* <@{domain}.> $*	$#box $@ here $: $1
R$* <@{domain}> $*	$#box $@ here $: $1
"""

_FILE = """#!/bin/sh
set -eu
umask 022
box={mail}/$1
mkdir -p "$box/new" "$box/tmp"
name=$(mktemp "$box/tmp/XXXXXXXXXX")
cat >"$name"
chmod 644 "$name"
mv "$name" "$box/new/"
"""


class Sendmail(Mta):
    def __init__(self, place: Workplace) -> None:
        super().__init__(place, "sendmail")
        self._folder = place.folder("sendmail")
        self._room = Room(place, "sendmail", place.programs(unpacked("sendmail")))
        for user in ("smmta", "smmsp"):
            self._room.add_user(user)
        self._queue = self._room.make("var/spool/mqueue", mode=0o700)
        for part in ("run/sendmail/mta", "var/lib/sendmail/host_status"):
            self._room.make(part)
        self._room.write("etc/mail/service.switch", "hosts files\naliases files\n")
        self._room.write("etc/mail/local-host-names", f"{DOMAIN}\n")
        self._room.write("etc/mail/file", _FILE.format(mail=self._mail)).chmod(0o755)
        self._begin()

    def _write_config(self) -> None:
        self._room.write("etc/mail/sendmail.mc", _CONFIG.format(
            domain=DOMAIN, port=self.port, uid=owner().pw_uid, gid=owner().pw_gid))
        made = self._room.run_inside("sh", "-c", "cd /usr/share/sendmail/cf/cf && "
                                     "m4 ../m4/cf.m4 /etc/mail/sendmail.mc")
        self._room.write("etc/mail/sendmail.cf", made)

    def start(self) -> None:
        command = self._room.inside("/usr/libexec/sendmail/sendmail", "-bD")
        self._child = Child("sendmail", command, self._folder / "log",
                            lambda: says(self.port, b"220"))

    def _queued(self) -> list[str]:
        return files_below(self._queue)
