"""
Until when an outcome holds with the same facts, and what ends it.

The search collects the days on which a test can change, from the dates in the rules and in the exchange. It reads these days in
order until the outcome changes. Between two of them no test changes, so the answer is exact. Counters are facts like others: the
search does not start them again in a new year. Source: semantics 2.9, 3.1, 3.6.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Literal, TypeAlias

from engine.bundle import Bundle
from engine.deciding.combine import Evaluate, Outcome
from engine.deciding.search_pauses import paused
from engine.decision import HorizonPart
from engine.exchange import Exchange
from engine.explaining.phrasebook import Phrasebook
from engine.languages import ENGLISH, Language
from engine.policy_language.calendars import first_after, is_worked
from engine.policy_language.vocabulary import stated_in
from engine.rules import AS_OF, Atom, Calendar, Condition, Due, Earliest, OnDate, OnDay, Provision, Truth, atoms
from engine.values import Document, Duration, Missing, Type, either
from engine.verdict import Verdict, numbers

YEARS = 10
TRAVELS = "#travels"  # the end of the key of a definition that a condition carried with the data tests
MAX_EVALUATIONS = 400

Words: TypeAlias = Callable[[Exchange, Sequence[date]], Sequence[str]]
"""The word of the outcome of an exchange on each of some days."""

# What a day brings: a provision begins or ends, an entry of a register of the policies begins or ends, a document or another date of
# the exchange passes a bound or is no longer shown, a duty was due, the law of a jurisdiction is modelled or accepted from then on or no
# longer, a sign-off ends.
TurnCause = Literal["begins", "ends", "register", "document", "date", "duty", "coverage", "sign-off"]


@dataclass(frozen=True, slots=True)
class TurningDay:
    """
    A day from which a test may change, and the reason.

    `kind` and `key` say what the test belongs to: a definition, a rule (by its key), a duty, the coverage, a sign-off, or a document that
    is shown.
    """

    day: int  # ordinal
    kind: str
    key: str
    because: str
    cause: TurnCause

    @property
    def travels(self) -> bool:
        """Whether the test belongs to a condition that travels with the data, which a later exchange has to meet."""
        return self.key.endswith(TRAVELS)


@dataclass(frozen=True, slots=True)
class OutcomeMove:
    """
    A day on which an outcome becomes another one, although the facts stay the same.

    `causes` and `because` say what changes on that day, in general and in sentences that may quote dates of the exchange. `provisions`
    are those that begin or cease to apply.
    """

    day: date
    before: str
    after: str
    causes: tuple[TurnCause, ...]
    because: tuple[str, ...]
    provisions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OutcomesAhead:
    """The moves of an outcome up to a day, and the first day after it on which a test may change; None within ten years."""

    moves: tuple[OutcomeMove, ...] = ()
    next_day: date | None = None


@dataclass(frozen=True, slots=True)
class SteadyPermit:
    """
    A permit that has one outcome on every day from the one that was asked for, up to `until`, and nothing that a person may sign off.

    `word` is the outcome, and `days` are those after the first on which a test may change, within ten years.
    """

    word: str
    until: date
    days: tuple[date, ...]

    def ahead(self, until: date) -> OutcomesAhead:
        """What `Horizon.ahead` finds up to a day that is not after its own."""
        return OutcomesAhead((), next((day for day in self.days if day > until), None))


class Horizon:
    """Searches ahead under one bundle, and gives its reasons in one language. Made once; safe for several threads."""

    def __init__(self, bundle: Bundle, language: Language = ENGLISH) -> None:
        self.bundle = bundle
        self.book = Phrasebook(bundle, language)
        self._tests: list[tuple[str, str, Atom]] = []  # tests of facts and documents that may change with the day
        self._fixed: list[TurningDay] = []
        self._numbers = {rule.key: number for number, rule in enumerate(bundle.rules.rules)}
        self._duties = bundle.rules.duties()
        instruments = {rule.provision.policy: rule.provision.instrument for rule in bundle.rules.rules}
        for key, condition in bundle.rules.definitions.items():
            policy = key.removesuffix("#applies") if key.endswith("#applies") else key.removeprefix("speaks/").partition("/")[0]
            name = instruments.get(policy)
            self._read("define", key, condition, language.instrument(self.book.text(name)) if name else key)
        for rule in bundle.rules.rules:
            self._read("rule", rule.key, rule.condition, self._cited(rule.provision))
        for duty in self._duties.values():
            if duty.done_when is not None:
                self._read("duty", duty.key, duty.done_when, self.book.text(duty.text))
        self._cover()
        self._fixed.sort(key=lambda turn: turn.day)
        self._fixed_days = [turn.day for turn in self._fixed]
        self._of_fact: dict[str, list[int]] = {}
        for number, (_, _, atom) in enumerate(self._tests):
            for stated in {stated_in(fact) for fact in (atom.fact, atom.other) if fact}:
                self._of_fact.setdefault(stated, []).append(number)

    def of(
        self,
        exchange: Exchange,
        as_of: date,
        evaluate: Evaluate,
        max_evaluations: int = MAX_EVALUATIONS,
        ends: Iterable[date] = (),
        carried: bool = False,
        words: Words | None = None,
    ) -> HorizonPart:
        """
        The last day on which the outcome of `as_of` still holds, within ten years.

        At most `max_evaluations` days are looked at: all at once by `words`, which gives the word of each day's outcome, or one by one.
        `ends` are the last days of the sign-offs that the outcome rests on. `carried` says that conditions came with the data from
        elsewhere. `evaluate` and `words` have to know these sign-offs and conditions too.
        """
        turns = self.turns(exchange, as_of, carried)
        for end in ends:
            turn = self._sign_off(end)
            turns.setdefault(turn.day, []).append(turn)
        days = sorted(turns)
        searched = days[: max_evaluations - 1]
        for before, day in self._moves(exchange, as_of, searched, evaluate, words):
            earlier, later = evaluate(exchange, before), evaluate(exchange, day)
            return HorizonPart(
                holds_until=day - timedelta(days=1),
                then=later[1].word,
                because=self.because(turns[day.toordinal()], earlier, later),
                provisions=self.provisions(earlier[0], later[0]),
                searched="all",
            )
        if len(searched) < len(days):
            return HorizonPart(holds_until=date.fromordinal(days[len(searched)] - 1), searched="partly")
        return HorizonPart(searched="all")

    def ahead(
        self,
        exchange: Exchange,
        as_of: date,
        until: date,
        evaluate: Evaluate,
        ends: Iterable[date] = (),
        words: Words | None = None,
    ) -> OutcomesAhead:
        """
        The days after `as_of`, up to `until`, on which the outcome becomes another one than the day before.

        `ends` are the last days of the sign-offs that `evaluate` knows.
        """
        turns = self.turns(exchange, as_of)
        for turn in map(self._sign_off, ends):
            turns.setdefault(turn.day, []).append(turn)
        days = sorted(day for day in turns if day > as_of.toordinal())
        later = next((date.fromordinal(day) for day in days if day > until.toordinal()), None)
        days = [day for day in days if day <= until.toordinal()]
        found: list[OutcomeMove] = []
        for day_before, day in self._moves(exchange, as_of, days, evaluate, words):
            before, after = evaluate(exchange, day_before), evaluate(exchange, day)
            changed = self._changed(turns[day.toordinal()], before, after)
            found.append(
                OutcomeMove(
                    day=day,
                    before=before[1].word,
                    after=after[1].word,
                    causes=tuple(dict.fromkeys(turn.cause for turn in changed)),
                    because=tuple(dict.fromkeys(turn.because for turn in changed)),
                    provisions=tuple(self.provisions(before[0], after[0])),
                )
            )
        return OutcomesAhead(tuple(found), later)

    @staticmethod
    def _moves(
        exchange: Exchange, as_of: date, days: Sequence[int], evaluate: Evaluate, words: Words | None
    ) -> Iterator[tuple[date, date]]:
        """Each of some days on which the outcome is another one than on the one before, with that one; one by one without `words`."""
        if not days:
            return
        dates = [as_of, *map(date.fromordinal, days)]
        read = words(exchange, dates) if words else (evaluate(exchange, day)[1].word for day in dates)
        for (before, was), (day, is_) in pairwise(zip(dates, read, strict=True)):
            if was != is_:
                yield before, day

    def days(self, exchange: Exchange, as_of: date) -> list[date]:
        """The days after `as_of`, within ten years, on which a test may change, in their order."""
        return [date.fromordinal(day) for day in sorted(self.turns(exchange, as_of))]

    def turns(self, exchange: Exchange, as_of: date, carried: bool = False) -> dict[int, list[TurningDay]]:
        """
        The days after `as_of`, within ten years, on which a test may change, as ordinals.

        Conditions that travel with the data are tested only where conditions are, or may be, `carried` into the exchange.
        """
        found: dict[int, list[TurningDay]] = {}
        first, last = as_of.toordinal(), Duration(months=12 * YEARS).after(as_of).toordinal()
        fixed = self._fixed[bisect_right(self._fixed_days, first) : bisect_right(self._fixed_days, last)]
        for turn in (*fixed, *self._dated(exchange), *self._due(exchange), *self._shown(exchange)):
            if first < turn.day <= last and (carried or exchange.carried or not turn.travels):
                found.setdefault(turn.day, []).append(turn)
        return found

    # Tests that change on fixed days

    def _read(self, kind: str, key: str, condition: Condition, name: str) -> None:
        for atom in atoms(condition):
            if atom.fact == AS_OF:
                self._fixed += [
                    TurningDay(day.toordinal(), kind, key, self.book.language.comes_into_force(name, day), "begins")
                    if atom.op == "at_least"
                    else TurningDay(day.toordinal() + 1, kind, key, self.book.language.in_force_until(name, day), "ends")
                    for day in atom.operands
                    if isinstance(day, date)
                ]
            elif atom.register:
                self._fixed += self._register(kind, key, atom.register)
            if atom.op == "counts" or atom.type.kind == "date":
                self._tests.append((kind, key, atom))

    def _register(self, kind: str, key: str, register: str) -> Iterator[TurningDay]:
        say, title = self.book.language, self.book.text(self.bundle.vocabulary.registers[register].title)
        of = Type("value", values=self.bundle.vocabulary.registers[register].of)
        for value, entries in self.bundle.rules.registers[register].items():
            for entry in entries:
                if entry.from_:
                    told = say.among_from(self.book.value(of, value), title, entry.from_)
                    yield TurningDay(entry.from_.toordinal(), kind, key, told, "register")
                if entry.until:
                    told = say.among_until(self.book.value(of, value), title, entry.until)
                    yield TurningDay(entry.until.toordinal() + 1, kind, key, told, "register")

    def _cover(self) -> None:
        """
        The days on which coverage changes: a jurisdiction is modelled for a subject, its countries change, an acceptance begins or ends.
        """
        say = self.book.language
        for each in self.bundle.vocabulary.accepts:
            by = self.book.text(each.by)
            begun, ended = say.acceptance_begins(by, each.from_), say.acceptance_ends(by, each.until)
            self._fixed.append(TurningDay(each.from_.toordinal(), "cover", each.id, begun, "coverage"))
            self._fixed.append(TurningDay(each.until.toordinal() + 1, "cover", each.id, ended, "coverage"))
        for name, text in self.bundle.vocabulary.jurisdictions.items():
            for subject, cover in text.covers.items():
                day = cover.from_
                if day is None:
                    continue
                about = self.book.text(self.bundle.vocabulary.subjects[subject].title)
                told = self.book.language.modelled_from(self.book.text(text.title), about, day)
                self._fixed.append(TurningDay(day.toordinal(), "cover", name, told, "coverage"))
            if isinstance(text.countries, str):
                self._fixed += self._register("cover", name, text.countries)

    # Tests that change with the dates of an exchange

    def _dated(self, exchange: Exchange) -> Iterator[TurningDay]:
        stated = sorted({number for name in exchange.values for number in self._of_fact.get(name, ())})
        for kind, key, atom in paused([self._tests[number] for number in stated], 256):
            if atom.op == "counts":
                yield from self._document(kind, key, atom.fact, exchange)
            for fact in (atom.fact, atom.other):
                for value in either(exchange.value(fact)) if fact and atom.op != "counts" else ():
                    if not isinstance(value, date):
                        continue
                    say, title = self.book.language, self.book.title(fact)
                    yield TurningDay(value.toordinal(), kind, key, say.has_come(title, value), "date")
                    yield TurningDay(value.toordinal() + 1, kind, key, say.has_passed(title, value), "date")
                    for length in atom.operands:
                        if isinstance(length, Duration):
                            told = say.has_run(title, self.book.duration(length), value)
                            yield from (TurningDay(day, kind, key, told, "date") for day in self._ends(value, length))

    def _document(self, kind: str, key: str, fact: str, exchange: Exchange) -> Iterator[TurningDay]:
        for document in either(exchange.values.get(fact, Missing.LEFT_OUT)):
            if not isinstance(document, Document):
                continue
            say, title = self.book.language, self.book.title(fact)
            dated, expires = document.fields.get("dated"), document.fields.get("expires")
            if isinstance(dated, date):
                yield TurningDay(dated.toordinal(), kind, key, say.is_dated(title, dated), "document")
            if isinstance(expires, date):
                yield TurningDay(expires.toordinal() + 1, kind, key, say.expires(title, expires), "document")

    def _due(self, exchange: Exchange) -> Iterator[TurningDay]:
        for duty in self._duties.values():
            for day in self._past(duty.due, exchange):
                yield TurningDay(day, "duty", duty.key, self.book.language.last_day_passes(self.book.text(duty.text)), "duty")

    def _past(self, due: Due | None, exchange: Exchange) -> Iterator[int]:
        """The days on which a last day may first be past."""
        match due:
            case None:
                return
            case OnDate(day=day):
                yield day.toordinal() + 1
                return
            case Earliest(parts=parts):
                for part in parts:
                    yield from self._past(part, exchange)
                return
        # A last day counted from as_of moves with as_of, so it never passes.
        for start in either(exchange.value(due.after)):
            if not isinstance(start, date):
                continue
            if isinstance(due, OnDay):
                yield first_after(start, due.month, due.day).toordinal() + 1
            else:
                yield from (day + 1 for day in self._ends(start, due.within))
                yield from self._ends(start, due.within)

    def _ends(self, start: date, length: Duration) -> Iterator[int]:
        """The days on which a length that began on `start` ends, or may end."""
        if length.working_days:
            yield from _worked(self.bundle.rules.calendars[length.calendar], length.working_days, start)
            return
        end = length.after(start).toordinal()
        yield end
        if length.hours % 24:  # it ends somewhere within two days
            yield end + 2

    # Why the outcome ended

    def because(
        self, turns: Iterable[TurningDay], before: tuple[Verdict, Outcome], after: tuple[Verdict, Outcome]
    ) -> list[str]:
        """The reasons for a change of outcome: those of the tests that changed on the day, each once."""
        return list(dict.fromkeys(turn.because for turn in self._changed(turns, before, after)))

    def _changed(
        self, turns: Iterable[TurningDay], before: tuple[Verdict, Outcome], after: tuple[Verdict, Outcome]
    ) -> list[TurningDay]:
        """The turns whose tests changed on the day."""
        (old, was), (new, now) = before, after
        holds = (old.holds.possible ^ new.holds.possible) | (old.holds.certain ^ new.holds.certain)
        changed: dict[str, Callable[[str], bool]] = {
            "define": lambda key: old.defined[key] is not new.defined[key],
            "rule": lambda key: bool(holds >> self._numbers[key] & 1),
            "duty": lambda key: (old.owed.get(key), old.overdue.get(key)) != (new.owed.get(key), new.overdue.get(key)),
            "cover": lambda key: was.coverage != now.coverage,
            "sign-off": lambda key: True,
            "shown": lambda key: True,
        }
        return [turn for turn in turns if changed[turn.kind](turn.key)]

    def provisions(self, before: Verdict, after: Verdict) -> list[str]:
        """The provisions that do not stand as they did the day before."""
        old, new = before.stands, after.stands
        changed = (old.possible ^ new.possible) | (old.certain ^ new.certain)
        rules = [after.rules[number] for number in numbers(changed)]
        return list(dict.fromkeys(rule.provision.id for rule in rules if rule.effect != "advise"))

    def _sign_off(self, end: date) -> TurningDay:
        return TurningDay(end.toordinal() + 1, "sign-off", "", self.book.language.sign_off_ends(end), "sign-off")

    def _shown(self, exchange: Exchange) -> Iterator[TurningDay]:
        """The days from which documents and claims that must be shown are merely stated."""
        for name, last in exchange.shown_until.items():
            if name in self.bundle.vocabulary.must_be_shown:
                told = self.book.language.shown_until(self.book.title(name), last)
                yield TurningDay(last.toordinal() + 1, "shown", name, told, "document")

    def _cited(self, provision: Provision) -> str:
        return self.book.cited(self.book.text(provision.title), provision)


def _worked(calendar: Calendar, count: int, start: date) -> Iterator[int]:
    """The days on which `count` working days have passed since `start`, or may have; an unknown day may be a working day (2.9)."""
    worked = unknown = 0
    before = Truth.NO
    for day in range(start.toordinal() + 1, date.max.toordinal()):
        on = date.fromordinal(day)
        if calendar.known_from <= on <= calendar.known_until:
            worked += is_worked(calendar, on)
        else:
            unknown += 1
        now = Truth.YES if worked >= count else Truth.UNKNOWN if worked + unknown >= count else Truth.NO
        if now is not before:
            yield day + 1
        before = now
        if now is Truth.YES or (now is Truth.UNKNOWN and on > calendar.known_until):
            return
