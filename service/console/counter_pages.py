"""
The pages of counters: counters with their thresholds go in, a list of them or one with its bars and its course comes out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import engine
from service.console import charts
from service.console.counts_in_words import (
    CounterLaw,
    amount,
    bar_in_words,
    between,
    counter_title,
    fact_title,
    filling,
    is_counted,
    law_of,
)
from service.console.pages import rendered
from service.console.policy_library import PolicyLibrary
from service.console.reader import PageReader
from service.ledger import money_sums
from service.ledger.commitment_list import CountPart, SumPart
from service.ledger.counter_balances import CounterPart
from service.ledger.counter_standings import CounterMovement, CounterStanding, DayOfCounter, ThresholdBar, thresholds_of
from service.policies.live import Live

PROVISIONS = 5  # of a threshold that are named
FILLING = 25  # counters on a page
_DAYS = 62  # a longer window is told by the month
_STEPS = 62  # at most, on a chart


@dataclass(frozen=True, slots=True)
class CounterStep:
    """A day or a month of a counter: what was added at most, and what is counted by its end; None without an end."""

    name: str
    added: int
    certain: int
    most: int | None
    moved: bool


def counters_page(
    found: Sequence[CounterStanding],
    chosen: engine.Counter | None,
    live: Live,
    whole: bool,
    paged: bool,
    following: str | None,
    reader: PageReader,
) -> str:
    """
    The list of counters: of one that is `chosen`, or those that were moved last; then `whole` says whether these are all. For whom nothing
    is counted stands apart: the law may not be of them at all.
    """
    counters = live.counting.counters
    shown = [each for each in found if (is_counted(each) or each.part is None if chosen else filling(each))]
    laws = _laws(live, reader)
    return rendered(
        "counters.html",
        reader,
        f"/ledger/counters/{chosen.name}" if chosen else "/ledger/counters",
        **_words(reader),
        found=shown if chosen else shown[:FILLING],
        empty=len(found) - len(shown),
        uncounted=[each for each in found if each not in shown] if chosen else [],
        chosen=chosen,
        by_place=_by_place(counters, laws, reader),
        laws=laws,
        whole=whole,
        paged=paged,
        next=following,
    )


def counter_page(
    found: CounterStanding,
    days: Sequence[DayOfCounter],
    movements: Sequence[CounterMovement],
    asked: Mapping[str, str],
    library: PolicyLibrary,
    reader: PageReader,
) -> str:
    """The page of one counter. `asked` has the `fact` whose course is shown, if the address names one."""
    facts = list(dict.fromkeys(each.fact for each in days))
    nearest = found.nearest
    fact = asked.get("fact") or next((each for each in facts if nearest and each in nearest.threshold.members), "")
    fact = fact if fact in facts else (facts or [""])[0]
    path = f"/ledger/counters/{found.counter.name}/{found.hash}"
    steps = [] if found.part is None else steps_of(found.counter, found.part, [each for each in days if each.fact == fact])
    return rendered(
        "counter.html",
        reader,
        path,
        **_words(reader),
        filters=asked,
        found=found,
        part=found.part,
        counts=[] if found.part is None else _counts(found.part, reader),
        opened=[] if found.part is None or found.part.opening is None else _told(found.part.opening.counts, reader),
        bars=found.bars,
        only=moved[0] if len(moved := [step for step in steps if step.moved]) == 1 else None,
        compared_by=lambda threshold: _compared_by(threshold, library, reader),
        facts=facts,
        fact=fact,
        with_fact=lambda name: {"fact": name},
        steps=steps,
        charts=charts,
        **_drawn(steps, [bar for bar in found.bars if bar.threshold.members == (fact,)]),
        amount=lambda number: between(shown, shown, reader) if (shown := money_sums.shown(fact, number)) is not None else "",
        movements=[(each, amount(each, reader)) for each in movements],
    )


def steps_of(counter: engine.Counter, part: CounterPart, days: Sequence[DayOfCounter]) -> list[CounterStep]:
    """The course of one counted fact over the window of a counter, added up from its beginning."""
    first, last = part.window.first, max([part.window.last, *(each.day for each in days)])
    if counter.window.of:
        first = min((each.day for each in days), default=first)
    by_day = (last - first).days < _DAYS
    names = _days(first, last) if by_day else _months(first, last)
    of_step: dict[str, list[DayOfCounter]] = {name: [] for name in names[-_STEPS:]}
    largest = least = 0
    most: int | None = 0
    steps: list[CounterStep] = []
    for each in days:
        name = each.day.isoformat() if by_day else each.day.isoformat()[:7]
        of_step.setdefault(name, []).append(each)
    for name in sorted(of_step):
        added = 0
        for each in of_step[name]:
            largest, least = max(largest, each.largest), least + each.least
            most = None if most is None or each.most is None else most + each.most
            added += each.most or each.least
        steps.append(CounterStep(name, added, largest if counter.distinct else least, most, bool(of_step[name])))
    return steps if days else []


def _laws(live: Live, reader: PageReader) -> dict[str, CounterLaw | None]:
    """The law of each counter by the counter's name."""
    thresholds = thresholds_of(live)
    return {
        each.name: law_of([one for one in thresholds if one.counter == each.name], reader) for each in live.counting.counters
    }


def _by_place(
    counters: Sequence[engine.Counter], laws: Mapping[str, CounterLaw | None], reader: PageReader
) -> dict[str, list[engine.Counter]]:
    """The counters by the place of their law; those that no provision compares with a number come last."""
    found: dict[str, list[engine.Counter]] = {}
    for each in sorted(counters, key=lambda one: laws[one.name] is None):
        law = laws[each.name]
        found.setdefault(law.place if law else reader.words.ledger["other_counters"], []).append(each)
    return found


def _words(reader: PageReader) -> dict[str, Any]:
    return {
        "l": reader.words.ledger,
        "counter_title": lambda name: counter_title(name, reader),
        "fact_title": lambda fact: fact_title(fact, reader),
        "told": lambda bar: bar_in_words(bar, reader),
    }


def _counts(part: CounterPart, reader: PageReader) -> list[tuple[str, str]]:
    """The counts of a counter; of money those of other currencies too."""
    found = _told(part.counts, reader)
    others = [(part.counter, between(each.at_least, each.at_most, reader)) for each in part.other_currencies or ()]
    return [*found, *others]


def _told(counts: Mapping[str, CountPart | SumPart], reader: PageReader) -> list[tuple[str, str]]:
    return [(fact, between(count.at_least, count.at_most, reader)) for fact, count in counts.items()]


def _drawn(steps: Sequence[CounterStep], bars: Sequence[ThresholdBar]) -> dict[str, Any]:
    """The bars of a course from where it begins, and the levels of the thresholds that lie within the chart."""
    steps = steps[charts.first_bar_shown([step.most or step.certain for step in steps]) :]
    highest = max((step.most or step.certain for step in steps), default=0)
    ahead = min((int(bar.number) for bar in bars if bar.number > highest), default=0)
    top = ahead if 0 < ahead <= 4 * highest else highest
    values = [(step.name, _parts(step)) for step in steps]
    scale = round(top * 1.06)
    return {
        "drawn": charts.bars(values, ("certain", "possible"), scale),
        "levels": [(charts.level(float(bar.number), scale), f"{bar.number:,}") for bar in bars if 1 < bar.number <= top],
    }


def _parts(step: CounterStep) -> dict[str, int]:
    most = step.certain if step.most is None else step.most
    return {"certain": step.certain, "possible": max(0, most - step.certain)}


def _compared_by(
    threshold: engine.CounterThreshold, library: PolicyLibrary, reader: PageReader
) -> tuple[list[tuple[str, str, list[tuple[str, str]]]], int]:
    """
    The first provisions of a threshold by policy: its name, the country and the title of its instrument, and of each provision the id and
    the citation; and how many there are more.
    """
    known = library.provisions
    found: dict[str, list[tuple[str, str]]] = {}
    for id in threshold.provisions[:PROVISIONS]:
        policy, _, name = id.partition("/")
        found.setdefault(policy, []).append((name, reader.book.text(known[id].citation)))
    titled = []
    for policy, places in found.items():
        of = known[f"{policy}/{places[0][0]}"]
        titled.append((policy, f"{reader.place(of.jurisdiction)} · {reader.book.text(of.instrument)}", places))
    return titled, max(0, len(threshold.provisions) - PROVISIONS)


def _days(first: date, last: date) -> list[str]:
    return [(first + timedelta(days=number)).isoformat() for number in range((last - first).days + 1)]


def _months(first: date, last: date) -> list[str]:
    months = range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
    return [f"{month // 12:04}-{month % 12 + 1:02}" for month in months]
