"""
The process of a shadow: `python -m service.policies.shadow_process`, started and asked by `service.policies.shadow`.

It is a separate process of low priority, so that its work, its memory and its end do not affect the process that answers. For each line of
JSON it writes a line of JSON. `load` is answered with the digests of the policies, or with the reason why they are refused; `looks` with
the differences. The process ends when its standard input ends.
"""

import json
import os
import signal
import sys
from datetime import date
from pathlib import Path
from typing import Any

import engine
from service.policies.live import Live
from service.policies.loading import SourceRefused
from service.policies.reloading import Origin
from service.policies.signing_keys import KeyRefused, public_keys

MODE = "bitset"  # one engine is enough, since a shadow decides nothing
NICE = 10
UNREADABLE = "unreadable"  # the outcome of an exchange that the shadow's vocabulary refuses

_live: Live | None = None


def answer(asked: dict[str, Any]) -> dict[str, Any]:
    """The answer to one line."""
    return _load(asked["load"]) if "load" in asked else _look(asked["looks"])


def _load(where: dict[str, Any]) -> dict[str, Any]:
    global _live
    try:
        keys = public_keys(map(Path, where["keys"]))
        meant = engine.PolicySettings(trust=where["trust"], norms=where["norms"])
        _, live = Origin(tuple(map(Path, where["paths"])), meant, keys, MODE).load(_live)
    except engine.BundleRefused as refused:
        first = refused.diagnostics[0]
        return {"refused": f"the policies are not sound: {first.at}: {first.message}"}
    except (SourceRefused, KeyRefused) as refused:
        return {"refused": str(refused)}
    except Exception as failed:  # noqa: BLE001 - the last good ones go on
        return {"refused": f"loading failed: {type(failed).__name__}"}
    _live = live or _live
    assert _live is not None
    return {"meaning": _live.digests.meaning, "source": _live.digests.source}


def _look(looks: list[dict[str, Any]]) -> dict[str, Any]:
    assert _live is not None
    found, failed = [], 0
    for look in looks:
        try:
            found += _difference(_live, look)
        except Exception:  # noqa: BLE001 - it never hurts: a failure on one exchange spoils no other
            failed += 1
    return {"found": found, "failed": failed}


def _difference(live: Live, look: dict[str, Any]) -> list[dict[str, Any]]:
    """The difference if the shadow decides differently: a list of one, or an empty list."""
    outcome, proceed, standing = UNREADABLE, False, frozenset[str]()
    try:
        # The shadow's own vocabulary reads the exchange, as if the caller had sent it to the shadow.
        exchange = engine.parse_exchange(live.bundle, json.dumps(look["exchange"]).encode())
    except engine.ExchangeRefused:
        pass
    else:
        as_of, today = date.fromisoformat(look["as_of"]), date.fromisoformat(look["today"])
        shown = {name: date.fromisoformat(until) for name, until in look.get("shown", {}).items()}
        said = live.pdp.judge(exchange.as_shown(shown), as_of=as_of)
        outcome, proceed, standing = said.outcome.word, said.proceeds(today), frozenset(said.provisions)
    if (outcome, proceed) == (look["outcome"], look["proceed"]):
        return []
    stood = frozenset(look["provisions"])
    return [
        {
            "sequence": look["sequence"],
            "id": look["id"],
            "live_outcome": look["outcome"],
            "live_proceed": look["proceed"],
            "shadow_outcome": outcome,
            "shadow_proceed": proceed,
            "only_live": json.dumps(sorted(stood - standing)),
            "only_shadow": json.dumps(sorted(standing - stood)),
            "shadow_source": live.digests.source,
            "shadow_meaning": live.digests.meaning,
        }
    ]


def main() -> None:
    """Answer lines until there are no more."""
    os.nice(NICE)
    for number in (signal.SIGINT, signal.SIGHUP):  # these signals are meant for the process that answers
        signal.signal(number, signal.SIG_IGN)
    with os.fdopen(os.dup(1), "wb") as out:
        os.dup2(2, 1)  # printed text must spoil no answer
        for line in sys.stdin.buffer:
            out.write(json.dumps(answer(json.loads(line))).encode() + b"\n")
            out.flush()


if __name__ == "__main__":
    main()
