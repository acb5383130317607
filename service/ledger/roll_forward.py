"""
The accounts of data assets: entries go in, the movements of a period by class come out, and what was carried before and after it.

An entry is a cost, or what becomes of a cost: each cost is a line of its own, in one currency, and every amount is a whole number of minor
units. A class is the treatment in the accounts (Caikuai [2023] 11): intangible asset, inventory, development expenditure, not recognised.

Method. A line with a useful life of n months is amortised in a straight line, on the last day of each month, from the month of its entry
on: after k months the accumulated amortisation is the whole part of cost * k / n. So two months differ by one minor unit at most, and n
months add up to the cost exactly. An impairment or another useful life begins anew, with what is carried then, over the months that
are left. On one day costs and transfers come first, then disposals, then the amortisation, then impairments and other useful lives. So
there is no amortisation in the month of a disposal.
"""

from calendar import monthrange
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, get_args

Treatment = Literal["intangible", "inventory", "development", "not-recognised"]
Column = Literal["bought", "self-developed", "other", "transferred", "amortised", "impaired", "disposed"]
EntryKind = Literal[
    "bought", "self-developed", "other", "useful-life", "impaired", "transferred", "disposed", "appraised", "reversed"
]

COSTS: Mapping[EntryKind, Column] = {"bought": "bought", "self-developed": "self-developed", "other": "other"}
OF_A_LINE: frozenset[EntryKind] = frozenset({"useful-life", "impaired", "transferred", "disposed"})  # what becomes of a cost
TAKEN_AWAY: frozenset[Column] = frozenset({"amortised", "impaired", "disposed"})
MOST_MONTHS = 1_200

_COST, _DISPOSAL, _MONTH_END, _LATE = range(4)
_ORDER: dict[str, int] = {"transferred": _COST, "disposed": _DISPOSAL, "impaired": _LATE, "useful-life": _LATE}


@dataclass(frozen=True, slots=True)
class AccountEntry:
    """
    An entry of an asset. `units` is its amount in minor units.

    `of` is the entry that it follows: a cost or a transfer, or the entry that it reverses. `months` is a useful life.
    """

    id: str
    kind: EntryKind
    on: date
    units: int | None = None
    currency: str | None = None
    treatment: Treatment | None = None
    months: int | None = None
    of: str | None = None


@dataclass(frozen=True, slots=True)
class AccountMovement:
    """What moved in a class on a day; `units` are signed for a transfer, and never below zero otherwise."""

    on: date
    column: Column
    treatment: Treatment
    currency: str
    units: int


class WrongEntry(Exception):
    """Entries that cannot stand together; the message says why, for the caller."""


@dataclass(slots=True)
class _Line:
    """A cost that is carried: `base` is amortised over `months`, of which `done` are over and `taken` is written off."""

    entry: AccountEntry
    treatment: Treatment
    currency: str
    base: int
    months: int | None
    month_end: date
    done: int = 0
    taken: int = 0

    @property
    def carried(self) -> int:
        return self.base - self.taken

    @property
    def left(self) -> int | None:
        """The months that are still to be amortised."""
        return None if self.months is None else self.months - self.done

    def anew(self, base: int, months: int | None, day: date) -> None:
        """Amortise another sum over other months: from the month of a day on, or from the next one if the day is its last."""
        self.base, self.months, self.done, self.taken = base, months, 0, 0
        self.month_end = _month_end(day if _month_end(day) != day else day + timedelta(days=1))


def standing_entries(entries: Sequence[AccountEntry]) -> list[AccountEntry]:
    """The entries that are not reversed. Raises WrongEntry where one reverses what it cannot."""
    known = {each.id: each for each in entries}
    reversed_: set[str] = set()
    for each in entries:
        if each.kind != "reversed":
            continue
        if each.of not in known or known[each.of].kind == "reversed":
            raise WrongEntry("`of` names the entry to reverse, which is no reversal itself")
        if each.of in reversed_:
            raise WrongEntry("the entry is reversed already")
        reversed_.add(each.of)
    return [each for each in entries if each.kind != "reversed" and each.id not in reversed_]


def movements(entries: Sequence[AccountEntry], until: date) -> Iterator[AccountMovement]:
    """What moved in the accounts of one asset up to a day. Raises WrongEntry where the entries cannot stand together."""
    known = standing_entries(entries)
    following: dict[str, list[AccountEntry]] = {}
    lines = {each.id for each in known if each.kind in COSTS or each.kind == "transferred"}
    for each in known:
        if each.kind in OF_A_LINE:
            if each.of not in lines:
                raise WrongEntry("`of` names no cost and no transfer of this asset that stands")
            following.setdefault(each.of, []).append(each)
    currencies = {each.currency for each in known if each.kind in COSTS}
    if len(currencies) > 1:
        raise WrongEntry("the costs of an asset are in one currency; money is never converted")
    for each in known:
        if each.kind in COSTS:
            assert each.treatment and each.currency and each.units is not None
            line = _Line(each, each.treatment, each.currency, each.units, each.months, _month_end(each.on))
            if each.on <= until:
                yield AccountMovement(each.on, COSTS[each.kind], each.treatment, each.currency, each.units)
            yield from _of_line(line, following, until)


def _of_line(line: _Line, following: dict[str, list[AccountEntry]], until: date) -> Iterator[AccountMovement]:
    """What becomes of a cost, in the order of days."""
    coming = sorted(following.get(line.entry.id, ()), key=lambda each: (each.on, _ORDER[each.kind]))
    for number, each in enumerate(coming):
        yield from _amortised(line, each.on, until, before=_ORDER[each.kind])
        if each.on < line.entry.on:
            raise WrongEntry("what becomes of a cost is not before it")
        if each.kind in ("disposed", "transferred") and number + 1 < len(coming):
            raise WrongEntry("nothing follows a disposal or a transfer: name the transfer itself")
        yield from (moved for moved in _happening(line, each, following, until) if moved.on <= until)
        if each.kind in ("disposed", "transferred"):
            return
    yield from _amortised(line, until, until, before=_LATE)


def _happening(
    line: _Line, entry: AccountEntry, following: dict[str, list[AccountEntry]], until: date
) -> Iterator[AccountMovement]:
    """One entry of a line."""
    carried = line.carried

    def moved(column: Column, treatment: Treatment, units: int) -> AccountMovement:
        return AccountMovement(entry.on, column, treatment, line.currency, units)

    match entry.kind:
        case "impaired":
            assert entry.units is not None
            if line.treatment == "not-recognised":
                raise WrongEntry("what is not recognised is not impaired")
            if entry.currency != line.currency:
                raise WrongEntry(f"the cost is in {line.currency}; money is never converted")
            if entry.units > carried:
                raise WrongEntry("an impairment is at most what is carried on its day")
            yield moved("impaired", line.treatment, entry.units)
            line.anew(carried - entry.units, line.left, entry.on)
        case "useful-life":
            if line.treatment != "intangible":
                raise WrongEntry("only an intangible asset has a useful life")
            line.anew(carried, entry.months, entry.on)
        case "disposed":
            yield moved("disposed", line.treatment, carried)
        case "transferred":
            assert entry.treatment
            if line.treatment != "development":
                raise WrongEntry("only development expenditure is transferred")
            yield moved("transferred", line.treatment, -carried)
            yield moved("transferred", entry.treatment, carried)
            into = _Line(entry, entry.treatment, line.currency, carried, entry.months, _month_end(entry.on))
            yield from _of_line(into, following, until)


def _amortised(line: _Line, day: date, until: date, *, before: int) -> Iterator[AccountMovement]:
    """The amortisation of the months that end before something that happens on a day, in its order of the day."""
    while line.months is not None and line.done < line.months and (line.month_end, _MONTH_END) < (day, before):
        line.done += 1
        taken = line.base * line.done // line.months
        if line.month_end <= until:
            yield AccountMovement(line.month_end, "amortised", line.treatment, line.currency, taken - line.taken)
        line.taken = taken
        line.month_end = _month_end(line.month_end + timedelta(days=1))


@dataclass(frozen=True, slots=True)
class ClassRow:
    """
    The roll-forward of a class in a currency, in minor units.

    opening + bought + self_developed + other + transferred - amortised - impaired - disposed = closing.
    """

    treatment: Treatment
    currency: str
    opening: int = 0
    bought: int = 0
    self_developed: int = 0
    other: int = 0
    transferred: int = 0
    amortised: int = 0
    impaired: int = 0
    disposed: int = 0
    closing: int = 0


def roll_forward(moved: Iterable[AccountMovement], first: date) -> list[ClassRow]:
    """The rows of the period that begins on a day, by class and currency; `moved` is what moved up to its end."""
    sums: dict[tuple[Treatment, str], dict[str, int]] = {}
    for each in moved:
        row = sums.setdefault((each.treatment, each.currency), {})
        signed = -each.units if each.column in TAKEN_AWAY else each.units
        column = "opening" if each.on < first else each.column.replace("-", "_")
        row[column] = row.get(column, 0) + (signed if column == "opening" else each.units)
        row["closing"] = row.get("closing", 0) + signed
    order = get_args(Treatment)
    return [
        ClassRow(treatment, currency, **sums[treatment, currency])
        for treatment, currency in sorted(sums, key=lambda key: (order.index(key[0]), key[1]))
    ]


def _month_end(day: date) -> date:
    return day.replace(day=monthrange(day.year, day.month)[1])
