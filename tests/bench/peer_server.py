"""
`python -m tests.bench.peer_server ENGINE SETTING SIZE DATABASE`: another engine behind the service's own stack; it prints its port.

The server library and its settings are those of the service, and so is the log: before an answer leaves, a sealed record with the
request and the decision is durable, and in the index. What else the service does stays undone: it reads without a vocabulary, and
answers with the rules that hold and the strictest level.
"""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Mapping
from datetime import UTC, datetime

import uvicorn
from fastapi import FastAPI, Request, Response
from uuid_utils import uuid7

from engine.values.outcome_levels import Level
from service.log.leaf import seal
from service.log.record_summary import Summary
from service.log.store import Store
from service.server.bounded_heads import BoundedHeads
from tests.bench.peers import LEVELS, PEERS, Peer, policies
from tests.bench.rules import DAY, SETTINGS, workload


def application(peer: Peer, levels: Mapping[str, Level], store: Store) -> FastAPI:
    """`POST /v1/evaluate`: an exchange in, the rules that hold out."""
    app = FastAPI()

    @app.post("/v1/evaluate")
    async def evaluate(request: Request) -> Response:
        document = json.loads(await request.body())
        matched = peer.matched(document)
        level = max(map(levels.__getitem__, matched), default=Level.PERMITTED)
        id, now, proceed = str(uuid7()), datetime.now(UTC), level <= Level.PERMITTED_WITH_OBLIGATIONS
        decision = {"proceed": proceed, "outcome": level.word, "matched": matched}
        record = {
            "schema": "a decision of a peer",
            "id": id,
            "recorded_at": now.isoformat(),
            "asked_by": "local",
            "as_of": DAY.isoformat(),
            "request": document,
            "decision": decision,
        }
        named = {"provision": tuple(matched)}
        summary = Summary(now, DAY.isoformat(), level.word, proceed, False, level.word, "local", "made-up", named)
        await store.append(seal(record, (), summary=summary))
        return Response(json.dumps({"id": id, **decision}, separators=(",", ":")), media_type="application/json")

    return app


def main() -> None:
    """Serve until killed."""
    name, setting_name, size, database = sys.argv[1:]
    [make] = [each for each in PEERS if each.name == name]
    [setting] = [each for each in SETTINGS if each.name == setting_name]
    rules = workload(setting, int(size), exchanges=0).bundle.rules
    peer = make(policies(rules, DAY), complete=not setting.missing)
    levels = {rule.key: LEVELS[rule.effect] for rule in rules.rules}
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen()
    print(listening.getsockname()[1], flush=True)
    with Store.open(database) as store:
        config = uvicorn.Config(
            application(peer, levels, store),
            loop="auto",
            http=BoundedHeads,
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
        )
        uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
