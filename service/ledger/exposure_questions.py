"""
The changes of which is asked what they would touch: an entry of the register, a provision, other policies.

A question goes over the record of a commitment, and says how the change touches it. It looks at what the record holds; only other
policies are asked to decide the exchange.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

import sqlalchemy as sa

import engine
from service.ledger.counter_marks import bare, sources
from service.ledger.running_commitments import RunningCommitment
from service.log.canonical_json import canonical
from service.log.leaf import erased
from service.log.record import exchange_of, shown_until
from service.policies import kept_bundles
from service.policies.live import Live
from service.register.recorded_entities import named_in
from service.reviews import sign_off, standing_sign_off

REFUSED, FAILED = (
    "refused",
    "failed",
)  # in the place of an outcome: the policies cannot read the exchange, or no engine could decide it

# What is counted beside the commitments that are touched.
ALREADY = "not-permitted-already"  # the present policies do not permit it on the day either
OTHER_GROUNDS = "same-outcome-on-other-provisions"
NOT_KEPT = "possible-provisions-unknown"  # the policies that decided are not kept, so that what only may stand has no name


@dataclass(frozen=True, slots=True)
class Touch:
    """How a commitment is touched, in words; by other policies also its outcome by the present ones and by the others."""

    how: tuple[str, ...]
    old: str = ""
    new: str = ""


class Erased(Exception):
    """Nobody can say whether the commitment is touched: a value that would show it was erased."""


class ExposureQuestion(Protocol):
    """A change, of which is asked what it would touch."""

    def prepare(self, connection: sa.Connection) -> None:
        """Load what every process needs, before processes are forked."""

    def look(
        self, connection: sa.Connection, commitment: RunningCommitment, record: Mapping[str, Any], noted: Counter[str]
    ) -> Touch | None:
        """How the change touches a commitment; None where it does not. Raises Erased."""

    def recounted(self, commitment: RunningCommitment) -> Iterator[str]:
        """The counters to which the commitment adds, and which would mean something else."""


@dataclass(frozen=True, slots=True)
class OnEntity:
    """What would a change of an entry of the register touch?"""

    kind: str
    id: str

    def prepare(self, connection: sa.Connection) -> None:
        """Nothing is needed."""

    def look(
        self, connection: sa.Connection, commitment: RunningCommitment, record: Mapping[str, Any], noted: Counter[str]
    ) -> Touch | None:
        named = [each for each in named_in(record) if each.kind == self.kind]
        how = tuple(
            f"{each.role}, by its id alone" if each.version is None else f"{each.role}, version {each.version}"
            for each in named
            if each.id == self.id
        )
        if not how and any(each.id is None for each in named):
            raise Erased
        return Touch(how) if how else None

    def recounted(self, commitment: RunningCommitment) -> Iterator[str]:
        return iter(())


@dataclass(eq=False)
class OnProvision:
    """What would a change of a provision touch? `known` are the provisions of the policies that are active."""

    id: str
    known: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self._rules: dict[str, int | None] = {}  # by the policies' digests, the provision's rules as a set of numbers

    def prepare(self, connection: sa.Connection) -> None:
        """The provisions of the active policies."""
        try:
            active = kept_bundles.active_bundle(connection)
        except kept_bundles.NotKept:
            return
        bundle = self._loaded(connection, active.source, active.meaning)
        self.known = frozenset(rule.provision.id for rule in bundle.rules.rules) if bundle else frozenset()

    def look(
        self, connection: sa.Connection, commitment: RunningCommitment, record: Mapping[str, Any], noted: Counter[str]
    ) -> Touch | None:
        verdict = record["verdict"]
        ways = {
            "signed off": (part["provision"] for part in record.get("signed_off", ())),
            "came with the data": (part["provision"] for part in record["request"].get("carried", ())),
            "stands": (key.partition("~")[0] for key in verdict["stands"]),
            "advises": (key.partition("~")[0] for key in verdict["advises"]),
        }
        how = [way for way, provisions in ways.items() if self.id in provisions]
        if int(verdict["possible"], 16):
            numbers = self._numbers(connection, record["bundle"])
            if numbers is None:
                noted[NOT_KEPT] += 1
            elif int(verdict["possible"], 16) & numbers:
                how.append("may stand")
        return Touch(tuple(sorted(how))) if how else None

    def recounted(self, commitment: RunningCommitment) -> Iterator[str]:
        return iter(())

    def _numbers(self, connection: sa.Connection, digests: Mapping[str, str]) -> int | None:
        """The provision's rules under the policies of a record; None where they are not kept."""
        key = digests["source"] + digests["meaning"]
        if key not in self._rules:
            self._loaded(connection, digests["source"], digests["meaning"])
        return self._rules[key]

    def _loaded(self, connection: sa.Connection, source: str, meaning: str) -> engine.Bundle | None:
        try:
            bundle = kept_bundles.load_kept(connection, source, meaning)
        except kept_bundles.NotKept:
            self._rules[source + meaning] = None
            return None
        mine = (number for number, rule in enumerate(bundle.rules.rules) if rule.provision.id == self.id)
        self._rules[source + meaning] = sum(1 << number for number in mine)
        return bundle


@dataclass(frozen=True, eq=False)
class UnderPolicies:
    """
    What would come out otherwise under other policies, on a day?

    Each exchange is decided by the present policies and by the others, both on that day and with the counts and the register entries of
    its record, and with the approvals that stand. So only the policies differ.
    """

    present: Live
    other: Live
    day: date

    def prepare(self, connection: sa.Connection) -> None:
        """Both are loaded already."""

    def look(
        self, connection: sa.Connection, commitment: RunningCommitment, record: Mapping[str, Any], noted: Counter[str]
    ) -> Touch | None:
        if erased(commitment.stored.entry.openings):
            raise Erased
        was, now = (self._judged(connection, live, record) for live in (self.present, self.other))
        if not isinstance(was, engine.Judgement) and was == now:
            raise ValueError(was)
        old, new = (each.outcome.word if isinstance(each, engine.Judgement) else each for each in (was, now))
        if not (isinstance(was, engine.Judgement) and was.outcome.permits):
            noted[ALREADY] += 1
        how = tuple(_causes(was, now)) if isinstance(was, engine.Judgement) and isinstance(now, engine.Judgement) else ()
        if old == new and _bounds(was) == _bounds(now):
            noted.update([OTHER_GROUNDS] if how else [])
            return None
        return Touch(how, old, new)

    def recounted(self, commitment: RunningCommitment) -> Iterator[str]:
        meanings = {each.name: each.meaning for each in self.other.counting.counters}
        yield from dict.fromkeys(each.counter for each in commitment.moved if meanings.get(each.counter) != each.meaning)

    def _judged(self, connection: sa.Connection, live: Live, record: Mapping[str, Any]) -> engine.Judgement | str:
        """The judgement on the exchange of a record, or why there is none."""
        exchange = _read(live, record)
        if exchange is None:
            return REFUSED
        try:
            judgement = live.pdp.judge(exchange, as_of=self.day)
            open_ = judgement.signable and judgement.outcome.word in sign_off.OPEN
            if open_ and (signed := standing_sign_off.approvals_of(connection, live, exchange, self.day)):
                judgement = live.pdp.judge(exchange, as_of=self.day, signed=signed)
        except engine.EnginesFailed:
            return FAILED
        return judgement


def _read(live: Live, record: Mapping[str, Any]) -> engine.Exchange | None:
    """The exchange of a record, with the counts that it was decided with; None where the policies cannot read it."""
    request, marks = exchange_of(record), record.get("counted", {})
    # The policies may have lost a counter. Without the counts they may still read the exchange.
    for document, known in ((request, marks), (bare(request, {fact: {} for fact in marks}), {})):
        try:
            exchange = engine.parse_exchange(live.bundle, canonical(dict(document))).as_shown(shown_until(record))
            return engine.counted(live.bundle, exchange, **sources(known))
        except engine.ExchangeRefused:
            continue
    return None


def _bounds(judged: engine.Judgement | str) -> object:
    return judged.outcome.bounds if isinstance(judged, engine.Judgement) else None


def _causes(was: engine.Judgement, now: engine.Judgement) -> Iterator[str]:
    """What differs between two judgements on an exchange: standing provisions and requirements; else the law whose outcome differs."""
    told = False
    before, after = dict.fromkeys(was.provisions), dict.fromkeys(now.provisions)
    for provision in sorted({*before, *after}):
        if (provision in before) != (provision in after):
            told = True
            yield f"{provision} {'stands' if provision in after else 'no longer stands'}"
    asked, asking = was.requirements, now.requirements
    for name in sorted({*asked, *asking}):
        if asked.get(name) != asking.get(name):
            told = True
            yield f"{name}: {asked.get(name, 'not asked for')} → {asking.get(name, 'not asked for')}"
    places, there = was.outcome.jurisdictions, now.outcome.jurisdictions
    for place in sorted({*places, *there}) if not told else ():
        if places.get(place) != there.get(place):
            yield f"another outcome under {place}"
