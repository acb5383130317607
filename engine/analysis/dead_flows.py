"""
What can never go free from a country, and what no policy ever speaks of although coverage says that policies do.

A subject matter of which coverage itself says that nothing was read is passed over. Countries, and categories of data, that no test tells
apart are asked about once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta

from engine.analysis.analysed_bundle import AnalysedBundle
from engine.analysis.finding import Finding
from engine.analysis.prover import WitnessVerdict
from engine.analysis.word_choices import ManyWords, OneWord
from engine.languages import Language, in_each
from engine.policy_language.coverage_text import CoverText, JurisdictionText
from engine.policy_language.written_exchange import written_value
from engine.rules import Condition, Defined, Truth, tests
from engine.values.outcome_levels import Level

MOST_NAMED = 8


def dead_flows(analysed: AnalysedBundle) -> Iterator[Finding]:
    """Every such finding, by jurisdiction and subject matter."""
    for name, text in analysed.bundle.vocabulary.jurisdictions.items():
        here = _from(analysed, "exporter", _countries(analysed, text.countries))
        if here is None or analysed.file not in analysed.coverage(name).file:
            continue
        for subject, cell in text.covers.items():
            about = analysed.formula.condition(Defined(f"subject/{subject}"))
            given = (here, about.must, analysed.from_today)
            if not _read(analysed, text, subject) or not analysed.asked.possible(*given):
                continue
            yield from _stuck(analysed, name, text, subject, given)
            if cell.kind == "by":
                yield from _silent(analysed, name, subject, cell, given)


def _read(analysed: AnalysedBundle, text: JurisdictionText, subject: str) -> bool:
    """Whether coverage says that the law on a subject matter was read whole, and the law on each wider one that governs it."""
    cell = text.covers.get(subject)
    if cell is None or cell.kind == "unread" or cell.partly == "yes" or cell.in_doubt(analysed.bundle.settings.trust):
        return False
    return all(_read(analysed, text, wider) for wider in cell.wider)


def _countries(analysed: AnalysedBundle, countries: str | Sequence[str]) -> frozenset[str]:
    return frozenset(analysed.bundle.vocabulary.registers[countries].entries if isinstance(countries, str) else countries)


def _touched(analysed: AnalysedBundle, role: str) -> OneWord | None:
    """The fact of one country in a role."""
    vocabulary = analysed.bundle.vocabulary
    for touch in vocabulary.touches:
        found = analysed.formula.exchange.words_of(touch.fact, vocabulary.facts[touch.fact].type)
        if touch.as_ == role and isinstance(found, OneWord):
            return found
    return None


def _from(analysed: AnalysedBundle, role: str, countries: frozenset[str]) -> int | None:
    """The literal of the fact in a role being one of some countries."""
    fact = _touched(analysed, role)
    if fact is None or not countries:
        return None
    there = (has for words, has in zip(fact.words, fact.has, strict=True) if str(words[0]) in countries)
    return analysed.formula.gates.either(there)


def _stuck(
    analysed: AnalysedBundle, name: str, text: JurisdictionText, subject: str, given: Sequence[int]
) -> Iterator[Finding]:
    """Where nothing goes free: to any country, else to some."""
    permits = analysed.formula.level(Level.PERMITTED, name).may
    touch = next(each for each in analysed.bundle.vocabulary.touches if each.as_ == "recipient")
    free = analysed.formula.gates.both((permits, -analysed.formula.level(Level.REVIEW, name).must))
    refused = analysed.formula.level(Level.REVIEW, name).must
    at = analysed.coverage(name, subject)

    def is_refused(seen: WitnessVerdict, among: Sequence[str] = ()) -> bool:
        found = seen.level(name)
        to = None if seen.exchange is None or not among else seen.exchange.values.get(touch.fact)
        about = seen.reads(Defined(f"subject/{subject}")) is Truth.YES
        return found is not None and found.low >= Level.REVIEW and about and (not among or to in among)

    at_home = _countries(analysed, text.countries)
    home = _from(analysed, "recipient", at_home)
    if home is not None:
        given = (*given, -home)
    if not analysed.asked.possible(*given, free):
        witness = analysed.witness((*given, refused), is_refused)
        yield analysed.finding("nothing-goes-free", at, name, {"subject": subject}, subject=subject, witness=witness)
        return
    there = _touched(analysed, "recipient")
    if there is None:
        return
    own = [rule.condition for rule in analysed.bundle.rules.rules if rule.provision.jurisdiction == name]
    named: list[str] = []
    first = 0
    for words, has in _alike(analysed, own, touch.fact, there, at_home):
        if not analysed.asked.possible(*given, has, free) and analysed.asked.possible(*given, has):
            named += words
            first = first or has
    if named:
        witness = analysed.witness((*given, first, refused), lambda seen: is_refused(seen, named))
        parts = {"subject": subject, "to": _named(named)}
        beside = ", ".join(named)
        yield analysed.finding(
            "nothing-goes-free", at, name, parts, said="nothing-goes-free-to", subject=subject, beside=beside, witness=witness
        )


def _silent(analysed: AnalysedBundle, name: str, subject: str, cell: CoverText, given: Sequence[int]) -> Iterator[Finding]:
    """Categories of data of which none of the named policies speaks."""
    found = _categories(analysed)
    rules = analysed.bundle.rules
    keys = [
        key
        for floor in rules.floors
        if floor.jurisdiction == name
        for spoken in floor.spoken
        if spoken.subject == f"subject/{subject}"
        for key in spoken.by
    ]
    policies = {each.partition("/")[0] for each in cell.by or ()}
    left = [each.key for each in rules.not_reached if each.policy in policies]  # what a policy says that it leaves alone
    says = analysed.formula.gates.either(analysed.formula.condition(Defined(key)).may for key in keys)
    given = [*given, *(-analysed.formula.condition(Defined(key)).may for key in left)]
    if found is None or not keys:
        return
    fact, literals = found
    named = [
        word
        for words, has in _alike(analysed, map(Defined, keys), fact, literals, frozenset())
        if not analysed.asked.possible(*given, has, says) and analysed.asked.possible(*given, has)
        for word in words
    ]
    if named:
        parts = {"subject": subject, "category": _named(named)}
        at, beside = analysed.coverage(name, subject), ", ".join(named)
        row = in_each(lambda language: _row(language, parts | {"place": name}, cell, analysed.today))
        yield analysed.finding("nothing-speaks", at, name, parts, subject=subject, beside=beside, row=row)


def _row(language: Language, parts: Mapping[str, str], cell: CoverText, today: date) -> str:
    """The row that says that policies cover a subject matter in part, so that it is reviewed until somebody has read the law."""
    said = {each: language.finding(f"nothing-speaks-{each}", parts) for each in ("note", "else", "unread", "read")}
    row = {
        "partly": True,
        "by": cell.by,
        "unread": said["unread"],
        "read": said["read"],
        "source": f"fifthfactor analyse, {today}",
        "read_on": today.isoformat(),
        "status": "unsure",
        "verify_by": (today + timedelta(days=365)).isoformat(),
    }
    lines = [f"      # {said['note']}", f"      # {said['else']}", f"      {parts['subject']}:"]
    return "\n".join([*lines, *(f"        {key}: {written_value(value)}" for key, value in row.items())]) + "\n"


def _categories(analysed: AnalysedBundle) -> tuple[str, ManyWords] | None:
    """The fact by which most subject matters are told apart."""
    rules, vocabulary = analysed.bundle.rules, analysed.bundle.vocabulary
    read = Counter(
        atom.fact
        for name in vocabulary.subjects
        for atom in {a.fact: a for a in tests(Defined(f"subject/{name}"), rules.definitions)}.values()
        if atom.type.many and atom.type.values is not None
    )
    if not read:  # no subject matter reads a set
        many = [f for f in vocabulary.facts.values() if f.type.many and f.type.values is not None]
        return _many(analysed, many[0].name) if len(many) == 1 else None
    return _many(analysed, read.most_common(1)[0][0])


def _many(analysed: AnalysedBundle, name: str) -> tuple[str, ManyWords] | None:
    found = analysed.formula.exchange.words_of(name, analysed.bundle.vocabulary.facts[name].type)
    return (name, found) if isinstance(found, ManyWords) else None


def _alike(
    analysed: AnalysedBundle,
    conditions: Iterable[Condition],
    fact: str,
    literals: OneWord | ManyWords,
    apart: frozenset[str],
) -> list[tuple[list[str], int]]:
    """The words of a fact that some conditions do not tell apart, each group with the literal of one of them; `apart` are told apart."""
    rules = analysed.bundle.rules
    values = analysed.bundle.vocabulary.facts[fact].type.values
    assert values
    seen: set[str] = set()
    targets = {
        frozenset(rules.registers[atom.register] if atom.register else map(str, atom.operands))
        for condition in conditions
        for atom in tests(condition, rules.definitions, seen)
        if atom.fact == fact
    }
    ordered = sorted(targets, key=sorted)
    found: dict[tuple[bool, ...], tuple[list[str], int]] = {}
    for words, has in zip(literals.words, literals.has, strict=True):
        line = set(values.ancestors(str(words[0])))
        key = (str(words[0]) in apart, *(not line.isdisjoint(each) for each in ordered))
        found.setdefault(key, ([], has))[0].extend(map(str, words))
    return list(found.values())


def _named(names: Sequence[str]) -> str:
    shown = ", ".join(names[:MOST_NAMED])
    return shown if len(names) <= MOST_NAMED else f"{shown} …"
