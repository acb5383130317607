"""
Debian's Prometheus scrapes a running service with traffic, and is asked each expression of the dashboard and of the rules.

The service has all that has figures: two workers, TLS, a shadow, a witness, a webhook, a review that waits. `monitoring_values.md` keeps
what came out; `RECORD=1` writes it again.
"""

import base64
import json
import math
import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml

from service.log.store import Store
from service.settings import Settings
from service.store.log_key import witness_key
from tests.doors.prometheus import Prometheus, check_rules, run_rule_tests, scraping
from tests.doors.promql import RULES, alerts, dashboard, expressions, panels
from tests.pages import ROOT
from tests.service.conftest import POLICIES, Server, body, eventually, running
from tests.service.server.test_tls import Authority

VALUES = ROOT / "tests" / "doors" / "monitoring_values.md"
CASES = ROOT / "tests" / "doors" / "alert_cases.yaml"


@contextmanager
def witness_of(folder: Path, database: Path) -> Iterator[str]:
    """Another service that is a witness of a log; what the file of witnesses has of it."""
    (folder / "witness").mkdir()
    other = folder / "witness" / "log.db"
    with Store.open(database) as own, Store.open(other) as store:
        (folder / "logs").write_text(own.database.log_key().verifier.text() + "\n")
        key = witness_key(store.database.key_path).verifier.text()
    with running(other, environment={"FIFTHFACTOR_WITNESS_LOGS": str(folder / "logs")}) as server:
        yield f"{key} {server.address}\n"


def settings(folder: Path, authority: Authority, witness: str) -> dict[str, str]:
    """The environment of a service that has everything."""
    (folder / "witnesses").write_text(witness)
    (folder / "secret").write_text(f"whsec_{base64.b64encode(bytes(32)).decode()}\n")
    found = {
        **authority.environment(),
        "FIFTHFACTOR_WITNESSES": str(folder / "witnesses"),
        "FIFTHFACTOR_SHADOW": str(POLICIES),
        "FIFTHFACTOR_WEBHOOKS": "https://localhost:1/hook",
        "FIFTHFACTOR_WEBHOOK_SECRET": str(folder / "secret"),
    }
    if "sinks" in Settings.model_fields:
        sink = {"name": "archive", "kind": "files", "folder": "days", "from": "beginning"}
        (folder / "sinks.yaml").write_text(yaml.safe_dump([sink]))
        found["FIFTHFACTOR_SINKS"] = str(folder / "sinks.yaml")
    return found


class Traffic:
    """Somebody who sends exchanges all the time: most are the same, some are new, some are refused."""

    def __init__(self, server: Server, authority: Authority) -> None:
        self._stop = threading.Event()
        self._client = httpx.Client(base_url=server.address, verify=authority.client())
        scopes = ["evaluate", "read", "administer"]
        self.key: str = self._client.post("/v1/keys", json={"name": "all", "scopes": scopes}).raise_for_status().json()["key"]
        self._client.headers["authorization"] = f"Bearer {self.key}"
        self._thread = threading.Thread(target=self._send, daemon=True)

    def __enter__(self) -> "Traffic":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(20)
        self._client.close()

    def evaluate(self, content: bytes) -> Any:
        """The answer to an exchange."""
        return self._client.post("/v1/evaluate", content=content, headers={"content-type": "application/json"})

    def _send(self) -> None:
        number = 0
        while not self._stop.wait(0.05):
            number += 1
            for content in (body(), body(data={"people": number % 50_000}), b"[]"):
                self.evaluate(content)


def asked(prometheus: Prometheus) -> list[tuple[str, str, list[float]]]:
    """Each expression with its values."""
    found = []
    for where, expression in expressions():
        if "fifthfactor_sink_" not in expression or "sinks" in Settings.model_fields:
            found.append((where, expression, prometheus.query(expression)))
    return found


def test_each_expression_has_a_value(tmp_path: Path) -> None:
    """Each gives a series with a number; the rules are loaded, and no alert fires."""
    (tmp_path / "tls").mkdir()
    authority = Authority(tmp_path / "tls")
    authority.serve(1)
    database = tmp_path / "log.db"
    with ExitStack() as entered:
        witness = entered.enter_context(witness_of(tmp_path, database))
        environment = settings(tmp_path, authority, witness)
        server = entered.enter_context(running(database, "--workers", "2", environment=environment))
        traffic = entered.enter_context(Traffic(server, authority))
        assert traffic.evaluate(body(data={"people": 60_000}, evidence={})).json()["outcome"] == "review"
        prometheus = entered.enter_context(
            scraping(tmp_path / "prometheus", server.port, authority.folder / "ca.pem", traffic.key)
        )
        wanted = 'fifthfactor_watch_due_seconds == 0 and on () fifthfactor_shadow_decisions_total{result="same"} > 5'
        eventually(lambda: prometheus.query(wanted))
        eventually(lambda: prometheus.query("fifthfactor_witness_timestamp_seconds"))
        eventually(lambda: prometheus.query("count_over_time(up[1m]) > 20"))
        (target,) = prometheus.get("targets")["activeTargets"]
        assert (target["health"], target["lastError"]) == ("up", "")
        found = asked(prometheus)
        assert {rule["name"] for group in prometheus.get("rules")["groups"] for rule in group["rules"]} >= set(alerts())
        assert [each for each in prometheus.get("alerts")["alerts"] if each["state"] == "firing"] == []
        assert not server.events("request") or all(each["route"] != "/metrics" for each in server.events("request"))
    none = [(where, expression) for where, expression, values in found if not values or all(map(math.isnan, values))]
    assert none == []
    _kept(found)


def _kept(found: list[tuple[str, str, list[float]]]) -> None:
    lines = [
        f"| {where} | `{' '.join(expression.split()).replace('|', chr(92) + '|')}` | {len(values)} | {values[0]:.4g} |"
        for where, expression, values in found
    ]
    head = "# What Prometheus answered\n\nWritten by `tests/doors/test_prometheus.py` with `RECORD=1`.\n\n"
    table = "| where | expression | series | value of the first |\n|---|---|---:|---:|\n"
    if os.environ.get("RECORD"):
        VALUES.write_text(head + table + "\n".join(lines) + "\n")
    print(table + "\n".join(lines))
    kept = [line.rsplit(" | ", 2)[0] for line in VALUES.read_text().splitlines() if line.startswith("| ") and "`" in line]
    assert kept == [line.rsplit(" | ", 2)[0] for line in lines]


def test_promtool_takes_the_rules() -> None:
    """With all that it looks for."""
    done = check_rules()
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_alert_fires_when_it_should_and_is_quiet_when_not(tmp_path: Path) -> None:
    """Every alert by its case: series under which it fires at a moment, and others under which it does not."""
    by_step: dict[str, list[dict[str, Any]]] = {}
    for name, case in yaml.safe_load(CASES.read_text()).items():
        rule = alerts()[name]
        fired = [{"exp_labels": {**rule["labels"], **case["labels"]}, "exp_annotations": rule["annotations"]}]
        for series, expected in ((case["fires"], fired), *((each, []) for each in case["quiet"])):
            by_step.setdefault(case.get("step", "1m"), []).append(
                {
                    "name": name,
                    "interval": case.get("step", "1m"),
                    "input_series": [{"series": each, "values": values} for each, values in series.items()],
                    "alert_rule_test": [{"eval_time": case["at"], "alertname": name, "exp_alerts": expected}],
                }
            )
    for step, tests in by_step.items():
        file = tmp_path / f"{step}.yaml"
        file.write_text(json.dumps({"rule_files": [str(RULES)], "evaluation_interval": step, "tests": tests}))
        done = run_rule_tests(file)
        assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_has_a_case() -> None:
    """And every case has its alert."""
    assert yaml.safe_load(CASES.read_text()).keys() == alerts().keys()


def test_a_foreign_reader_takes_the_dashboard() -> None:
    """Grafana's own library for dashboards reads it, and gives back every member that it was given."""
    from grafana_foundation_sdk.cog import plugins
    from grafana_foundation_sdk.cog.encoder import JSONEncoder
    from grafana_foundation_sdk.models.dashboard import Dashboard

    plugins.register_default_plugins()
    given = dashboard()
    read = json.loads(JSONEncoder(sort_keys=True).encode(Dashboard.from_json(given)))
    assert list(_lost(given, read)) == []
    assert len(panels()) == len([each for each in read["panels"] if each["type"] != "row"])


def _lost(given: Any, read: Any, path: str = "") -> Iterator[str]:
    """Where a document lacks what another has."""
    if isinstance(given, dict) and isinstance(read, dict):
        for name, value in given.items():
            if name in read:
                yield from _lost(value, read[name], f"{path}/{name}")
            else:
                yield f"{path}/{name}"
    elif isinstance(given, list) and isinstance(read, list) and len(given) == len(read):
        for number, (one, other) in enumerate(zip(given, read, strict=True)):
            yield from _lost(one, other, f"{path}/{number}")
    elif given != read:
        yield path
