"""
On random bundles and exchanges, what a permit does not name does not matter: unknown, left out or otherwise, the exchange is permitted.

`make fuzz` runs the same for longer; FUZZ_PERMITS says how long.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

import engine
from engine.backends.lanes.worst_levels import WorstLevels
from engine.deciding.changed_exchanges import WithoutStatements
from engine.deciding.rests_on import statements, unknowing
from engine.deciding.statement_weights import RELIES_ON
from engine.register_facts import IN_REGISTER
from engine.values import Document
from engine.values.outcome_levels import PERMITTING, Bounds, Level
from tests import chance
from tests.engine.backends.random_bundles import AS_OF, Maker, completed, read

BUNDLES, EXCHANGES = 12, 40
LEAST = 15  # permits of `make test`
MODES = ("bitset", "durable", "reference", "lanes")
FREE = Bounds(Level.PERMITTED, Level.PERMITTED)


class Permitting(Maker):
    """Makes bundles that permit more: law speaks of every subject matter, and holds less often."""

    def coverage(self, place: str, policies: dict[str, Any]) -> dict[str, Any]:
        covered = super().coverage(place, policies)
        return {name: {"from": "2020-01-01", "by": [*text["by"]]} if "by" in text else text for name, text in covered.items()}

    def rule(self, id: str, ids: list[str], policy: str) -> dict[str, Any]:
        text = super().rule(id, ids, policy)
        if "when" in text and self.chance(0.5):
            text["when"] = [{"all_of": [text["when"]]}, self.condition(1)]
        return text

    def policy(self, name: str) -> dict[str, Any]:
        text = super().policy(name)
        return text | {"applies": {"from.country": ["AA", "BB"]}} if self.chance(0.3) else text


def permits(seed: int, exchanges: int) -> tuple[Maker, engine.Bundle, list[dict[str, Any]]]:
    """A random bundle, and the random exchanges that it permits, most of them with every fact known, in countries that are covered."""
    maker = Permitting(seed)
    bundle = maker.bundle()
    if not any(each.countries for each in bundle.vocabulary.jurisdictions.values()):
        return maker, bundle, []  # every exporter is in a country that nobody covers
    pdp = engine.PDP(bundle, "bitset")
    every = [maker.exchange() for _ in range(exchanges)]
    found = []
    for number, sent in enumerate(every):
        told = completed(maker, sent, every) if number % 4 else sent
        told.setdefault("from", {})["country"] = maker.pick(["AA", "BB"])
        told["from"].pop("place", None)  # it may lie in another country
        told.setdefault("data", {})["in"] = maker.some(["AA", "BB"], 2, least=0)
        with suppress(engine.ExchangeRefused):  # it contradicts itself
            if pdp.outcome(read(bundle, told), AS_OF).permits:
                found.append(told)
    return maker, bundle, found


class Permitted:
    """Whether exchanges of a bundle are permitted. Each is decided once, for all modes: that they agree is shown elsewhere."""

    def __init__(self, bundle: engine.Bundle, mode: str = "bitset") -> None:
        self._bundle = bundle
        self._pdp = engine.PDP(bundle, mode)
        self._known: dict[str, bool] = {}

    def __call__(self, sent: dict[str, Any], unknown: Sequence[str] = ()) -> bool:
        """With some statements unknown. Raises engine.ExchangeRefused."""
        key = json.dumps([sent, unknown])
        if key not in self._known:
            exchange = read(self._bundle, sent)
            self._known[key] = self._pdp.outcome(unknowing(exchange, unknown) if unknown else exchange, AS_OF).permits
        return self._known[key]


def faults(
    maker: Maker,
    bundle: engine.Bundle,
    pdp: engine.PDP,
    permitted: Permitted,
    sent: dict[str, Any],
    others: list[dict[str, Any]],
) -> Iterator[str]:
    """Each way in which what a permit rests on is too little."""
    exchange = read(bundle, sent)
    judgement = pdp.judge(exchange, as_of=AS_OF)
    named, exact = (
        {each.fact: each.without for each in pdp.rests_on(judgement, exact=exact) if each.source != "accepted"}
        for exact in (False, True)
    )
    every = statements(exchange)
    # What the register has is not the sender's to change.
    left = [name for name in every if name not in named and not name.endswith(IN_REGISTER)]
    if not set(named) <= set(every):
        yield f"names what was not stated: {set(named) - set(every)}"
    if not pdp.outcome(unknowing(exchange, left), AS_OF).permits:
        yield f"is no permit with {left} unknown"
    for name in every:
        alone = permitted(sent, [name])
        if not alone and name not in exact:
            yield f"`{name}` matters and is not in the exact list"
        if name in exact and exact[name] not in PERMITTING and alone:
            yield f"`{name}` does not matter and the exact list says it does"
        if name in exact and name not in named:
            yield f"`{name}` is in the exact list only"
    for name in left:
        for told in ("unknown", None, maker.random.choice(others)):
            changed = _with(sent, name, told)
            try:
                if changed is not None and not permitted(changed):
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


def test_what_a_permit_does_not_name_does_not_matter() -> None:
    """
    Unknown, left out or otherwise, alone or all at once; and the list contains the exact one. Lanes find it in every mode; here each
    bundle has one mode, and of every third the reference decides again what does not matter.
    """
    tried = 0
    for seed in range(BUNDLES):
        maker, bundle, found = permits(seed, EXCHANGES)
        permitted, pdp = Permitted(bundle, "bitset" if seed % 3 else "reference"), engine.PDP(bundle, MODES[seed % len(MODES)])
        for sent in found:
            tried += 1
            assert not list(faults(maker, bundle, pdp, permitted, sent, found)), (seed, pdp.mode, sent)
    assert tried > LEAST, tried


def test_the_way_that_is_named_may_be_the_worse_one() -> None:
    """A bundle in which a fact mattered only beside the way relied on, found by a long run."""
    maker, bundle, found = permits(234_494_561, 200)
    pdp = engine.PDP(bundle, "bitset")
    assert len(found) > 10
    permitted = Permitted(bundle)
    assert not [fault for sent in found for fault in faults(maker, bundle, pdp, permitted, sent, found)]


def test_what_must_be_shown_counts_exactly_where_it_is_shown() -> None:
    """In every mode: shown, the exchange is judged as without the demand; merely stated, as if its documents and claims were left out."""
    tried = 0
    for seed in range(BUNDLES):
        _, bundle, found = permits(seed, EXCHANGES)
        kinds = [f"{group}.{kind}" for group, known in bundle.vocabulary.kinds.items() for kind in known]
        wanted = json.dumps({"organisation": "demands", "title": "Demands", "must_be_shown": kinds}).encode()
        wanting = engine.load_sources({**bundle.sources, "demands.yaml": wanted}, bundle.settings)
        for mode in MODES if found else ():
            demanding, other = engine.PDP(wanting, mode), engine.PDP(bundle, mode)
            for sent in found[:8]:
                exchange = read(bundle, sent)
                shown = demanding.judge(exchange.as_shown(dict.fromkeys(kinds, AS_OF)), as_of=AS_OF)
                left = {
                    name: value
                    for name, value in exchange.values.items()
                    if not (isinstance(value, Document) and value.state == "shown")
                }
                bare = replace(exchange, values=left)
                stated = demanding.judge(exchange, as_of=AS_OF)
                for judged, like in ((shown, exchange), (stated, bare)):
                    expected = other.judge(like, as_of=AS_OF)
                    assert (judged.outcome, judged.verdict.stands) == (expected.outcome, expected.verdict.stands), (seed, mode)
                tried += bool(shown.exchange.shown_until)
    assert tried > 20, tried


def test_too_little_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where every lane seems to be permitted, the statements that matter are missed, and this is found."""
    monkeypatch.setattr(WithoutStatements, "worst", lambda _, lost, __: WorstLevels.among([FREE for _ in lost]))
    missed = {"is no permit with", "matters and is not in the exact list", "is not named, and"}
    for seed in range(2 * BUNDLES):
        maker, bundle, told = permits(seed, EXCHANGES)
        pdp, permitted = engine.PDP(bundle, "bitset"), Permitted(bundle)
        for fault in (fault for sent in told for fault in faults(maker, bundle, pdp, permitted, sent, told)):
            missed = {said for said in missed if said not in fault}
        if not missed:
            return
    pytest.fail(f"nothing {missed}")


@pytest.mark.fuzz(weight=20)
def test_what_a_permit_does_not_name_does_not_matter_for_long() -> None:
    """Many bundles, each permit by itself."""
    left, seed = int(os.environ.get("FUZZ_PERMITS", "20000")), chance.seed(1_000_000)
    print(f"at most {left:,} permits, from the seed {seed}", flush=True)
    ends = chance.ending()
    while left > 0 and time.monotonic() < ends:
        maker, bundle, found = permits(seed, 100)
        pdp, permitted = engine.PDP(bundle, "bitset"), Permitted(bundle)
        for sent in found:
            left -= 1
            assert not list(faults(maker, bundle, pdp, permitted, sent, found)), (seed, sent)
            if left % 1000 == 0:
                print(f"{left:,} left", flush=True)
        chance.tried(len(found), LEAST, wanted=len(found) + (left > 0) if time.monotonic() >= ends else 0)
        seed += 1
