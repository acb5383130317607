"""
The answer of a decision in one sentence, which a person reads first and often last.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from engine.case import Case
from engine.coverage import REVIEWED
from engine.rules import Level, Need, Rule, State, Truth
from engine.verdict import numbers
from engine.words import Phrasebook

SHOWN = 4  # of each kind; the rest of the decision has them all
MET = frozenset((State.MET,))


def answer(case: Case, book: Phrasebook) -> str:
    """What to do, and the first reasons for it."""
    prefix = f"Hypothetically, on {case.as_of.isoformat()}: " if case.hypothetical else ""
    if not case.engine.agreed:
        return prefix + "Do not proceed: the engines disagree on this exchange, so a person must look at it."
    match case.outcome.word:
        case "permitted":
            text = f"This may go ahead{_under(case, book)}."
        case "permitted_with_obligations":
            owed = _owed(case)
            text = f"This may go ahead{_under(case, book)}, with {count(len(owed), 'duty', 'duties')}: {_list(owed)}."
        case "requirements_unmet":
            needed = _unmet(case)
            text = (
                f"Do not proceed yet: {count(len(needed), 'thing is', 'things are')} required and not shown: {_list(needed)}."
            )
        case "review":
            text = f"Do not proceed before a person has looked at it: {_list(list(dict.fromkeys(_reviews(case, book))))}."
        case "prohibited":
            text = f"Do not proceed: {_list([_said(rule) for rule in _certain(case, 'prohibit')])}."
        case "not_applicable":
            text = "No policy here applies to this exchange; that is not a permit."
        case _:
            text = f"This cannot be decided yet: {_unknown(case)}"
    return prefix + text


def plain(level: Level) -> str:
    """A level in words."""
    return level.word.replace("_", " ")


def count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def join(names: Sequence[str]) -> str:
    """`a, b and c`."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _list(texts: Sequence[str]) -> str:
    return "; ".join(texts[:SHOWN]) + ("; …" if len(texts) > SHOWN else "")


def _small(text: str) -> str:
    """A title inside a sentence: its first letter small, unless the first word is an acronym."""
    return text[:1].lower() + text[1:] if text[1:2].islower() else text


def _under(case: Case, book: Phrasebook) -> str:
    weighing = [name for name, bounds in sorted(case.outcome.jurisdictions.items()) if bounds.high is not Level.NOT_APPLICABLE]
    return f" under the law of {join([book.place(name) for name in weighing])}" if weighing else ""


def _owed(case: Case) -> list[str]:
    """What is owed, or may be, in words."""
    duties = case.bundle.duties
    return list(dict.fromkeys(duties[key].text.rstrip(".") for key in case.verdict.owed))


def _certain(case: Case, effect: str) -> list[Rule]:
    return [rule for _, rule in case.standing(certain=True) if rule.effect == effect]


def _said(rule: Rule) -> str:
    return f"{rule.message.rstrip('.') or rule.provision.title} ({rule.provision.instrument}, {rule.provision.citation})"


def _unmet(case: Case) -> list[str]:
    """What standing rules still want, each with the provisions that want it; alternatives are joined by `or`."""
    states, titles = case.verdict.requirements, case.bundle.rules.requirements
    wanted: dict[str, list[str]] = {}
    rules = [(rule, rule.need) for rule in _certain(case, "require") if rule.need and not _met(case, rule.need)]
    alone = {name for _, need in rules if need.op != "any_of" for name in need.requirements() if states[name] != MET}
    for rule, need in rules:
        unmet = [name for name in need.requirements() if states[name] != MET]
        # Whoever meets what another rule wants alone has met the choice as well.
        if unmet and not (need.op == "any_of" and alone & set(unmet)):
            text = (" or " if need.op == "any_of" else " and ").join(_small(titles[name].title) for name in unmet)
            wanted.setdefault(text, []).append(f"{rule.provision.instrument}, {rule.provision.citation}")
    return [f"{text} ({'; '.join(citations)})" for text, citations in wanted.items()]


def _met(case: Case, need: Need) -> bool:
    """Whether a need is met for certain."""
    if need.op == "one":
        return case.verdict.requirements[need.requirement] == MET
    parts = (_met(case, part) for part in need.parts)
    return any(parts) if need.op == "any_of" else all(parts)


def _reviews(case: Case, book: Phrasebook) -> Iterator[str]:
    """Everything that makes the outcome a review, rules first."""
    verdict = case.verdict
    yield from (_said(rule) for rule in _certain(case, "review"))
    for gap in case.outcome.coverage.gaps:
        if gap.certain and gap.reviewed:
            subject = f" on {case.bundle.vocabulary.subjects[gap.subject].title.en}" if gap.subject else ""
            where = join([f"the {role} {'are' if role == 'people' else 'is'}" for role in gap.roles if role in REVIEWED])
            yield f"the law of {book.place(gap.country)}{subject} is not modelled here, and it is where {where}"
    asked = {name for _, rule in case.standing() if rule.need for name in rule.need.requirements()}
    for name, states in verdict.requirements.items():
        if name in asked and states == frozenset((State.DOUBTFUL,)):
            yield f"{_small(case.bundle.rules.requirements[name].title)} rests on a ground that is doubtful"
    for key, owed in verdict.owed.items():
        if owed is Truth.YES and verdict.overdue.get(key) is Truth.YES:
            yield f"a duty is overdue: {case.bundle.duties[key].text.rstrip('.')}"
    for number in numbers(verdict.doubted.certain):
        yield f"{verdict.rules[number].provision.title} is lifted only in doubt"
    for rule, name in case.outcome.conflicts:
        yield f"{rule.provision.instrument} ({rule.provision.citation}) compels what {book.place(name)} refuses"


def _unknown(case: Case) -> str:
    bounds = case.outcome.bounds
    between = f"it is between {plain(bounds.low)} and {plain(bounds.high)}"
    if not case.missing:
        return f"{between}."
    asked = case.missing[0].facts
    more = f" (and {len(asked) - 2} more)" if len(asked) > 2 else ""
    return f"{between}; find out first: {' '.join(question.question for question in asked[:2])}{more}"
