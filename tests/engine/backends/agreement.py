"""
Random agreement: every engine on random bundles, exchanges and sign-offs, in child processes.

A block of bundles goes to a child, what was found comes back as sentences. Children are replaced after a few blocks, because
durable-rules keeps some memory of every ruleset it ever had. A disagreement is shrunk by Hypothesis to the fewest rules and facts
that still show it. By hand, for as long as one likes:

    python -m tests.engine.backends.agreement --bundles 10000 --exchanges 100
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, Phase, find, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample

import engine
from engine.backends.bitset import Bitset
from engine.backends.durable import Durable
from engine.backends.lanes import Lanes
from engine.backends.reference import Reference
from engine.deciding.combine import COVERAGE, Combiner
from engine.deciding.coverage import GAP, REACH
from engine.deciding.disputed_facts import choices, disputed_outcome
from engine.deciding.sign_off_scope import can_be_signed, parts
from engine.values.outcome_levels import RANK, Bounds, Level
from engine.verdict import NONE_SIGNED, Engine, Verdict
from tests.engine.backends.random_bundles import AS_OF, COUNTRIES, Maker, binds, can_be_true, completed, read

BLOCK = 2  # bundles: a child that has begun a block ends it
BLOCKS_PER_CHILD = 50
COMPLETIONS = 1  # of an exchange
ENGINES: tuple[Callable[[Any], Engine], ...] = (Reference, Bitset, Durable, Lanes)


@dataclass(frozen=True)
class Report:
    """What a run found: empty `wrong` is agreement, empty `unsafe` is safety (semantics 4.10)."""

    pairs: int
    completions: int
    wrong: tuple[str, ...]
    unsafe: tuple[str, ...]

    def __add__(self, other: Report) -> Report:
        return Report(
            self.pairs + other.pairs,
            self.completions + other.completions,
            self.wrong + other.wrong,
            self.unsafe + other.unsafe,
        )


NOTHING = Report(0, 0, (), ())


def disagreements(
    bundle: engine.Bundle,
    exchange: dict[str, Any],
    engines: tuple[Engine, ...],
    definitions: bool = True,
    signed: frozenset[str] = NONE_SIGNED,
) -> list[str]:
    """
    What the engines say differently of one exchange, with some provisions signed off; the first of them is the meaning.

    Those definitions are compared of which every decision reads several. Those that nothing rests on are worked out only to be compared,
    which is half the time; `definitions` says whether to.
    """
    read_always = [key for key in bundle.rules.definitions if key.startswith(COVERAGE)]
    told = read(bundle, exchange)
    meaning = engines[0].evaluate(told, AS_OF, signed)
    found = []
    for other in engines[1:]:
        try:
            verdict = other.evaluate(told, AS_OF, signed)
            if (one := meaning.defined.several(read_always)) != (two := verdict.defined.several(read_always)):
                differ = [key for key, this, that in zip(read_always, one, two, strict=True) if this != that]
                found.append(f"{other.name}: a decision reads otherwise {', '.join(differ)}")
            if not meaning.agrees(verdict) or (definitions and dict(meaning.defined) != dict(verdict.defined)):
                found += [f"{other.name}: {text}" for text in meaning.differences(verdict)]
        except Exception as error:  # noqa: BLE001 - an engine that fails disagrees, however it fails
            found.append(f"{other.name} failed: {error!r}")
    return found


def signatures(chance: random.Random, bundle: engine.Bundle) -> frozenset[str]:
    """Half the time none, else some provisions and reaches that a person may sign off where they are certain."""
    names = sorted({rule.provision.id for rule in bundle.rules.rules if can_be_signed(rule)})
    silent = [f"{country}/{subject}" for country in COUNTRIES for subject in bundle.vocabulary.subjects]
    names += [f"{kind}{name}" for kind in (GAP, REACH) for name in silent]
    names += sorted({each.signed for floor in bundle.rules.floors for each in floor.spoken if each.signed})
    return frozenset(chance.sample(names, chance.randint(1, len(names)))) if names and chance.random() < 0.5 else NONE_SIGNED


def counting(bundle: engine.Bundle, exchange: engine.Exchange, verdict: Verdict, signed: frozenset[str]) -> frozenset[str]:
    """The signatures on which a verdict rests."""
    approvals = [engine.Approval(name, name, "somebody", AS_OF) for name in sorted(signed)]
    coverage = Combiner(bundle).outcome(exchange, verdict, AS_OF, signed).coverage
    return frozenset(part.provision for part in parts(verdict, coverage, approvals))


def bounds_of(bundle: engine.Bundle, exchange: engine.Exchange, verdict: Verdict, signed: frozenset[str]) -> dict[str, Bounds]:
    """The bounds of each jurisdiction, and overall: with coverage, reach and acceptances in them, and disputed facts open."""
    outcome = Combiner(bundle).outcome(exchange, verdict, AS_OF, signed)
    found = {**verdict.jurisdictions, "overall": outcome.bounds}
    # A signature gives its floor once nothing of its subject matter is left open, so it may already.
    for place in {each.jurisdiction for each in outcome.coverage.signed} & verdict.jurisdictions.keys():
        found[place] = Bounds(found[place].low, max(found[place].high, Level.PERMITTED, key=RANK.__getitem__))
    return found


def evaluated(bundle: engine.Bundle, by: Engine, exchange: engine.Exchange, signed: frozenset[str]) -> Verdict:
    """The verdict with what a person has signed for counting as spoken of, as a decision has it."""
    verdict = by.evaluate(exchange, AS_OF, signed)
    spoken_for = Combiner(bundle).spoken_for(exchange, verdict, AS_OF, signed)
    return by.evaluate(exchange, AS_OF, signed | spoken_for) if spoken_for else verdict


def one_bundle(seed: int, exchanges: int, completions_of: int) -> Report:
    """Every engine on one random bundle; of the first `completions_of` exchanges, completions too."""
    maker = Maker(seed)
    bundle = maker.bundle()
    engines = tuple(make(bundle.rules) for make in ENGINES)
    wrong: list[str] = []
    unsafe: list[str] = []
    completions = 0
    every = [maker.exchange() for _ in range(exchanges)]
    chance = random.Random(seed)

    def compare(sent: dict[str, Any], definitions: bool, signed: frozenset[str]) -> None:
        for text in disagreements(bundle, sent, engines, definitions, signed)[:1]:
            smallest = "" if wrong else shrunk(seed, sent, signed)  # of one bundle one is enough to look at
            wrong.append(f"seed {seed}: {text} on {json.dumps(sent)}, signed {sorted(signed)}\n{smallest}")

    for number, plain in enumerate(every):
        sent = with_register(maker, bundle, plain) if number % 2 else plain
        signed = signatures(chance, bundle)
        compare(sent, number % 5 == 0, signed)
        if number < completions_of:
            told = read(bundle, sent)
            # What engines are told a person has signed for follows from the gaps and reaches that she has.
            given = frozenset(name for name in signed if not name.startswith("covered/"))
            verdict = evaluated(bundle, engines[1], told, given)
            before, counted = bounds_of(bundle, told, verdict, given), counting(bundle, told, verdict, given)
            if counted != given and not evaluated(bundle, engines[1], told, counted).agrees(verdict):
                wrong.append(f"seed {seed}: of {sorted(signed)} not only {sorted(counted)} count on {json.dumps(sent)}")
            permitted = permits(bundle, engines[1], told)
            if permitted and not all(permits(bundle, engines[1], each) for each in (choices(told) if told.disputed else ())):
                unsafe.append(f"seed {seed}: a value of the dispute is not permitted: {json.dumps(sent)}")
            for _ in range(COMPLETIONS):
                completions += 1
                full = completed(maker, sent, every, frozenset((*told.sources, *told.disputed)))
                if signed:
                    compare(full, False, signed)  # more signatures count where more is known
                settled = read(bundle, full)
                after = bounds_of(bundle, settled, evaluated(bundle, engines[1], settled, counted), counted)
                if permitted and not permits(bundle, engines[1], settled):
                    unsafe.append(f"seed {seed}: no longer permitted: {json.dumps(sent)} as {json.dumps(full)}")
                unsafe += [
                    f"seed {seed}: {name} {bounds} became {after[name]}: {json.dumps(sent)} as {json.dumps(full)},"
                    f" signed {sorted(counted)}"
                    for name, bounds in before.items()
                    if after[name].low < bounds.low or after[name].high > bounds.high
                ]
    return Report(exchanges, completions, tuple(wrong), tuple(unsafe))


def permits(bundle: engine.Bundle, by: Engine, exchange: engine.Exchange) -> bool:
    """Whether an exchange is permitted over all jurisdictions, with what the register says (semantics 1.8)."""
    combiner = Combiner(bundle)
    outcome = combiner.outcome(exchange, by.evaluate(exchange, AS_OF), AS_OF)
    if exchange.disputed:
        chosen = [combiner.outcome(each, by.evaluate(each, AS_OF), AS_OF) for each in choices(exchange)]
        outcome = disputed_outcome(outcome, chosen)
    return outcome.permits


def with_register(maker: Maker, bundle: engine.Bundle, exchange: dict[str, Any]) -> dict[str, Any]:
    """
    An exchange with what the register says: without people, where the counters that were sent contradict these.

    Where it then cannot be true, it is left as it was sent.
    """
    told = maker.registered(exchange)
    try:
        read(bundle, told)
    except engine.ExchangeRefused as refused:
        if "counter-below" in {problem.code for problem in refused.problems}:
            for entity in told["register"].values():
                entity.get("states", {}).get("data", {}).pop("people", None)
    return told if can_be_true(bundle, told) else exchange


def block(first: int, bundles: int, exchanges: int, completions_of: int) -> Report:
    """The bundles of some seeds; stops at the first bundle with a finding."""
    total = NOTHING
    for seed in range(first, first + bundles):
        total += one_bundle(seed, exchanges, completions_of)
        if total.wrong or total.unsafe:
            break
    return total


def run(
    first: int,
    bundles: int,
    exchanges: int,
    completions_of: int,
    say: Callable[[Report], None] = lambda _: None,
    ends: float = math.inf,
) -> Report:
    """
    Blocks of bundles in as many children as there are processors; ends early where something is found.

    After `ends` by the monotonic clock no further block begins.
    """
    total = NOTHING
    context = multiprocessing.get_context("spawn")
    workers = os.cpu_count() or 1
    # New children for every few blocks: a pool that replaces its own can wait for ever (Python 3.11, max_tasks_per_child).
    wave = BLOCK * BLOCKS_PER_CHILD * workers
    for start in range(first, first + bundles, wave):
        end = min(start + wave, first + bundles)
        with ProcessPoolExecutor(workers, mp_context=context) as children:
            blocks = [
                children.submit(block, seed, min(BLOCK, end - seed), exchanges, completions_of)
                for seed in range(start, end, BLOCK)
            ]
            for done in as_completed(blocks):
                total += done.result()
                say(total)
                if time.monotonic() > ends:
                    children.shutdown(cancel_futures=True)
                    break
        if total.wrong or total.unsafe or time.monotonic() > ends:
            break
    return total


def shrunk(seed: int, exchange: dict[str, Any], signed: frozenset[str] = NONE_SIGNED) -> str:
    """The fewest rules and facts on which the engines still disagree, as YAML and JSON; "" where none are found."""
    maker = Maker(seed)
    documents, chosen = maker.accepted()
    rules = [(name, number) for name, text in documents.items() for number in range(len(text.get("rules", ())))]
    facts = list(_leaves(exchange))

    def fewer(kept: tuple[frozenset[int], frozenset[int]]) -> tuple[dict[str, Any], dict[str, Any]]:
        policies = _with_rules(documents, {rules[number] for number in kept[0]})
        return policies, _with_facts(exchange, {facts[number] for number in kept[1]})

    loaded: dict[frozenset[int], tuple[engine.Bundle, tuple[Engine, ...]] | None] = {}

    def disagree(kept: tuple[frozenset[int], frozenset[int]]) -> bool:
        policies, told = fewer(kept)
        if kept[0] not in loaded:
            loaded.clear()
            try:
                bundle = engine.load_sources(Maker.written(policies), chosen)
                loaded[kept[0]] = (bundle, tuple(make(bundle.rules) for make in ENGINES))
            except engine.BundleRefused:
                loaded[kept[0]] = None  # a definition or an effect hung on what is left out
        found = loaded[kept[0]]
        try:
            return found is not None and bool(disagreements(found[0], told, found[1], signed=signed))
        except engine.ExchangeRefused:
            return False

    def subset(number: int) -> st.SearchStrategy[frozenset[int]]:
        # The whole comes first, and Hypothesis makes it smaller.
        left_out = st.sets(st.integers(0, max(0, number - 1)), max_size=number)
        return left_out.map(lambda out: frozenset(range(number)) - out) if number else st.just(frozenset())

    try:
        whole = (frozenset(range(len(rules))), frozenset(range(len(facts))))
        smallest = _descend(whole, disagree)
        smallest = (
            find(
                st.tuples(subset(len(smallest[0])), subset(len(smallest[1]))).map(
                    lambda kept: (
                        frozenset(sorted(smallest[0])[n] for n in kept[0]),
                        frozenset(sorted(smallest[1])[n] for n in kept[1]),
                    )
                ),
                disagree,
                settings=settings(
                    max_examples=100,
                    deadline=None,
                    phases=(Phase.generate, Phase.shrink),
                    suppress_health_check=list(HealthCheck),
                ),
            )
            if len(smallest[0]) + len(smallest[1]) < 12
            else smallest
        )
    except NoSuchExample:
        pass
    policies, told = fewer(smallest)
    written = b"\n".join(text for name, text in Maker.written(policies).items() if name != "vocabulary.yaml").decode()
    return f"{written}\n{json.dumps(told)}"


def _descend(
    kept: tuple[frozenset[int], frozenset[int]], disagree: Callable[[tuple[frozenset[int], frozenset[int]]], bool]
) -> tuple[frozenset[int], frozenset[int]]:
    """Leave out one after another what is not needed."""
    for number in sorted(kept[1]):
        less = (kept[0], kept[1] - {number})
        kept = less if disagree(less) else kept
    for number in sorted(kept[0]):
        less = (kept[0] - {number}, kept[1])
        kept = less if disagree(less) else kept
    return kept


def _leaves(exchange: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, value in exchange.items():
        if isinstance(value, dict) and not {"at_least", "at_most"} & set(value):
            yield from _leaves(value, (*path, key))
        else:
            yield (*path, key)


def _with_facts(exchange: dict[str, Any], kept: set[tuple[str, ...]], path: tuple[str, ...] = ()) -> dict[str, Any]:
    less = {}
    for key, value in exchange.items():
        here = (*path, key)
        if isinstance(value, dict) and not {"at_least", "at_most"} & set(value):
            inner = _with_facts(value, kept, here)
            if inner:
                less[key] = inner
        elif here in kept:
            less[key] = value
    return less


def _with_rules(documents: dict[str, Any], kept: set[tuple[str, int]]) -> dict[str, Any]:
    less = {}
    for name, text in documents.items():
        if "rules" in text:
            ids = {rule["id"] for number, rule in enumerate(text["rules"]) if (name, number) not in kept}
            rules = [_without(rule, ids) for number, rule in enumerate(text["rules"]) if (name, number) in kept]
            if not rules:
                continue
            text = {**text, "rules": rules}
        less[name] = text
    speaking = {text["policy"] for text in less.values() if "policy" in text and binds(text)}
    less["vocabulary.yaml"] = _speaking(less["vocabulary.yaml"], speaking)
    off = less.get("acme.yaml")
    if off and not {entry["policy"] for entry in off["switched_off"]} <= {text.get("policy") for text in less.values()}:
        del less["acme.yaml"]
    return less


def _speaking(vocabulary: dict[str, Any], policies: set[str]) -> dict[str, Any]:
    """A vocabulary whose coverage names only some policies; what nobody speaks of is not covered."""
    places = {}
    for place, text in vocabulary["jurisdictions"].items():
        covers = {
            subject: {**cover, "by": [p for p in cover["by"] if p in policies]} if "by" in cover else cover
            for subject, cover in text.get("covers", {}).items()
        }
        covers = {subject: cover for subject, cover in covers.items() if cover.get("by", True)}
        gone = text.get("covers", {}).keys() - covers.keys()
        covers = {subject: cover for subject, cover in covers.items() if gone.isdisjoint(_wider(cover))}
        places[place] = {**text, "covers": covers} if "covers" in text else text
    return {**vocabulary, "jurisdictions": places}


def _wider(cover: dict[str, Any]) -> set[str]:
    """The subject matters under which a cell stands."""
    return {cover[key] if key == "under" else cover[key]["subject"] for key in ("under", "also") if key in cover}


def _without(rule: dict[str, Any], ids: set[str]) -> dict[str, Any]:
    """A rule that no longer exempts these."""
    exempts = [victim for victim in rule.get("exempts", ()) if victim not in ids]
    return {key: value for key, value in rule.items() if key != "exempts"} | ({"exempts": exempts} if exempts else {})


def main() -> int:
    """The command line; ends with 1 where something was found."""
    parser = argparse.ArgumentParser(description="random agreement of the engines, and safety")
    parser.add_argument("--first", type=int, default=1_000_000, help="the first seed")
    parser.add_argument("--bundles", type=int, default=1_000)
    parser.add_argument("--exchanges", type=int, default=100, help="of each bundle")
    parser.add_argument("--completed", type=int, default=25, help="exchanges of each bundle that are completed, too")
    parser.add_argument("--nice", type=int, default=0, help="how far to stand back behind other work on the machine")
    asked = parser.parse_args()
    os.nice(asked.nice)
    began = time.monotonic()

    def say(report: Report) -> None:
        rate = report.pairs / (time.monotonic() - began)
        print(f"\r{report.pairs:,} pairs, {report.completions:,} completions, {rate:,.0f} pairs/s", end="", file=sys.stderr)

    report = run(asked.first, asked.bundles, asked.exchanges, asked.completed, say)
    print(file=sys.stderr)
    for text in (*report.wrong, *report.unsafe):
        print(text)
    seconds = time.monotonic() - began
    print(
        f"{report.pairs:,} pairs, {len(report.wrong)} wrong; {report.completions:,} completions, {len(report.unsafe)} unsafe;"
    )
    print(f"{seconds:,.0f} s")
    return int(bool(report.wrong or report.unsafe))


if __name__ == "__main__":
    sys.exit(main())
