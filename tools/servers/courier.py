"""A private Courier: POP3 over implicit TLS, STLS and plain loopback, Maildirs, users of PAM, and
their secrets for CRAM-MD5 in a userdb."""

from __future__ import annotations

from .certificates import Authority
from .child import Child
from .pop3_server import PASSWORD, Pop3Server, file_into_maildir, make_maildir, started
from .room import Room, User
from .unpacked import unpacked
from .workplace import Workplace

# What /usr/lib/courier/pop3d and pop3d-ssl do, without leaving for the background. Words for SASL
# are told in POP3AUTH, else there is none.
_START = """
set -a
. /etc/courier/pop3d
. /etc/courier/pop3d-ssl
POP3AUTH='LOGIN PLAIN CRAM-MD5'
POP3AUTH_TLS='LOGIN PLAIN CRAM-MD5'
TLS_CERTFILE=/etc/courier/trial.pem
TLS_DHPARAMS=
TLS_TRUSTCERTS=
TLS_CACHEFILE=
set +a
server='/usr/lib/courier/courier/courierpop3login /usr/lib/courier/courier/courierpop3d Maildir'
tcpd='/usr/sbin/couriertcpd -address=127.0.0.1 -maxprocs=100 -maxperip=100 -nodnslookup -noidentlookup'
(set -a; . /etc/courier/authdaemonrc; exec /usr/lib/courier/courier-authlib/authdaemond) &
while [ ! -S /run/courier/authdaemon/socket ]; do sleep 0.05; done
POP3_TLS=1 POP3_STARTTLS=NO $tcpd "$2" /usr/bin/couriertls -server -tcpd -user=courier $server &
exec $tcpd "$1" $server
"""


class Courier(Pop3Server):
    starttls = True
    logins = ("user", "plain", "login", "cram-md5", "auto")

    def __init__(self, place: Workplace, authority: Authority) -> None:
        tree = place.programs(unpacked("courier"))
        self._room = Room(place, "courier", tree)
        settings = (tree / "etc/courier/authdaemonrc").read_text()
        self._room.write("etc/courier/authdaemonrc", settings.replace(
            'authmodulelist="authpam"', 'authmodulelist="authpam authuserdb"'))
        self._log = self._room.folder / "log"
        self._users: dict[str, User] = {}
        keeper = self._room.add_user("courier")
        for part in ("run/courier", "run/courier/authdaemon", "var/lib/courier"):
            self._room.make(part, keeper)
        for part in ("userdb.dat", "userdbshadow.dat"):
            (self._room.make("etc/courier") / part).symlink_to(f"/var/lib/courier/{part}")
        own = authority.issue(["DNS:localhost", "IP:127.0.0.1"])
        pem = self._room.make("etc/courier") / "trial.pem"
        pem.write_bytes(own.key.read_bytes() + own.chain.read_bytes())
        pem.chmod(0o600)
        self._room.give(pem, keeper)
        self._child: Child | None
        self._child, (self.plain_port, self.tls_port) = started(
            "courier", self._log, 2, lambda ports: self._room.inside(
                "sh", "-c", _START, "courier", *map(str, ports)))

    def add_user(self, name: str) -> None:
        self._users[name] = self._room.add_user(name, PASSWORD)
        make_maildir(self._room, self._users[name])
        self._tell_userdb(self._users[name])

    def _tell_userdb(self, user: User) -> None:
        secret = self._room.run_inside("userdbpw", "-hmac-md5", given=PASSWORD + "\n").strip()
        home = f"/var/home/{user.name}"
        userdb = self._room.var / "lib/courier/userdb"
        with userdb.open("a") as out:
            out.write(f"{user.name}\tuid={user.uid}|gid={user.uid}|home={home}|"
                      f"mail={home}/Maildir|hmac-md5pw={secret}\n")
        userdb.chmod(0o600)
        self._room.run_inside("makeuserdb", "-f", "/var/lib/courier/userdb")

    def put(self, name: str, messages: list[bytes]) -> None:
        file_into_maildir(self._room, self._users[name], messages)

    def stop(self) -> None:
        if self._child is not None:
            self._child.stop()
            self._child = None
