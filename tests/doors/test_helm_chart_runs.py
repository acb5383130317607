"""
What the chart renders is run, as far as that goes without a cluster: each container's command with its variables, in processes here.

Volumes are folders, which are made as the kubelet makes them. Paths of the container become paths of these folders; its port is a free one.
"""

from __future__ import annotations

import http.client
import json
import shutil
import signal
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.doors.rendered_chart import Object, objects, template
from tests.free_port import free_port
from tests.service import ready_process
from tests.service.conftest import POLICIES, eventually, postgresql, without_settings
from tests.service.databases import PostgreSQL
from tests.service.deploy.test_mounted_policies import mount
from tests.service.server.test_tls import KEY, openssl

__all__ = ["postgresql"]

SERVICE = "release-fifthfactor.pdp.svc"
POD = "10.1.2.3:8080"  # the address by which the kubelet and Prometheus ask; every address is one of this machine
# Names of the cluster lead to this machine.
RESOLVED = "import socket; real = socket.getaddrinfo; socket.getaddrinfo = lambda host, port, *a, **k: real('127.0.0.1', {}, *a, **k)\n"
EXCHANGE = json.dumps({"exporter": {"country": "CN"}, "recipient": {"country": "US"}, "data": {"people": 5}}).encode()


class Pod:
    """The pod of a rendered object, with folders in the place of its volumes."""

    def __init__(self, spec: Object, folder: Path, volumes: dict[str, Path], **variables: str) -> None:
        (self.container,) = spec["containers"]
        self.grace = spec.get("terminationGracePeriodSeconds", 30)
        self.log = folder / "log"
        self._folder = folder
        self.port = free_port()
        self._places = {
            "/data": folder / "data",
            **{each["mountPath"]: volumes[each["name"]] for each in self.container["volumeMounts"]},
        }
        (folder / "data").mkdir(parents=True, exist_ok=True)
        given = {each["name"]: each.get("value") or variables[each["name"]] for each in self.container["env"]}
        self.environment = {name: self.here(value) for name, value in given.items()} | {"FIFTHFACTOR_PORT": str(self.port)}
        self.process: ready_process.Process | None = None

    def here(self, text: str) -> str:
        """A text with each path in the container as the one here. Paths are separated by `:`."""
        return ":".join(map(self._path, text.split(":")))

    def _path(self, path: str) -> str:
        mounted = [place for place in self._places if path == place or path.startswith(f"{place}/")]
        place = max(mounted, key=len, default="")
        return f"{self._places[place]}{path.removeprefix(place)}" if place else path

    def _start(self, **more: str) -> ready_process.Process:
        inherited = {name: value for name, value in without_settings().items() if not name.startswith("FIFTHFACTOR_")}
        environment = inherited | self.environment | more
        with self.log.open("wb") as log:
            return ready_process.start(
                *self.container["args"],
                folder=self._folder / "data",
                environment=environment,
                output=log.fileno(),
                errors=log.fileno(),
            )

    def run(self, **more: str) -> tuple[int, str]:
        """Run it to its end: the exit code and what it said."""
        code = self._start(**more).wait(60)
        return code, self.log.read_text("utf-8")

    def start(self) -> None:
        """Start it."""
        self.process = self._start()

    def ask(
        self, path: str, key: str = "", host: str = POD, trusted: ssl.SSLContext | None = None, sent: bytes | None = None
    ) -> Any:
        """Status and body of an answer."""
        headers = {"Host": host} | ({"Authorization": f"Bearer {key}"} if key else {}) | {"Content-Type": "application/json"}
        secured = self.container["readinessProbe"]["httpGet"]["scheme"] == "HTTPS"
        kind: Callable[..., http.client.HTTPConnection] = http.client.HTTPConnection
        if secured:  # the kubelet does not verify
            context = trusted or ssl._create_unverified_context()
            kind = lambda *where, **how: http.client.HTTPSConnection(*where, context=context, **how)  # noqa: E731
        with closing(kind("127.0.0.1", self.port, timeout=20)) as connection:
            try:
                connection.request("GET" if sent is None else "POST", path, sent, headers)
                answer = connection.getresponse()
                return answer.status, answer.read().decode()
            except OSError:
                return 0, ""

    def probe(self, name: str) -> bool:
        """Whether a probe succeeds."""
        return bool(200 <= self.ask(self.container[name]["httpGet"]["path"])[0] < 400)

    def wait(self) -> None:
        """Until it has started and is ready, as long as its probes allow."""
        probe = self.container["startupProbe"]
        eventually(lambda: self.ended() or self.probe("startupProbe"), probe["periodSeconds"] * probe["failureThreshold"])
        assert not self.ended(), self.log.read_text("utf-8")
        eventually(lambda: self.probe("readinessProbe"))

    def ended(self) -> bool:
        """Whether the process is gone."""
        assert self.process
        return self.process.poll() is not None

    def stop(self) -> int:
        """Send SIGTERM, as the kubelet does, and wait as long as it does."""
        assert self.process
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(self.grace)

    def kill(self) -> None:
        """End it."""
        if self.process:
            self.process.kill()
            self.process.wait()


@pytest.fixture
def started() -> Iterator[list[Pod]]:
    """Pods that are gone afterwards."""
    pods: list[Pod] = []
    yield pods
    for each in pods:
        each.kill()


def specs(values: str) -> dict[str, Object]:
    """The specs of the pods that some values make, by the kind of their object."""
    done = template(values)
    assert done.returncode == 0, done.stderr
    found = {each["kind"]: each["spec"] for each in objects(done.stdout) if "spec" in each}
    return {kind: spec.get("template", {"spec": spec})["spec"] for kind, spec in found.items()}


def certified(folder: Path) -> Path:
    """What is in the Secret of a certificate for the Service."""
    folder.mkdir()
    usage = "-addext keyUsage=critical,keyCertSign"
    openssl(folder, f"req -x509 {KEY} -days 9 -subj /CN=ca {usage} -keyout ca.key -out ca.crt")
    openssl(folder, f"req {KEY} -subj /CN=fifthfactor -keyout tls.key -out request")
    (folder / "names").write_text(f"subjectAltName=DNS:{SERVICE}\n")
    openssl(folder, "x509 -req -in request -CA ca.crt -CAkey ca.key -extfile names -days 9 -out tls.crt")
    return folder


def test_one_pod_with_sqlite_makes_its_key_answers_probes_passes_its_test_and_ends(tmp_path: Path, started: list[Pod]) -> None:
    """With TLS, with policies from a ConfigMap, and read by Prometheus. The Job and the pod share the claim."""
    found = specs(
        """
        tls: {enabled: true, secret: tls}
        policies: [{configMap: company-policies, name: company}]
        firstKey: {enabled: true, expires: "2099-01-01", scopes: [administer, read, evaluate]}
        drainSeconds: 0
        settings: {organisation: An example company, batch_body_limit: 16777216, shed_seconds: 0.25, ledger_since: 2026-01-01}
        """
    )
    volumes = {
        "data": tmp_path / "claim",
        "tmp": tmp_path / "tmp",
        "policies-0": tmp_path / "company",
        "tls": certified(tmp_path / "tls"),
    }
    for each in volumes.values():
        each.mkdir(exist_ok=True)
    mount(volumes["policies-0"], "2026_11_30_10_00_00.123", POLICIES)
    pod, job = (Pod(found[kind], tmp_path / kind, volumes) for kind in ("StatefulSet", "Job"))

    code, said = pod.run()
    assert code == 2
    assert "callers need a key and there is none" in said
    code, said = job.run()
    assert code == 0, said
    key = next(line for line in said.splitlines() if line.startswith("ff_"))

    pod.start()
    started.append(pod)
    pod.wait()
    assert pod.probe("livenessProbe")
    ((script,), spec) = ([each["command"][2] for each in found["Pod"]["containers"]], found["Pod"])
    script = script.replace("/etc/fifthfactor/tls", str(volumes["tls"]))
    passed = subprocess.run(
        [sys.executable, "-c", RESOLVED.format(pod.port) + script], capture_output=True, text=True, check=False, timeout=60
    )
    assert passed.returncode == 0, passed.stderr
    assert passed.stdout.strip() == "{'/livez': 200, '/readyz': 200, '/v1/facts': 401}"
    assert spec["restartPolicy"] == "Never"

    assert pod.ask("/metrics")[0] == 401
    status, figures = pod.ask("/metrics", key)
    assert (status, "fifthfactor_decisions_total" in figures) == (200, True)
    assert pod.ask("/v1/facts", key)[0] == 421  # by its address nothing but probes and metrics is answered
    assert pod.ask("/v1/evaluate", key, SERVICE, sent=EXCHANGE)[0] == 200
    assert pod.stop() == 0
    assert sorted(each.name for each in volumes["data"].iterdir()) == [
        "fifthfactor.db",
        "fifthfactor.db.log-key",
        "fifthfactor.db.log-key.checkpoint",
    ]
    assert [*volumes["tmp"].iterdir()] == []


def test_the_variables_of_a_service_with_its_name_would_stop_it(tmp_path: Path) -> None:
    """So no pod has them (`enableServiceLinks`). The Service of a release `fifthfactor` is named so."""
    found = specs("fullnameOverride: fifthfactor")["StatefulSet"]
    volumes = {"data": tmp_path / "data", "tmp": tmp_path / "tmp"}
    code, said = Pod(found, tmp_path, volumes).run(FIFTHFACTOR_SERVICE_HOST="10.96.0.7")
    assert (code, "there is no setting `FIFTHFACTOR_SERVICE_HOST`" in said) == (2, True)
    assert found["enableServiceLinks"] is False


def test_three_pods_start_at_once_on_one_postgresql(tmp_path: Path, postgresql: PostgreSQL, started: list[Pod]) -> None:
    """Each has the key from the Secret, which it cannot write, and keeps its own last checkpoint. They are one log."""
    url = postgresql.new(empty=True)
    begun = tmp_path / "log-key"
    own = without_settings() | {"FIFTHFACTOR_LOG_KEY": str(begun), "FIFTHFACTOR_DATABASE": url}

    def operator(*arguments: str) -> str:
        code, said, wrong = ready_process.run(*arguments, folder=tmp_path, environment=own)
        assert code == 0, wrong
        return said

    operator("database", "upgrade")
    key = operator("keys", "create", "--name", "first", "--scope", "evaluate").split()[-1]
    spec = specs(
        """
        replicas: 3
        database: {kind: postgresql, postgresql: {secret: db}, logKey: {secret: log}}
        policies: [{configMap: company-policies, name: company}]
        drainSeconds: 0
        """
    )["Deployment"]
    policies = tmp_path / "company"
    policies.mkdir()
    mount(policies, "2026_11_30_10_00_00.123", POLICIES)
    for number in range(3):
        folder = tmp_path / f"pod-{number}"
        places = {name: folder / name for name in ("log-key", "tmp")}
        for each in places.values():
            each.mkdir(parents=True)
        shutil.copy(begun, places["log-key"] / "log-key")
        (places["log-key"] / "log-key").chmod(0o440)
        volumes = {**places, "log-key-file": places["log-key"] / "log-key", "policies-0": policies}
        started.append(Pod(spec, folder, volumes, FIFTHFACTOR_DATABASE=url))
    for pod in started:
        pod.start()
    for pod in started:
        pod.wait()
    with ThreadPoolExecutor(3) as callers:
        answers = [*callers.map(lambda number: started[number % 3].ask("/v1/evaluate", key, SERVICE, sent=EXCHANGE), range(12))]
    assert {status for status, _ in answers} == {200}
    assert len({json.loads(each)["bundle"]["source"] for _, each in answers}) == 1
    assert [pod.stop() for pod in started] == [0, 0, 0]
    for pod in started:
        kept = sorted(each.name for each in Path(pod.environment["FIFTHFACTOR_LOG_KEY"]).parent.iterdir())
        assert kept == ["log-key", "log-key.checkpoint"]
    assert operator("log", "verify").startswith("12 records, no faults")
