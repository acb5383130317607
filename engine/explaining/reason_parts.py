"""
Writes why: the provisions that stand, each with its tests, what an exemption lifts, what is required and met, and what soft law advises.

A case goes in; the parts of its explanation come out, as JSON. What is the same for every exchange (the words of a provision, a test in
words) is written once and kept.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from json.encoder import encode_basestring as quote

from engine.deciding.judgement import LIFTING, WEIGHING
from engine.decision import TRUTH_WORDS
from engine.explaining.case import Case
from engine.explaining.encoding import encode
from engine.explaining.phrasebook import Phrasebook, shown
from engine.rules import AS_OF, Rule, Truth, bearing, exempted
from engine.verdict import ConditionReading, numbers

REMEMBERED = 256  # combinations of truth values of the tests of one rule


class ReasonWriter:
    """Writes the reasons of decisions under one bundle in one language."""

    def __init__(self, book: Phrasebook) -> None:
        self.bundle = book.bundle
        self.book = book
        rules = self.bundle.rules.rules
        self._weighing = _mask(rules, lambda rule: rule.effect in WEIGHING)
        self._lifting = _mask(rules, lambda rule: rule.effect in LIFTING)
        self._exempting = _mask(rules, lambda rule: rule.effect == "exempts")
        self._advising = _mask(rules, lambda rule: rule.effect == "advise")
        self._requiring = _mask(rules, lambda rule: rule.need is not None)
        self._victims = exempted(rules)
        self._lifts = {n: frozenset((*rule.satisfies, *rule.excuses)) for n, rule in enumerate(rules)}
        self.needs = {n: tuple(rule.need.requirements()) for n, rule in enumerate(rules) if rule.need}
        self._ids = tuple(quote(rule.provision.id) for rule in rules)
        self._titles = {
            name: (quote(self.book.text(each.title)), quote(self.book.text(each.how)))
            for name, each in sorted(self.bundle.rules.requirements.items())
        }
        self._reasons: dict[tuple[int, bool], tuple[str, str]] = {}
        self._known: dict[int, dict[Hashable, tuple[tuple[str, str], ...]]] = {}
        self._advice: dict[int, str] = {}

    def told(self, case: Case) -> int:
        """The rules that the reasons list: those that weigh, those that lift for certain, those that may lift one that weighs."""
        stands = case.verdict.stands
        told = stands.possible & self._weighing | stands.certain & self._lifting
        perhaps = stands.possible & self._lifting & ~told
        if perhaps:
            asked = {name for number in numbers(stands.possible & self._requiring) for name in self.needs[number]}
            reached = case.verdict.holds.possible & self._weighing | stands.possible & self._exempting
            for number in numbers(perhaps):
                if self._victims.get(number, 0) & reached or not asked.isdisjoint(self._lifts[number]):
                    told |= 1 << number
        return told

    def of(self, number: int, case: Case, values: Values) -> str:
        certain = bool(case.verdict.stands.certain >> number & 1)
        pieces = self._reasons.get((number, certain))
        if pieces is None:
            pieces = self._reasons[number, certain] = self._pieces(case.verdict.rules[number], certain)
        evidence = ",".join([f"{start}{values[fact]}}}" for fact, start in self._evidence(number, case.reading)])
        return f"{pieces[0]}{evidence}{pieces[1]}"

    def _pieces(self, rule: Rule, certain: bool) -> tuple[str, str]:
        """The JSON of a reason before its evidence, and after it."""
        provision, text = rule.provision, self.book.text
        whole = encode(
            {
                "at": f"{provision.file}:{provision.line}",
                "citation": text(provision.citation),
                "effect": rule.effect,
                "evidence": [],
                "force": provision.force,
                "instrument": text(provision.instrument),
                "jurisdiction": provision.jurisdiction,
                "mark": provision.status,
                "message": text(rule.message),
                "provision": provision.id,
                "requires": list(rule.need.requirements()) if rule.need else list(rule.satisfies),
                "says": text(provision.says),
                "source": provision.source,
                "standing": "certain" if certain else "possible",
                "title": text(provision.title),
            }
        )
        before, _, after = whole.partition('"evidence":[')
        return before + '"evidence":[', after

    def _evidence(self, number: int, reading: ConditionReading) -> tuple[tuple[str, str], ...]:
        """
        The tests that make a rule stand, or leave it open, each once.

        A test is its fact and its JSON up to the value, which is the only part that differs between exchanges. Which of the ledger's shares
        is too high is told nobody: it speaks of others, too.
        """
        seen = reading.seen(number)
        known = self._known.setdefault(number, {})
        found = known.get(seen)
        if found is None:
            lines: dict[tuple[str, str], tuple[str, str]] = {}
            for atom in bearing(self.bundle.rules.rules[number].condition, self.bundle.rules.definitions, reading):
                phrase = self.book.phrase(atom)
                if atom.fact.rpartition(".")[0] in self.bundle.vocabulary.shares:
                    continue
                if atom.fact != AS_OF and (atom.fact, phrase) not in lines:
                    truth = TRUTH_WORDS[reading(atom)]
                    start = f'{{"fact":{quote(atom.fact)},"test":{quote(phrase)},"truth":"{truth}","value":'
                    lines[atom.fact, phrase] = (atom.fact, start)
            while len(known) >= REMEMBERED:
                del known[next(iter(known))]
            found = known[seen] = tuple(lines.values())
        return found

    def beaten(self, case: Case) -> Iterator[str]:
        holds, stands, doubted = case.verdict.holds, case.verdict.stands, case.verdict.doubted
        lifted = holds.possible ^ stands.possible | holds.certain ^ stands.certain
        found: dict[str, str] = {}
        for number in numbers((lifted | doubted.possible) & holds.possible & ~self._exempting):
            rule = case.verdict.rules[number]
            by = [e.provision.id for n, e in case.standing() if self._victims.get(n, 0) >> number & 1]
            standing = stands.truth(number)
            found[rule.provision.id] = encode(
                {
                    "by": list(dict.fromkeys(by)),
                    "certain": standing is Truth.NO or doubted.truth(number) is Truth.YES,
                    "doubtful": standing is holds.truth(number),
                    "provision": rule.provision.id,
                }
            )
        return iter(found.values())

    def requirements(self, case: Case) -> Iterator[str]:
        possible = case.verdict.stands.possible
        by: dict[str, list[str]] = {}
        for number in numbers(possible & self._requiring):
            for name in self.needs[number]:
                by.setdefault(name, []).append(self._ids[number])
        met_by: dict[str, dict[str, None]] = {}
        for number in numbers(possible & self._lifting):
            for name in self._lifts[number]:
                met_by.setdefault(name, {})[self._ids[number]] = None
        for name, (title, how) in self._titles.items() if by else ():
            if name in by:
                states = case.verdict.requirements[name]
                state = next(iter(states)).name.lower() if len(states) == 1 else "unknown"
                met, required = ",".join(met_by.get(name, ())), ",".join(by[name])
                yield (
                    f'{{"how":{how},"met_by":[{met}],"required_by":[{required}],"requirement":"{name}",'
                    f'"state":"{state}","title":{title}}}'
                )

    def advice(self, case: Case) -> Iterator[str]:
        """What soft law advises where it certainly applies."""
        return map(self._advise, numbers(case.verdict.stands.certain & self._advising))

    def _advise(self, number: int) -> str:
        if number not in self._advice:
            rule = self.bundle.rules.rules[number]
            provision = rule.provision
            self._advice[number] = encode(
                {
                    "advice": self.book.text(rule.message),
                    "citation": self.book.text(provision.citation),
                    "force": provision.force,
                    "lane": rule.lane,
                    "mark": provision.status,
                    "provision": provision.id,
                }
            )
        return self._advice[number]


class Values(dict[str, str]):
    """The values of one exchange as JSON; each is written when it is first looked up."""

    def __init__(self, case: Case) -> None:
        super().__init__()
        self._case = case
        self._sent = case.exchange.values

    def __missing__(self, fact: str) -> str:
        found = "null"
        # A fact that was not sent has no value, except a field of a document that was sent.
        if fact in self._sent or fact.rpartition(".")[0] in self._sent:
            value = shown(self._case.bundle.vocabulary, self._case.exchange, fact, self._case.as_of)
            match value:
                case None:
                    pass
                case str():
                    found = quote(value)
                case bool():
                    found = "true" if value else "false"
                case _:
                    found = encode(value)
        self[fact] = found
        return found


def _mask(rules: tuple[Rule, ...], chosen: Callable[[Rule], bool]) -> int:
    return sum(1 << number for number, rule in enumerate(rules) if chosen(rule))
