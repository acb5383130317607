"""The desk at which reviews are signed: callers with keys, of persons and of programs."""

from collections.abc import Iterator
from datetime import UTC, datetime, time

import pytest

from service.callers import keys
from service.callers.person import Person
from service.service import Service
from service.settings import Settings
from service.telemetry import log_lines
from tests.service.conftest import POLICIES, Lines
from tests.service.reviews.test_sign_off import APPROVE, FACTS, TODAY

ISSUER = "https://id.example.org"
PEOPLE = {name: Person(ISSUER, name, name.title()) for name in ("ada", "bo", "cy", "dee")}
BEGAN, NOON = datetime.now(UTC), datetime.combine(TODAY, time(12), UTC)


def clock() -> datetime:
    """The day that these tests name goes on from its noon, also where it is over before the last of them is run."""
    return NOON + (datetime.now(UTC) - BEGAN)


@pytest.fixture
def service(database: str, lines: Lines) -> Iterator[Service]:
    """An open service on that day."""
    settings = Settings(watch=False, policies=POLICIES, database=database)
    opened = Service.open(settings, say=log_lines.logger(lines), clock=clock)
    yield opened
    opened.close()


@pytest.fixture
def desk(client, service):
    """Keys: a gateway's that asks, two of Ada, one each of Bo and Cy, and one of a program that may sign."""
    everything = ["evaluate", "read", "review"]
    owners = {"gateway": None, "program": None, "ada": "ada", "ada at home": "ada", "bo": "bo", "cy": "cy"}
    made = {}
    with service.store.database.transaction() as transaction:
        for name, person in owners.items():
            who = PEOPLE[person] if person else None
            made[name] = keys.create(transaction, name, everything, None, "test", service.clock(), person=who)[1]
    return Desk(client, made)


class Desk:
    """Callers by the names of their keys."""

    def __init__(self, client, made):
        self.client, self.made = client, made

    def ask(self, who="gateway", **changes):
        """A decision on the exchange."""
        sent = {name: value for name, value in {**FACTS, **changes}.items() if value is not None}
        return self.client.post("/v1/evaluate", json=sent, headers=self.bearer(who)).json()

    def sign(self, who, id, **changes):
        """A sign-off by somebody; the answer's response."""
        sent = {name: value for name, value in {**APPROVE, **changes}.items() if value is not None}
        return self.client.post(f"/v1/decisions/{id}/sign-off", json=sent, headers=self.bearer(who))

    def bearer(self, who):
        """The header of a key."""
        return {"Authorization": f"Bearer {self.made[who]}"}
