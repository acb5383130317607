"""
Provisions that can never stand, or only before a day; that are always exempted; that exempt from nothing; whose duty is always overdue.

Each is a question that no exchange answers. What never stands is asked first: of that, nothing else is said.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from engine.analysis.analysed_bundle import AnalysedBundle, named
from engine.analysis.finding import Finding
from engine.analysis.written_conditions import called, flat, use_of
from engine.backends.lanes.fact_tests import Late
from engine.languages import in_each
from engine.policy_language.document_text import Window
from engine.policy_language.written_effects import in_force
from engine.rules import Defined, Earliest, OnDate, Rule, Truth, tests
from engine.values.multilingual import Words

ONE_DAY = timedelta(days=1)


def dead_provisions(analysed: AnalysedBundle) -> Iterator[Finding]:
    """Every such finding, rule by rule."""
    asked, formula = analysed.asked, analysed.formula
    for rule in analysed.rules:
        holds, stands = formula.holds(rule.key), formula.stands(rule.key)
        # What never stands for certain never stands, unless a test is open by itself.
        opens = any(atom.op == "open" for atom in tests(rule.condition, analysed.bundle.rules.definitions))
        if not asked.possible(stands.may if opens else stands.must):
            analysed.never.add(rule.key)
            yield from _never(analysed, rule, asked.possible(holds.may if opens else holds.must))
            continue
        if not asked.possible(stands.may, analysed.from_today) and _lasts(analysed, rule):
            yield _past(analysed, rule)
        if rule.effect == "exempts":
            yield from _idle(analysed, rule)
        yield from _overdue(analysed, rule)


def _never(analysed: AnalysedBundle, rule: Rule, holds: bool) -> Iterator[Finding]:
    provision = rule.provision.id
    at = analysed.place(provision)
    if not holds:
        names = _exclusive(analysed, rule)
        said = "never-stands-together" if len(names) > 1 else "never-stands-since" if names else ""
        what = in_each(lambda language: language.joined([each.in_(language.code) for each in names]))
        yield analysed.finding("never-stands", at, provision, {"what": what}, said=said)
        return
    by = [each for each in analysed.every if rule.key in each.exempts]
    witness = analysed.witness(
        (analysed.formula.exempted(rule.key),),
        lambda seen: seen.holds(rule.key) is Truth.YES and seen.stands(rule.key) is Truth.NO,
    )
    yield analysed.finding(
        "always-exempted",
        at,
        provision,
        {"beside": named(by)},
        beside=by[0].provision.id if len(by) == 1 else "",
        witness=witness,
    )


def _exclusive(analysed: AnalysedBundle, rule: Rule) -> list[Words]:
    """What is written of a rule and cannot hold together, by what it is called; the solver finds it."""
    asked, node, name = analysed.asked, analysed.node(rule.provision.id), rule.provision.policy
    text = analysed.text(rule.provision.id)[2]
    named = {analysed.formula.condition(Defined(f"{name}#applies")).must: called("group", "applies")}
    if text.in_force is not None:
        named.setdefault(asked.condition(in_force(text.in_force, node)).must, called("group", "in_force"))
    use = use_of(rule)
    for written in (analysed.written.when(node.get("when"), name, use), analysed.written.unless(node.get("unless"), name, use)):
        for part in flat(written):
            unless = part.kind == "none"
            must = (
                -asked.gates.either(asked.condition(p.means).may for p in part.parts)
                if unless
                else asked.condition(part.means).must
            )
            named.setdefault(must, part.words)
    if asked.possible(*named):
        return []
    core = [each for each in asked.core if each in named]
    for each in tuple(core):  # what is not needed for it is left out
        rest = [other for other in core if other != each]
        core = core if asked.possible(*rest) else rest
    return [named[each] for each in core]


def _lasts(analysed: AnalysedBundle, rule: Rule) -> bool:
    """Whether neither the period of a provision nor that of its instrument is over."""
    instrument, _, text = analysed.text(rule.provision.id)
    return all(_last(each) >= analysed.today for each in (instrument.text.in_force, text.in_force))


def _last(windows: Window | list[Window] | None) -> date:
    listed = [] if windows is None else windows if isinstance(windows, list) else [windows]
    return max((each.until or date.max for each in listed), default=date.max)


def _past(analysed: AnalysedBundle, rule: Rule) -> Finding:
    """The finding with the first day from which on the provision does not stand, by halves over the days that some test names."""
    asked, day, stands = analysed.asked, analysed.formula.exchange.day, analysed.formula.stands(rule.key)
    days = sorted(each for each in (date.fromordinal(int(at)) for at, _ in day.line.at) if each <= analysed.today)
    low, high = 0, len(days)
    while low < high:
        middle = (low + high) // 2
        if asked.possible(stands.may, day.from_(days[middle])):
            low = middle + 1
        else:
            high = middle
    first = days[low] if low < len(days) else analysed.today
    witness = analysed.witness((stands.must,), lambda seen: analysed.stands(seen, rule))
    provision = rule.provision.id
    return analysed.finding("past-only", analysed.place(provision), provision, {"day": first.isoformat()}, witness=witness)


def _idle(analysed: AnalysedBundle, rule: Rule) -> Iterator[Finding]:
    """An exemption where something that it exempts never holds."""
    formula, stands = analysed.formula, analysed.formula.stands(rule.key).may
    lifted: dict[str, list[str]] = {}
    for key in rule.exempts:
        lifted.setdefault(key.partition("~")[0], []).append(key)
    for name in rule.excuses:
        lifted[name] = [each.key for each in analysed.bundle.rules.rules if each.need and name in each.need.requirements()]
    idle = [
        name
        for name, keys in lifted.items()
        if not any(analysed.asked.possible(stands, formula.holds(key).may) for key in keys)
    ]
    if idle:
        witness = analysed.witness((formula.stands(rule.key).must,), lambda seen: analysed.stands(seen, rule))
        provision = rule.provision.id
        said = "never-lifts" if len(idle) == len(lifted) else "never-lifts-some"
        those = " / ".join(f"`{each}`" for each in idle)
        yield analysed.finding("never-lifts", analysed.place(provision), provision, {"what": those}, said=said, witness=witness)


def _overdue(analysed: AnalysedBundle, rule: Rule) -> Iterator[Finding]:
    for duty in rule.duties:
        days = [each for each in _fixed(duty.due) if isinstance(each, OnDate)]
        late = [analysed.formula.exchange.test(Late(each), analysed.formula.version).must for each in days]
        stands = analysed.formula.stands(rule.key)
        if late and not analysed.asked.possible(stands.may, *(-each for each in late)):
            witness = analysed.witness((stands.must,), lambda seen: analysed.stands(seen, rule))
            provision = rule.provision.id
            yield analysed.finding("always-overdue", analysed.place(provision), provision, {}, witness=witness)


def _fixed(due: object) -> Sequence[object]:
    return due.parts if isinstance(due, Earliest) else () if due is None else (due,)
