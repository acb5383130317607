"""Counters and what is counted in words: names of the ledger and numbers go in, titles and ranges of the reader's language come out."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

import engine
from service.console.reader import PageReader
from service.ledger import money_sums
from service.ledger.commitment_list import CountPart, SumPart
from service.ledger.counter_standings import CounterMovement, CounterStanding, ThresholdBar


def counter_title(name: str, reader: PageReader) -> str:
    """The title of what a counter counts: of a family of facts, or of one fact."""
    families = reader.bundle.vocabulary.family_titles
    return families[name].in_(reader.lang) if name in families else reader.title(name)


def fact_title(place: str, reader: PageReader) -> str:
    """The title of a counted fact, with its currency where money is counted; the total of a family has one too."""
    fact, _, currency = place.partition(" ")
    try:
        title = reader.book.title(fact)
    except LookupError:
        title = fact
    return f"{title} ({currency})" if currency else title


def role_title(role: str, reader: PageReader) -> str:
    """The title of a role in which somebody benefits."""
    vocabulary = reader.bundle.vocabulary
    family = "" if vocabulary.settlement is None else vocabulary.settlement.shares
    fact = vocabulary.facts.get(f"{family}.{role}")
    return role if fact is None else fact.member.in_(reader.lang)


def amount(moved: CounterMovement, reader: PageReader) -> str:
    """What is added to a counter: a number, a range, or a sum of money."""
    low, high = (None if end is None else money_sums.shown(moved.fact, end) for end in (moved.low, moved.high))
    return between(low or 0, high, reader)


def between(low: int | str, high: int | str | None, reader: PageReader) -> str:
    """A range in words; one number where both ends are the same."""
    if isinstance(low, int) and not isinstance(high, str):
        return f"{low:,}" if low == high else reader.language.span(Decimal(low), None if high is None else Decimal(high))
    return str(low) if low == high else reader.language.sums(str(low), None if high is None else str(high))


def filling(standing: CounterStanding) -> bool:
    """Whether something is counted towards a threshold."""
    return standing.nearest is not None and standing.nearest.share > 0


def bar_in_words(bar: ThresholdBar, reader: PageReader) -> str:
    """The count of a bar in words, with the number of the threshold."""
    words = reader.words.ledger
    low, high = bar.at_least, bar.at_most
    if bar.number <= 1 and not bar.threshold.above:  # whether there is anybody at all
        return words["at_least"].format(f"{low:,}") if high is None else between(int(low), int(high), reader)
    count = (
        words["at_least"].format(f"{low:,}") if high is None else f"{low:,}" if low == high else reader.language.span(low, high)
    )
    said = f"{count}, {words['of_number'].format(f'{bar.number:,}')}"
    if high is None and bar.here > low:
        said = f"{said}. {words['in_this_ledger'].format(f'{bar.here:,}')}"
    return said


@dataclass(frozen=True, slots=True)
class CounterLaw:
    """The law that a counter is for: the name of its country or jurisdiction, the title of the instrument, and the name of its policy."""

    place: str
    title: str
    policy: str


def law_of(thresholds: Iterable[engine.CounterThreshold], reader: PageReader) -> CounterLaw | None:
    """The law that compares most often with some thresholds; None without one."""
    wanted = {id for each in thresholds for id in each.provisions}
    provisions = [rule.provision for rule in reader.bundle.rules.rules if rule.provision.id in wanted]
    if not provisions:
        return None
    policy = Counter(each.policy for each in provisions).most_common(1)[0][0]
    of = next(each for each in provisions if each.policy == policy)
    return CounterLaw(reader.place(of.jurisdiction), of.instrument.in_(reader.lang), policy)


def is_counted(standing: CounterStanding) -> bool:
    """Whether anything is, or may be, counted for whom a counter is kept; that nobody knows a number is not enough."""
    return standing.part is not None and (filling(standing) or any(map(_some, standing.part.counts.values())))


def _some(count: CountPart | SumPart) -> bool:
    return any(number is not None and str(number).split(" ")[0].strip("0.") for number in (count.at_least, count.at_most))
