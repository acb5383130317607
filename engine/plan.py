"""
Plans: several exchanges in order, where what was allowed under a condition takes the condition along.

Goes from the JSON of a plan to its legs, and from legs to a decision. Each leg is decided on its own; then every provision that
stands in a leg and says what `travels` is held against the legs after it: what can be tested is met, violated or not known, and the
rest is to be observed. A plan is as strict as its strictest leg and never a permit unless every leg is one. Who leaves out that the
data were got by an earlier leg gets no condition carried; that is the sender's statement, like every other fact.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from engine.bundle import Bundle
from engine.deciding.carried import STATES, Carried, gravest, gravity, held, raised, stated
from engine.deciding.combine import PERMITTING, Outcome
from engine.deciding.combine import word as outcome_word
from engine.decision import BoundsPart, Decision, HorizonPart, JurisdictionPart, LegPart, PlanDecision
from engine.exchange import Exchange, ExchangeRefused, Problem, read_object
from engine.explaining.explanation import carried_part
from engine.explaining.phrasebook import Phrasebook
from engine.pdp import PDP
from engine.questions.horizon import MAX_EVALUATIONS, Horizon
from engine.rules import Level, Rule, Truth
from engine.verdict import Bounds, Verdict

SCHEMA = "fifthfactor/plan/1"
MAX_LEGS = 16
MAX_BYTES = 1024 * 1024
KEYS = ("schema", "legs")
LEG_KEYS = ("id", "after", "exchange")


@dataclass(frozen=True, slots=True)
class Leg:
    """One leg. `after` is the id of the earlier leg by which its exporter got the data, "" where by none."""

    id: str
    exchange: Exchange
    after: str = ""


def read_plan(bundle: Bundle, raw: bytes) -> tuple[Leg, ...]:
    """
    The legs of a plan, from `{"legs": [{"id": …, "after": …, "exchange": {…}}, …]}`.

    A leg without an id is called by its place, from "1". `after` is the id of an earlier leg, or its place. Raises ExchangeRefused with
    every problem, each at its place in the plan.
    """
    document = read_object(raw, MAX_BYTES, "plan")
    problems = [Problem(f"/{key}", "unknown-key", _unknown_key(key, KEYS)) for key in document if key not in KEYS]
    if document.get("schema", SCHEMA) != SCHEMA:
        problems.append(Problem("/schema", "wrong-value", f"must be `{SCHEMA}`"))
    written = document.get("legs")
    if not isinstance(written, list) or not 0 < len(written) <= MAX_LEGS or not all(isinstance(leg, dict) for leg in written):
        raise ExchangeRefused((*problems, Problem("/legs", "wrong-value", f"must be a list of 1 to {MAX_LEGS} objects")))
    legs: list[Leg] = []
    for number, text in enumerate(written):
        legs.append(_leg(bundle, text, number, legs, problems))
    if problems:
        raise ExchangeRefused(tuple(problems))
    return tuple(legs)


def decide_plan(pdp: PDP, legs: Sequence[Leg], *, as_of: date, today: date, id: str, ahead: bool = True) -> PlanDecision:
    """
    The decision on a plan; `legs` are as `read_plan` gives them, each after those it names.

    The decision of a leg has the id `id/leg`. `ahead` asks until when it holds. Raises EnginesFailed as `PDP.decide` does.
    """
    decisions = {leg.id: pdp.decide(leg.exchange, as_of=as_of, today=today, id=f"{id}/{leg.id}") for leg in legs}
    heard = {
        # Engines that disagree made the leg a review; what travels from it is then read by the reference.
        leg.id: pdp.verdicts(leg.exchange, as_of) if decisions[leg.id].engine.agreed else (pdp.verdict(leg.exchange, as_of),)
        for leg in legs
    }
    carried = _carried(pdp.travelling, legs, heard)
    book = Phrasebook(pdp.bundle)
    parts = [
        LegPart(
            leg=leg.id,
            after=leg.after,
            carried=[carried_part(pdp.bundle, leg.exchange, each) for each in carried[leg.id]],
            decision=_decided(book, decisions[leg.id], carried[leg.id]),
        )
        for leg in legs
    ]
    bounds = _whole([_bounds(part.decision.bounds) for part in parts])
    return PlanDecision(
        id=id,
        proceed=all(part.decision.proceed for part in parts),
        answer=_answer(parts),
        outcome=outcome_word(bounds),
        bounds=_bounds_part(bounds),
        as_of=as_of,
        hypothetical=as_of != today,
        legs=parts,
        holds_until=_ahead(pdp, legs, as_of) if ahead else None,
    )


# What is carried


def _carried(
    rules: Mapping[str, Rule], legs: Sequence[Leg], heard: Mapping[str, Sequence[Verdict]]
) -> dict[str, tuple[Carried, ...]]:
    """What each leg carries: what stands in the leg it comes after, and whatever that one carried itself; `rules` are those that travel."""
    found: dict[str, tuple[Carried, ...]] = {}
    before = {leg.id: leg.exchange for leg in legs}
    for leg in legs:
        came = (
            (*found[leg.after], *stated(before[leg.after], rules), *_stamped(leg.after, heard[leg.after])) if leg.after else ()
        )
        found[leg.id] = held(came, heard[leg.id])
    return found


def _stamped(leg: str, verdicts: Sequence[Verdict]) -> Iterator[Carried]:
    """The provisions that stand in a leg, or by any engine may, and travel; each once, whichever of its rules stands."""
    possible = certain = 0
    for verdict in verdicts:
        possible |= verdict.stands.possible
    certain = possible
    for verdict in verdicts:
        certain &= verdict.stands.certain
    rules = {number: rule for number, rule in enumerate(verdicts[0].rules) if rule.travels and possible >> number & 1}
    sure = {rule.provision.id for number, rule in rules.items() if certain >> number & 1}
    for provision, rule in {rule.provision.id: rule for rule in rules.values()}.items():
        yield Carried(leg, rule, provision in sure)


# Decisions


def _decided(book: Phrasebook, decision: Decision, carried: Sequence[Carried]) -> Decision:
    """A leg's decision with what is carried into it."""
    own = _bounds(decision.bounds)
    permitting = own.low >= Level.PERMITTED
    bounds = raised(own, carried, permitting)
    if not carried:
        return decision
    places = {part.jurisdiction: part for part in decision.jurisdictions}
    for name in dict.fromkeys(each.rule.provision.jurisdiction for each in carried):
        there = _bounds(places[name].bounds) if name in places else Bounds(Level.NOT_APPLICABLE, Level.NOT_APPLICABLE)
        laid = raised(there, [each for each in carried if each.rule.provision.jurisdiction == name], permitting)
        if laid.high is not Level.NOT_APPLICABLE:
            places[name] = JurisdictionPart(
                jurisdiction=name, title=book.place(name), outcome=outcome_word(laid), bounds=_bounds_part(laid)
            )
    return decision.model_copy(
        update={
            "proceed": _permits(bounds) and not decision.hypothetical,
            "answer": _told(decision, carried, bounds),
            "outcome": outcome_word(bounds),
            "bounds": _bounds_part(bounds),
            "beneath": _bounds_part(raised(_bounds(decision.beneath), carried, permitting)),
            "jurisdictions": [places[name] for name in sorted(places)],
        }
    )


def _told(decision: Decision, carried: Sequence[Carried], bounds: Bounds) -> str:
    """The leg's answer: what travels comes first where it is what decides."""
    prefix = f"Hypothetically, on {decision.as_of.isoformat()}: " if decision.hypothetical else ""
    first = gravest(carried)
    if first is None or first.rule.travels is None:
        return decision.answer
    provision = first.rule.provision
    condition = f"{first.rule.travels.text.rstrip('.')} ({provision.instrument.en}, {provision.citation.en})"
    came = f"came with the data from leg {first.origin}"
    if first.truth is None:
        return f"{decision.answer} To be observed, since it {came}: {condition}."
    if outcome_word(bounds) == decision.outcome:
        return f"{decision.answer} What {came} is {STATES[first.truth].replace('unknown', 'not known to be met')}: {condition}."
    if first.truth is Truth.UNKNOWN:
        return f"{prefix}This cannot be decided yet: it is not known whether this is met, which {came}: {condition}."
    if not first.certain:
        return f"{prefix}This cannot be decided yet: this leg does not meet what may have come from leg {first.origin}: {condition}."
    stop = "Do not proceed" if first.rule.travels.otherwise is Level.PROHIBITED else "Do not proceed before a person has looked"
    return f"{prefix}{stop}: this leg does not meet what {came}: {condition}."


def _permits(bounds: Bounds) -> bool:
    return outcome_word(bounds) in tuple(level.word for level in PERMITTING)


def _answer(parts: Sequence[LegPart]) -> str:
    """The plan's answer: that every leg may go ahead, or the strictest that may not and why."""
    stopping = [part for part in parts if not _permits(_bounds(part.decision.bounds))]
    if not stopping:
        first = parts[0].decision
        prefix = f"Hypothetically, on {first.as_of.isoformat()}: every" if first.hypothetical else "Every"
        return f"{prefix} leg of this plan may go ahead."
    worst = max(stopping, key=lambda part: gravity(_bounds(part.decision.bounds)))
    others = len(stopping) - 1
    more = f" {others} other {'legs hold' if others > 1 else 'leg holds'} it back as well." if others else ""
    return f"Leg {worst.leg} holds this plan back. {worst.decision.answer}{more}"


def _whole(bounds: Sequence[Bounds]) -> Bounds:
    """The strictest; where that would be a permit and some leg is none, the strictest of those that are none."""
    over = Bounds.over(bounds)
    refused = [each for each in bounds if not _permits(each)]
    return max(refused, key=gravity) if refused and _permits(over) else over


def _ahead(pdp: PDP, legs: Sequence[Leg], as_of: date) -> HorizonPart:
    """The last day until which every leg comes to the same outcome, by the first engine."""
    horizon = Horizon(pdp.bundle)
    turns = {leg.id: horizon.turns(leg.exchange, as_of, carried=bool(leg.after)) for leg in legs}
    before = _seen(pdp, legs, as_of)
    left = MAX_EVALUATIONS // len(legs)
    for day in sorted({day for each in turns.values() for day in each}):
        last = date.fromordinal(day - 1)
        left -= 1
        if not left:
            return HorizonPart(holds_until=last, searched="partly")
        after = _seen(pdp, legs, date.fromordinal(day))
        if [outcome_word(leg.bounds) for leg in after] != [outcome_word(leg.bounds) for leg in before]:
            because = []
            for leg, old, new in zip(legs, before, after, strict=True):
                met = [turn for turn in turns[leg.id].get(day, ()) if not turn.travels or turn.key in old.met | new.met]
                because += [f"leg {leg.id}: {text}" for text in horizon.because(met, old.looked, new.looked)]
            changed = [horizon.provisions(old.looked[0], new.looked[0]) for old, new in zip(before, after, strict=True)]
            return HorizonPart(
                holds_until=last,
                then=outcome_word(_whole([leg.bounds for leg in after])),
                because=because,
                provisions=list(dict.fromkeys(name for names in changed for name in names)),
                searched="all",
            )
        before = after
    return HorizonPart(searched="all")


@dataclass(frozen=True, slots=True)
class _Seen:
    """A leg on some day: what the first engine says, the bounds with what is carried, the definitions it then has to meet."""

    looked: tuple[Verdict, Outcome]
    bounds: Bounds
    met: frozenset[str]


def _seen(pdp: PDP, legs: Sequence[Leg], day: date) -> list[_Seen]:
    looked = {leg.id: pdp.look(leg.exchange, day) for leg in legs}
    carried = _carried(pdp.travelling, legs, {name: (verdict,) for name, (verdict, _) in looked.items()})
    return [
        _Seen(
            looked[leg.id],
            raised(own := looked[leg.id][1].bounds, carried[leg.id], own.low >= Level.PERMITTED),
            frozenset(
                each.rule.travels.when
                for each in (*carried[leg.id], *stated(leg.exchange, pdp.travelling))
                if each.rule.travels
            ),
        )
        for leg in legs
    ]


def _bounds(part: BoundsPart) -> Bounds:
    return Bounds(Level[part.lowest.upper()], Level[part.highest.upper()])


def _bounds_part(bounds: Bounds) -> BoundsPart:
    return BoundsPart(lowest=bounds.low.word, highest=bounds.high.word)


# Reading


def _leg(bundle: Bundle, text: Mapping[str, Any], number: int, earlier: Sequence[Leg], problems: list[Problem]) -> Leg:
    """One leg; what is wrong is added to `problems`, and the leg then means nothing."""
    at = f"/legs/{number}"
    problems += [Problem(f"{at}/{key}", "unknown-key", _unknown_key(key, LEG_KEYS)) for key in text if key not in LEG_KEYS]
    id = text.get("id", str(number + 1))
    if not isinstance(id, str) or not 0 < len(id) <= 80 or id in (leg.id for leg in earlier):
        problems.append(Problem(f"{at}/id", "wrong-value", "must be a text of 1 to 80 characters that no earlier leg has"))
        id = f"{number + 1}, unnamed"
    after = text.get("after", "")
    if isinstance(after, int) and not isinstance(after, bool) and 0 < after <= number:
        after = earlier[after - 1].id
    before = next((leg for leg in earlier if leg.id == after), None)
    if before is None and "after" in text:
        detail = "names no earlier leg; it is the id of one, or its place, counted from 1"
        problems.append(Problem(f"{at}/after", "unknown-leg", detail))
    exchange = Exchange({}, {})
    try:
        exchange = bundle.reader.read(json.dumps(text.get("exchange")).encode())
    except ExchangeRefused as refused:
        problems += [Problem(f"{at}/exchange{p.pointer}", p.code, p.detail) for p in refused.problems]
    days = {leg.exchange.as_of for leg in earlier if leg.exchange.as_of}
    if exchange.as_of and days - {exchange.as_of}:
        detail = "is another day than an earlier leg's; a plan is decided on one day"
        problems.append(Problem(f"{at}/exchange/as_of", "wrong-value", detail))
    if before is not None:
        problems += [Problem(f"{at}/after", "broken-chain", text) for text in _breaks(bundle, before, exchange)]
    return Leg(id, exchange, before.id if before else "")


def _breaks(bundle: Bundle, before: Leg, exchange: Exchange) -> Iterator[str]:
    """Where a leg cannot come after another: it begins in another country than the one that the other ends in."""
    ends = [before.exchange.value(touch.fact) for touch in bundle.vocabulary.touches if touch.as_ == "recipient"]
    begins = [exchange.value(touch.fact) for touch in bundle.vocabulary.touches if touch.as_ == "exporter"]
    there = {value for value in ends if isinstance(value, str)}
    for here in begins:
        if isinstance(here, str) and there and here not in there:
            yield f"leg `{before.id}` ends in {', '.join(sorted(there))} and this one begins in {here}; name the leg between"


def _unknown_key(key: str, known: Sequence[str]) -> str:
    return f"there is no key `{key[:80]}` here; the keys are {', '.join(f'`{each}`' for each in known)}"
