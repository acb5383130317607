"""
Flows: what a committed exchange adds to the statistics, in the words of the vocabulary.

From a bundle, an exchange and a verdict comes one flow: from where to where, between countries of which registers, by which venue, of
which grade, sector, kind and purpose, for how many people, at which price, with which shares of it. The vocabulary says which fact is
which (`statistics:`). What is not known for certain is UNKNOWN, and is never guessed. The caller keeps the flows and adds them up; this
module stores nothing.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from decimal import Context, Decimal
from fractions import Fraction

from engine.bundle import Bundle
from engine.deciding.tally import NOTHING, UNBOUNDED, Tally, span
from engine.exchange import REGISTER, Exchange
from engine.policy_language.ledger_text import StatisticsText
from engine.values import ExactRatio, Missing, Money, Range, SetOf
from engine.verdict import Verdict, numbers

UNKNOWN = "?"  # a word of a flow that is not known, or may not be all
# How many people an exchange reaches: the least number of each band.
REACHED = {"none": 0, "1-999": 1, "1000-99999": 1_000, "100000-999999": 100_000, "1000000-": 1_000_000}
_PLACES = 16
_EXACTLY = Context(prec=80)  # a price has 19 digits and a share 13, so their product is never rounded


@dataclass(frozen=True, slots=True)
class Flow:
    """
    What one exchange adds to the statistics.

    `pair` is the two countries as `CN>DE`. `venue`, `grade`, `sector`, `kind`, `purpose`, the registers and `lanes` are words with spaces
    between them: several where the fact has several values, none for "none", and UNKNOWN. `reached` is one of REACHED. `exclusive` is
    `yes`, `no` or UNKNOWN. `price` is None where it is not known; the shares are parts of it, in its currency, and never rounded. The
    parties are the ids by which the register has them.
    """

    pair: str
    venue: str
    grade: str
    sector: str
    kind: str
    lanes: str
    exclusive: str
    people: Range
    price: Money | None
    source_country_share: Decimal | None
    public_share: Decimal | None
    supplier: str | None
    recipient: str | None
    purpose: str
    source_register: str
    destination_register: str
    reached: str


class Flows:
    """
    Reads the flows of one bundle. Made once for a bundle.

    `meaning` is a digest of all that decides what a flow says, except for the policies that open lanes; it is "" where the vocabulary has
    no statistics. Flows of different meanings must not be added up.
    """

    def __init__(self, bundle: Bundle) -> None:
        self._words = bundle.vocabulary
        self._uses = bundle.vocabulary.statistics or StatisticsText()
        self._lanes = sum(1 << number for number, rule in enumerate(bundle.rules.rules) if rule.lane)
        self.meaning = self._meaning() if bundle.vocabulary.statistics else ""

    @property
    def registers(self) -> tuple[str, ...]:
        """The registers of countries by which exchanges are told apart."""
        return tuple(self._uses.registers)

    def of(self, exchange: Exchange, verdict: Verdict, day: date) -> Flow:
        """The flow of an exchange on a day; `verdict` says which lanes are open to it."""
        uses = self._uses
        price = exchange.value(uses.price) if uses.price else None
        people = self._people(uses.people, exchange)
        lanes = {verdict.rules[number].lane for number in numbers(verdict.stands.certain & self._lanes)}
        return Flow(
            pair=f"{self._word(uses.source, exchange)}>{self._word(uses.destination, exchange)}",
            venue=self._word(uses.venue, exchange),
            grade=self._highest(uses.grade, exchange),
            sector=self._word(uses.sector, exchange),
            kind=self._word(uses.kind, exchange),
            lanes=" ".join(sorted(lanes)),
            exclusive=self._word(uses.exclusive, exchange),
            people=people,
            price=price if isinstance(price, Money) else None,
            source_country_share=_part(price, uses.source_country_share, exchange),
            public_share=_part(price, uses.public_share, exchange),
            supplier=_party(uses.supplier, exchange),
            recipient=_party(uses.recipient, exchange),
            purpose=self._word(uses.purpose, exchange),
            source_register=self._registers(uses.source, exchange, day),
            destination_register=self._registers(uses.destination, exchange, day),
            reached=_reached(people),
        )

    def _word(self, fact: str | None, exchange: Exchange) -> str:
        """The values of a fact as words."""
        match exchange.value(fact) if fact else Missing.LEFT_OUT:
            case bool(answer):
                return "yes" if answer else "no"
            case str(word):
                return word
            case SetOf(members=members, open=more):
                return " ".join([*sorted(members), *([UNKNOWN] if more else [])])
            case _:
                return UNKNOWN

    def _registers(self, fact: str | None, exchange: Exchange, day: date) -> str:
        """The registers in which a country stands on a day."""
        country = exchange.value(fact) if fact else Missing.LEFT_OUT
        if not isinstance(country, str):
            return UNKNOWN
        entries = ((name, self._words.registers[name].entries.get(country, ())) for name in self._uses.registers)
        return " ".join(sorted(name for name, found in entries if any(entry.on(day) for entry in found)))

    def _highest(self, fact: str | None, exchange: Exchange) -> str:
        """The highest value of an ordered fact; where there may be others, only the highest of all is known to be it."""
        value = exchange.value(fact) if fact else Missing.LEFT_OUT
        values = self._words.facts[fact].type.values if fact else None
        if not isinstance(value, SetOf) or not value.members or values is None:
            return self._word(fact, exchange)
        highest = max(value.members, key=lambda member: values.rank.get(member, -1))
        return highest if not value.open or values.rank.get(highest) == max(values.rank.values(), default=-1) else UNKNOWN

    def _people(self, fact: str | None, exchange: Exchange) -> Range:
        """How many people the exchange concerns, in all members of a family."""
        members = self._words.families.get(fact, (fact,)) if fact else ()
        parts = [span(exchange.value(member)) for member in members]
        return sum((Tally.of(each) if each else UNBOUNDED for each in parts), NOTHING if parts else UNBOUNDED).range(
            distinct=False
        )

    def _meaning(self) -> str:
        printed = [repr(self._uses), repr(self._words.families.get(self._uses.people or "", ()))]
        if self._uses.grade and (values := self._words.facts[self._uses.grade].type.values):
            printed.append(repr(sorted(values.rank.items())))
        return hashlib.sha256("\n".join(printed).encode()).hexdigest()[:16]


def _reached(people: Range) -> str:
    """The band of a number of people; UNKNOWN where it may lie in several."""
    high = Decimal("Infinity") if people.high is None else people.high
    bands = {sum(end >= least for least in REACHED.values()) for end in (people.low, high)}
    return [*REACHED][bands.pop() - 1] if len(bands) == 1 else UNKNOWN


def _part(price: object, fact: str | None, exchange: Exchange) -> Decimal | None:
    """A share of a price as a sum in its currency; None where one of the two is not known."""
    share = exchange.value(fact) if fact else Missing.LEFT_OUT
    if not isinstance(price, Money) or not isinstance(share, Range) or share.low != share.high or not 0 <= share.low <= 1:
        return None
    if isinstance(
        share.low, ExactRatio
    ):  # no decimal is equal to it: cut off after as many places as the product of decimals has
        places = Decimal(10) ** _PLACES
        return _EXACTLY.divide(Decimal(int(Fraction(price.amount) * share.low * int(places))), places)
    return _EXACTLY.multiply(price.amount, share.low)


def _party(fact: str | None, exchange: Exchange) -> str | None:
    """The id by which the register has a party, or the id that was stated."""
    id = exchange.value(fact) if fact else Missing.LEFT_OUT
    if not isinstance(id, str):
        return None
    known = exchange.document.get(REGISTER, {}).get(fact, {}).get("id")
    return known if isinstance(known, str) else id
