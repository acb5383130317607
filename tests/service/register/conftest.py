"""What the tests of the register share: a service with policies of their own, and short ways to fill the register and to ask."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from service.server.app import create_app
from service.service import Service
from service.settings import Settings
from service.telemetry import log_lines

POLICIES = Path(__file__).parent / "policies"
CONTRACT = {"dated": "2024-05-01", "covers": True, "attested_by": "Wang Fang, notary"}


@pytest.fixture
def service(database: str, lines: Any) -> Iterator[Service]:
    """An open service with a database and with policies of the register's tests."""
    opened = Service.open(Settings(watch=False, policies=POLICIES, database=database), say=log_lines.logger(lines))
    yield opened
    opened.close()


@pytest.fixture
def client(service: Service) -> Iterator[TestClient]:
    """The application in this process."""
    with TestClient(create_app(service.settings, service), base_url="http://127.0.0.1:8080") as client:
        yield client


@pytest.fixture
def put(client: TestClient) -> Callable[..., Any]:
    """Put something into the register; what is there then."""

    def send(path: str, **content: Any) -> Any:
        answer = client.put(f"/v1/{path}", json=content)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    return send


@pytest.fixture
def decide(client: TestClient) -> Callable[..., Any]:
    """Send an exchange; the record of its decision."""

    def send(**exchange: Any) -> Any:
        answer = client.post("/v1/evaluate", json=exchange)
        assert answer.status_code == 200, answer.text
        return client.get(f"/v1/decisions/{answer.json()['id']}").json()

    return send


@pytest.fixture
def refused(client: TestClient) -> Callable[..., Any]:
    """Send an exchange that is refused; the pointers and codes of the refusal."""

    def send(**exchange: Any) -> Any:
        answer = client.post("/v1/evaluate", json=exchange)
        assert answer.status_code == 400, answer.text
        return [(each["pointer"], each["code"]) for each in answer.json()["errors"]]

    return send
