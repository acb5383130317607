"""What the tests of the gateways' door share: small policies with a mapping, the application in this process, and a server of its own."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from service.server.app import create_app
from service.service import Service
from service.settings import Settings
from service.telemetry import log_lines
from tests.service.conftest import POLICIES, Lines, Server, copied, running

MAPPINGS = Path(__file__).parent / "mappings"
PERMITTED = "/ext_authz/small/datasets/d-1/to/CN"  # with `x-people: 5`
FEW = {"x-people": "5"}


@pytest.fixture
def mappings(tmp_path: Path) -> Path:
    """A folder of the mappings that may be changed."""
    return Path(shutil.copytree(MAPPINGS, tmp_path / "mappings"))


@pytest.fixture
def service(database: str, lines: Lines, mappings: Path) -> Iterator[Service]:
    """An open service with the small policies and the mappings."""
    settings = Settings(watch=False, policies=(POLICIES, mappings), database=database)
    opened = Service.open(settings, say=log_lines.logger(lines))
    yield opened
    opened.close()


@pytest.fixture
def client(service: Service) -> Iterator[TestClient]:
    """The application in this process."""
    with TestClient(create_app(service.settings, service), base_url="http://127.0.0.1:8080") as client:
        yield client


@pytest.fixture(scope="module")
def listening(tmp_path_factory: pytest.TempPathFactory, tables: Path) -> Iterator[Server]:
    """A real server, which reads what is sent byte for byte."""
    folder = tmp_path_factory.mktemp("listening")
    options = ("--policies", str(POLICIES), "--policies", str(MAPPINGS))
    with running(copied(tables, folder), *options, folder=folder) as server:
        yield server
