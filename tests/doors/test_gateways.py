"""
Envoy and nginx, which were not written here, ask before each request of their clients, as the page sets them up.

What stands behind the gateway notes what reaches it: a denial is a request that never does.
"""

import json
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.doors.gateways import DECISION, Arrived, Behind, Gateway, behind, envoy, nginx, shown
from tests.pages import ROOT, blocks
from tests.service.conftest import Server, running

GATEWAYS = {"Envoy": envoy, "nginx": nginx}
PERMITTED = "/datasets/contacts-1/for/lab-5"
UNKNOWN = "/datasets/contacts-1/for/lab-9"
SUPPORT = ("X-Purpose", "support")


@dataclass(frozen=True)
class Place:
    """A service that decides by the law and by the mapping of the page, the gateways that ask it, and what stands behind them."""

    server: Server
    gateways: dict[str, Gateway]
    behind: Behind
    database: str
    reading: dict[str, str]

    def record(self, id: str) -> dict[str, Any]:
        """The record of a decision."""
        found: dict[str, Any] = httpx.get(f"{self.server.address}/v1/decisions/{id}", headers=self.reading).json()
        return found


def policies(folder: Path) -> Path:
    """A folder with the mapping of the page."""
    ours = folder / "ours"
    ours.mkdir()
    (text,) = [each.text for each in blocks("service/docs/gateways.md") if each.text.startswith("mapping: ")]
    (ours / "gateway.yaml").write_text(text)
    return ours


def key(database: str, *scopes: str) -> str:
    """A new key with these scopes."""
    command = [sys.executable, "-m", "service.cli", "keys", "create", "--name", "-".join(scopes), "--database", database]
    for scope in scopes:
        command += ["--scope", scope]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


@contextmanager
def placed(folder: Path, **environment: str) -> Iterator[Place]:
    """A service of its own, and both gateways before it."""
    database = str(folder / "log.db")
    with ExitStack() as open:
        given = policies(folder)
        options = ("--policies", str(ROOT / "policies"), "--policies", str(given))
        server = open.enter_context(running(database, *options, folder=folder, environment=environment))
        gateway, reading = key(database, "evaluate"), {"Authorization": f"Bearer {key(database, 'read', 'administer')}"}
        (sent,) = [each.text for each in blocks("service/docs/gateways.md") if each.kind == "json"]
        httpx.post(
            f"{server.address}/v1/register/import", content=sent, headers={**reading, "content-type": "application/json"}
        ).raise_for_status()
        noted = open.enter_context(behind())
        gateways = {}
        for name, make in GATEWAYS.items():
            own = folder / name
            own.mkdir()
            gateways[name] = open.enter_context(make(own, server.port, noted.port, gateway))
        yield Place(server, gateways, noted, database, reading)
