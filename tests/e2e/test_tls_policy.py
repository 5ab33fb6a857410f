"""How certificates are trusted, against a real Dovecot: A-001, A-002, P-010."""

from __future__ import annotations

import re

import pytest

from road import TEMPORARY, Road

_PIN = re.compile(r"tls_pin_sha256: (\S+)")

# 127.0.0.2 shows a certificate for another host, .3 an expired one, .4 one that a stranger signed.
_BAD_HOSTS = ["127.0.0.2", "127.0.0.3", "127.0.0.4"]


# what the error tells to paste makes the connection.
@pytest.mark.parametrize("tls", ["implicit", "starttls"])
@pytest.mark.parametrize("host", _BAD_HOSTS)
def test_pin_of_the_error_is_trusted(road: Road, tls: str, host: str) -> None:
    road.over(tls, host)
    road.mailbox.put([b"Subject: pinned\n\nx\n"])
    refused = road.once()
    assert refused.code == TEMPORARY
    assert "subject CN=" in refused.err and "issuer CN=" in refused.err
    found = _PIN.search(refused.err)
    assert found, refused.err
    road.account["tls_pin_sha256"] = found[1]
    road.once_well()
    assert len(road.box) == 1


# another key than the pinned one, whoever signed it.
def test_other_key_is_refused(road: Road) -> None:
    road.over("implicit")
    road.mailbox.put([b"Subject: pinned\n\nx\n"])
    road.account["tls_pin_sha256"] = "A" * 43 + "="
    assert "another key" in road.once().err
    assert len(road.box) == 0


def test_versions_and_ciphers(road: Road) -> None:
    road.over("implicit")
    road.mailbox.put([b"Subject: strict\n\nx\n"])
    road.account.update(tls_min_version="1.3", tls_ciphers="TLS_AES_128_GCM_SHA256",
                        tls_security_level="2")
    road.once_well()
    assert len(road.box) == 1
