"""
The answer of a decision in a sentence or two, to be read aloud; many people read nothing else of a decision.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

from engine.deciding.carried_conditions import STATES, gravest
from engine.deciding.combine import Outcome
from engine.deciding.coverage import Gap, Reach
from engine.deciding.subject_law import UnreachedSubject
from engine.explaining.case import Case
from engine.explaining.phrasebook import Phrasebook, shown
from engine.rules import Need, Provision, Rule, State, Truth
from engine.values.outcome_levels import Level, closed
from engine.verdict import numbers

SHOWN = 3  # of each kind; the rest is counted
ASKED = 2
MET = frozenset((State.MET,))
UNMET = frozenset((State.UNMET,))


def answer(case: Case, book: Phrasebook) -> str:
    """What to do, and the first reasons for it."""
    text = _by_register(case, book) if case.judgement.agreed else book.language.disagreement()
    text += "".join((*_accepted(case, book), *_signed_off(case, book)))
    if case.exchange.everyone:
        text += book.language.to_everyone(_open_of_everyone(case, book))
    if case.exchange.only_stated and not case.outcome.permits:
        text += book.language.only_stated([book.title(name) for name in case.exchange.only_stated])
    return book.language.hypothetically(case.as_of, text) if case.hypothetical else text


def _open_of_everyone(case: Case, book: Phrasebook) -> list[str]:
    """The titles of the facts that nobody is asked of the public, where nothing else keeps the outcome open."""
    if not case.outcome.open or case.judgement.open_facts:
        return []
    return [book.language.small(book.text(fact.title)) for fact in case.bundle.vocabulary.facts.values() if fact.open_of_public]


def _by_register(case: Case, book: Phrasebook) -> str:
    """The answer, and what the register or a book states otherwise; this leads where it decides that the exchange may not proceed."""
    facts = list(_contradictions(case, book))
    if not facts:
        return _with_carried(case, book)
    opened = {each.reader.book.name: each.reader.book.title for each in case.exchange.books}
    by = {entity.kind for _, _, entity in case.exchange.contradictions()}
    only_books = by <= opened.keys()
    title = opened[min(by)].in_(book.language.code) if only_books else ""
    level = case.outcome.bounds.high
    if case.judgement.by_dispute and level.refused:
        reasons = list(dict.fromkeys(_said(rule, book) for _, rule in case.standing() if _leads(case, rule, level)))
        closed = book.language.no_exemption(case.for_good) if case.closed else ""
        return book.language.disputed(level, _list(facts, book), _list(reasons, book), title) + closed
    return _with_carried(case, book) + book.language.contradicted(_list(facts, book), title)


def _leads(case: Case, rule: Rule, level: Level) -> bool:
    """Whether a rule that may stand leads to a level."""
    if level is Level.REQUIREMENTS_UNMET:
        return rule.need is not None and not is_met(case, rule.need)
    return rule.effect == {Level.REVIEW: "review", Level.PROHIBITED: "prohibit"}[level]


def _contradictions(case: Case, book: Phrasebook) -> Iterator[str]:
    """The facts that the register or a book states otherwise, each with both values."""
    for fact, _, _ in case.exchange.contradictions():
        value = shown(case.bundle.vocabulary, case.exchange, fact, case.as_of)
        yield book.language.pair(book.language.small(book.title(fact)), book.told(fact, value))


def _with_carried(case: Case, book: Phrasebook) -> str:
    """The exchange's own answer, and the strictest condition that came with the data; the condition leads where it decides."""
    own = _answer(case, case.judgement.own, book)
    first, say = gravest(case.judgement.carried), book.language
    if first is None or first.rule.travels is None:
        return own
    condition = book.cited(book.clause(first.rule.travels.condition), first.rule.provision)
    origin = say.leg(first.origin) if first.leg else first.origin
    if first.truth is None:
        return own + say.carried_to_observe(condition, origin)
    if case.outcome.word == case.judgement.own.word:
        return own + say.carried_beside(STATES[first.truth], condition, origin)
    if first.truth is Truth.UNKNOWN:
        return say.carried_unknown(condition, origin)
    if not first.certain:
        return say.carried_perhaps(condition, origin)
    return say.carried_violated(first.rule.travels.otherwise is Level.PROHIBITED, condition, origin)


def _answer(case: Case, outcome: Outcome, book: Phrasebook) -> str:
    say = book.language
    match outcome.word:
        case "permitted":
            return say.permitted(_places(case, book)) + _stands_on(case, book)
        case "permitted_with_obligations":
            owed = _owed(case, book)
            return say.permitted_with_duties(_places(case, book), len(owed), _list(owed, book)) + _stands_on(case, book)
        case "requirements_unmet":
            needed = _unmet(case, book)
            return say.unmet(len(needed), _list(needed, book)) + _beside(case, book)
        case "review":
            return say.review(_list(_reasons(case, book), book), [part.question for part in case.asked[:ASKED]])
        case "prohibited":
            closed = say.no_exemption(case.for_good) if case.closed else ""
            return say.prohibited(_list(_prohibiting(case, book), book)) + closed + _beside(case, book)
        case "not_applicable":
            return say.not_applicable(_list([_left_alone(each, book) for each in case.outcome.coverage.not_reached], book))
    questions = [part.question for part in case.asked[:ASKED]]
    places = [book.place(name) for name in outcome.coverage.named if _open(outcome, name)]
    more = len(case.asked) - len(questions) + case.further
    return say.undecided(places, outcome.bounds.low, outcome.bounds.high, questions, more)


def items(case: Case, book: Phrasebook) -> list[str]:
    """What a refusal is of, where it is of more things than its sentence has: each by itself, those of the sentence first."""
    found: list[str] = []
    if not case.judgement.by_dispute and case.judgement.agreed and case.outcome.word == case.judgement.own.word:
        match case.outcome.word:
            case "requirements_unmet":
                found = _unmet(case, book)
            case "review":
                found = _reasons(case, book)
            case "prohibited":
                found = _prohibiting(case, book)
    return found if len(found) > SHOWN else []


def _reasons(case: Case, book: Phrasebook) -> list[str]:
    """Why a person must look at it."""
    found = dict.fromkeys(said for _, said in (*reviews(case, book), *silences(case, book)))
    return list(found) or [book.language.nothing_settles()]


def _prohibiting(case: Case, book: Phrasebook) -> list[str]:
    return list(dict.fromkeys(_said(rule, book) for rule in _certain(case, "prohibit")))


def _open(outcome: Outcome, name: str) -> bool:
    """Whether the outcome under the law of a place is open."""
    return name in outcome.jurisdictions and not closed(outcome.jurisdictions[name])


def _signed_off(case: Case, book: Phrasebook) -> Iterator[str]:
    """Which sign-offs the answer rests on."""
    if not case.judgement.signed_off:
        return
    provisions = {rule.provision.id: rule.provision for _, rule in case.standing()}
    for accepts in ("review", "lift", "reaches"):
        found = [part for part in case.judgement.signed_off if part.accepts == accepts]
        if found:
            said = [book.cited(book.clause(provisions[p.provision].title), provisions[p.provision]) for p in found]
            yield book.language.signed_off(accepts, _list(said, book), min(part.until for part in found))
    for accepts, kind in (("reach", Reach), ("gap", Gap)):
        found = [part for part in case.judgement.signed_off if part.accepts == accepts]
        signed = (each for each in case.outcome.coverage.signed if isinstance(each, kind))
        said = [
            book.language.headed(book.place(each.country), book.subject(each.subject) if each.subject else "")
            for each in signed
        ]
        if found:
            yield book.language.signed_off(accepts, _list(said, book), min(part.until for part in found))


def _left_alone(each: UnreachedSubject, book: Phrasebook) -> str:
    """Whose law leaves which data alone, and why, if a policy says so."""
    subject = book.text(book.bundle.vocabulary.subjects[each.subject].title)
    because = book.clause(each.because.says) if each.because else ""
    return book.language.left_alone(book.place(each.jurisdiction), subject, because)


def _accepted(case: Case, book: Phrasebook) -> Iterator[str]:
    """What organisations accept, where a permit rests on it."""
    found = case.outcome.coverage.accepted
    if found and case.outcome.permits:
        said = [book.language.headed(book.place(each.country), book.subject(each.subject)) for each in found]
        people = list(dict.fromkeys(book.text(each.acceptance.by) for each in found))
        yield book.language.accepted(_list(said, book), _list(people, book), min(each.acceptance.until for each in found))


def _list(texts: Sequence[str], book: Phrasebook) -> str:
    return book.language.listed(texts[:SHOWN], more=max(0, len(texts) - SHOWN))


def _places(case: Case, book: Phrasebook) -> list[str]:
    """The titles of the jurisdictions concerned."""
    return [book.place(name) for name in case.judgement.concerned]


def _stands_on(case: Case, book: Phrasebook) -> str:
    """
    What a permit stands on: the provisions that lift or allow; of a place that has none, the statement of coverage on its law.
    """
    say, lifting = book.language, list(_lifting(case))
    found = list(dict.fromkeys(book.source(rule.provision) for rule in lifting))
    said = say.stands_on(_list(found, book)) if found else ""
    told = {rule.provision.jurisdiction for rule in lifting}
    silent = [
        say.headed_by(book.law(place), book.subject(subject), f"{place}/{subject}")
        for place, subject in case.outcome.coverage.stands_on
        if place in case.judgement.concerned and place not in told
    ]
    return said + (say.nothing_against(_list(silent, book)) if silent else "")


def _lifting(case: Case) -> Iterator[Rule]:
    """The provisions that certainly lift something which stands or would, or that allow."""
    holds = {case.verdict.rules[number].key for number in numbers(case.verdict.holds.possible)}
    asked = {name for _, rule in case.standing() if rule.need for name in rule.need.requirements()}
    for _, rule in case.standing(certain=True):
        lifts = not holds.isdisjoint(rule.exempts) or not asked.isdisjoint((*rule.satisfies, *rule.excuses))
        if rule.effect == "allows" or (rule.effect in ("exempts", "satisfies") and lifts):
            yield rule


def _owed(case: Case, book: Phrasebook) -> list[str]:
    """The duties that are owed, or may be, in words."""
    duties = case.bundle.duties
    return list(dict.fromkeys(book.clause(duties[key].text) for key in case.verdict.owed))


def _certain(case: Case, effect: str) -> list[Rule]:
    return [rule for _, rule in case.standing(certain=True) if rule.effect == effect]


def _said(rule: Rule, book: Phrasebook) -> str:
    return book.cited(book.clause(rule.message or rule.provision.title), rule.provision)


def _unmet(case: Case, book: Phrasebook) -> list[str]:
    """
    The requirements of standing rules that are not met, each with the provisions that require it; alternatives are joined by `or`.
    """
    states, titles = case.verdict.requirements, case.bundle.rules.requirements

    def open_(name: str) -> bool:
        return states[name] != MET

    wanted: dict[str, list[Provision]] = {}
    rules = [
        (rule, rule.need)
        for number, rule in case.standing(certain=True)
        if rule.need and not is_met(case, rule.need)
        # What is lifted in doubt is for a person to look at.
        if not case.verdict.doubted.certain >> number & 1
    ]
    alone = {name for _, need in rules if need.op != "any_of" for name in need.requirements() if open_(name)}
    for rule, need in rules:
        unmet = [name for name in need.requirements() if open_(name)]
        # Another rule requires one of the alternatives anyway; meeting that rule meets this choice too.
        if unmet and not (need.op == "any_of" and alone & set(unmet)):
            names = [book.language.small(book.text(titles[name].title)) for name in unmet]
            text = book.language.either(names) if need.op == "any_of" else book.language.joined(names)
            wanted.setdefault(text, []).append(rule.provision)
    return [book.cited(text, *provisions) for text, provisions in wanted.items()]


def unmet_needs(case: Case) -> Iterator[tuple[Rule, tuple[tuple[str, ...], ...]]]:
    """The standing rules whose requirements are not met, each with the ways to meet them: for each way the requirements not met."""
    for _, rule in case.standing(certain=True):
        if rule.need and not is_met(case, rule.need):
            yield rule, tuple(dict.fromkeys(_ways(case, rule.need)))


def _ways(case: Case, need: Need) -> Iterator[tuple[str, ...]]:
    """Each way to meet a need, as the requirements that are still to be met."""
    if need.op == "one":
        yield () if case.verdict.requirements[need.requirement] == MET else (need.requirement,)
    elif need.op == "any_of":
        for part in need.parts:
            yield from _ways(case, part)
    else:
        for chosen in product(*(tuple(_ways(case, part)) for part in need.parts)):
            yield tuple(dict.fromkeys(name for way in chosen for name in way))


def is_met(case: Case, need: Need) -> bool:
    """Whether a need is met for certain."""
    if need.op == "one":
        return case.verdict.requirements[need.requirement] == MET
    parts = (is_met(case, part) for part in need.parts)
    return any(parts) if need.op == "any_of" else all(parts)


def is_unmet(case: Case, need: Need) -> bool:
    """Whether a need is unmet for certain."""
    if need.op == "one":
        return case.verdict.requirements[need.requirement] == UNMET
    parts = (is_unmet(case, part) for part in need.parts)
    return all(parts) if need.op == "any_of" else any(parts)


def _beside(case: Case, book: Phrasebook) -> str:
    """What a person must look at beside what is stricter: the first reason, and how many there are; the answer lists them."""
    reasons = list(dict.fromkeys(said for _, said in (*reviews(case, book), *silences(case, book))))
    return book.language.beside(book.language.listed(reasons[:1], more=len(reasons) - 1)) if reasons else ""


def reviews(case: Case, book: Phrasebook) -> Iterator[tuple[str, str]]:
    """
    The certain reasons for a review in what law says: what a person may sign off, "" where nobody can, and the reason in words.
    """
    say, verdict = book.language, case.verdict
    signed = {part.provision for part in case.judgement.signed_off}
    for rule in _certain(case, "review"):
        if rule.provision.id not in signed:
            yield rule.provision.id, _said(rule, book)
    asked = {name for _, rule in case.standing() if rule.need for name in rule.need.requirements()}
    for name, states in verdict.requirements.items():
        if name in asked and states == frozenset((State.DOUBTFUL,)):
            yield "", say.doubtful(book.text(case.bundle.rules.requirements[name].title))
    for key, owed in verdict.owed.items():
        if owed is Truth.YES and verdict.overdue.get(key) is Truth.YES:
            yield "", say.overdue(book.clause(case.bundle.duties[key].text))
    doubted = {verdict.rules[n].key for n in numbers(verdict.doubted.certain) if _lacks(case, verdict.rules[n])}
    for _, rule in case.standing(certain=True):
        if rule.effect == "doubts" and rule.provision.id not in signed and not doubted.isdisjoint(rule.exempts):
            doubted -= set(rule.exempts)
            yield rule.provision.id, _said(rule, book)
    for number in numbers(verdict.doubted.certain):
        if verdict.rules[number].key in doubted:
            yield "", say.lifted_in_doubt(book.text(verdict.rules[number].provision.title))


def silences(case: Case, book: Phrasebook) -> Iterator[tuple[str, str]]:
    """The certain reasons for a review because law is silent: under which name a person may sign it off, and the reason in words."""
    for gap in case.outcome.coverage.gaps:
        if gap.certain and gap.reviewed:
            yield next(iter(gap.names), ""), book.silent(gap)
    for reach in case.outcome.coverage.reaches:
        if reach.certain:
            yield (
                next(iter(reach.names), ""),
                book.language.reached(
                    book.place(reach.country), book.text(case.bundle.vocabulary.subjects[reach.subject].title)
                ),
            )


def _lacks(case: Case, rule: Rule) -> bool:
    """Whether what a rule asks for is not known to be met."""
    return rule.need is None or not is_met(case, rule.need)
