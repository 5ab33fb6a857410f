"""Metrics and health: judged by promtool, scraped by a real Prometheus."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import pytest
from conftest import ROOT, or_skip
from road import CONFIGURATION, DONE, Road
from servers.child import Child, free_ports
from servers.daemon import daemon, eventually
from servers.unpacked import unpacked
from test_run import SlowSink, message

_open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


def _program(name: str) -> str:
    return str(unpacked("prometheus") / "usr/bin" / name)


class Page:
    """What a daemon offers over HTTP."""

    def __init__(self, road: Road) -> None:
        self.port = free_ports(1)[0]
        road.rider.settings["metrics"] = {"listen": f"127.0.0.1:{self.port}"}

    def get(self, path: str = "/metrics") -> tuple[int, str]:
        try:
            with _open(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def value(self, metric: str) -> float | None:
        for line in self.get()[1].splitlines():
            if line.startswith(metric + " "):
                return float(line.split()[-1])
        return None


@pytest.fixture
def page(road: Road) -> Page:
    return Page(road)


def test_the_page_tells_what_happened_and_promtool_approves(road: Road, page: Page) -> None:
    road.mailbox.put([message("one"), message("two")])
    wrong = road.rider.account("bob", road.mailbox.user, "swordfish", host="127.0.0.1", tls="none",
                               port=road.servers.dovecot.plain_port,
                               recipients=[road.box.address])
    assert wrong
    with daemon(road.rider) as running:
        eventually(lambda: page.value('postrider_messages_total{account="alice",fate="delivered"}')
                   == 2)
        eventually(lambda: page.value('postrider_polls_total{account="bob",result="failed"}') == 1)
        assert page.value('postrider_account_up{account="alice"}') == 1
        assert page.value('postrider_account_up{account="bob"}') == 0
        assert page.value('postrider_deliveries_total{destination="local",answer="accepted"}') == 2
        assert page.value("postrider_ledger_commit_seconds_count") > 0
        since = page.value('postrider_account_last_success_timestamp_seconds{account="alice"}')
        assert abs(since - time.time()) < 60
        assert page.value("process_resident_memory_bytes") > 1 << 20
        code, text = page.get()
        assert code == 200 and "swordfish" not in text and road.mailbox.password not in text
        check = subprocess.run([or_skip(lambda: _program("promtool")), "check", "metrics"],
                               input=text, capture_output=True, text=True)
        assert check.returncode == 0 and check.stdout + check.stderr == "", check.stderr
        assert running.stop() == DONE


def test_health_and_readiness(road: Road, page: Page) -> None:
    sink = SlowSink(threading.Event())
    road.rider.destination(type="smtp", host="127.0.0.1", port=sink.port, tls="none")
    road.mailbox.put([message("in doubt")])
    with daemon(road.rider) as running:
        assert page.get("/healthz") == (200, "ok\n")
        assert page.get("/readyz") == (200, "ready\n")
        assert page.get("/elsewhere")[0] == 404
        assert sink.in_doubt.wait(20)
        running.signal(signal.SIGTERM)
        running.await_said("STOPPING=1")
        assert page.get("/readyz") == (503, "ending\n")
        assert page.get("/healthz")[0] == 200
        running.signal(signal.SIGTERM)
        assert running.wait() == DONE


def test_a_failed_reload_is_seen(road: Road, page: Page) -> None:
    with daemon(road.rider) as running:
        assert page.value("postrider_config_last_reload_successful") == 1
        good = road.rider.config_file.read_text()
        road.rider.config_file.write_text(good + "nonsense: 1\n")
        running.reload_as_written()
        eventually(lambda: page.value("postrider_config_last_reload_successful") == 0)
        road.rider.config_file.write_text(good)
        running.reload_as_written()
        eventually(lambda: page.value("postrider_config_last_reload_successful") == 1)


def test_an_address_that_is_taken_ends_the_start(road: Road, page: Page) -> None:
    with socket.create_server(("127.0.0.1", page.port)):
        run = road.rider.run("run", timeout=30)
    assert run.code == CONFIGURATION and "metrics.listen" in run.err


def test_sums_alone_where_that_is_wanted(road: Road, page: Page) -> None:
    road.rider.settings["metrics"]["accounts"] = "total"
    road.mailbox.put([message("one")])
    with daemon(road.rider):
        eventually(lambda: page.value('postrider_messages_total{fate="delivered"}') == 1)
        assert 'account="' not in page.get()[1]


def _prometheus(folder: Path, page: Page) -> tuple[Child, int]:
    port = free_ports(1)[0]
    folder.mkdir()
    (folder / "rules.yaml").write_text((ROOT / "etc/prometheus-alerts.yaml").read_text())
    (folder / "prometheus.yaml").write_text(
        "global: {scrape_interval: 1s, evaluation_interval: 1s}\n"
        "rule_files: [rules.yaml]\n"
        "scrape_configs:\n"
        f"  - {{job_name: postrider, static_configs: [{{targets: ['127.0.0.1:{page.port}']}}]}}\n")

    def is_ready() -> bool:
        try:
            return _open(f"http://127.0.0.1:{port}/-/ready", timeout=5).status == 200
        except OSError:
            return False
    child = Child("prometheus", [
        _program("prometheus"), f"--config.file={folder / 'prometheus.yaml'}",
        f"--storage.tsdb.path={folder / 'data'}", f"--web.listen-address=127.0.0.1:{port}"],
        folder / "log", is_ready)
    return child, port


def _ask(port: int, path: str, **query: str) -> list:
    url = f"http://127.0.0.1:{port}/api/v1/{path}?{urllib.parse.urlencode(query)}"
    with _open(url, timeout=10) as answer:
        data = json.load(answer)["data"]
    if isinstance(data, list):
        return data
    return next(data[key] for key in ("result", "groups", "alerts") if key in data)


def test_a_real_prometheus_scrapes_and_its_rules_speak(road: Road, page: Page,
                                                       tmp_path: Path) -> None:
    road.mailbox.put([message("one")])
    with daemon(road.rider) as running:
        server, port = or_skip(lambda: _prometheus(tmp_path / "prometheus", page))
        with server:
            def value(query: str) -> list[str]:
                return [one["value"][1] for one in _ask(port, "query", query=query)]
            eventually(lambda: value('up{job="postrider"}') == ["1"])
            eventually(lambda: value('postrider_messages_total{fate="delivered"}') == ["1"])
            assert value('postrider_poll_duration_seconds_bucket{le="+Inf"}') == ["1"]
            # Every expression of the dashboard is one, and speaks of metrics that are there.
            dashboard = json.loads((ROOT / "etc/grafana-dashboard.json").read_text())
            expressions = [target["expr"] for panel in dashboard["panels"]
                           for target in panel["targets"]]
            assert len(expressions) > 20
            names = set(_ask(port, "label/__name__/values"))
            for expression in expressions:
                plain = expression.replace("$instance", ".*").replace("$__rate_interval", "1m")
                _ask(port, "query", query=plain)
                used = set(re.findall(r"\b(?:postrider|process)_\w+", expression))
                assert used and used <= names | {"postrider_errors_total"}, expression
            # The rules are in force, and one of them finds what is broken.
            rules = {rule["name"]: rule for group in _ask(port, "rules") for rule in group["rules"]}
            assert all(rule["health"] in ("ok", "unknown") for rule in rules.values()), rules
            road.rider.destination(type="smtp", host="127.0.0.1", port=free_ports(1)[0],
                                   tls="none")
            running.reload()
            running.signal(signal.SIGUSR1)
            eventually(lambda: value("postrider_destination_up") == ["0"])
            eventually(lambda: any(
                alert["labels"]["alertname"] == "PostriderDestinationClosed"
                for alert in _ask(port, "alerts")))
        assert running.stop() == DONE


def test_the_alert_rules_say_what_they_should(tmp_path: Path) -> None:
    """Each rule fires for what it is there for, and for nothing on a day when all is well."""
    promtool = or_skip(lambda: _program("promtool"))
    (tmp_path / "test.yaml").write_text(_RULE_TESTS.replace(
        "RULES", str(ROOT / "etc/prometheus-alerts.yaml")))
    run = subprocess.run([promtool, "test", "rules", str(tmp_path / "test.yaml")],
                         capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr


_RULE_TESTS = """
rule_files: [RULES]
evaluation_interval: 1m
tests:
  - name: all is well
    interval: 1m
    input_series:
      - {series: 'up{job="postrider", instance="a"}', values: '1x600'}
      - {series: 'postrider_accounts{state="waiting", instance="a"}', values: '10x600'}
      - {series: 'postrider_accounts_in_trouble{instance="a"}', values: '1x600'}
      - {series: 'postrider_accounts_needing_attention{instance="a"}', values: '0x600'}
      - {series: 'postrider_account_needs_attention{account="x", instance="a"}', values: '0x600'}
      - {series: 'postrider_destination_up{destination="d", instance="a"}', values: '1x600'}
      - {series: 'postrider_loop_lag_seconds{instance="a"}', values: '0.01x600'}
      - {series: 'postrider_messages_total{fate="held", instance="a"}', values: '4x600'}
    alert_rule_test:
NOTHING
  - name: trouble
    interval: 1m
    input_series:
      - {series: 'up{job="postrider", instance="a"}', values: '0x600'}
      - {series: 'postrider_accounts{state="waiting", instance="a"}', values: '10x600'}
      - {series: 'postrider_accounts_in_trouble{instance="a"}', values: '3x600'}
      - {series: 'postrider_account_needs_attention{account="x", instance="a"}', values: '1x600'}
      - {series: 'postrider_account_up{account="x", instance="a"}', values: '0x600'}
      - {series: 'postrider_accounts_needing_attention{instance="a"}', values: '1x600'}
      - {series: 'postrider_accounts_needing_attention{instance="b"}', values: '1x600'}
      - {series: 'postrider_account_last_success_timestamp_seconds{account="x", instance="a"}', values: '0x600'}
      - {series: 'postrider_destination_up{destination="d", instance="a"}', values: '0x600'}
      - {series: 'postrider_destination_stopped{destination="d", instance="a"}', values: '1x600'}
      - {series: 'postrider_loop_lag_seconds{instance="a"}', values: '2x600'}
      - {series: 'postrider_messages_total{fate="held", instance="a"}', values: '4+1x600'}
      - {series: 'postrider_ledger_failures_total{instance="a"}', values: '0+1x600'}
      - {series: 'postrider_config_last_reload_successful{instance="a"}', values: '0x600'}
    promql_expr_test:
      - expr: count by (alertname) (ALERTS{alertstate="firing"})
        eval_time: 9h
        exp_samples:
ALERTS
"""


def _rule_names() -> list[str]:
    return re.findall(r"- alert: (\w+)", (ROOT / "etc/prometheus-alerts.yaml").read_text())


_RULE_TESTS = _RULE_TESTS.replace("NOTHING\n", "".join(
    f"      - {{eval_time: 9h, alertname: {name}}}\n" for name in _rule_names())).replace(
    "ALERTS\n", "".join(f"          - {{labels: '{{alertname=\"{name}\"}}', value: 1}}\n"
                        for name in _rule_names()))
