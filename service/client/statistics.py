"""
What flowed where, and how concentrated it is: of the committed exchanges of one ledger.

Amounts of money and shares are decimals in text, as the service sends them: nothing is rounded and no currency is converted.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypedDict


@dataclass(frozen=True, slots=True)
class MoneySum:
    """A sum of money, of so many exchanges."""

    currency: str
    amount: str
    exchanges: int


@dataclass(frozen=True, slots=True)
class PeopleSum:
    """People, added up over exchanges. `at_most` is None where some have no upper end."""

    at_least: int
    at_most: int | None = None


@dataclass(frozen=True, slots=True)
class FlowCell:
    """The exchanges of which all words are alike; in `of`, `?` is not known, and an empty word is none."""

    of: Mapping[str, str]
    exchanges: int
    people: PeopleSum
    price: tuple[MoneySum, ...]
    unpriced: int
    source_country_share: tuple[MoneySum, ...]
    public_share: tuple[MoneySum, ...]
    lanes: Mapping[str, int]
    exclusive: Mapping[str, int]
    exclusive_price: tuple[MoneySum, ...]


@dataclass(frozen=True, slots=True)
class HiddenCells:
    """How many cells are not shown to this caller, since they are of fewer parties or would give such a one away."""

    fewer_than: int
    cells: int


@dataclass(frozen=True, slots=True)
class Statistics:
    """The cells and their total. `decisions` are by outcome, None for a caller who may not see all, who has `hidden` instead."""

    about: str
    by: tuple[str, ...]
    cells: tuple[FlowCell, ...]
    total: FlowCell
    left_out: int
    decisions: Mapping[str, int] | None = None
    hidden: HiddenCells | None = None


@dataclass(frozen=True, slots=True)
class PartyShare:
    """The largest party's share and the Herfindahl index, from 0 to 1; by price in a `currency`, or by exchanges."""

    largest: str
    largest_exact: str
    herfindahl: str
    herfindahl_exact: str
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class SideShares:
    """The parties on one side, and how many exchanges have none that is known."""

    parties: int
    unnamed: int
    by_price: tuple[PartyShare, ...]
    by_exchanges: PartyShare | None = None


@dataclass(frozen=True, slots=True)
class ExclusivePrice:
    """Which share of the prices in a currency is under exclusive terms."""

    currency: str
    share: str
    share_exact: str


@dataclass(frozen=True, slots=True)
class ConcentrationCell:
    """How concentrated the exchanges with the same words are."""

    of: Mapping[str, str]
    exchanges: int
    suppliers: SideShares
    recipients: SideShares
    exclusive: str
    exclusive_exact: str
    exclusive_price: tuple[ExclusivePrice, ...]


@dataclass(frozen=True, slots=True)
class Concentration:
    """A question for a person, and no finding: a ledger is not a relevant market."""

    about: str
    by: tuple[str, ...]
    cells: tuple[ConcentrationCell, ...]
    left_out: int


class YearFilters(TypedDict, total=False):
    """The first and the last year, like `2026`."""

    since: str
    until: str


class FlowFilters(TypedDict, total=False):
    """Only the exchanges with such a word, and the first and the last month, like `2026-01`."""

    pair: str
    venue: str
    grade: str
    sector: str
    kind: str
    purpose: str
    source_register: str
    destination_register: str
    reached: str
    since: str
    until: str


def asked(by: Iterable[str], filters: YearFilters | FlowFilters) -> dict[str, object]:
    """The query of a table. Its `from` is a word of Python, so the filter is `since`."""
    return {"by": ",".join(by)} | {"from" if name == "since" else name: value for name, value in filters.items()}
