"""
What would change if one bundle replaced another: two bundles and some exchanges go in, a Difference comes out.

It compares what the two bundles say (`bundle_changes`) and what they decide. Each exchange is decided under both, and kept where its
outcome, bounds, standing rules or requirements differ. An exchange that a bundle cannot read or decide is not permitted under that
bundle.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, get_args

from pydantic import ConfigDict, Field

from engine.authoring.bundle_changes import PolicyChangePart, changes
from engine.authoring.proven_difference import DifferenceProof
from engine.authoring.testing import build
from engine.bundle import Bundle, parse_exchange
from engine.decision import BoundsPart, Decision, DigestsPart, Outcome, Part
from engine.exchange import Exchange
from engine.exchange_input.exchange_problems import ExchangeRefused
from engine.languages import ENGLISH
from engine.pdp import PDP, EnginesFailed
from engine.policy_language.case_text import TestText
from engine.policy_language.diagnostic import Findings
from engine.policy_language.read_document import read_model
from engine.policy_language.tree import locate
from engine.values.outcome_levels import Level

Source = Literal["test", "file"]
Direction = Literal[
    "permits more", "may permit more", "permits less", "may permit less",
    "stricter", "milder", "read now", "no longer read", "same outcome",
]  # fmt: skip
SOURCES: tuple[Source, ...] = get_args(Source)
DIRECTIONS: tuple[Direction, ...] = get_args(Direction)

# The document


class ExchangePart(Part):
    """Which exchange: a test's case, a line of a file."""

    name: str
    at: str
    source: Source
    as_of: date | None = None


class SidePart(Part):
    """
    How an exchange comes out under one bundle.

    `outcome` is "refused" where the bundle's vocabulary cannot read the exchange, and "failed" where no engine could decide it. In
    both cases there are no bounds, and the exchange may not proceed. `problems` name the places that were refused, never a value.
    """

    outcome: Outcome | Literal["refused", "failed"]
    proceed: bool = False
    bounds: BoundsPart | None = None
    problems: tuple[str, ...] = ()

    @property
    def told(self) -> str:
        """In words: `not decided (permitted to prohibited)`."""
        told = ENGLISH.level(self.outcome)
        if self.bounds is None or self.outcome != "undetermined":
            return told
        return f"{told} ({ENGLISH.level(self.bounds.lowest)} to {ENGLISH.level(self.bounds.highest)})"


class CausePart(Part):
    """One difference between the two decisions on an exchange: `kind` and `name` say what differs, `text` says how."""

    kind: Literal["rule", "requirement", "duty", "not modelled", "jurisdiction"]
    name: str
    text: str


class MovePart(Part):
    """An exchange that comes out differently under the new bundle."""

    exchange: ExchangePart
    old: SidePart
    new: SidePart
    direction: Direction
    causes: tuple[CausePart, ...]


class UntriedPart(Part):
    """An exchange that was not decided under both bundles, or on which the engines disagreed, and why."""

    exchange: ExchangePart
    problem: str


class Difference(Part):
    """
    Everything that differs, most important first: moves that permit more lead.

    `tried` counts the exchanges decided under both, by where they come from. It is empty where both bundles have one meaning:
    then no exchange can come out differently, and none is decided. `unread` are exchanges that neither bundle can read. `proof` is what is
    proven of all exchanges, where that was asked.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, title="Difference", json_schema_extra={"$id": "urn:fifthfactor:difference:1"}
    )

    schema_: Literal["fifthfactor/difference/1"] = Field("fifthfactor/difference/1", alias="schema")
    old: DigestsPart
    new: DigestsPart
    mode: str
    tried: dict[Source, int]
    moves: tuple[MovePart, ...]
    changes: tuple[PolicyChangePart, ...]
    unread: tuple[UntriedPart, ...]
    disagreements: tuple[UntriedPart, ...]
    proof: DifferenceProof | None = None

    @property
    def same_meaning(self) -> bool:
        """Whether the two mean the same, word for word."""
        return self.old.meaning == self.new.meaning


# The exchanges


@dataclass(frozen=True, slots=True)
class TrialExchange:
    """
    An exchange to decide under both bundles.

    `raw` is its JSON. `as_of` is the day whose law counts; None means the day that the exchange names, else today. `problem` says why
    the exchange cannot be decided; it is empty where it can.
    """

    name: str
    at: str
    source: Source
    raw: bytes = b""
    as_of: date | None = None
    problem: str = ""


def trials(old: Bundle, new: Bundle, only: str = "") -> list[TrialExchange]:
    """The test exchanges of two bundles, each exchange of a day once; `only` of test files whose name contains it."""
    found: dict[object, TrialExchange] = {}
    sides = [(new, old, "")] if old is new else [(new, old, ""), (old, new, " (old)")]
    for bundle, other, side in sides:
        for trial in _cases(bundle, other, only, side):
            found.setdefault((trial.raw, trial.as_of) if trial.raw else trial, trial)
    return list(found.values())


def _cases(bundle: Bundle, other: Bundle, only: str, side: str) -> Iterator[TrialExchange]:
    for file, node in bundle.tests:
        if only not in file:
            continue
        text = read_model(TestText, node, Findings())
        if text is None:
            problem = "the test file cannot be read; `fifthfactor test` says why"
            yield TrialExchange("every case", f"{file}:{node.span.line}{side}", "test", problem=problem)
            continue
        for number, case in enumerate(text.cases):
            at = f"{file}:{locate(node, ('cases', number))[1].line}{side}"
            as_of = case.as_of or text.as_of
            # An exchange that its own vocabulary refuses may be one under the other vocabulary.
            either = (bundle,) if other is bundle else (bundle, other)
            raw = next(filter(None, (_document(each, {**text.exchange, **case.change}) for each in either)), b"")
            yield TrialExchange(case.case, at, "test", raw, as_of, "" if raw else "neither vocabulary accepts this exchange")


def _document(bundle: Bundle, flat: dict[str, Any]) -> bytes:
    """The JSON of a case's exchange; nothing where the vocabulary refuses it."""
    try:
        document = build(bundle, flat).document
    except (ValueError, LookupError):
        return b""
    return json.dumps(document, ensure_ascii=False, sort_keys=True).encode()


# The comparison


def compare(
    old: Bundle,
    new: Bundle,
    trials: Iterable[TrialExchange],
    *,
    today: date,
    mode: str = "checked",
    progress: Callable[[int], None] = lambda number: None,
) -> Difference:
    """
    Compare `new` with `old`.

    `today` is the day for exchanges that name none. `progress` is called with the number of exchanges tried so far.
    """
    trier = _Trier(old, new, mode, today)
    if old.digests.meaning != new.digests.meaning:
        for number, trial in enumerate(trials, 1):
            trier.take(trial)
            progress(number)
    return Difference(
        schema="fifthfactor/difference/1",
        old=DigestsPart(meaning=old.digests.meaning, source=old.digests.source),
        new=DigestsPart(meaning=new.digests.meaning, source=new.digests.source),
        mode=mode,
        tried={source: trier.tried[source] for source in SOURCES if trier.tried[source]},
        moves=tuple(sorted(trier.moves, key=_importance)),
        changes=tuple(each.model_copy(update={"moves": trier.shown_by(each)}) for each in changes(old, new)),
        unread=tuple(trier.unread),
        disagreements=tuple(trier.disagreements),
    )


def _importance(move: MovePart) -> tuple[object, ...]:
    exchange = move.exchange
    # `file:9` before `file:10`
    at = [int(piece) if piece.isdecimal() else piece for piece in re.split(r"(\d+)", exchange.at)]
    return DIRECTIONS.index(move.direction), move.old.told, move.new.told, exchange.source != "test", at


class _Trier:
    """Decides exchanges under two bundles and keeps what moves."""

    def __init__(self, old: Bundle, new: Bundle, mode: str, today: date) -> None:
        self.bundles = (old, new)
        self.pdps = tuple(PDP(bundle, mode) for bundle in self.bundles)
        self.today = today
        self.tried: Counter[Source] = Counter()
        self.moves: list[MovePart] = []
        self.unread: list[UntriedPart] = []
        self.disagreements: list[UntriedPart] = []

    def take(self, trial: TrialExchange) -> None:
        exchange = ExchangePart(name=trial.name, at=trial.at, source=trial.source, as_of=trial.as_of)
        if trial.problem:
            self.unread.append(UntriedPart(exchange=exchange, problem=trial.problem))
            return
        read = [_read(bundle, trial.raw) for bundle in self.bundles]
        days = [each.as_of for each in read if isinstance(each, Exchange) and each.as_of]
        day = trial.as_of or (days[0] if days else self.today)
        exchange = exchange.model_copy(update={"as_of": day})
        if not any(isinstance(each, Exchange) for each in read):
            places = [place for each in read if not isinstance(each, Exchange) for place in each]
            self.unread.append(UntriedPart(exchange=exchange, problem="; ".join(dict.fromkeys(places))))
            return
        self.tried[trial.source] += 1
        (old, was), (new, now) = (
            self.decide(pdp, each, day, exchange, side)
            for pdp, each, side in zip(self.pdps, read, ("the old policies", "the new policies"), strict=True)
        )
        causes = [*_rules(was, now), *_requirements(was, now)] if was and now else []
        if old == new and not causes:
            return
        if was and now and old != new:
            causes += [*_gaps(was, now), *_duties_late(was, now)] or ([] if causes else [*_jurisdictions(was, now)])
        self.moves.append(MovePart(exchange=exchange, old=old, new=new, direction=direction_of(old, new), causes=tuple(causes)))

    def shown_by(self, change: PolicyChangePart) -> int | None:
        """How many exchanges moved in which the provision of a change, or one under a definition, stands differently."""
        provisions = {"rule": {change.name}, "definition": set(change.under)}.get(change.what)
        if provisions is None or not self.tried:
            return None
        return sum(any(cause.kind == "rule" and cause.name in provisions for cause in move.causes) for move in self.moves)

    def decide(
        self, pdp: PDP, read: Exchange | list[str], day: date, exchange: ExchangePart, side: str
    ) -> tuple[SidePart, Decision | None]:
        if not isinstance(read, Exchange):
            return SidePart(outcome="refused", problems=tuple(read)), None
        try:
            decision = pdp.decide(read, as_of=day, today=day, id="difference")
        except EnginesFailed:
            self.disagreements.append(UntriedPart(exchange=exchange, problem=f"no engine could decide it under {side}"))
            return SidePart(outcome="failed"), None
        if not decision.engine.agreed:
            self.disagreements.append(UntriedPart(exchange=exchange, problem=f"the engines disagree under {side}"))
        return SidePart(outcome=decision.outcome, proceed=decision.proceed, bounds=decision.bounds), decision


def _read(bundle: Bundle, raw: bytes) -> Exchange | list[str]:
    """The exchange, or the places at which it is refused."""
    try:
        return parse_exchange(bundle, raw)
    except ExchangeRefused as refused:
        return places_of(refused)


def places_of(refused: ExchangeRefused) -> list[str]:
    """The places at which an exchange is refused. A sentence about a place may quote a personal value, so it is left out."""
    return [f"{problem.pointer or '/'} ({problem.code})" for problem in refused.problems]


def direction_of(old: SidePart, new: SidePart) -> Direction:
    """Which way an exchange moves. An exchange that may now be permitted, and could not before, counts first, however unsure it is."""
    if old.proceed is not new.proceed:
        return "permits more" if new.proceed else "permits less"
    if _may_permit(old) is not _may_permit(new):
        return "may permit more" if _may_permit(new) else "may permit less"
    if old.bounds is None or new.bounds is None:
        return "read now" if new.bounds else "no longer read"
    was, now = _strictness(old.bounds), _strictness(new.bounds)
    if was == now:
        return "same outcome"
    return "stricter" if now > was else "milder"


def _may_permit(side: SidePart) -> bool:
    """Whether a permitting level lies within the bounds."""
    if side.bounds is None:
        return False
    highest, lowest = _strictness(side.bounds)
    return highest >= Level.PERMITTED and lowest <= Level.PERMITTED_WITH_OBLIGATIONS


def _strictness(bounds: BoundsPart) -> tuple[Level, Level]:
    return Level[bounds.highest.upper()], Level[bounds.lowest.upper()]


# What differs between two decisions on one exchange


def _rules(was: Decision, now: Decision) -> Iterator[CausePart]:
    before, after = _standing(was), _standing(now)
    for name in sorted({*before, *after}):
        old, new = before.get(name, {}), after.get(name, {})
        if old == new:
            continue
        if not old:
            text = "stands now" if "certain" in new.values() else "may stand now"
        elif not new:
            text = "no longer stands" if "certain" in old.values() else "can no longer stand"
        elif old.keys() != new.keys():
            text = f"stands as {' and '.join(new)}, no longer as {' and '.join(old)}"
        else:
            text = "stands for certain now" if "possible" in old.values() else "only may stand now"
        yield CausePart(kind="rule", name=name, text=text)


def _standing(decision: Decision) -> dict[str, dict[str, str]]:
    """How each effect of each provision stands, for the provisions that stand or may stand."""
    found: dict[str, dict[str, str]] = {}
    for reason in decision.reasons:
        found.setdefault(reason.provision, {})[reason.effect] = reason.standing
    for advice in decision.advice:
        found.setdefault(advice.provision, {})["advise"] = "certain"
    return found


def _requirements(was: Decision, now: Decision) -> Iterator[CausePart]:
    before, after = ({part.requirement: part.state for part in each.requirements} for each in (was, now))
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            text = f"{before.get(name, 'not asked for')} → {after.get(name, 'not asked for')}"
            yield CausePart(kind="requirement", name=name, text=text)


def _gaps(was: Decision, now: Decision) -> Iterator[CausePart]:
    before, after = (
        {f"{gap.country}: {gap.subject}" for gap in each.coverage.not_modelled if gap.reviewed} for each in (was, now)
    )
    yield from (CausePart(kind="not modelled", name=name, text="not modelled now") for name in sorted(after - before))
    yield from (CausePart(kind="not modelled", name=name, text="modelled now") for name in sorted(before - after))


def _duties_late(was: Decision, now: Decision) -> Iterator[CausePart]:
    before, after = ({part.duty: part.overdue for part in each.duties} for each in (was, now))
    for name in sorted({*before, *after}):
        old, new = before.get(name, "no"), after.get(name, "no")
        if old != new:
            yield CausePart(
                kind="duty", name=name, text=f"overdue: {ENGLISH.word('truth', old)} → {ENGLISH.word('truth', new)}"
            )


def _jurisdictions(was: Decision, now: Decision) -> Iterator[CausePart]:
    before, after = ({part.jurisdiction: part.outcome for part in each.jurisdictions} for each in (was, now))
    for name in sorted({*before, *after}):
        old, new = before.get(name, "not_applicable"), after.get(name, "not_applicable")
        if old != new:
            yield CausePart(kind="jurisdiction", name=name, text=f"{ENGLISH.level(old)} → {ENGLISH.level(new)}")
