"""
Made-up rules and exchanges to measure engines with, from a seed.

A setting and a number of rules in, a workload out: a bundle, made through YAML like any other, and exchanges, as the JSON peers read
and as our engines read it. 43 facts: countries, yes/no, counts, single values and sets. Each rule tests a few of them so that about
one in 27 stands; some tests are alternatives, some are exceptions. The language is kept to what every peer can say: no exemptions, no
hierarchies, no dates, no ranges.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import yaml

import engine

DAY = date(2026, 11, 24)
SEED = 20261124
POLICIES = 30  # at most; a scoped exchange touches about three of them
JURISDICTIONS = ("ONE", "TWO", "THREE")
COUNTRIES = [a + b for a in "ABCDE" for b in "FGHIJK"]
CATEGORIES = [f"category-{number}" for number in range(12)]
VALUES = {f"kind-{n}": [f"value-{n}-{v}" for v in range(size)] for n, size in enumerate((4, 6, 8, 10))}
CUTS = {10: "10", 100: "100", 1000: "1000", 10**4: "10 thousand", 10**5: "100 thousand", 10**6: "1 million"}
ACTS = ("provide", "access")
EFFECTS = ("prohibit", "review", "review", "require", "require", "oblige", "oblige", "oblige")
REQUIREMENTS = {f"{place}.requirement-{number}": place for place in JURISDICTIONS for number in range(2)}
GROUPS = ("exporter", "recipient", "data", "terms")
AIM = 0.069  # of the share of exchanges in which a rule stands; the last test of a rule overshoots it


@dataclass(frozen=True, slots=True)
class Setting:
    """`missing` is the share of facts that are left out; `scoped` policies apply to one to five countries."""

    name: str
    missing: float = 0.0
    scoped: bool = False


ALL_PRESENT = Setting("all facts present")
SOME_MISSING = Setting("10 % missing", missing=0.1)
SCOPED = Setting("scoped policies", scoped=True)
SETTINGS = (ALL_PRESENT, SOME_MISSING, SCOPED)


@dataclass(frozen=True, slots=True)
class Workload:
    """`documents` are the exchanges as parsed from JSON, `exchanges` the same as our reader gives them."""

    setting: Setting
    size: int
    bundle: engine.Bundle
    documents: tuple[dict[str, Any], ...]
    exchanges: tuple[engine.Exchange, ...]


def written(setting: Setting, size: int, seed: int = SEED) -> dict[str, bytes]:
    """The policies of a workload as YAML files, by name."""
    return _Maker(setting, seed).sources(size)


def workload(setting: Setting, size: int, exchanges: int = 200, seed: int = SEED) -> Workload:
    """
    The same arguments give the same workload on every machine.

    In every setting the rules are the same but for what their policies apply to, and a smaller workload is the beginning of a larger.
    """
    bundle = engine.load_sources(written(setting, size, seed))
    maker = _Maker(setting, seed)
    documents = tuple(maker.document() for _ in range(exchanges))
    read = tuple(engine.parse_exchange(bundle, json.dumps(document).encode()) for document in documents)
    return Workload(setting, size, bundle, documents, read)


# A test of a fact: its YAML, and how often it holds.
_Test = tuple[Any, float]


@dataclass(frozen=True, slots=True)
class _Fact:
    """A fact of the made-up vocabulary: how it is typed, how it is told, how it is tested."""

    type: str
    tell: Callable[[random.Random], Any]
    test: Callable[[random.Random], _Test]


def _choice(type: str, values: list[str]) -> _Fact:
    def test(chance: random.Random) -> _Test:
        some = chance.sample(values, chance.choice((1, 1, 2, 3)))
        share = len(some) / len(values)
        wanted = some[0] if len(some) == 1 else some
        return ({"not": wanted}, 1 - share) if chance.random() < 0.15 else (wanted, share)

    return _Fact(type, lambda chance: chance.choice(values), test)


def _flag() -> _Fact:
    return _Fact("yes/no", lambda chance: chance.random() < 0.5, lambda chance: (chance.choice(("yes", "no")), 0.5))


def _count() -> _Fact:
    def test(chance: random.Random) -> _Test:
        place, cut = chance.choice(list(enumerate(CUTS.values())))
        above = 1 - (place + 1) / (len(CUTS) + 1)
        operator = chance.choice(("at_least", "more_than", "at_most", "less_than"))
        return {operator: cut}, above if operator in ("at_least", "more_than") else 1 - above

    def tell(chance: random.Random) -> int:
        return chance.choice(list(CUTS)) if chance.random() < 0.2 else int(10 ** chance.uniform(0, len(CUTS) + 1))

    return _Fact("count", tell, test)


def _set(type: str, values: list[str]) -> _Fact:
    def test(chance: random.Random) -> _Test:
        some = chance.sample(values, chance.choice((1, 1, 2, 3)))
        share = 1 - (1 - len(some) / len(values)) ** 2
        return {"has": some[0] if len(some) == 1 else some}, share

    return _Fact(f"set of {type}", lambda chance: chance.sample(values, chance.randint(0, 4)), test)


def _facts() -> dict[str, _Fact]:
    kinds = [
        *[_choice("country", COUNTRIES)] * 5,
        *[_flag()] * 14,
        *[_count()] * 9,
        *[_choice(name, values) for name, values in VALUES.items() for _ in range(2)],
        *[_set("category", CATEGORIES)] * 4,
        *[_set("country", COUNTRIES)] * 2,
    ]
    named = {"exporter.country": kinds[0], "recipient.country": kinds[1]}
    return named | {f"{GROUPS[n % len(GROUPS)]}.fact_{n}": kind for n, kind in enumerate(kinds[2:])}


FACTS = _facts()


def _place(number: int) -> str:
    """The jurisdiction of a policy, and of its rules, whose numbers are the policy's and every 30th after it."""
    return JURISDICTIONS[number % len(JURISDICTIONS)]


class _Maker:
    def __init__(self, setting: Setting, seed: int) -> None:
        self.setting = setting
        self.chance = random.Random(f"{seed} rules")
        self.scopes = random.Random(f"{seed} scopes")
        self.told = random.Random(f"{seed} exchanges")

    def sources(self, size: int) -> dict[str, bytes]:
        texts: dict[str, Any] = {"vocabulary.yaml": self.vocabulary()}
        rules = [self.rule(number) for number in range(size)]
        for number in range(min(size, POLICIES)):
            texts[f"policy-{number}.yaml"] = self.policy(number, rules[number::POLICIES])
        return {name: yaml.safe_dump(text, sort_keys=False).encode() for name, text in texts.items()}

    def vocabulary(self) -> dict[str, Any]:
        sets = {"country": COUNTRIES, "category": CATEGORIES, "act": list(ACTS), **VALUES}
        return {
            "vocabulary": "made-up",
            "values": {name: {"title": name, "values": {value: {} for value in values}} for name, values in sets.items()},
            "facts": {name: {"type": fact.type, "title": name} for name, fact in FACTS.items()}
            | {"act.kind": {"type": "act", "title": "act"}},
            "requirements": {
                name: {"title": name, "how": "obtain it", "jurisdiction": place} for name, place in REQUIREMENTS.items()
            },
            "jurisdictions": {name: {"title": name, "countries": []} for name in JURISDICTIONS},
        }

    def policy(self, number: int, rules: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "policy": f"policy-{number}",
            "title": f"policy {number}",
            "jurisdiction": _place(number),
            "instrument": {"issuer": "nobody", "force": "law"},
            "in_force": {"from": "2020-01-01"},
            "applies": self.applies(),
            "rules": rules,
        }

    def applies(self) -> Any:
        """Unscoped policies apply to every act; `act.kind` is never left out."""
        if not self.setting.scoped:
            return {"act.kind": list(ACTS)}
        return {
            self.scopes.choice(("exporter.country", "recipient.country")): self.scopes.sample(
                COUNTRIES, self.scopes.randint(1, 5)
            )
        }

    def rule(self, number: int) -> dict[str, Any]:
        name = f"rule-{number}"
        tests = self.tests()
        text: dict[str, Any] = {
            "id": name,
            "title": name,
            "cite": name,
            "says": "so",
            "source": "made up",
            "status": "confirmed",
        }
        text["when"], share = next(tests)
        text["when"] = [text["when"]]
        aim = AIM * self.chance.uniform(0.5, 1.5)
        while share > aim:
            test, odds = next(tests)
            if self.chance.random() < 0.2:
                other, more = next(tests)
                test, odds = {"any_of": [test, other]}, odds + more - odds * more
            if self.chance.random() < 0.15:
                text.setdefault("unless", []).append(test)
                odds = 1 - odds
            else:
                text["when"].append(test)
            share *= odds
        effect = self.chance.choice(EFFECTS)
        if effect == "require":
            text[effect] = self.chance.choice([each for each, place in REQUIREMENTS.items() if place == _place(number)])
        elif effect == "oblige":
            text[effect] = {"duty": f"duty of {name}", "who": "exporter"}
        else:
            text[effect] = f"{effect} {name}"
        return text

    def tests(self) -> Iterator[_Test]:
        """Tests of facts in random order, none twice."""
        for name in self.chance.sample(sorted(FACTS), len(FACTS)):
            test, odds = FACTS[name].test(self.chance)
            yield {name: test}, odds

    def document(self) -> dict[str, Any]:
        document: dict[str, Any] = {"act": {"kind": self.told.choice(ACTS)}}
        for name, fact in FACTS.items():
            told = fact.tell(self.told)
            if self.told.random() >= self.setting.missing:
                group, _, last = name.partition(".")
                document.setdefault(group, {})[last] = told
        return document
