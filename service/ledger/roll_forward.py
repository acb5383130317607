"""
The accounts of data assets: entries go in, the movements of a period by class come out, and what was carried before and after it.

An entry is a cost, or what becomes of a cost: each cost is a line of its own, in one currency, and every amount is a whole number of minor
units. A class is the treatment in the accounts (Caikuai [2023] 11): intangible asset, inventory, development expenditure, not recognised.
Of each line the cost, the accumulated amortisation and the accumulated impairment are kept apart; what is carried is the difference.

Method. A line with a useful life of n months is amortised in a straight line, on the last day of each month, from the month of its entry
on: after k months the accumulated amortisation is the whole part of (cost - residual value) * k / n. So two months differ by one minor unit
at most, and n months add up exactly. A line with a life in units of use is amortised by the units that are reported, in the same way. An
impairment, a recovery, a partial disposal or another useful life begins anew, with what is carried then, over what is left of the life. On
one day costs and transfers come first, then disposals, then the amortisation, then the rest. So nothing of what is disposed of is
amortised in the month of its disposal.

An impairment is recovered at most up to what would be carried without it: of an inventory always, of an intangible asset under IFRS only
(CAS 8 refuses it). A period that was closed stays as it was known then: what later entries change of it moves on the first day after it.
"""

from calendar import monthrange
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from fractions import Fraction
from typing import Literal, get_args

Treatment = Literal["intangible", "inventory", "development", "not-recognised"]
Standard = Literal["CAS", "IFRS"]
Column = Literal[
    "bought", "self-developed", "other", "transferred", "recovered", "amortised", "impaired", "disposed", "research"
]
EntryKind = Literal[
    "bought", "self-developed", "other", "research", "useful-life", "used", "tested", "impaired", "recovered", "transferred",
    "disposed", "appraised", "reversed",
]  # fmt: skip

COSTS: Mapping[EntryKind, Column] = {"bought": "bought", "self-developed": "self-developed", "other": "other"}
# What becomes of a cost.
OF_A_LINE: frozenset[EntryKind] = frozenset(
    {"useful-life", "used", "tested", "impaired", "recovered", "transferred", "disposed"}
)
TAKEN_AWAY: frozenset[Column] = frozenset({"amortised", "impaired", "disposed"})
MOST_MONTHS = 1_200
WHOLE = Fraction(1)

_COST, _DISPOSAL, _MONTH_END, _LATE = range(4)
_ORDER: dict[str, int] = {"transferred": _COST, "disposed": _DISPOSAL}


@dataclass(frozen=True, slots=True)
class AccountEntry:
    """
    An entry of an asset. `units` is its amount in minor units.

    `of` is the entry that it follows: a cost or a transfer, or the entry that it reverses. A useful life has `months`, or the number of
    `uses` that it has in all, or is `indefinite`; of an entry `used` the `uses` are those of its period. `part` is how much of what is left
    is disposed of, for the `proceeds`. `entity` is who carries it, by its `standard`.
    """

    id: str
    kind: EntryKind
    on: date
    units: int | None = None
    currency: str | None = None
    treatment: Treatment | None = None
    months: int | None = None
    of: str | None = None
    uses: int | None = None
    indefinite: bool = False
    residual: int = 0
    part: Fraction = WHOLE
    proceeds: int | None = None
    entity: str | None = None
    standard: Standard | None = None


@dataclass(frozen=True, slots=True)
class AccountMovement:
    """
    What moved in a class on a day; `units` are signed for a transfer, and never below zero otherwise.

    `amortisation` and `impairment` are what a disposal or a transfer takes out of what was accumulated. `proceeds` are those of a disposal.
    """

    on: date
    column: Column
    treatment: Treatment
    currency: str
    units: int
    entity: str | None = None
    amortisation: int = 0
    impairment: int = 0
    proceeds: int | None = None


class WrongEntry(Exception):
    """Entries that cannot stand together; the message says why, for the caller."""


@dataclass(slots=True)
class _Line:
    """
    A cost that is carried. `base` is amortised over `months`, of which `done` are over, or over `uses`, of which `used` are; `taken` of it
    is amortised. `unimpaired` is the same line as it would be if nothing had been impaired.
    """

    entry: AccountEntry
    treatment: Treatment
    currency: str
    cost: int
    residual: int
    months: int | None
    uses: int | None
    month_end: date
    entity: str | None
    standard: Standard | None
    base: int = 0
    done: int = 0
    used: int = 0
    taken: int = 0
    amortised: int = 0
    impaired: int = 0
    unimpaired: "_Line | None" = None

    @classmethod
    def of(cls, entry: AccountEntry, line: "_Line | None" = None) -> "_Line":
        """The line that a cost begins, or a transfer of what another line carries."""
        assert entry.treatment
        cost = entry.units if line is None else line.carried
        currency = entry.currency if line is None else line.currency
        assert cost is not None
        assert currency
        entity, standard = (entry.entity, entry.standard) if line is None else (line.entity, line.standard)
        made = cls(
            entry, entry.treatment, currency, cost, entry.residual, entry.months, entry.uses, _month_end(entry.on), entity, standard
        )  # fmt: skip
        made.base = max(0, cost - entry.residual)
        return made

    @property
    def carried(self) -> int:
        return self.cost - self.amortised - self.impaired

    def amortise(self, share: Fraction) -> int:
        """Amortise up to a share of the base; what this is more than before."""
        part = int(self.base * share) - self.taken
        self.taken += part
        self.amortised += part
        return part

    def use(self, uses: int) -> int:
        """Amortise some uses."""
        if self.uses is None or self.used + uses > self.uses:
            raise WrongEntry("a line has no more uses than its life has in all")
        self.used += uses
        return self.amortise(Fraction(self.used, self.uses))

    def month(self) -> int:
        """Amortise a month."""
        assert self.months is not None
        self.done += 1
        return self.amortise(Fraction(self.done, self.months))

    def anew(self) -> None:
        """Amortise what is carried now over what is left of the life."""
        self.months = None if self.months is None else self.months - self.done
        self.uses = None if self.uses is None else self.uses - self.used
        self.base, self.done, self.used, self.taken = max(0, self.carried - self.residual), 0, 0, 0

    def live(self, entry: AccountEntry) -> None:
        """Give the line another useful life, from the month of a day on, or from the next one if the day is its last."""
        self.months, self.uses, self.done, self.used = entry.months, entry.uses, 0, 0
        self.anew()
        self.month_end = _month_end(entry.on if _month_end(entry.on) != entry.on else entry.on + timedelta(days=1))

    def take_out(self, part: Fraction) -> tuple[int, int, int]:
        """Take a part of the line out: its cost, and what was amortised and impaired of it."""
        out = int(self.cost * part), int(self.amortised * part), int(self.impaired * part)
        self.cost, self.amortised, self.impaired = self.cost - out[0], self.amortised - out[1], self.impaired - out[2]
        self.residual -= int(self.residual * part)
        self.anew()
        return out


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
        if each.kind == "research" and each.on <= until:
            assert each.currency
            assert each.units is not None
            yield AccountMovement(each.on, "research", "development", each.currency, each.units, each.entity)
        if each.kind in COSTS:
            line = _Line.of(each)
            if each.on <= until:
                yield AccountMovement(each.on, COSTS[each.kind], line.treatment, line.currency, line.cost, line.entity)
            yield from _of_line(line, following, until)


def _of_line(line: _Line, following: dict[str, list[AccountEntry]], until: date) -> Iterator[AccountMovement]:
    """What becomes of a cost, in the order of days."""
    coming = sorted(following.get(line.entry.id, ()), key=lambda each: (each.on, _ORDER.get(each.kind, _LATE)))
    for number, each in enumerate(coming):
        order = _ORDER.get(each.kind, _LATE)
        yield from _amortised(line, each.on, until, before=order)
        if each.on < line.entry.on:
            raise WrongEntry("what becomes of a cost is not before it")
        over = each.kind == "transferred" or (each.kind == "disposed" and each.part == WHOLE)
        if over and number + 1 < len(coming):
            raise WrongEntry("nothing follows a disposal or a transfer: name the transfer itself")
        yield from (moved for moved in _happening(line, each, following, until) if moved.on <= until)
        if over:
            return
    yield from _amortised(line, until, until, before=_LATE)


def _happening(
    line: _Line, entry: AccountEntry, following: dict[str, list[AccountEntry]], until: date
) -> Iterator[AccountMovement]:
    """One entry of a line."""

    def moved(column: Column, treatment: Treatment, units: int, amortised: int = 0, impaired: int = 0) -> AccountMovement:
        return AccountMovement(
            entry.on, column, treatment, line.currency, units, line.entity, amortised, impaired, entry.proceeds
        )

    twin = line.unimpaired
    if entry.currency not in (None, line.currency):
        raise WrongEntry(f"the cost is in {line.currency}; money is never converted")
    match entry.kind:
        case "impaired":
            assert entry.units is not None
            if line.treatment == "not-recognised":
                raise WrongEntry("what is not recognised is not impaired")
            if entry.units > line.carried:
                raise WrongEntry("an impairment is at most what is carried on its day")
            yield moved("impaired", line.treatment, entry.units)
            line.unimpaired = twin or replace(line)
            line.impaired += entry.units
            line.anew()
        case "recovered":
            assert entry.units is not None
            if line.treatment != "inventory" and line.standard != "IFRS":
                raise WrongEntry("an impairment of what is no inventory is recovered under IFRS only: CAS 8 refuses it")
            if twin is None or entry.units > min(line.impaired, twin.carried - line.carried):
                raise WrongEntry("a recovery is at most the impairment, and up to what would be carried without it")
            yield moved("recovered", line.treatment, entry.units)
            line.impaired -= entry.units
            line.anew()
        case "useful-life" | "used" | "tested" if line.treatment != "intangible":
            raise WrongEntry("only an intangible asset has a useful life")
        case "useful-life":
            for each in (line, twin):
                if each is not None:
                    each.live(entry)
        case "used":
            assert entry.uses is not None
            yield moved("amortised", line.treatment, line.use(entry.uses))
            if twin is not None:
                twin.use(entry.uses)
        case "tested":
            pass  # that it was looked at changes no amount
        case "disposed":
            before = line.carried
            cost, amortised, impaired = line.take_out(entry.part)
            assert before - line.carried == cost - amortised - impaired
            if twin is not None:
                twin.take_out(entry.part)
            yield moved("disposed", line.treatment, cost - amortised - impaired, amortised, impaired)
        case "transferred":
            assert entry.treatment
            if line.treatment != "development":
                raise WrongEntry("only development expenditure is transferred")
            yield moved("transferred", line.treatment, -line.carried, line.amortised, line.impaired)
            yield moved("transferred", entry.treatment, line.carried)
            yield from _of_line(_Line.of(entry, line), following, until)


def _amortised(line: _Line, day: date, until: date, *, before: int) -> Iterator[AccountMovement]:
    """The amortisation of the months that end before something that happens on a day, in its order of the day."""
    while line.months is not None and line.done < line.months and (line.month_end, _MONTH_END) < (day, before):
        part = line.month()
        if line.unimpaired is not None:
            line.unimpaired.month()
        if line.month_end <= until:
            yield AccountMovement(line.month_end, "amortised", line.treatment, line.currency, part, line.entity)
        line.month_end = _month_end(line.month_end + timedelta(days=1))


def untested_years(entries: Sequence[AccountEntry], until: date) -> list[int]:
    """The years that are over in which an asset with an indefinite life was carried and not tested for impairment."""
    known = standing_entries(entries)
    tested = {(each.of, each.on.year) for each in known if each.kind == "tested"}
    ends = {each.of: each.on for each in known if each.kind == "disposed" and each.part == WHOLE}
    begins = [each for each in known if each.indefinite]
    found: set[int] = set()
    for each in begins:
        line = each.of if each.kind == "useful-life" else each.id
        last = min(until, ends.get(line, until))
        found.update(
            year for year in range(each.on.year, last.year + (last == date(last.year, 12, 31))) if (line, year) not in tested
        )
    return sorted(found)


@dataclass(frozen=True, slots=True)
class ClosedPeriod:
    """A period that was closed: its last day, and what moved in it as it was known then."""

    until: date
    moved: Sequence[AccountMovement]


def corrected(moved: Iterable[AccountMovement], closed: ClosedPeriod) -> list[AccountMovement]:
    """The movements of a closed period as it was known, and what is otherwise of it as movements of the first day after it."""
    first = closed.until + timedelta(days=1)
    found = [each for each in closed.moved if each.on <= closed.until]
    difference: dict[AccountMovement, list[int]] = {}
    for sign, some in ((-1, found), (1, moved)):
        for each in some:
            if each.on > closed.until:
                found.append(each)
                continue
            amounts = (each.units, each.amortisation, each.impairment, each.proceeds or 0)
            key = AccountMovement(
                first, each.column, each.treatment, each.currency, 0, each.entity, proceeds=each.proceeds and 0
            )
            sums = difference.setdefault(key, [0, 0, 0, 0])
            for place, amount in enumerate(amounts):
                sums[place] += sign * amount
    for key, (units, amortisation, impairment, proceeds) in difference.items():
        if units or amortisation or impairment or proceeds:
            told = None if key.proceeds is None else proceeds
            found.append(replace(key, units=units, amortisation=amortisation, impairment=impairment, proceeds=told))
    return found


@dataclass(frozen=True, slots=True)
class ClassRow:
    """
    The roll-forward of a class in a currency, in minor units.

    opening + bought + self_developed + other + transferred + recovered - amortised - impaired - disposed = closing, and of what is opening
    and closing the cost less the accumulated amortisation and impairment. `research` is an expense beside; `gain` is what disposals with
    proceeds brought above what was carried, below nought a loss.
    """

    treatment: Treatment
    currency: str
    opening: int = 0
    bought: int = 0
    self_developed: int = 0
    other: int = 0
    transferred: int = 0
    recovered: int = 0
    amortised: int = 0
    impaired: int = 0
    disposed: int = 0
    closing: int = 0
    cost_opening: int = 0
    cost_closing: int = 0
    amortisation_opening: int = 0
    amortisation_closing: int = 0
    impairment_opening: int = 0
    impairment_closing: int = 0
    research: int = 0
    proceeds: int = 0
    gain: int = 0


def roll_forward(moved: Iterable[AccountMovement], first: date) -> list[ClassRow]:
    """The rows of the period that begins on a day, by class and currency; `moved` is what moved up to its end."""
    sums: dict[tuple[Treatment, str], dict[str, int]] = {}
    for each in moved:
        row = sums.setdefault((each.treatment, each.currency), {})

        def add(name: str, units: int, row: dict[str, int] = row) -> None:
            row[name] = row.get(name, 0) + units

        before, column = each.on < first, each.column.replace("-", "_")
        if each.column == "research":
            add(column, 0 if before else each.units)
            continue
        signed = -each.units if each.column in TAKEN_AWAY else each.units
        add("opening" if before else column, signed if before else each.units)
        amortisation = each.units if each.column == "amortised" else -each.amortisation
        impairment = {"impaired": each.units, "recovered": -each.units}.get(each.column, -each.impairment)
        blocks = {"": signed, "cost_": signed + amortisation + impairment}
        for name, units in {**blocks, "amortisation_": amortisation, "impairment_": impairment}.items():
            add(f"{name}closing", units)
            if before and name:
                add(f"{name}opening", units)
        if each.proceeds is not None and not before:
            add("proceeds", each.proceeds)
            add("gain", each.proceeds - each.units)
    order = get_args(Treatment)
    return [
        ClassRow(treatment, currency, **sums[treatment, currency])
        for treatment, currency in sorted(sums, key=lambda key: (order.index(key[0]), key[1]))
    ]


def _month_end(day: date) -> date:
    return day.replace(day=monthrange(day.year, day.month)[1])
