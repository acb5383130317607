"""A real Prometheus that scrapes a service, and what it answers."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.doors.promql import RULES
from tests.free_port import free_port
from tests.pages import blocks

PROMETHEUS, PROMTOOL = "/usr/bin/prometheus", "/usr/bin/promtool"

PAGE = "service/docs/metrics.md"


@dataclass(frozen=True)
class Prometheus:
    """A Prometheus that runs."""

    address: str

    def get(self, path: str, **query: str) -> Any:
        """The data of an answer."""
        answer = httpx.get(f"{self.address}/api/v1/{path}", params=query).raise_for_status().json()
        assert answer["status"] == "success", answer
        return answer["data"]

    def query(self, expression: str) -> list[float]:
        """The values of an expression now, one for each series."""
        data = self.get("query", query=expression)
        assert data["resultType"] == "vector", expression
        return [float(each["value"][1]) for each in data["result"]]


def check_rules() -> subprocess.CompletedProcess[str]:
    """What promtool says of the rules."""
    return subprocess.run(
        [PROMTOOL, "check", "rules", "--lint=all", "--lint-fatal", str(RULES)], capture_output=True, text=True
    )


def run_rule_tests(file: Path) -> subprocess.CompletedProcess[str]:
    """What promtool says of the rules by a file of tests."""
    return subprocess.run([PROMTOOL, "test", "rules", str(file)], capture_output=True, text=True)


def configuration(port: int, authority: Path, key: Path) -> dict[str, Any]:
    """How Prometheus is set up: as the page shows, for a service on this machine that speaks TLS, and often."""
    (block,) = [each for each in blocks(PAGE) if each.kind == "yaml scrape"]
    shown: dict[str, Any] = yaml.safe_load(block.text)
    (job,) = shown["scrape_configs"]
    job |= {"scheme": "https", "tls_config": {"ca_file": str(authority)}}
    job["authorization"] = {"credentials_file": str(key)}
    job["static_configs"] = [{"targets": [f"127.0.0.1:{port}"]}]
    often = {"scrape_interval": "250ms", "evaluation_interval": "250ms"}
    return {"global": often, "rule_files": [str(RULES)], **shown}


@contextmanager
def scraping(folder: Path, port: int, authority: Path, key: str) -> Iterator[Prometheus]:
    """A Prometheus that scrapes a service by TLS, whose certificate an authority certifies, with a key, and that has the rules."""
    folder.mkdir()
    (folder / "fifthfactor.key").write_text(key)
    settings = configuration(port, authority, folder / "fifthfactor.key")
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(settings))
    own = free_port()
    command = [PROMETHEUS, f"--config.file={folder}/prometheus.yaml", f"--storage.tsdb.path={folder}/data"]
    with (folder / "said.txt").open("wb") as said:
        process = subprocess.Popen([*command, f"--web.listen-address=127.0.0.1:{own}"], stdout=said, stderr=said, cwd=folder)
    try:
        found = Prometheus(f"http://127.0.0.1:{own}")
        until = time.monotonic() + 60
        while not _ready(found):
            assert process.poll() is None, (folder / "said.txt").read_text()
            assert time.monotonic() < until, "Prometheus does not get ready"
            time.sleep(0.05)
        yield found
    finally:
        process.terminate()
        process.wait(20)


def _ready(prometheus: Prometheus) -> bool:
    try:
        return httpx.get(f"{prometheus.address}/-/ready").status_code == 200
    except httpx.TransportError:
        return False
