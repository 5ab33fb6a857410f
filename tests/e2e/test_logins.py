"""Every way to log in, against a Dovecot that takes them all: the matrix of P-012 to P-016, Q-008."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from conftest import or_skip
from road import CONFIGURATION, LOGIN_REFUSED, Road, Servers
from servers.dovecot import Dovecot, Logins, Mailbox
from servers.rider import Rider
from servers.workplace import Workplace

_PASSWORD_LOGINS = ["user", "plain", "login", "cram-md5", "apop", "scram-sha-1", "scram-sha-256",
                    "auto"]
_TOKEN_LOGINS = ["xoauth2", "oauthbearer", "auto"]
_SIGNING_KEY = b"the key of the token server, for trials only"

_SETTINGS = """
ssl_ca = <{ca}
ssl_require_crl = no
ssl_verify_client_cert = yes
ssl_cert_username_field = commonName
auth_ssl_username_from_cert = yes
passdb {{
  driver = static
  args = nopassword
  mechanisms = external
}}
passdb {{
  driver = oauth2
  args = {oauth2}
  mechanisms = xoauth2 oauthbearer
}}
passdb {{
  driver = static
  args = password=open-sesame
  mechanisms = plain login cram-md5 apop scram-sha-1 scram-sha-256
}}
"""

_OAUTH2 = """
introspection_mode = local
local_validation_key_dict = fs:posix:prefix={keys}/
username_attribute = sub
"""


@dataclass(frozen=True)
class Gate:
    """A Dovecot that takes every login, and what it takes to make one."""

    dovecot: Dovecot
    servers: Servers

    def road(self, rider: Rider) -> Road:
        road = Road(Servers(self.dovecot, self.servers.postfix, self.servers.authority), rider)
        road.over("implicit")
        road.mailbox.put([b"Subject: behind the gate\n\nx\n"])
        return road


@pytest.fixture(scope="module")
def gate(place: Workplace, servers: Servers) -> Iterator[Gate]:
    keys = place.folder("keys")
    key_file = keys / "default/HS256/default"
    key_file.parent.mkdir(parents=True)
    key_file.write_bytes(base64.b64encode(_SIGNING_KEY))
    oauth2 = keys / "oauth2.conf"
    oauth2.write_text(_OAUTH2.format(keys=keys))
    logins = Logins("plain login cram-md5 apop scram-sha-1 scram-sha-256 external xoauth2 "
                    "oauthbearer", _SETTINGS.format(ca=servers.authority.file, oauth2=oauth2))
    with or_skip(lambda: Dovecot(place, servers.authority, logins=logins, name="gate")) as dovecot:
        yield Gate(dovecot, servers)


@pytest.fixture
def road(gate: Gate, binary: Path, tmp_path: Path) -> Road:
    return gate.road(Rider(binary, tmp_path / "rider"))


def _token(user: str, padding: int = 0, age: int = 0) -> str:
    """A JSON Web Token as an OAuth 2.0 server would give it out."""
    def part(octets: bytes) -> str:
        return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()

    now = int(time.time()) - age
    claims = {"sub": user, "iat": now - 10, "nbf": now - 10, "exp": now + 600, "pad": "p" * padding}
    signed = part(b'{"alg":"HS256","typ":"JWT"}') + "." + part(json.dumps(claims).encode())
    return signed + "." + part(hmac.digest(_SIGNING_KEY, signed.encode(), hashlib.sha256))


def _use_token(road: Road, token: str) -> Path:
    file = road.rider.folder / "token"
    file.write_text(token + "\n")
    file.chmod(0o600)
    del road.account["password"]
    road.account["token"] = {"command": ["/bin/cat", str(file)]}
    return file


# P-012, P-013, P-015
@pytest.mark.parametrize("tls", ["implicit", "starttls"])
@pytest.mark.parametrize("auth", _PASSWORD_LOGINS)
def test_password(road: Road, auth: str, tls: str) -> None:
    road.over(tls)
    road.account["auth"] = auth
    if (auth, tls) == ("apop", "starttls"):
        assert road.once().code == CONFIGURATION
        return
    road.once_well()
    assert len(road.box) == 1


@pytest.mark.parametrize("auth", _PASSWORD_LOGINS)
def test_wrong_password(road: Road, auth: str) -> None:
    road.account["auth"] = auth
    Path(road.account["password"]["file"]).write_text("c4n4ry-wrong\n")
    run = road.once()
    assert run.code == LOGIN_REFUSED
    assert "c4n4ry" not in run.err
    assert base64.b64encode(b"c4n4ry-wrong").decode()[:12] not in run.err
    assert road.mailbox.user in run.err
    assert len(road.box) == 0


# P-012: what is weak is not chosen, what is strongest is.
def test_auto_takes_scram(road: Road, gate: Gate) -> None:
    road.once_well()
    log = (gate.dovecot.folder / "log").read_text()
    assert f"user=<{road.mailbox.user}>, method=SCRAM-SHA-256" in log


#
@pytest.mark.parametrize("tls", ["implicit", "starttls"])
@pytest.mark.parametrize("auth", _TOKEN_LOGINS)
def test_token(road: Road, auth: str, tls: str) -> None:
    road.over(tls)
    road.account["auth"] = auth
    _use_token(road, _token(road.mailbox.user, padding=2000))
    road.once_well()
    assert len(road.box) == 1


#
@pytest.mark.parametrize("auth", _TOKEN_LOGINS)
@pytest.mark.parametrize("spoil", [lambda user: _token(user, age=7200),
                                   lambda user: _token("somebody-else"),
                                   lambda user: _token(user)[:-4] + "AAAA",
                                   lambda _user: "c4n4ry"],
                         ids=["expired", "of another", "forged", "no token"])
def test_bad_token(road: Road, auth: str, spoil: Callable[[str], str]) -> None:
    road.account["auth"] = auth
    token = spoil(road.mailbox.user)
    _use_token(road, token)
    run = road.once()
    assert run.code == LOGIN_REFUSED, run.err
    assert token not in run.err
    assert "check user and token" in run.err
    assert len(road.box) == 0


# tokens change while accounts do not.
def test_token_is_fetched_for_every_session(road: Road) -> None:
    file = _use_token(road, _token(road.mailbox.user, age=7200))
    assert road.once().code == LOGIN_REFUSED
    file.write_text(_token(road.mailbox.user) + "\n")
    road.once_well()
    assert len(road.box) == 1


# P-010
@pytest.mark.parametrize("tls", ["implicit", "starttls"])
@pytest.mark.parametrize("auth", ["external", "auto"])
def test_client_certificate(road: Road, gate: Gate, auth: str, tls: str) -> None:
    road.over(tls)
    certificate = gate.servers.authority.issue_client(road.mailbox.user)
    certificate.key.chmod(0o600)
    del road.account["password"]
    road.account.update(auth=auth, tls_client_certificate=str(certificate.chain),
                        tls_client_key=str(certificate.key))
    road.once_well()
    assert len(road.box) == 1


def test_client_certificate_of_another(road: Road, gate: Gate) -> None:
    certificate = gate.servers.authority.issue_client("somebody-else")
    certificate.key.chmod(0o600)
    del road.account["password"]
    road.account.update(auth="external", tls_client_certificate=str(certificate.chain),
                        tls_client_key=str(certificate.key))
    assert road.once().code == LOGIN_REFUSED
    assert len(road.box) == 0


def test_mailbox_is_the_right_one(road: Road, gate: Gate) -> None:
    """Two users by different logins at the same time."""
    other: Mailbox = gate.dovecot.add_user(f"{road.mailbox.user}-2")
    other.put([b"Subject: of the other\n\ny\n"] * 2)
    box = road.servers.postfix.new_box()
    account = road.rider.account("bob", other.user, other.password, recipients=[box.address],
                                 auth="cram-md5")
    account.update({key: road.account[key] for key in ("host", "port", "tls", "tls_ca_file")})
    road.once_well()
    assert (len(road.box), len(box)) == (1, 2)
