"""A private Postfix as those are that relay: it wants TLS and a login, knows users from Dovecot, and
lets itself be told of clients by XCLIENT."""

from __future__ import annotations

import re
from pathlib import Path

from .certificates import Certificate
from .child import free_ports
from .postfix import Postfix
from .workplace import Workplace

# For a Dovecot's settings: the socket below its folder that a Smarthost is given.
SASL = """
service auth {
  unix_listener smtp-auth {
    mode = 0666
  }
}
"""

_MAIN = """
smtpd_tls_security_level = may
smtpd_tls_auth_only = yes
smtpd_tls_cert_file = {chain}
smtpd_tls_key_file = {key}
smtpd_tls_received_header = yes
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = {sasl}
smtpd_sasl_security_options = noanonymous
smtpd_sasl_tls_security_options = noanonymous
smtpd_sasl_authenticated_header = yes
smtpd_client_restrictions = permit_sasl_authenticated, reject
smtpd_authorized_xclient_hosts = 127.0.0.1
"""

_MASTER = """
127.0.0.1:{port} inet n - n - - smtpd -o max_use=1 -o smtpd_tls_wrappermode=yes
127.0.0.1:{open} inet n - n - - smtpd -o max_use=1 -o smtpd_client_restrictions= -o smtpd_tls_security_level=none
"""


class Smarthost(Postfix):
    """`port` for STARTTLS, `tls_port` for implicit TLS, and `open_port` where no login is wanted."""

    def __init__(self, place: Workplace, certificate: Certificate, sasl: Path) -> None:
        self._certificate = certificate
        self._sasl = sasl
        self.tls_port = self.open_port = 0
        super().__init__(place, "smarthost")

    def _write_config(self) -> None:
        super()._write_config()
        self.tls_port, self.open_port = free_ports(2)
        for name, text in (
                ("main.cf", _MAIN.format(chain=self._certificate.chain, key=self._certificate.key,
                                         sasl=self._sasl)),
                ("master.cf", _MASTER.format(port=self.tls_port, open=self.open_port))):
            with (self._folder / name).open("a") as file:
                file.write(text)

    def commands(self) -> list[dict[str, int]]:
        """How often each command was taken, by session, as smtpd(8) logs it at the end of one."""
        ends = re.findall(r" disconnect from \S+((?: \w+=[\d/]+)+)", (self._folder / "log").read_text())
        return [{name: int(count.split("/")[0]) for name, count in
                 (word.split("=") for word in end.split())} for end in ends]
