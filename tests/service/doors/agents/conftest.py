"""One running service with the bundled policies for the tests of the agents' door, and keys of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from service.client import Client
from tests.service.callers.test_callers import make
from tests.service.conftest import Server, copied, running


@dataclass(frozen=True)
class House:
    """A running service and its keys, by name."""

    server: Server
    keys: dict[str, str]

    @property
    def address(self) -> str:
        """Where it answers."""
        return self.server.address

    def client(self, key: str) -> Client:
        """A client with one of the keys."""
        return Client(self.address, key=self.keys[key], timeout=60)


KEYS = {
    "all": ("evaluate", "commit", "read", "review", "administer"),
    "agent": ("evaluate", "read"),
    "evaluator": ("evaluate",),
    "reader": ("read",),
}


@pytest.fixture(scope="session")
def house(tables: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The service, with the parties clinic and lab-9 in its register."""
    folder = tmp_path_factory.mktemp("house")
    database = copied(tables, folder)
    keys = {name: make(database, *scopes) for name, scopes in KEYS.items()}
    with running(database, policies=False, folder=folder) as server:
        found = House(server, keys)
        with found.client("all") as client:
            client.put_party("lab-9", {"facts": {"country": "KE", "kind": "company"}})
        keys["clinic"] = _of_party(found, "clinic-7")
        yield found


def _of_party(house: House, party: str) -> str:
    """A key that belongs to a party."""
    import httpx

    sent = {"name": party, "scopes": ["evaluate", "commit", "read"], "party": party}
    bearer = {"Authorization": f"Bearer {house.keys['all']}"}
    answer = httpx.post(f"{house.address}/v1/keys", json=sent, headers=bearer, trust_env=False)
    assert answer.status_code == 201, answer.text
    key: str = answer.json()["key"]
    return key
