"""
On random bundles and exchanges, what a permit does not name does not matter: unknown, left out or otherwise, the exchange is permitted.

`make fuzz` runs the same for longer; FUZZ_PERMITS says how long.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator
from typing import Any

import pytest

import engine
from engine.backends.bitset import Bitset
from engine.deciding.combine import Combiner, Outcome
from engine.deciding.rests_on import PERMITS, RELIES_ON, statements, unknowing
from tests.engine.backends.random_bundles import AS_OF, Maker, completed, read

BUNDLES, EXCHANGES = 24, 40
MODES = ("bitset", "durable", "reference")


def permits(seed: int, exchanges: int) -> Iterator[tuple[Maker, engine.Bundle, list[dict[str, Any]]]]:
    """A random bundle, and the random exchanges that it permits, most of them with every fact known."""
    maker = Maker(seed)
    bundle = maker.bundle()
    pdp = engine.PDP(bundle, "bitset")
    every = [maker.exchange() for _ in range(exchanges)]
    told = [completed(maker, each, every) if number % 4 else each for number, each in enumerate(every)]
    yield maker, bundle, [each for each in told if pdp.outcome(read(bundle, each), AS_OF).permits]


def faults(
    maker: Maker, bundle: engine.Bundle, pdp: engine.PDP, sent: dict[str, Any], others: list[dict[str, Any]]
) -> Iterator[str]:
    """Each way in which what a permit rests on is too little; the reference says what is permitted."""
    combiner = Combiner(bundle)

    def outcome(exchange: engine.Exchange) -> Outcome:
        return combiner.outcome(exchange, pdp.verdict(exchange, AS_OF), AS_OF)

    exchange = read(bundle, sent)
    judgement = pdp.judge(exchange, as_of=AS_OF)
    named, exact = (
        {each.fact: each.without for each in pdp.rests_on(judgement, exact=exact) if each.source != "accepted"}
        for exact in (False, True)
    )
    every = statements(exchange)
    left = [name for name in every if name not in named]
    if not set(named) <= set(every):
        yield f"names what was not stated: {set(named) - set(every)}"
    if not outcome(unknowing(exchange, left)).permits:
        yield f"is no permit with {left} unknown"
    for name in every:
        alone = outcome(unknowing(exchange, [name]))
        if not alone.permits and name not in exact:
            yield f"`{name}` matters and is not in the exact list"
        if name in exact and exact[name] not in PERMITS and alone.permits:
            yield f"`{name}` does not matter and the exact list says it does"
        if name in exact and name not in named:
            yield f"`{name}` is in the exact list only"
    for name in left:
        for told in ("unknown", None, maker.random.choice(others)):
            changed = _with(sent, name, told)
            try:
                if changed is not None and not outcome(read(bundle, changed)).permits:
                    yield f"`{name}` is not named, and {json.dumps(changed)} is no permit"
            except engine.ExchangeRefused:
                continue  # refused at the door


def _with(sent: dict[str, Any], name: str, told: Any) -> dict[str, Any] | None:
    """The exchange with another value of one statement: a word, left out, or the value that another exchange has; None if it has none."""
    path = name.split(".", 1) if name.startswith(("evidence.", "claims.")) else name.split(".")
    changed: dict[str, Any] = json.loads(json.dumps(sent))
    here = changed
    for step in path[:-1]:
        here = here[step]
    if isinstance(told, dict):
        value: Any = told
        for step in path:
            value = value.get(step) if isinstance(value, dict) else None
        if value is None:
            return None
        here[path[-1]] = value
    elif told is None or name == RELIES_ON or name.endswith(".rest"):
        del here[path[-1]]
    else:
        here[path[-1]] = told
    return changed


@pytest.mark.parametrize("mode", MODES)
def test_what_a_permit_does_not_name_does_not_matter(mode: str) -> None:
    """In every mode: unknown, left out or otherwise, alone or all at once; and the list contains the exact one."""
    tried = 0
    for seed in range(BUNDLES):
        for maker, bundle, found in permits(seed, EXCHANGES):
            pdp = engine.PDP(bundle, mode)
            for sent in found[:6]:
                tried += 1
                assert not list(faults(maker, bundle, pdp, sent, found)), (seed, sent)
    assert tried > 60, tried


def test_too_little_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing is proposed and nothing completed, the statements that matter are missed, and this is found."""
    monkeypatch.setattr(Bitset, "rests_on", lambda *_, **__: {})
    monkeypatch.setattr("engine.deciding.rests_on._Search.complete", lambda *_: None)
    found = [
        fault
        for maker, bundle, told in permits(0, EXCHANGES)
        for sent in told[:6]
        for fault in faults(maker, bundle, engine.PDP(bundle, "bitset"), sent, told)
    ]
    for said in ("is no permit with", "matters and is not in the exact list", "is not named, and"):
        assert any(said in fault for fault in found), said


@pytest.mark.fuzz
def test_what_a_permit_does_not_name_does_not_matter_for_long() -> None:
    """Many bundles, in the mode whose list is a proposal that was completed."""
    left, seed = int(os.environ.get("FUZZ_PERMITS", "20000")), random.randrange(1_000_000, 1_000_000_000)
    print(f"{left:,} permits, from the seed {seed}")
    while left > 0:
        for maker, bundle, found in permits(seed, 100):
            pdp = engine.PDP(bundle, "bitset")
            for sent in found:
                left -= 1
                assert not list(faults(maker, bundle, pdp, sent, found)), (seed, sent)
        seed += 1
