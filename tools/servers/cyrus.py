"""A private Cyrus: POP3 over implicit TLS, STLS and plain loopback, passwords of SASL, LMTP in."""

from __future__ import annotations

import smtplib

from .certificates import Authority
from .child import Child
from .pop3_server import PASSWORD, Pop3Server, started
from .room import Room
from .unpacked import unpacked
from .workplace import Workplace

_IMAPD = """
configdirectory: /var/lib/cyrus
defaultpartition: default
partition-default: /var/spool/cyrus
servername: cyrus.trial.example
unixhierarchysep: yes
autocreate_quota: 0
autocreate_post: yes
allowplaintext: yes
allowapop: yes
popminpoll: 0
duplicatesuppression: no
sasl_pwcheck_method: auxprop
sasl_auxprop_plugin: sasldb
sasl_sasldb_path: /var/lib/cyrus/sasldb2
sasl_mech_list: PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256
tls_server_cert: /etc/cyrus.chain
tls_server_key: /etc/cyrus.key
# What it binds logins to, tls-unique, TLS 1.3 does not have.
pop3s_tls_versions: tls1_2
lmtpsocket: /run/cyrus/socket/lmtp
"""

_MASTER = """
START {{
  recover cmd="/usr/lib/cyrus/bin/ctl_cyrusdb -r"
}}
SERVICES {{
  pop3 cmd="/usr/lib/cyrus/bin/pop3d" listen="127.0.0.1:{plain}" prefork=1
  pop3s cmd="/usr/lib/cyrus/bin/pop3d -s" listen="127.0.0.1:{implicit}" prefork=0
  lmtp cmd="/usr/lib/cyrus/bin/lmtpd -a" listen="127.0.0.1:{lmtp}" prefork=0
}}
"""


class Cyrus(Pop3Server):
    starttls = True
    refusals = (smtplib.SMTPException,)
    # Beside these: SCRAM bound to the channel, over implicit TLS.
    logins = ("user", "plain", "login", "cram-md5", "apop", "scram-sha-1", "scram-sha-256", "auto")

    def __init__(self, place: Workplace, authority: Authority) -> None:
        self._room = Room(place, "cyrus", place.programs(unpacked("cyrus")))
        self._log = self._room.folder / "log"
        self._keeper = self._room.add_user("cyrus")
        for part in ("run/cyrus", "run/cyrus/socket", "var/lib/cyrus", "var/spool/cyrus"):
            self._room.make(part, self._keeper)
        own = authority.issue(["DNS:localhost", "IP:127.0.0.1"])
        for source, name in ((own.chain, "cyrus.chain"), (own.key, "cyrus.key")):
            (self._room.etc / name).write_bytes(source.read_bytes())
            self._room.give(self._room.etc / name, self._keeper)
        self._room.write("etc/imapd.conf", _IMAPD)
        config = self._room.folder / "cyrus.conf"

        def command(ports: list[int]) -> list[str]:
            config.write_text(_MASTER.format(plain=ports[0], implicit=ports[1], lmtp=ports[2]))
            return self._room.inside("/usr/lib/cyrus/bin/master", "-C", "/etc/imapd.conf", "-M",
                                     config, "-p", "/run/cyrus/master.pid")

        self._child: Child | None
        self._child, (self.plain_port, self.tls_port, self.lmtp_port) = started(
            "cyrus", self._log, 3, command)

    def add_user(self, name: str) -> None:
        self._room.run_inside("setpriv", f"--reuid={self._keeper.uid}", "--clear-groups",
                              "saslpasswd2", "-p", "-c", "-f", "/var/lib/cyrus/sasldb2",
                              "-u", "cyrus.trial.example", name, given=PASSWORD)

    def put(self, name: str, messages: list[bytes]) -> None:
        with smtplib.LMTP("127.0.0.1", self.lmtp_port, "trial.example") as client:
            for message in messages:
                client.sendmail("a@sender.example", [name], message.replace(b"\n", b"\r\n"))

    def stop(self) -> None:
        if self._child is not None:
            self._child.stop()
            self._child = None
