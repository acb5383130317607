"""
Killed at any moment, the log keeps every decision whose answer left.

One database of each kind, real servers one after the other, each under load from several clients, each killed with SIGKILL:
most while they answer, some while they still start. After each kill the database is opened and checked from outside.
"""

import contextlib
import http.client
import json
import random
import signal
import threading
import time

import pytest

from service.log.store import Store
from tests.chance import seed, some
from tests.service import unsynced
from tests.service.conftest import BOTH_DATABASES, Server, body

KILLS = 8  # on each database
MANY_KILLS = 150
CLIENTS = 4
FIRST = 12  # answers
SEED = 20261124


class Client(threading.Thread):
    """Sends exchanges on one connection until the server is gone; keeps the ids of whole answers, and what was none."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self._port = port
        self.answered: list[str] = []
        self.sent = 0
        self.wrong: list[bytes] = []

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
            while True:
                connection.request("POST", "/v1/evaluate", body(), {"Content-Type": "application/json"})
                self.sent += 1
                answer = connection.getresponse()
                content = answer.read()
                if answer.status != 200:
                    self.wrong.append(content)
                    return
                self.answered.append(json.loads(content)["id"])


def killed_while_answering(server: Server, after: float) -> list[Client]:
    """Load a server, kill it some time after the first answers; the clients with what they got."""
    server.wait()
    clients = [Client(server.port) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    until = time.monotonic() + 60
    while sum(len(client.answered) for client in clients) < FIRST:
        assert time.monotonic() < until, "too few answers came"
        time.sleep(0.002)
    time.sleep(after)
    server.stop(signal.SIGKILL)
    for client in clients:
        client.join(60)
        assert not client.is_alive()
        assert not client.wrong
    return clients


@pytest.mark.parametrize("kills", [KILLS, pytest.param(MANY_KILLS, marks=pytest.mark.fuzz(weight=10))])
@BOTH_DATABASES
def test_no_record_whose_answer_left_is_lost(kills, database, tmp_path, capsys):
    """Every answered id is in the log, every record verifies, and the numbers have no gap: after each kill."""
    chance = random.Random(seed(SEED))
    answered: set[str] = set()
    sent = records = unanswered = starts_killed = 0
    began = time.monotonic()
    killed = 0
    for kill in some(range(kills), KILLS):
        killed += 1
        server = Server(database, folder=tmp_path, environment={unsynced.SYNCED: "yes"})
        if kill % 4 == 3:
            time.sleep(chance.uniform(0.02, 0.4))  # while it starts, opens the log, or has just begun to listen
            server.stop(signal.SIGKILL)
            starts_killed += 1
            now: set[str] = set()
        else:
            clients = killed_while_answering(server, chance.expovariate(5))
            now = {id for client in clients for id in client.answered}
            sent += sum(client.sent for client in clients)
        answered |= now
        with Store.open(database) as store:
            new = [stored for stored in store.scan() if stored.sequence >= records]
            assert [stored.sequence for stored in new] == list(range(records, records + len(new)))
            assert not [fault for stored in new for fault in stored.faults()]
            missing = now - {stored.entry.id for stored in new}
            assert not missing, f"kill {kill}: answered and not recorded: {missing}"
        records += len(new)
        unanswered += len(new) - len(now)
    with Store.open(database) as store:
        everything = list(store.scan())
    assert [stored.sequence for stored in everything] == list(range(records))
    assert answered <= {stored.entry.id for stored in everything}
    assert len(answered) >= FIRST * (killed - starts_killed)
    with capsys.disabled():
        print(
            f"\n{killed} kills ({starts_killed} during the start) in {time.monotonic() - began:.0f} s:"
            f" {sent} exchanges sent, {len(answered)} answered, {records} recorded,"
            f" {unanswered} recorded whose answer did not leave, 0 answered and lost"
        )
