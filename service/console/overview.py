"""
The overview: what the log, the ledger and the watch hold of the last days goes in, what its page shows comes out.

Each figure leads to the list behind it. What is counted in the index day by day is of all decisions; what is counted by words is of the
newest decisions, and says of how many.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import sqlalchemy as sa

import engine
from service.callers.context import ReadingAll
from service.console import charts
from service.console.counts_in_words import bar_in_words, counter_title, filling, law_of
from service.console.flow_map import NARROW, WIDE, Flow, FlowMap, flow_map
from service.console.list_limits import short
from service.console.reader import PageReader, capital
from service.ledger import promise_list
from service.ledger.counter_standings import CounterStanding, CounterStandings
from service.ledger.promise_list import PromisePart
from service.log.daily_outcomes import DailyOutcomes, Day
from service.log.search_query import MOST_WORDS
from service.log.word_counts import WordCounts, required_by, word_counts
from service.service import Service
from service.store.moments import moment_text
from service.store.tables import record
from service.watch import events

PERIODS = (7, 30, 90)  # days
DEFAULT = 30
SHOWN = 8  # lines of a list
_FLOWS = 12
_EVENTS = 200
_COUNTERS = 25  # that were moved last; each is read with a record
_DAYS_ALONE = 31  # days of which each has a bar; of a longer period seven are put together
_KINDS = ("countries", "provision", "requirement", "missing")
_REFUSING = ("prohibit", "review")  # the effects of provisions that refuse; one that requires refuses by its requirement


@dataclass(frozen=True, slots=True)
class OverviewData:
    """What an overview shows, as it was read in one go."""

    days: Sequence[Day]
    words: WordCounts
    overdue: Sequence[PromisePart]
    due: Sequence[PromisePart]
    events: Sequence[Any]
    incidents: int
    counters: Sequence[CounterStanding]
    all_counters: bool
    ever: bool  # whether any decision was ever recorded


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a list: what it names, its number, and the filters of the log that find what is counted."""

    title: str
    count: int
    filters: Mapping[str, str | Sequence[str]]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """A bar of the chart: its first and its last day, and the number of decisions by outcome."""

    first: date
    last: date
    counts: Mapping[str, int]

    @property
    def name(self) -> str:
        return self.first.isoformat() if self.first == self.last else f"{self.first} – {self.last}"


class Overview:
    """The overview of one service."""

    def __init__(self, service: Service) -> None:
        self._incidents = service.incidents
        self._days = DailyOutcomes()

    def read(self, context: ReadingAll, standings: CounterStandings, days: int, connection: sa.Connection) -> OverviewData:
        """What the log, the ledger and the watch hold of so many days, today included; in UTC, as the log is searched."""
        today = context.now.astimezone(UTC).date()
        first = today - timedelta(days=days - 1)
        since = datetime.combine(first, time.min, UTC)
        counters, whole = standings.recent(connection, _COUNTERS)
        return OverviewData(
            days=self._days.counts(connection, first, today),
            words=word_counts(connection, since, _KINDS, required_by(context.live.bundle)),
            overdue=promise_list.page(context, None, None, "overdue", None, SHOWN, connection)[0],
            due=promise_list.page(context, None, None, "due", None, SHOWN, connection)[0],
            events=events.newest(connection, moment_text(since), _EVENTS),
            incidents=self._incidents.seen,
            counters=counters,
            all_counters=whole,
            ever=connection.execute(sa.select(record.c.sequence).limit(1)).first() is not None,
        )


def page_members(found: OverviewData, reader: PageReader) -> dict[str, Any]:
    """The members of the page."""
    totals = Counter[str]()
    for _, counts in found.days:
        totals.update(counts)
    outcomes = [code for code in reader.language.codes["outcome"] if totals[code]]
    since = found.days[0][0].isoformat()
    all_steps = list(_steps(found.days))
    moved = [step for step in all_steps if step.counts]
    steps = {step.name: step for step in all_steps[charts.first_bar_shown([len(step.counts) for step in all_steps]) :]}
    flows = _flows(found.words, list(reader.language.codes["outcome"]))
    newest = since if found.words.since is None or found.words.whole else moment_text(found.words.since)
    return {
        "since": since,
        "steps": [(step.name, step) for step in moved],
        "step": steps,
        "only": moved[0] if len(moved) == 1 else None,
        "totals": [(code, totals[code]) for code in outcomes],
        "total": sum(totals.values()),
        "ever": found.ever,
        "bars": charts.bars([(name, step.counts) for name, step in steps.items()], outcomes),
        "strip": lambda counts: charts.strip(counts, [*reader.language.codes["outcome"]]),
        "by_week": len(found.days) > _DAYS_ALONE,
        "charts": charts,
        "maps": _maps(flows, reader),
        "highest": max(sum(step.counts.values()) for step in steps.values()),
        "flows": [(each, _outcomes_of(found.words, each)) for each in flows],
        "flow_outcomes": [code for code in reader.language.codes["outcome"] if any(code == each.outcome for each in flows)],
        "words": found.words,
        "newest": lambda filters: {**filters, "since": newest},
        "refusing": list(_refusing(found.words, reader))[:SHOWN],
        "asked": [
            Line(reader.title(fact), count, {"missing": fact}, fact) for fact, count in _of_kind(found.words.in_all, "missing")
        ][:SHOWN],
        "promises": [(each, reader.promise(each.promise)) for each in (*found.overdue, *found.due)][:SHOWN],
        "told": Counter(each.kind for each in found.events),
        "events": found.events[:SHOWN],
        "incidents": found.incidents,
        "filling": [each for each in found.counters if filling(each)][:SHOWN],
        "all_counters": found.all_counters,
        "l": reader.words.ledger,
        "told_count": lambda bar: bar_in_words(bar, reader),
        "counter_title": lambda name: counter_title(name, reader),
        "law_of": lambda threshold: law_of([threshold], reader),
    }


def _steps(days: Sequence[Day]) -> Iterator[Step]:
    """The bars of some days, the last of which is full where there are seven days in each."""
    size = 1 if len(days) <= _DAYS_ALONE else 7
    for end in range(len(days) % size or size, len(days) + 1, size):
        some = days[max(0, end - size) : end]
        counts = Counter[str]()
        for _, each in some:
            counts.update(each)
        yield Step(some[0][0], some[-1][0], counts)


def _flows(words: WordCounts, outcomes: Sequence[str]) -> list[Flow]:
    """The most frequent pairs of countries, each with the outcome of most of its decisions, of two as frequent the stricter one."""
    found = []
    for pair, count in _of_kind(words.in_all, "countries")[:_FLOWS]:
        start, _, end = pair.partition(">")
        of = {code: counts["countries", pair] for code, counts in words.of_outcome.items()}
        found.append(
            Flow(start, end, count, max(of, key=lambda code: (of[code], outcomes.index(code) if code in outcomes else -1)))
        )
    return found


def _outcomes_of(words: WordCounts, flow: Flow) -> dict[str, int]:
    return {code: counts["countries", f"{flow.start}>{flow.end}"] for code, counts in words.of_outcome.items()}


def _maps(flows: Sequence[Flow], reader: PageReader) -> list[tuple[str, FlowMap]]:
    """The map for a desk and the one for a phone, each with the name of its style; none where no country has a point."""
    both = (("at-desk", WIDE), ("on-phone", NARROW))
    drawn = [(style, flow_map(flows, size, lambda place: short(reader.place(place), 20))) for style, size in both]
    return [(style, each) for style, each in drawn if each is not None]


def _refusing(words: WordCounts, reader: PageReader) -> Iterator[Line]:
    """
    What stands for certain in most decisions that may not proceed: requirements that are not met, by the provisions that require them, and
    provisions that prohibit or ask for a review.
    """
    provisions, required = _provisions(reader.bundle), required_by(reader.bundle)
    for (kind, name), count in _most(words.refused):
        if kind == "requirement":
            known = reader.bundle.rules.requirements.get(name)
            title = known.title.in_(reader.lang) if known else ""
            by = sorted(each for each in required.get(name, ()) if words.refused["provision", each])[: MOST_WORDS - 1]
            filters = {"requirement": name, "provision": by, "proceed": "false"}
            yield Line(capital(title) or name, count, filters, reader.label("effect", "require"))
        elif kind == "provision" and name in provisions:
            effect, provision = provisions[name]
            title = provision.title.in_(reader.lang) or reader.book.source(provision)
            yield Line(title or name, count, {"provision": name, "proceed": "false"}, reader.label("effect", effect))


def _provisions(bundle: engine.Bundle) -> dict[str, tuple[str, Any]]:
    """The provisions that refuse, each with its effect."""
    return {
        rule.provision.id: (rule.effect, rule.provision) for rule in reversed(bundle.rules.rules) if rule.effect in _REFUSING
    }


def _of_kind(counts: Counter[tuple[str, str]], kind: str) -> list[tuple[str, int]]:
    return [(name, count) for (each, name), count in _most(counts) if each == kind]


def _most(counts: Counter[tuple[str, str]]) -> list[tuple[tuple[str, str], int]]:
    """The most frequent words first, those of the same number in the order of their names."""
    return sorted(counts.items(), key=lambda each: (-each[1], each[0]))
