"""
Plans: several exchanges in order. The conditions of one exchange travel with its data to later ones.

Goes from the JSON of a plan to its legs, and from legs to a decision. A leg is judged like any exchange, under the conditions from
the legs before it: the conditions of every provision that stands there and has `travels`, and the conditions carried into those legs.
A plan is as strict as its strictest leg, and it is a permit only if every leg is. A leg without `after` gets no conditions from
earlier legs; `after` is the sender's statement, like every other fact.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from engine.bundle import Bundle
from engine.deciding.carried import Carried, gravity, handed_on, stated
from engine.deciding.combine import Outcome, permitting
from engine.deciding.combine import word as outcome_word
from engine.deciding.judgement import Judgement
from engine.decision import BoundsPart, HorizonPart, LegPart, PlanDecision
from engine.exchange import Exchange
from engine.exchange_problems import ExchangeProblem, ExchangeRefused
from engine.exchange_reader import read_object
from engine.explaining.written import Written
from engine.languages import LANGUAGES, Language
from engine.pdp import PDP
from engine.questions.horizon import MAX_EVALUATIONS
from engine.values import either
from engine.verdict import Bounds, Verdict

SCHEMA = "fifthfactor/plan/1"
MAX_LEGS = 16
MAX_BYTES = 1024 * 1024
KEYS = ("schema", "legs")
LEG_KEYS = ("id", "after", "exchange")


@dataclass(frozen=True, slots=True)
class Leg:
    """One leg. `after` is the id of the earlier leg that brought the data to its exporter, "" if there is none."""

    id: str
    exchange: Exchange
    after: str = ""


def read_plan(bundle: Bundle, raw: bytes) -> tuple[Leg, ...]:
    """
    The legs of a plan, from `{"legs": [{"id": …, "after": …, "exchange": {…}}, …]}`.

    A leg without an id has its place as its id, from "1". `after` is the id or the place of an earlier leg. Raises ExchangeRefused with
    every problem, each at its place in the plan.
    """
    document = read_object(raw, MAX_BYTES, "plan")
    problems = [ExchangeProblem(f"/{key}", "unknown-key", _unknown_key(key, KEYS)) for key in document if key not in KEYS]
    if document.get("schema", SCHEMA) != SCHEMA:
        problems.append(ExchangeProblem("/schema", "wrong-value", f"must be `{SCHEMA}`"))
    written = document.get("legs")
    if not isinstance(written, list) or not 0 < len(written) <= MAX_LEGS or not all(isinstance(leg, dict) for leg in written):
        raise ExchangeRefused(
            (*problems, ExchangeProblem("/legs", "wrong-value", f"must be a list of 1 to {MAX_LEGS} objects"))
        )
    legs: list[Leg] = []
    for number, text in enumerate(written):
        legs.append(_leg(bundle, text, number, legs, problems))
    if problems:
        raise ExchangeRefused(tuple(problems))
    return tuple(legs)


def decide_plan(
    pdp: PDP, legs: Sequence[Leg], *, as_of: date, today: date, id: str, ahead: bool = True, lang: str = "en"
) -> PlanDecision:
    """
    The decision on a plan; `legs` are as `read_plan` returns them, each after the leg that it names.

    The decision on a leg has the id `id/leg`. With `ahead`, the decision also says how long it holds. `lang` is one of LANGUAGES. Raises
    EnginesFailed as `PDP.judge` does.
    """
    judged = _judged(pdp, legs, as_of)
    told = {leg.id: pdp.tell(judged[leg.id], today=today, id=f"{id}/{leg.id}", lang=lang) for leg in legs}
    bounds = _whole([judgement.outcome.bounds for judgement in judged.values()])
    return PlanDecision(
        id=id,
        proceed=all(written.proceed for written in told.values()),
        answer=_answer(told, LANGUAGES[lang], as_of != today),
        outcome=outcome_word(bounds),
        bounds=BoundsPart(lowest=bounds.low.word, highest=bounds.high.word),
        as_of=as_of,
        hypothetical=as_of != today,
        legs=[_part(leg, told[leg.id]) for leg in legs],
        holds_until=_ahead(pdp, legs, as_of, LANGUAGES[lang]) if ahead else None,
    )


def _judged(pdp: PDP, legs: Sequence[Leg], as_of: date) -> dict[str, Judgement]:
    """The judgement of each leg, by its id, under the conditions that arise in the leg before it and those carried into that leg."""
    found: dict[str, Judgement] = {}
    for leg in legs:
        before = found.get(leg.after)
        came = (*before.carried, *handed_on(leg.after, before.verdicts.values())) if before else ()
        found[leg.id] = pdp.judge(leg.exchange, as_of=as_of, came=came)
    return found


def _part(leg: Leg, written: Written) -> LegPart:
    came = len(written.judgement.came)  # these come first in `carried`
    return LegPart(leg=leg.id, after=leg.after, carried=list(written.carried[:came]), decision=written.document())


def _answer(told: Mapping[str, Written], say: Language, hypothetical: bool) -> str:
    """The plan's answer: every leg may go ahead, or the strictest leg that may not, and why."""
    stopping = {leg: written for leg, written in told.items() if not written.judgement.outcome.permits}
    if not stopping:
        as_of = next(iter(told.values())).as_of
        return say.hypothetically(as_of, say.plan_permitted()) if hypothetical else say.plan_permitted()
    worst = max(stopping, key=lambda leg: gravity(stopping[leg].judgement.outcome.bounds))
    return say.plan_held_back(worst, stopping[worst].answer, len(stopping) - 1)


def _whole(bounds: Sequence[Bounds]) -> Bounds:
    """The strictest bounds of all legs. If they would permit while some leg is not permitted, the strictest of those legs counts."""
    over = Bounds.over(bounds)
    refused = [each for each in bounds if not permitting(each)]
    return max(refused, key=gravity) if refused and permitting(over) else over


# Until when


@dataclass(frozen=True, slots=True)
class _Seen:
    """A leg on one day, evaluated by the first engine, with the definitions that it must meet on that day."""

    verdict: Verdict
    outcome: Outcome
    met: frozenset[str]


def _ahead(pdp: PDP, legs: Sequence[Leg], as_of: date, say: Language) -> HorizonPart:
    """The last day on which every leg still has the same outcome, by the first engine."""
    horizon = pdp.horizon(say.code)
    turns = {leg.id: horizon.turns(leg.exchange, as_of, carried=bool(leg.after)) for leg in legs}
    before = _seen(pdp, legs, as_of)
    left = MAX_EVALUATIONS // len(legs)
    for day in sorted({day for each in turns.values() for day in each}):
        last = date.fromordinal(day - 1)
        left -= 1
        if not left:
            return HorizonPart(holds_until=last, searched="partly")
        after = _seen(pdp, legs, date.fromordinal(day))
        if [leg.outcome.word for leg in after] != [leg.outcome.word for leg in before]:
            because: list[str] = []
            for leg, old, new in zip(legs, before, after, strict=True):
                met = [turn for turn in turns[leg.id].get(day, ()) if not turn.travels or turn.key in old.met | new.met]
                texts = horizon.because(met, (old.verdict, old.outcome), (new.verdict, new.outcome))
                because += [say.of_leg(leg.id, text) for text in texts]
            changed = [horizon.provisions(old.verdict, new.verdict) for old, new in zip(before, after, strict=True)]
            return HorizonPart(
                holds_until=last,
                then=outcome_word(_whole([leg.outcome.bounds for leg in after])),
                because=because,
                provisions=list(dict.fromkeys(name for names in changed for name in names)),
                searched="all",
            )
        before = after
    return HorizonPart(searched="all")


def _seen(pdp: PDP, legs: Sequence[Leg], day: date) -> list[_Seen]:
    found: list[_Seen] = []
    carried: dict[str, tuple[Carried, ...]] = {"": ()}  # what each leg hands on to the legs after it
    for leg in legs:
        verdict, outcome = pdp.look(leg.exchange, day, came=carried[leg.after])
        laid = (*carried[leg.after], *stated(leg.exchange, pdp.travelling))
        found.append(_Seen(verdict, outcome, frozenset(each.rule.travels.when for each in laid if each.rule.travels)))
        carried[leg.id] = (*laid, *handed_on(leg.id, (verdict,)))
    return found


# Reading


def _leg(bundle: Bundle, text: Mapping[str, Any], number: int, earlier: Sequence[Leg], problems: list[ExchangeProblem]) -> Leg:
    """One leg. Each problem is added to `problems`; the leg is then of no use."""
    at = f"/legs/{number}"
    problems += [
        ExchangeProblem(f"{at}/{key}", "unknown-key", _unknown_key(key, LEG_KEYS)) for key in text if key not in LEG_KEYS
    ]
    id = text.get("id", str(number + 1))
    if not isinstance(id, str) or not 0 < len(id) <= 80 or id in (leg.id for leg in earlier):
        problems.append(
            ExchangeProblem(f"{at}/id", "wrong-value", "must be a text of 1 to 80 characters, and not the id of an earlier leg")
        )
        id = f"{number + 1}, unnamed"
    after = text.get("after", "")
    if isinstance(after, int) and not isinstance(after, bool) and 0 < after <= number:
        after = earlier[after - 1].id
    before = next((leg for leg in earlier if leg.id == after), None)
    if before is None and "after" in text:
        detail = "names no earlier leg; give the id of one, or its place, counted from 1"
        problems.append(ExchangeProblem(f"{at}/after", "unknown-leg", detail))
    exchange = Exchange({}, {})
    try:
        exchange = bundle.reader.read(json.dumps(text.get("exchange")).encode())
    except ExchangeRefused as refused:
        problems += [replace(p, pointer=f"{at}/exchange{p.pointer}") for p in refused.problems]
    days = {leg.exchange.as_of for leg in earlier if leg.exchange.as_of}
    if exchange.as_of and days - {exchange.as_of}:
        detail = "differs from the day of an earlier leg; a plan is decided on one day"
        problems.append(ExchangeProblem(f"{at}/exchange/as_of", "wrong-value", detail))
    if before is not None:
        problems += [ExchangeProblem(f"{at}/after", "broken-chain", text) for text in _breaks(bundle, before, exchange)]
    return Leg(id, exchange, before.id if before else "")


def _breaks(bundle: Bundle, before: Leg, exchange: Exchange) -> Iterator[str]:
    """Why a leg cannot come after another: it begins in a country other than the one in which the earlier leg ends."""
    ends = [before.exchange.value(touch.fact) for touch in bundle.vocabulary.touches if touch.as_ == "recipient"]
    begins = [exchange.value(touch.fact) for touch in bundle.vocabulary.touches if touch.as_ == "exporter"]
    there = {value for ended in ends for value in either(ended) if isinstance(value, str)}
    for begun in begins:
        here = {value for value in either(begun) if isinstance(value, str)}
        if here and there and not here & there:
            places = (", ".join(sorted(each)) for each in (there, here))
            yield f"leg `{before.id}` ends in {next(places)} and this one begins in {next(places)}; add the leg between them"


def _unknown_key(key: str, known: Sequence[str]) -> str:
    return f"there is no key `{key[:80]}` here; the keys are {', '.join(f'`{each}`' for each in known)}"
