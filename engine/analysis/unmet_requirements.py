"""
What rules require and nothing can meet; what is met wherever it is required; and what is demanded and forbidden at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from engine.analysis.analysed_bundle import AnalysedBundle, named
from engine.analysis.finding import Finding
from engine.analysis.prover import Example
from engine.backends.lanes.slots import Pair
from engine.languages import in_each
from engine.rules import Need, Rule
from engine.values.multilingual import Words


def unmet_requirements(analysed: AnalysedBundle) -> Iterator[Finding]:
    """Every such finding, rule by rule."""
    bans: dict[str, list[Rule]] = {}
    for rule in analysed.bundle.rules.rules:
        if rule.effect == "prohibit":
            bans.setdefault(rule.provision.jurisdiction, []).append(rule)
    for rule in analysed.rules:
        if rule.key in analysed.never:
            continue
        if rule.need is not None:
            yield from _required(analysed, rule, rule.need, bans.get(rule.provision.jurisdiction, []))
        elif rule.effect == "oblige" and rule.duties[0].done_when is not None:
            done = analysed.asked.condition(rule.duties[0].done_when).may
            yield from _forbidden(analysed, rule, done, bans.get(rule.provision.jurisdiction, []))


def _required(analysed: AnalysedBundle, rule: Rule, need: Need, bans: list[Rule]) -> Iterator[Finding]:
    asked, stands, place = analysed.asked, analysed.formula.stands(rule.key), rule.provision.id
    met = way(analysed, need)
    at = analysed.place(place)
    if not asked.possible(stands.may, met.may, analysed.from_today):
        if asked.possible(stands.may, analysed.from_today):
            always = not asked.possible(stands.may, met.may)
            first = "" if always else _first(analysed, stands.may, met.may).isoformat()
            witness = analysed.witness((stands.must, analysed.from_today), lambda seen: analysed.stands(seen, rule))
            yield _unmet(analysed, rule, need, first, witness)
        return
    last = max((date.fromordinal(int(at)) for at, _ in analysed.formula.exchange.day.line.at), default=analysed.today)
    late = analysed.formula.exchange.day.from_(last)
    if not asked.possible(stands.may, met.may, late) and asked.possible(stands.may, late):
        first = _first(analysed, stands.may, met.may).isoformat()
        yield _unmet(analysed, rule, need, first)
    if not asked.possible(stands.must, -met.must):
        witness = analysed.witness((stands.must,), lambda seen: analysed.stands(seen, rule))
        yield analysed.finding("always-met", at, place, {}, witness=witness)
    yield from _forbidden(analysed, rule, met.may, bans)


def _unmet(analysed: AnalysedBundle, rule: Rule, need: Need, first: str, witness: Example | None = None) -> Finding:
    """
    That nothing can meet what a rule requires, from a first day on where there is one; beside it the grounds that meet it elsewhere, or
    where there is none, the next ground after the rule, which may be meant for it.
    """
    place, names = rule.provision.id, need.requirements()
    asks = {"place": place, "what": " / ".join(f"`{each}`" for each in names), "day": first}
    simply = said = "cannot-be-met-from" if first else "cannot-be-met"
    grounds = [each for each in analysed.every if each.effect == "satisfies"]
    meeting = [each for each in grounds if not set(names).isdisjoint(each.satisfies)]
    after = [
        each for each in grounds if each.provision.file == rule.provision.file and each.provision.line > rule.provision.line
    ]
    parts: dict[str, str | Words] = {**asks}
    if meeting or after:
        following = min(after, key=lambda each: each.provision.line) if not meeting else None
        parts["what"] = in_each(lambda language: language.finding(simply, asks))
        parts["other"] = " / ".join(f"`{each}`" for each in following.satisfies) if following else ""
        parts["beside"] = named([following] if following else meeting)
        said = "cannot-be-met-next" if following else "cannot-be-met-elsewhere"
    return analysed.finding("cannot-be-met", analysed.place(place), place, parts, said=said, witness=witness)


def way(analysed: AnalysedBundle, need: Need) -> Pair:
    """Whether what is needed is certainly met, and whether it may be met, perhaps in doubt."""
    gates = analysed.formula.gates
    if need.op == "one":
        states = analysed.formula.states(need.requirement)
        return Pair(states.sure, gates.either((states.met, states.doubtful)))
    parts = [way(analysed, part) for part in need.parts]
    join = gates.either if need.op == "any_of" else gates.both
    return Pair(join(each.must for each in parts), join(each.may for each in parts))


def _first(analysed: AnalysedBundle, stands: int, met: int) -> date:
    """The first day from which on something is never met, of the days that some test names."""
    day = analysed.formula.exchange.day
    days = sorted(date.fromordinal(int(at)) for at, _ in day.line.at)
    low, high = 0, len(days) - 1
    while low < high:
        middle = (low + high) // 2
        if analysed.asked.possible(stands, met, day.from_(days[middle])):
            low = middle + 1
        else:
            high = middle
    return days[low]


def _forbidden(analysed: AnalysedBundle, rule: Rule, done: int, bans: list[Rule]) -> Iterator[Finding]:
    """A ban that stands wherever a rule stands and what it demands is done."""
    asked, formula, place = analysed.asked, analysed.formula, rule.provision.id
    stands = formula.stands(rule.key)
    bar = [each for each in bans if each.key not in analysed.never]
    if not bar or asked.possible(stands.must, done, *(-formula.stands(each.key).must for each in bar)):
        return
    if not asked.possible(stands.must, done):
        return
    one = next((b for b in bar if not asked.possible(stands.must, done, -formula.stands(b.key).must)), None)
    found = [one] if one else [each for each in bar if asked.possible(stands.must, done, formula.stands(each.key).must)]
    beside = named(found)
    witness = analysed.witness(
        (stands.must, done), lambda seen: analysed.stands(seen, rule) and any(analysed.stands(seen, each) for each in found)
    )
    at = analysed.place(place)
    yield analysed.finding(
        "demanded-and-forbidden", at, place, {"beside": beside}, beside=one.provision.id if one else "", witness=witness
    )
