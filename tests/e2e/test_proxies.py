"""Accounts whose server is reached through a real proxy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import or_skip
from road import CONFIGURATION, DONE, TEMPORARY, Road
from servers import samples
from servers.daemon import daemon, eventually
from servers.proxies import Proxy, http_proxy, socks_proxy
from servers.workplace import Workplace


@pytest.fixture(scope="module", params=[socks_proxy, http_proxy], ids=["socks5", "http"])
def proxy(request: pytest.FixtureRequest, place: Workplace) -> Iterator[Proxy]:
    with or_skip(lambda: request.param(place)) as running:
        yield running


def _through(road: Road, proxy: Proxy, tmp_path: Path, password: str | None = None) -> None:
    secret = tmp_path / "proxy.secret"
    secret.write_text((password or proxy.password) + "\n")
    secret.chmod(0o600)
    road.account["proxy"] = {"type": proxy.type, "host": "127.0.0.1", "port": proxy.port,
                             "user": proxy.user, "password": {"file": str(secret)}}
    road.mailbox.put(samples.everyday(5, road.box.address))


@pytest.mark.parametrize("tls", ["implicit", "starttls"])
def test_mail_comes_through_the_proxy(road: Road, proxy: Proxy, tls: str, tmp_path: Path) -> None:
    road.over(tls)
    _through(road, proxy, tmp_path)
    road.once_well()
    assert len(road.box) == 5
    assert proxy.password not in road.rider.run("once").err


def test_the_daemon_tells_the_proxy_its_password_at_every_poll(road: Road, proxy: Proxy,
                                                               tmp_path: Path) -> None:
    """Also where the account's own password stands in the configuration."""
    road.over("implicit")
    _through(road, proxy, tmp_path)
    road.account["password"] = road.mailbox.password
    road.account["poll_every"] = "1s"
    road.rider.write()
    road.rider.config_file.chmod(0o600)
    with daemon(road.rider) as running:
        eventually(lambda: running.log.count("session account=alice") >= 2)
        assert "trouble" not in running.log
        assert running.stop() == DONE
    assert len(road.box) == 5


def test_the_proxy_is_really_asked(road: Road, proxy: Proxy, tmp_path: Path) -> None:
    road.over("implicit", "no-such-host.invalid")
    _through(road, proxy, tmp_path)
    run = road.once()
    assert run.code == TEMPORARY
    assert f"proxy 127.0.0.1:{proxy.port}" in run.err


def test_a_refused_login_to_the_proxy_needs_a_person(road: Road, proxy: Proxy,
                                                     tmp_path: Path) -> None:
    road.over("implicit")
    _through(road, proxy, tmp_path, "wrong")
    run = road.once()
    assert run.code == CONFIGURATION, run.err
    assert "refuses user or password of proxy" in run.err
    assert len(road.mailbox) == 5


def test_tls_none_is_not_for_what_a_proxy_calls_localhost(road: Road, proxy: Proxy,
                                                          tmp_path: Path) -> None:
    _through(road, proxy, tmp_path)
    assert road.once().code == CONFIGURATION
    road.account["allow_cleartext"] = "true"
    assert road.once().code == DONE
    assert len(road.box) == 5
