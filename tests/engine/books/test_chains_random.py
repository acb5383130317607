"""
Random chains of grants, withdrawals, ends and amendments against a plain model that looks at one right, purpose, place and day at a time.

The model follows each line back to an opening, by every path. It knows nothing of scopes or pages. `make fuzz` tries many more.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import product
from typing import NamedTuple

import pytest

from engine.books.chains import Reckoner
from engine.books.filling import BookReader
from engine.books.grants import PERPETUAL, BookFacts, Grant
from engine.values import Disputed, Document, Duration, Missing, SetOf, Value, ValueSet
from engine.values.multilingual import NO_WORDS
from tests import chance

CHAINS = 200
FIRST = date(2026, 1, 1)
DAYS = 40
PARTIES = ("A", "B", "C", "D", "E")
RIGHTS = ("use", "operate")
PURPOSES = ("research", "industry", "climate")
PLACES = ("KE", "CN", "DE")
ANYWHERE = "worldwide"
ELSEWHERE = "elsewhere"  # a place that no limit names
NO, MAYBE, YES = 0, 1, 2

BOOK = BookFacts(
    "rights", NO_WORDS, "asset", "conveyed", "by", "to", "purposes", "territory", "term", "exclusive", "onward",
    "held", "beyond", "bound", "encumbered", "older", "evidence.proof", "evidence.consent",
)  # fmt: skip
READER = BookReader(
    BOOK,
    Reckoner(
        ValueSet("purpose", dict.fromkeys(PURPOSES, ())),
        ValueSet("territory", dict.fromkeys((*PLACES, ANYWHERE, ELSEWHERE), ()), everything=ANYWHERE),
    ),
)


class Path(NamedTuple):
    """One way in which a line has a right: whether it is proven, until when, and which exclusive grants came before it."""

    proven: bool
    until: date
    bound: frozenset[str]


@dataclass(frozen=True)
class Model:
    """The lines of an asset, looked at on one day."""

    grants: tuple[Grant, ...]
    day: date

    def standing(self) -> list[Grant]:
        return [
            g for g in self.grants if g.first <= self.day <= (g.last or PERPETUAL) and (g.ended is None or self.day < g.ended)
        ]

    def covers(self, line: Grant, purpose: str, place: str) -> bool:
        assert line.purposes is not None
        assert line.territory is not None
        return purpose in line.purposes and (place in line.territory or ANYWHERE in line.territory)

    def behind(self, line: Grant) -> list[Grant]:
        """The lines that the granter of a line had when it made it."""
        return [
            g
            for g in self.standing()
            if g.holder == line.granter
            and g.right == line.right
            and g.first <= line.first
            and (g.opened or g.order < line.order)
        ]

    def before(self, line: Grant) -> frozenset[str]:
        """The exclusive grants to others that the granter had made when it made a line."""
        return frozenset(
            g.id
            for g in self.standing()
            if not g.opened
            and g.granter == line.granter
            and g.exclusive is not False
            and g.order < line.order
            and g.holder != line.holder
        )

    def paths(self, line: Grant, purpose: str, place: str) -> list[Path]:
        if not self.covers(line, purpose, place):
            return []
        last = line.last
        assert last is not None
        if line.opened:
            return [Path(True, last, frozenset())]
        found = self.proven(line, purpose, place)
        assert line.purposes is not None
        assert line.territory is not None
        every = product(line.purposes, [ELSEWHERE if each == ANYWHERE else each for each in line.territory])
        whole = all(any(path.until >= last for path in self.proven(line, *at)) for at in every)
        return found if whole else [*found, Path(False, last, self.tainted(line))]

    def proven(self, line: Grant, purpose: str, place: str) -> list[Path]:
        last = line.last
        assert last is not None
        return [
            Path(True, min(path.until, last), path.bound | self.before(line))
            for parent in self.behind(line)
            if parent.onward is not False
            for path in self.paths(parent, purpose, place)
            if path.proven and parent.onward
        ]

    def tainted(self, line: Grant) -> frozenset[str]:
        """Every exclusive grant that a line may come after."""
        return self.before(line).union(*(self.tainted(each) for each in self.behind(line) if not each.opened))

    def lines(self, party: str, right: str) -> list[Grant]:
        return [g for g in self.standing() if g.holder == party and g.right == right]

    def proves(self, line: Grant) -> bool:
        """Whether a line gives anything that is proven."""
        return any(path.proven for at in product(PURPOSES, (*PLACES, ELSEWHERE)) for path in self.paths(line, *at))

    def holds(self, party: str, right: str, purpose: str, place: str) -> int:
        paths = [path for line in self.lines(party, right) for path in self.paths(line, purpose, place)]
        return max((YES if path.proven else MAYBE for path in paths), default=NO)

    def beyond(self, party: str, asked: Asked, free_of: frozenset[str] | None = None) -> Iterator[tuple[str, int]]:
        """Each limit with how it reads: NO where the exchange goes beyond. With `free_of`, only by paths that nothing binds."""
        for right in asked.rights:
            lines = [line for line in self.lines(party, right) if free_of is None or self.unbound(line)]
            if not lines:
                yield "right", NO
                continue
            for purpose, place in product(asked.purposes, asked.territory):
                ways = [
                    (line, path)
                    for line in lines
                    for path in self.paths(line, purpose, place)
                    if free_of is None or not path.bound
                ]
                if ways:
                    yield "right", best(ways)
                    yield from self.passed(ways, asked)
                    continue
                some_place = any(self.reaches(line, purpose, None, free_of) for line in lines)
                some_purpose = any(self.reaches(line, None, place, free_of) for line in lines)
                if not some_place or some_purpose:
                    yield "purpose", NO
                if not some_purpose or some_place:
                    yield "territory", NO
                every = [
                    (at, line, path)
                    for at in product(PURPOSES, (*PLACES, ELSEWHERE))
                    for line in lines
                    for path in self.paths(line, *at)
                    if free_of is None or not path.bound
                ]
                near = [(line, path) for at, line, path in every if at[0] == purpose or at[1] == place]
                yield from self.passed(near or [(line, path) for _, line, path in every], asked)

    def passed(self, ways: list[tuple[Grant, Path]], asked: Asked) -> Iterator[tuple[str, int]]:
        """Whether some ways may be passed on and last long enough; where no way does both, the exchange goes beyond both."""
        onward = [(line, path) for line, path in ways if line.onward]
        long = [(line, path) for line, path in ways if path.until >= asked.until]
        both = [each for each in onward if each in long]
        apart = bool(onward and long) and not both
        yield "onward", NO if apart else best(onward)
        yield "term", best(both if onward and long else long)

    def unbound(self, line: Grant) -> bool:
        return any(
            not path.bound
            for purpose in PURPOSES
            for place in (*PLACES, ELSEWHERE)
            for path in self.paths(line, purpose, place)
        )

    def reaches(self, line: Grant, purpose: str | None, place: str | None, free_of: frozenset[str] | None) -> bool:
        return any(
            path
            for at in product((purpose,) if purpose else PURPOSES, (place,) if place else (*PLACES, ELSEWHERE))
            for path in self.paths(line, *at)
            if free_of is None or not path.bound
        )

    def meets(self, grant: Grant, asked: Asked) -> bool:
        assert grant.purposes is not None
        assert grant.territory is not None
        anywhere = ANYWHERE in grant.territory
        return bool(grant.purposes & asked.purposes) and (anywhere or bool(grant.territory & asked.territory))

    def bound(self, party: str, recipient: str, asked: Asked) -> int:
        mine = [
            path
            for right in RIGHTS
            for line in self.lines(party, right)
            for purpose, place in product(PURPOSES, (*PLACES, ELSEWHERE))
            for path in self.paths(line, purpose, place)
        ]
        binding = frozenset[str]().union(*(path.bound for path in mine))
        free = any(not path.bound for path in mine)
        found = NO
        for grant in self.standing():
            if grant.opened or grant.exclusive is False or grant.holder in (party, recipient) or not self.meets(grant, asked):
                continue
            if grant.granter == party:
                found = YES
            elif grant.id in binding:
                truth = YES
                if free:
                    # Whoever conveys nothing supplies by any right that it has.
                    mays = [asked] if asked.rights else [asked._replace(rights=frozenset((each,))) for each in RIGHTS]
                    truth = min(truth, *(max(2 - reads for _, reads in self.beyond(party, may, binding)) for may in mays))
                found = max(found, truth)
        return found

    def encumbered(self, party: str, recipient: str, asked: Asked) -> bool:
        return bool(asked.rights) and any(
            grant.granter == party and not grant.opened and grant.holder not in (party, recipient) and self.meets(grant, asked)
            for grant in self.standing()
        )


def best(ways: list[tuple[Grant, Path]]) -> int:
    """Whether there is a way, for certain."""
    return max((YES if path.proven else MAYBE for _, path in ways), default=NO)


class Asked(NamedTuple):
    """What an exchange conveys."""

    rights: frozenset[str]
    purposes: frozenset[str]
    territory: frozenset[str]
    months: int
    until: date


class Chains:
    """Makes random lines of one asset, as commitments, withdrawals, ends and amendments leave them."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def some(self, words: tuple[str, ...]) -> frozenset[str]:
        return frozenset(self.random.sample(words, self.random.randint(1, len(words))))

    def places(self) -> frozenset[str]:
        return frozenset((ANYWHERE,)) if self.random.random() < 0.4 else self.some(PLACES)

    def make(self) -> tuple[Grant, ...]:
        random = self.random
        found: list[Grant] = []
        for number in range(random.randint(0, 2)):
            party = random.choice(PARTIES[:2])
            purposes, places, first = self.some(PURPOSES), self.places(), FIRST + timedelta(random.randint(-5, 10))
            until = random.choice((PERPETUAL, first + timedelta(random.randint(5, 2 * DAYS))))
            for right in sorted(self.some(RIGHTS)):
                onward = random.random() < 0.9
                found.append(
                    Grant(f"o{number}", right, None, party, purposes, places, first, until, None, onward, 0, opened=True)
                )
        day = FIRST
        for order in range(1, random.randint(2, 9)):
            day += timedelta(random.randint(0, 4))
            live = sorted({each.id for each in found if not each.opened and each.ended is None})
            event = random.random()
            if live and event < 0.15:
                found = self.over(found, random.choice(live), date.min)
                continue
            if live and event < 0.3:
                found = self.over(found, random.choice(live), day + timedelta(random.randint(0, 10)))
                continue
            granter, holder = random.sample(PARTIES, 2)
            if live and event < 0.4:  # an amendment: the old one never was, and the new one is between the same parties
                old = random.choice(live)
                granter, holder = next((each.granter, each.holder) for each in found if each.id == old)  # type: ignore[assignment]
                found = self.over(found, old, date.min)
            found += self.granted(f"c{order}", granter, holder, day, order)
        return tuple(found)

    def over(self, found: list[Grant], id: str, day: date) -> list[Grant]:
        return [replace(each, ended=day) if each.id == id else each for each in found]

    def granted(self, id: str, granter: str, holder: str, day: date, order: int) -> list[Grant]:
        random = self.random
        purposes, places = self.some(PURPOSES), self.places()
        until = random.choice((PERPETUAL, day + timedelta(random.randint(1, 2 * DAYS))))
        exclusive, onward = random.random() < 0.25, random.random() < 0.8
        return [
            Grant(id, right, granter, holder, purposes, places, day, until, exclusive, onward, order)
            for right in sorted(self.some(RIGHTS))
        ]

    def asked(self, day: date) -> Asked:
        months = self.random.choice((1, 2, 6))
        until = Duration(months=months).after(day) - timedelta(1)
        places = self.some((*PLACES, ELSEWHERE))
        rights = self.some(RIGHTS) if self.random.random() < 0.9 else frozenset[str]()
        return Asked(rights, self.some(PURPOSES), places, months, until)


def differences(seed: int) -> Iterator[str]:
    """Everything in which the engine and the model differ over one random chain."""
    chains = Chains(seed)
    grants = chains.make()
    random = chains.random
    for _ in range(4):
        day = FIRST + timedelta(random.randint(0, DAYS))
        model = Model(grants, day)
        held = READER.reckoner.held(grants, day)
        for party, right, purpose, place in product(PARTIES, RIGHTS, PURPOSES, (*PLACES, ELSEWHERE)):
            scopes = [scope for line, found in held.get(party, ()) for scope in found if line.right == right]
            reach = READER.reckoner
            covering = [
                scope
                for scope in scopes
                if reach.purposes.covers(scope.purposes, purpose) == YES
                and reach.territory.covers(scope.territory, place) == YES
            ]
            truth = max((YES if scope.sure else MAYBE for scope in covering), default=NO)
            if truth != model.holds(party, right, purpose, place):
                yield f"seed {seed}, {day}: {party} {right} {purpose} {place}: {truth}"
        exporter, recipient = random.sample(PARTIES, 2)
        asked, complete = chains.asked(day), random.random() < 0.5
        exclusive = random.random() < 0.5
        page = READER.reckoner.page(grants, exporter, recipient, day, complete)
        values: dict[str, Value] = {
            "conveyed": SetOf(asked.rights),
            "purposes": SetOf(asked.purposes),
            "territory": SetOf(asked.territory),
            "term": Duration(months=asked.months),
            "exclusive": exclusive,
            "onward": True,
            "held": SetOf(frozenset(RIGHTS)),
            "evidence.proof": Document("none", {}) if random.random() < 0.3 else Missing.LEFT_OUT,
        }
        whole = complete or isinstance(values["evidence.proof"], Document)
        entry = READER.fill(page, values)
        limits = [*model.beyond(exporter, asked)]
        certain = frozenset(limit for limit, truth in limits if truth == NO) if whole else frozenset()
        open_ = any(truth == MAYBE or (truth == NO and not whole) for _, truth in limits)
        expected: dict[str, Value] = {"beyond": SetOf(certain, open_)}
        reads = model.bound(exporter, recipient, asked)
        expected["bound"] = Missing.UNKNOWN if reads == MAYBE else reads == YES
        expected["encumbered"] = exclusive and model.encumbered(exporter, recipient, asked)
        sure = frozenset(right for right in RIGHTS if any(model.proves(line) for line in model.lines(exporter, right)))
        may = frozenset(right for right in RIGHTS if model.lines(exporter, right)) - sure
        if frozenset(RIGHTS) <= sure:
            expected["held"] = SetOf(frozenset(RIGHTS))
        elif not whole or frozenset(RIGHTS) <= sure | may:
            expected["held"] = SetOf(sure, open=True)
        else:
            expected["held"] = Disputed(SetOf(frozenset(RIGHTS)), SetOf(sure))
        for fact, value in expected.items():
            if entry.values[fact] != value:
                yield f"seed {seed}, {day}: {exporter} to {recipient} {asked}: {fact} {entry.values[fact]}, not {value}"


@pytest.mark.random
@pytest.mark.parametrize("part", range(4))
def test_a_random_chain_reads_as_the_plain_model_reads_it(part: int) -> None:
    """Each part has chains of its own."""
    first = chance.seed(part) * CHAINS
    found = [each for number in chance.examples(CHAINS) for each in differences(first + number)]
    assert found == []
