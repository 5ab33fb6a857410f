"""A private Dovecot: POP3 over implicit TLS, STARTTLS and plain loopback, LMTP on a Unix socket, with
a Sieve script where that is asked for."""

from __future__ import annotations

import grp
import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from .certificates import Authority, Certificate
from .child import Child, StartFailed, free_ports, listens, says
from .unpacked import library_path, unpacked
from .workplace import Workplace, give, owner

PASSWORD = "open-sesame"  # of every user

_CONFIG = """
protocols = pop3 lmtp
listen = 127.0.0.1
base_dir = {run}
state_dir = {run}
libexec_dir = {tree}/usr/lib/dovecot
mail_plugin_dir = {tree}/usr/lib/dovecot/modules
login_plugin_dir = {tree}/usr/lib/dovecot/modules/login
import_environment = LD_LIBRARY_PATH LD_PRELOAD RELOCATE_TREE TZ
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
first_valid_uid = 1
first_valid_gid = 1
log_path = {log}
mail_location = maildir:~
mail_fsync = never
mail_max_userip_connections = 1000
auth_mechanisms = {mechanisms}
auth_username_format = %Ln
auth_failure_delay = 0
disable_plaintext_auth = no
ssl = yes
ssl_cert = <{chain}
ssl_key = <{key}
pop3_client_workarounds =
{passdb}
userdb {{
  driver = static
  args = uid={user} gid={group} home={mail}/%n allow_all_users=yes
}}
service pop3-login {{
  chroot =
  service_count = 0
  inet_listener pop3 {{
    address = {addresses}
    port = {plain}
  }}
  inet_listener pop3s {{
    address = {addresses}
    port = {implicit}
  }}
}}
service pop3 {{
  process_limit = 2048
}}
service lmtp {{
  unix_listener lmtp {{
    mode = 0666
  }}
}}
service auth {{
  chroot =
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
"""

_PASSDB = f"""
passdb {{
  driver = static
  args = password={PASSWORD}
}}
"""

_SIEVE = """
protocol lmtp {{
  mail_plugins = sieve
}}
plugin {{
  sieve = file:{folder}/scripts;active={folder}/active.sieve
  sieve_before = {script}
}}
"""

_OTHER = """
local {address} {{
  ssl_cert = <{chain}
  ssl_key = <{key}
}}
"""


@dataclass(frozen=True)
class Logins:
    """How users prove themselves: SASL mechanisms, and settings with a passdb for them."""

    mechanisms: str = "plain login"
    settings: str = _PASSDB


@dataclass(frozen=True)
class Mailbox:
    """One user's Maildir, filled and looked at from outside of the server."""

    user: str
    folder: Path
    password: str = PASSWORD

    def put(self, messages: list[bytes]) -> None:
        """Adds messages, to be listed in this order."""
        stamp = time.time_ns()
        for number, message in enumerate(messages):
            name = f"{stamp // 10**9}.M{stamp % 10**9 // 1000:06}P{number:06}.trial"
            draft = self.folder / "tmp" / name
            draft.write_bytes(message)
            give(draft).rename(self.folder / "new" / name)

    def messages(self) -> list[bytes]:
        """What the server holds, by arrival."""
        files = [*(self.folder / "new").iterdir(), *(self.folder / "cur").iterdir()]
        return [one.read_bytes() for one in sorted(files, key=lambda one: one.name.partition(":")[0])]

    def __len__(self) -> int:
        return len(os.listdir(self.folder / "new")) + len(os.listdir(self.folder / "cur"))


class Dovecot:
    """Certificates by address: 127.0.0.1 has one for localhost and itself; `others` adds more."""

    def __init__(self, place: Workplace, authority: Authority,
                 others: dict[str, Certificate] | None = None, logins: Logins = Logins(),
                 name: str = "dovecot", sieve: Path | None = None) -> None:
        self.folder = place.folder(name)
        self._logins = logins
        self._sieve = self._script(sieve) if sieve is not None else ""
        self._tree = place.programs(unpacked("dovecot" if sieve is None else "pigeonhole"))
        self._log = self.folder / "log"
        self._log.touch()
        give(self._log)
        self._mail = place.folder(f"{name}/mail")
        self.lmtp_socket = self.folder / "run/lmtp"
        own = authority.issue(["DNS:localhost", "IP:127.0.0.1"])
        for certificate in (own, *(others or {}).values()):
            give(certificate.key)
        self._environment = {"LD_LIBRARY_PATH": library_path(self._tree),
                             "LD_PRELOAD": str(_shim(self.folder / "relocate.so")),
                             "RELOCATE_TREE": str(self._tree)}
        self._child: Child | None = None
        for attempt in range(3):
            self.plain_port, self.tls_port = free_ports(2)
            self._write_config(own, others or {})
            try:
                self.start()
                return
            except StartFailed:
                if attempt == 2 or "Address already in use" not in self._log.read_text():
                    raise

    def _script(self, source: Path) -> str:
        """The settings for a script; Pigeonhole puts what it compiles beside it."""
        folder = self.folder / "sieve"
        folder.mkdir()
        script = folder / source.name
        script.write_bytes(source.read_bytes())
        for one in (folder, script):
            give(one)
        return _SIEVE.format(folder=folder, script=script)

    def _write_config(self, own: Certificate, others: dict[str, Certificate]) -> None:
        text = _CONFIG.format(
            run=self.folder / "run", tree=self._tree, log=self._log, mail=self._mail,
            mechanisms=self._logins.mechanisms, passdb=self._logins.settings, user=owner().pw_name, group=_group(), chain=own.chain,
            key=own.key, plain=self.plain_port, implicit=self.tls_port,
            addresses=" ".join(["127.0.0.1", *others]))
        text += self._sieve
        for address, certificate in others.items():
            text += _OTHER.format(address=address, chain=certificate.chain, key=certificate.key)
        (self.folder / "dovecot.conf").write_text(text)

    def start(self) -> None:
        command = [self._tree / "usr/sbin/dovecot", "-F", "-c", self.folder / "dovecot.conf"]
        self._child = Child("dovecot", command, self._log,
                            lambda: says(self.plain_port, b"+OK") and listens(self.tls_port),
                            env=self._environment, as_owner=True)

    def stop(self) -> None:
        if self._child is not None:
            self._child.stop()
            self._child = None

    @property
    def pid(self) -> int:
        """Of the master process."""
        assert self._child is not None
        return self._child.pid

    def add_user(self, user: str) -> Mailbox:
        folder = self._mail / user
        for part in (folder, folder / "tmp", folder / "new", folder / "cur"):
            part.mkdir()
            give(part)
        return Mailbox(user, folder)

    def __enter__(self) -> Dovecot:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.stop()


def _shim(library: Path) -> Path:
    source = Path(__file__).with_name("relocate.c")
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True)
    return library


def _group() -> str:
    return grp.getgrgid(owner().pw_gid).gr_name
