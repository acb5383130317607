"""
Plans: several exchanges in order. The conditions of one exchange travel with its data to later ones.

Goes from the JSON of a plan to its legs, and from legs to a decision. A leg is judged like any exchange, under the conditions from
the legs before it: the conditions of every provision that stands there and has `travels`, and the conditions carried into those legs.
A leg without `after` gets no conditions from earlier legs; `after` is the sender's statement, like every other fact.

A plan is as strict as its strictest leg, and it is a permit only if every leg is. What legs do together is judged too (semantics 4.14):
every exporter with what each later leg does with her data (`deciding.whole`), and what a leg contradicts in the one before it
(`deciding.links`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import permutations
from typing import Any

from engine.bundle import Bundle
from engine.deciding.carried_conditions import Carried, conditions_of_leg, gravity, stated_conditions
from engine.deciding.combine import Outcome
from engine.deciding.judgement import Judgement
from engine.deciding.plan_books import Pages, pages_of_legs
from engine.deciding.plan_counts import CountedFact, raise_counters
from engine.deciding.statement_weights import STATED
from engine.decision import BoundsPart, HorizonPart
from engine.exchange import Exchange
from engine.exchange_input.exchange_problems import ExchangeProblem, ExchangeRefused
from engine.exchange_input.strict_json import read_object
from engine.explaining.phrasebook import Phrasebook
from engine.explaining.plan_decision import ContradictionPart, LegPart, PlanDecision, PlanStatementPart, UnlinkedPart, WholePart
from engine.explaining.written_decision import WrittenDecision
from engine.languages import LANGUAGES, Language
from engine.pdp import PDP
from engine.questions.horizon import MAX_EVALUATIONS
from engine.rules import AS_OF
from engine.values import either
from engine.values.outcome_levels import BOUNDS, UNDETERMINED, Bounds, Level, outcome_word, permitting
from engine.verdict import Verdict

SCHEMA = "fifthfactor/plan/1"
MAX_LEGS = 16
MAX_BYTES = 1024 * 1024
MAX_CITED = 3  # provisions that the sentence on a whole names
REVIEWED = BOUNDS[Level.REVIEW][Level.REVIEW]
OPEN = BOUNDS[Level.PERMITTED][Level.PROHIBITED]
KEYS = ("schema", "legs")
LEG_KEYS = ("id", "after", "exchange")


@dataclass(frozen=True, slots=True)
class Leg:
    """One leg. `after` is the id of the earlier leg that brought the data to its exporter, "" if there is none."""

    id: str
    exchange: Exchange
    after: str = ""


def read_plan(
    bundle: Bundle, raw: bytes, read: Callable[[bytes], Exchange] | None = None, most: int = MAX_LEGS
) -> tuple[Leg, ...]:
    """
    The legs of a plan, from `{"legs": [{"id": …, "after": …, "exchange": {…}}, …]}`; at most so many.

    A leg without an id has its place as its id, from "1". `after` is the id or the place of an earlier leg. A leg without a day has that of
    the first leg that states one. `read` reads an exchange, where a register says more of it. Raises ExchangeRefused with every problem,
    each at its place in the plan.
    """
    document = read_object(raw, MAX_BYTES, "plan")
    problems = [ExchangeProblem(f"/{key}", "unknown-key", _unknown_key(key, KEYS)) for key in document if key not in KEYS]
    if document.get("schema", SCHEMA) != SCHEMA:
        problems.append(ExchangeProblem("/schema", "wrong-value", f"must be `{SCHEMA}`"))
    written = document.get("legs")
    if not isinstance(written, list) or not 0 < len(written) <= most or not all(isinstance(leg, dict) for leg in written):
        raise ExchangeRefused((*problems, ExchangeProblem("/legs", "wrong-value", f"must be a list of 1 to {most} objects")))
    exchanges = [leg["exchange"] for leg in written if isinstance(leg.get("exchange"), dict)]
    day = next((each[AS_OF] for each in exchanges if AS_OF in each), None)
    for each in exchanges if day is not None else ():
        each.setdefault(AS_OF, day)
    legs: list[Leg] = []
    for number, text in enumerate(written):
        legs.append(_leg(bundle, read or bundle.reader.read, text, number, legs, problems))
    if problems:
        raise ExchangeRefused(tuple(problems))
    return tuple(legs)


def decide_plan(
    pdp: PDP,
    legs: Sequence[Leg],
    *,
    as_of: date,
    today: date,
    id: str,
    ahead: bool = True,
    lang: str = "en",
    pages: Pages | None = None,
) -> PlanDecision:
    """
    The decision on a plan; `legs` are as `read_plan` returns them, each after the leg that it names.

    The decision on a leg has the id `id/leg`. With `ahead`, the decision also says how long it holds. `lang` is one of LANGUAGES. `pages`
    are what the books of rights of a ledger say of a leg beside earlier ones. Raises EnginesFailed as `PDP.judge` does.
    """
    legs = _counted(pdp, _booked(pdp, legs, pages or pages_of_legs(pdp.bundle.reader.books, as_of)), as_of)
    judged = _judged(pdp, legs, as_of)
    told = {leg.id: pdp.tell(judged[leg.id], today=today, id=f"{id}/{leg.id}", lang=lang) for leg in legs}
    together = _together(pdp, legs)
    wholes = list(_weighed(pdp, judged, together, as_of))
    between = [*(each.bounds for each in wholes), *together.bounds]
    bounds = _strictest([*(judgement.outcome.bounds for judgement in judged.values()), *between])
    say, book = LANGUAGES[lang], Phrasebook(pdp.bundle, LANGUAGES[lang])
    parts = [_whole_part(pdp, book, each) for each in wholes]
    contradictions = [_contradiction(book, *each) for each in together.contradictions]
    unlinked = [UnlinkedPart(leg=leg, of=of, question=say.plan_unlinked(leg, of)) for leg, of in together.unlinked]
    texts = [*(part.says for part in parts), *(part.says for part in contradictions), *(part.question for part in unlinked)]
    permits = permitting(bounds)
    return PlanDecision(
        id=id,
        proceed=permits and all(written.proceed for written in told.values()),
        answer=_answer(told, list(zip(between, texts, strict=True)), say, as_of != today),
        outcome=outcome_word(bounds),
        bounds=BoundsPart(lowest=bounds.low.word, highest=bounds.high.word),
        as_of=as_of,
        hypothetical=as_of != today,
        legs=[_part(leg, told[leg.id]) for leg in legs],
        wholes=parts,
        contradictions=contradictions,
        unlinked=unlinked,
        rests_on=[_statement(leg, fact) for leg in legs for id, fact in together.statements if id == leg.id]
        if permits
        else None,
        holds_until=_ahead(pdp, legs, together, as_of, say) if ahead else None,
    )


def _booked(pdp: PDP, legs: Sequence[Leg], pages: Pages) -> tuple[Leg, ...]:
    """The legs with what the books of rights say, in which the legs before them stand."""
    before: list[Exchange] = []
    found = []
    for leg in legs:
        said = pages(leg.exchange, before)
        before.append(leg.exchange)
        found.append(replace(leg, exchange=pdp.bundle.reader.with_books(leg.exchange, said)) if said else leg)
    return tuple(found)


def _counted(pdp: PDP, legs: Sequence[Leg], as_of: date) -> tuple[Leg, ...]:
    """The legs with counters that count the legs before them."""
    counting = pdp.counting
    before: list[CountedFact] = []
    found = []
    for leg in legs:
        verdict, _ = pdp.look(leg.exchange, as_of)
        adds = counting.contributions(leg.exchange, verdict, pdp.defined(leg.exchange, as_of, counting.definitions))
        exchange, counted = raise_counters(counting, leg.exchange, adds, before)
        before += counted
        found.append(replace(leg, exchange=exchange))
    return tuple(found)


def _judged(pdp: PDP, legs: Sequence[Leg], as_of: date) -> dict[str, Judgement]:
    """The judgement of each leg, by its id, under the conditions that arise in the leg before it and those carried into that leg."""
    found: dict[str, Judgement] = {}
    for leg in legs:
        before = found.get(leg.after)
        came = (*before.carried, *conditions_of_leg(leg.after, before.verdicts.values())) if before else ()
        found[leg.id] = pdp.judge(leg.exchange, as_of=as_of, came=came)
    return found


def _part(leg: Leg, written: WrittenDecision) -> LegPart:
    came = len(written.judgement.came)  # these come first in `carried`
    return LegPart(leg=leg.id, after=leg.after, carried=list(written.carried[:came]), decision=written.document())


def _answer(
    told: Mapping[str, WrittenDecision], between: Sequence[tuple[Bounds, str]], say: Language, hypothetical: bool
) -> str:
    """
    The plan's answer: every leg may go ahead, or the strictest of what keeps it from going ahead, and why.

    `between` is what legs do together, each with its sentence.
    """
    stopping = {leg: written for leg, written in told.items() if not written.judgement.outcome.permits}
    as_of = next(iter(told.values())).as_of
    if not stopping and not between:
        return say.hypothetically(as_of, say.plan_permitted()) if hypothetical else say.plan_permitted()
    worst = max(stopping, key=lambda leg: gravity(stopping[leg].judgement.outcome.bounds), default="")
    strictest = max(between, key=lambda each: gravity(each[0]), default=None)
    if strictest and (not worst or gravity(strictest[0]) > gravity(stopping[worst].judgement.outcome.bounds)):
        text = say.plan_stopped(strictest[1])
        return say.hypothetically(as_of, text) if hypothetical else text
    return say.plan_held_back(worst, stopping[worst].answer, len(stopping) - 1)


def _strictest(bounds: Sequence[Bounds]) -> Bounds:
    """The strictest bounds of all. If they would permit while one of them does not, the strictest of those counts."""
    over = Bounds.over(bounds)
    refused = [each for each in bounds if not permitting(each)]
    return max(refused, key=gravity) if refused and permitting(over) else over


# What legs do together


@dataclass(frozen=True, slots=True)
class _Together:
    """
    What the legs of a plan are to each other.

    `wholes` are the exchanges of which a leg does the first part and a later leg the last, `contradictions` what a leg states otherwise
    than an earlier one. `unlinked` are legs that do not say whether their data came by another leg, and `statements` what legs say by
    which their data are other data.
    """

    wholes: tuple[tuple[Leg, Leg, Exchange], ...]
    contradictions: tuple[tuple[Leg, Leg, str, str], ...]
    unlinked: tuple[tuple[str, str], ...]
    statements: tuple[tuple[str, str], ...]

    @property
    def bounds(self) -> list[Bounds]:
        """What contradictions and legs without a link raise: nobody signs them off."""
        return [REVIEWED] * len(self.contradictions) + [OPEN] * len(self.unlinked)


@dataclass(frozen=True, slots=True)
class _Weighed:
    """A judged whole, with the bounds that it gives the plan."""

    first: Leg
    leg: Leg
    judgement: Judgement
    bounds: Bounds
    against: tuple[str, ...]


def _together(pdp: PDP, legs: Sequence[Leg]) -> _Together:
    links = pdp.links
    earlier: dict[str, tuple[str, ...]] = {"": ()}  # the legs of a chain up to each leg
    going: dict[str, tuple[Leg, ...]] = {"": ()}  # those whose data go on by it
    wholes: list[tuple[Leg, Leg, Exchange]] = []
    contradictions: list[tuple[Leg, Leg, str, str]] = []
    statements: dict[tuple[str, str], None] = {}
    for leg in legs:
        came = going[leg.after]
        ended = links.ended([each.exchange for each in came], leg.exchange) if came else ()
        statements |= dict.fromkeys((leg.id, fact) for fact in ended)
        if came and not ended:
            found = links.contradictions(came[-1].exchange, leg.exchange)
            contradictions += [(leg, came[-1], each.kind, each.fact) for each in found]
        for first in came if not ended else ():
            try:
                whole = pdp.wholes.of(first.exchange, leg.exchange)
            except ExchangeRefused as refused:
                contradictions.append((leg, first, "whole", refused.problems[0].pointer))
                continue
            if whole is not None:
                wholes.append((first, leg, whole))
        earlier[leg.id] = (*earlier[leg.after], leg.id)
        going[leg.id] = (leg,) if ended else (*came, leg)
    unlinked = []
    for leg, other in permutations(legs, 2):
        chained = other.id in earlier[leg.id] or leg.id in earlier[other.id]
        if not chained and links.may_follow(other.exchange, leg.exchange):
            apart = links.unrelated(other.exchange, leg.exchange, bool(leg.after))
            statements |= dict.fromkeys((leg.id, fact) for fact in apart)
            if not apart:
                unlinked.append((leg.id, other.id))
    return _Together(tuple(wholes), tuple(contradictions), tuple(unlinked), tuple(statements))


def _weighed(pdp: PDP, judged: Mapping[str, Judgement], together: _Together, as_of: date) -> Iterator[_Weighed]:
    """The wholes of a plan, judged by every engine; where engines disagree, a whole is as strict as the strictest of them."""
    for first, leg, whole in together.wholes:
        judgement = pdp.judge(whole, as_of=as_of)
        of = (judged[first.id].outcome, judgement.verdict, judgement.own)
        bounds = pdp.wholes.bounds(*of) if judgement.agreed else judgement.own.bounds
        if bounds.high.refused:
            yield _Weighed(first, leg, judgement, bounds, pdp.wholes.against(*of))


def _whole_part(pdp: PDP, book: Phrasebook, weighed: _Weighed) -> WholePart:
    say, outcome = book.language, outcome_word(weighed.bounds)
    provisions = {rule.provision.id: rule.provision for rule in pdp.bundle.rules.rules if rule.provision.id in weighed.against}
    cited = [provisions[name] for name in weighed.against if name in provisions][:MAX_CITED]
    sources = [say.source(book.text(each.instrument), book.text(each.citation)) for each in cited]
    told = "" if outcome == UNDETERMINED else say.level(outcome)
    return WholePart(
        first=weighed.first.id,
        leg=weighed.leg.id,
        outcome=outcome,
        bounds=BoundsPart(lowest=weighed.bounds.low.word, highest=weighed.bounds.high.word),
        against=list(weighed.against),
        says=say.plan_whole(weighed.first.id, weighed.leg.id, told, sources),
        asks=pdp.question_on(weighed.judgement, weighed.against, say.code) if outcome == UNDETERMINED else None,
    )


def _contradiction(book: Phrasebook, leg: Leg, before: Leg, kind: Any, fact: str) -> ContradictionPart:
    title = fact if kind == "whole" else book.title(fact)
    says = book.language.plan_contradiction(leg.id, before.id, kind, title)
    return ContradictionPart(leg=leg.id, before=before.id, kind=kind, fact=fact, says=says)


def _statement(leg: Leg, fact: str) -> PlanStatementPart:
    return PlanStatementPart.model_validate({"leg": leg.id, "fact": fact, "source": leg.exchange.source(fact) or STATED})


# Until when


@dataclass(frozen=True, slots=True)
class _Seen:
    """A leg or a whole on one day, evaluated by the first engine, with the definitions that it must meet on that day."""

    verdict: Verdict
    outcome: Outcome
    met: frozenset[str]
    counts: bool = True  # false of a whole against which nothing stands


def _ahead(pdp: PDP, legs: Sequence[Leg], together: _Together, as_of: date, say: Language) -> HorizonPart:
    """The last day on which every leg and every whole still has the same outcome, by the first engine."""
    horizon = pdp.horizon(say.code)
    turns = [horizon.turns(leg.exchange, as_of, carried=bool(leg.after)) for leg in legs]
    turns += [horizon.turns(whole, as_of, carried=False) for _, _, whole in together.wholes]
    names = [*(leg.id for leg in legs), *(leg.id for _, leg, _ in together.wholes)]
    before = _seen(pdp, legs, together, as_of)
    left = max(2, MAX_EVALUATIONS // len(turns))
    for day in sorted({day for each in turns for day in each}):
        last = date.fromordinal(day - 1)
        left -= 1
        if not left:
            return HorizonPart(holds_until=last, searched="partly")
        after = _seen(pdp, legs, together, date.fromordinal(day))
        if [leg.outcome.word for leg in after] != [leg.outcome.word for leg in before]:
            because: list[str] = []
            for name, own, old, new in zip(names, turns, before, after, strict=True):
                met = [turn for turn in own.get(day, ()) if not turn.travels or turn.key in old.met | new.met]
                texts = horizon.because(met, (old.verdict, old.outcome), (new.verdict, new.outcome))
                because += [say.of_leg(name, text) for text in texts]
            changed = [horizon.provisions(old.verdict, new.verdict) for old, new in zip(before, after, strict=True)]
            return HorizonPart(
                holds_until=last,
                then=outcome_word(_strictest([*(each.outcome.bounds for each in after if each.counts), *together.bounds])),
                because=list(dict.fromkeys(because)),
                provisions=list(dict.fromkeys(name for names in changed for name in names)),
                searched="all",
            )
        before = after
    return HorizonPart(searched="all")


def _seen(pdp: PDP, legs: Sequence[Leg], together: _Together, day: date) -> list[_Seen]:
    found: list[_Seen] = []
    carried: dict[str, tuple[Carried, ...]] = {"": ()}  # what each leg hands on to the legs after it
    for leg in legs:
        verdict, outcome = pdp.look(leg.exchange, day, came=carried[leg.after])
        laid = (*carried[leg.after], *stated_conditions(leg.exchange, pdp.travelling))
        found.append(_Seen(verdict, outcome, frozenset(each.rule.travels.when for each in laid if each.rule.travels)))
        carried[leg.id] = (*laid, *conditions_of_leg(leg.id, (verdict,)))
    outcomes = {leg.id: seen.outcome for leg, seen in zip(legs, found, strict=True)}
    for first, _, whole in together.wholes:
        verdict, outcome = pdp.look(whole, day)
        bounds = pdp.wholes.bounds(outcomes[first.id], verdict, outcome)
        weighed = replace(outcome, bounds=bounds, word=outcome_word(bounds))
        found.append(_Seen(verdict, weighed, frozenset(), counts=bounds.high.refused))
    return found


# Reading


def _leg(
    bundle: Bundle,
    read: Callable[[bytes], Exchange],
    text: Mapping[str, Any],
    number: int,
    earlier: Sequence[Leg],
    problems: list[ExchangeProblem],
) -> Leg:
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
        exchange = read(json.dumps(text.get("exchange")).encode())
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
