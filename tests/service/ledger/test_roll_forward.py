"""The accounts of data assets: what entries add up to, month by month and to the last minor unit."""

import random
from calendar import monthrange
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import pytest

from service.ledger.roll_forward import (
    TAKEN_AWAY,
    AccountEntry,
    AccountMovement,
    ClassRow,
    ClosedPeriod,
    WrongEntry,
    corrected,
    movements,
    roll_forward,
    untested_years,
)

JANUARY = date(2026, 1, 10)
END = date(2040, 12, 31)


def entry(id: str, kind: Any, on: date = JANUARY, units: int | None = None, **more: Any) -> AccountEntry:
    return AccountEntry(id, kind, on, units, "CNY" if units is not None or kind == "disposed" else None, **more)


def bought(units: int, months: int | None = None, on: date = JANUARY, **more: Any) -> AccountEntry:
    return entry("cost", "bought", on, units, **{"treatment": "intangible", "months": months, **more})


def row(entries: list[AccountEntry], first: date, until: date, treatment: str = "intangible") -> ClassRow:
    (found,) = [each for each in roll_forward(movements(entries, until), first) if each.treatment == treatment]
    return found


def net(found: ClassRow) -> dict[str, int]:
    """What is not nought of a row, without the blocks."""
    blocks = ("cost_", "amortisation_", "impairment_")
    return {
        name: getattr(found, name) for name in ClassRow.__slots__[2:] if getattr(found, name) and not name.startswith(blocks)
    }


def amortised(entries: list[AccountEntry], until: date = END) -> list[tuple[date, int]]:
    return [(each.on, each.units) for each in movements(entries, until) if each.column == "amortised"]


def test_a_cost_is_amortised_from_its_month_on() -> None:
    """On the last day of each month, also of the month of the entry; nothing after the useful life."""
    found = amortised([bought(100, months=3)])
    assert found == [(date(2026, 1, 31), 33), (date(2026, 2, 28), 33), (date(2026, 3, 31), 34)]


@pytest.mark.parametrize("seed", range(40))
def test_all_months_add_up_to_the_cost(seed: int) -> None:
    """Two months differ by one minor unit at most, and all of them add up to the cost exactly."""
    chance = random.Random(seed)
    cost, months = chance.randrange(1, 10**12), chance.randrange(1, 400)
    found = [units for _, units in amortised([bought(cost, months)], date(2400, 1, 1))]
    assert len(found) == months
    assert sum(found) == cost
    assert max(found) - min(found) <= 1


def test_a_period_begins_with_what_was_carried_before() -> None:
    """Opening, what moved, closing: the closing of one year is the opening of the next."""
    entries = [bought(3_600_000, months=36)]
    first = row(entries, date(2026, 1, 1), date(2026, 12, 31))
    assert net(first) == {"bought": 3_600_000, "amortised": 1_200_000, "closing": 2_400_000}
    second = row(entries, date(2027, 1, 1), date(2027, 12, 31))
    assert net(second) == {"opening": 2_400_000, "amortised": 1_200_000, "closing": 1_200_000}
    assert (second.cost_opening, second.cost_closing) == (3_600_000, 3_600_000)
    assert (second.amortisation_opening, second.amortisation_closing) == (1_200_000, 2_400_000)


def test_an_impairment_spreads_what_is_left() -> None:
    """What is carried after an impairment is amortised over the months that are left."""
    entries = [bought(1_200, months=12), entry("fall", "impaired", date(2026, 6, 30), 300, of="cost")]
    found = row(entries, date(2026, 1, 1), date(2026, 12, 31))
    # six months of 100, the impairment after that of June, then 300 over six months
    assert (found.amortised, found.impaired, found.closing) == (600 + 300, 300, 0)
    assert [units for _, units in amortised(entries)] == [100] * 6 + [50] * 6


def test_an_impairment_is_at_most_what_is_carried() -> None:
    """More than that is refused, also where a later entry leaves less."""
    entries = [bought(1_200, months=12), entry("fall", "impaired", date(2026, 6, 15), 701, of="cost")]
    with pytest.raises(WrongEntry, match="at most what is carried"):
        list(movements(entries, END))


def test_another_useful_life_counts_from_its_day() -> None:
    """The rest is amortised over the new life; a cost without one is not amortised until it has one."""
    entries = [bought(1_200), entry("life", "useful-life", date(2026, 3, 1), months=2, of="cost")]
    assert amortised(entries) == [(date(2026, 3, 31), 600), (date(2026, 4, 30), 600)]


def test_nothing_is_amortised_in_the_month_of_a_disposal() -> None:
    """A disposal takes what is carried, and ends the line."""
    entries = [bought(1_200, months=12), entry("sale", "disposed", date(2026, 3, 31), of="cost")]
    found = row(entries, date(2026, 1, 1), date(2026, 12, 31))
    assert (found.amortised, found.disposed, found.closing) == (200, 1_000, 0)


def test_development_expenditure_becomes_an_intangible_asset() -> None:
    """A transfer moves what is carried from one class to another, where it is amortised; both together are zero."""
    made = entry("work", "self-developed", date(2025, 11, 3), 2_400, treatment="development")
    done = entry("done", "transferred", date(2026, 2, 1), of="work", treatment="intangible", months=24)
    fall = entry("fall", "impaired", date(2026, 12, 31), 100, of="done")
    first, until = date(2026, 1, 1), date(2026, 12, 31)
    assert net(row([made, done, fall], first, until, "development")) == {"opening": 2_400, "transferred": -2_400}
    assert net(row([made, done, fall], first, until)) == {
        "transferred": 2_400,
        "amortised": 1_100,
        "impaired": 100,
        "closing": 1_200,
    }


def test_what_is_reversed_counts_for_nothing() -> None:
    """An entry that was reversed is void from its start; what hangs on it must be reversed first."""
    cost, fall = bought(1_200, months=12), entry("fall", "impaired", date(2026, 6, 30), 300, of="cost")
    back = entry("back", "reversed", date(2026, 7, 1), of="fall")
    assert row([cost, fall, back], date(2026, 1, 1), date(2026, 12, 31)).impaired == 0
    gone = entry("gone", "reversed", date(2026, 7, 2), of="cost")
    assert list(movements([cost, fall, back, gone], END)) == []
    with pytest.raises(WrongEntry, match="no cost and no transfer"):
        list(movements([cost, fall, gone], END))
    with pytest.raises(WrongEntry, match="reversed already"):
        list(movements([cost, fall, back, entry("again", "reversed", of="fall")], END))


def test_a_residual_value_is_not_amortised() -> None:
    """What is left at the end of the life is the residual value."""
    assert [units for _, units in amortised([bought(1_000, months=4, residual=200)])] == [200] * 4


def test_a_life_in_uses_is_amortised_by_what_is_reported() -> None:
    """Nothing by the month; all uses together are the cost, and no more can be reported."""
    cost = bought(1_000, uses=300)
    used = [entry(f"u{month}", "used", date(2026, month, 28), uses=100, of="cost") for month in (2, 5, 9)]
    assert amortised([cost, *used]) == [(date(2026, 2, 28), 333), (date(2026, 5, 28), 333), (date(2026, 9, 28), 334)]
    with pytest.raises(WrongEntry, match="no more uses"):
        list(movements([cost, *used, entry("u", "used", date(2026, 10, 1), uses=1, of="cost")], END))


def test_a_part_is_sold_with_its_cost_and_what_was_written_off() -> None:
    """A third goes, with a third of each block; the rest is amortised on. The gain is what was got above what was carried."""
    cost = bought(1_200, months=12)
    sale = entry("sale", "disposed", date(2026, 6, 15), part=Fraction(1, 3), proceeds=300, of="cost")
    found = row([cost, sale], date(2026, 1, 1), date(2026, 12, 31))
    # five months of 100 before, then a third of 1,200 - 500 goes, and 467 over seven months
    assert (found.disposed, found.proceeds, found.gain) == (234, 300, 66)
    assert (found.amortised, found.closing) == (500 + 466, 0)
    assert (found.cost_closing, found.amortisation_closing) == (800, 800)


def test_a_write_down_of_inventory_is_recovered_at_most() -> None:
    """What was written down comes back, and never more; of inventory that is sold the cost of sales is what it carried."""
    cost = bought(1_000, treatment="inventory")
    down = entry("down", "impaired", date(2026, 3, 1), 400, of="cost")
    up = entry("up", "recovered", date(2026, 9, 1), 400, of="cost")
    sold = entry("sold", "disposed", date(2026, 10, 1), proceeds=1_500, of="cost")
    assert net(row([cost, down, up, sold], date(2026, 1, 1), date(2026, 12, 31), "inventory")) == {
        "bought": 1_000, "impaired": 400, "recovered": 400, "disposed": 1_000, "proceeds": 1_500, "gain": 500
    }  # fmt: skip
    with pytest.raises(WrongEntry, match="at most the impairment"):
        list(movements([cost, down, entry("up", "recovered", date(2026, 9, 1), 401, of="cost")], END))


def test_an_impairment_of_an_intangible_asset_is_recovered_under_ifrs_only() -> None:
    """Never above what it would be carried at without the impairment; CAS 8 refuses it."""
    down = entry("down", "impaired", date(2026, 6, 30), 300, of="cost")
    most = 600 - 300  # in June 600 are left, of which 300 are impaired; by September 300 of 600 and 150 of 300
    up = entry("up", "recovered", date(2026, 9, 30), most // 2, of="cost")
    with pytest.raises(WrongEntry, match="IFRS only"):
        list(movements([bought(1_200, months=12, standard="CAS"), down, up], END))
    found = row([bought(1_200, months=12, standard="IFRS"), down, up], date(2026, 1, 1), date(2026, 12, 31))
    assert (found.recovered, found.closing, found.impairment_closing) == (150, 0, 150)
    with pytest.raises(WrongEntry, match="without it"):
        list(
            movements(
                [bought(1_200, months=12, standard="IFRS"), down, entry("up", "recovered", date(2026, 9, 30), 151, of="cost")],
                END,
            )
        )


def test_an_indefinite_life_is_tested_each_year() -> None:
    """It is not amortised. A year that is over without a test is told."""
    cost = bought(1_000, indefinite=True)
    test = entry("test", "tested", date(2027, 12, 1), of="cost")
    assert amortised([cost, test]) == []
    assert untested_years([cost, test], date(2029, 6, 30)) == [2026, 2028]
    sold = entry("sold", "disposed", date(2028, 7, 1), of="cost")
    assert untested_years([cost, test, sold], date(2029, 6, 30)) == [2026]


def test_research_is_an_expense_beside_development() -> None:
    """It is carried nowhere."""
    work = entry("work", "research", JANUARY, 500)
    made = entry("made", "self-developed", JANUARY, 700, treatment="development")
    found = row([work, made], date(2026, 1, 1), date(2026, 12, 31), "development")
    assert (found.research, found.closing) == (500, 700)


def test_a_closed_period_stays_as_it_was_known() -> None:
    """What a later entry changes of it moves on the first day after it; in all nothing is lost."""
    cost = bought(1_200, months=12)
    known = list(movements([cost], END))
    late = entry("late", "bought", date(2026, 2, 1), 600, treatment="intangible", months=6)
    moved = list(movements([cost, late], END))
    told = corrected(moved, ClosedPeriod(date(2026, 6, 30), known))
    before, after = date(2026, 1, 1), date(2026, 7, 1)
    half = [each for each in told if each.on <= date(2026, 6, 30)]
    assert roll_forward(half, before) == roll_forward([each for each in known if each.on <= date(2026, 6, 30)], before)
    (second,) = roll_forward([each for each in told if each.on <= date(2026, 12, 31)], after)
    assert (second.bought, second.amortised, second.closing) == (600, 500 + 600 + 100, 0)
    assert [each.closing for each in roll_forward(told, before)] == [each.closing for each in roll_forward(moved, before)]


@pytest.mark.parametrize(
    ("entries", "why"),
    [
        ([bought(1), entry("b", "bought", JANUARY, 1, treatment="inventory"), entry("c", "useful-life", months=2, of="b")], "useful life"),
        ([bought(5), entry("c", "transferred", of="cost", treatment="inventory")], "only development"),
        ([bought(5), entry("c", "disposed", date(2026, 1, 9), of="cost")], "not before it"),
        ([bought(5), entry("c", "disposed", of="cost"), entry("d", "disposed", of="cost")], "nothing follows"),
        ([bought(5, treatment="not-recognised"), entry("c", "impaired", JANUARY, 1, of="cost")], "not recognised"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(entries: list[AccountEntry], why: str) -> None:
    """Each with its reason."""
    with pytest.raises(WrongEntry, match=why):
        list(movements(entries, END))


def test_two_currencies_are_never_added_up() -> None:
    """The costs of an asset are in one currency; the classes of several assets have a row for each."""
    other = AccountEntry("usd", "bought", JANUARY, 5, "USD", "intangible")
    with pytest.raises(WrongEntry, match="never converted"):
        list(movements([bought(5), other], END))
    both = [*movements([bought(5)], END), *movements([other], END)]
    assert [(each.currency, each.closing) for each in roll_forward(both, JANUARY)] == [("CNY", 5), ("USD", 5)]


@pytest.mark.parametrize("seed", range(60))
def test_random_accounts_agree_with_a_plain_model(seed: int) -> None:
    """Against a model that goes through the days one by one, over random entries and periods; every row adds up."""
    chance = random.Random(seed)
    entries = _random_entries(chance)
    first = JANUARY + timedelta(days=chance.randrange(0, 500))
    until = first + timedelta(days=chance.randrange(0, 900))
    moved = list(movements(entries, until))
    assert sorted(_key(each) for each in moved if each.units) == sorted(_by_days(entries, until))
    for each in roll_forward(moved, first):
        gained = each.opening + each.bought + each.self_developed + each.other + each.transferred + each.recovered
        assert gained - each.amortised - each.impaired - each.disposed == each.closing
        assert each.closing >= 0
        assert each.cost_opening - each.amortisation_opening - each.impairment_opening == each.opening
        assert each.cost_closing - each.amortisation_closing - each.impairment_closing == each.closing
        assert min(each.cost_closing, each.amortisation_closing, each.impairment_closing) >= 0


def _key(each: AccountMovement) -> tuple[date, str, str, int]:
    return each.on, each.column, each.treatment, -each.units if each.column in TAKEN_AWAY else each.units


def _random_entries(chance: random.Random) -> list[AccountEntry]:
    """Entries that can stand together; each is kept only if the accounts take it."""
    entries: list[AccountEntry] = []
    for number in range(chance.randrange(1, 14)):
        on = JANUARY + timedelta(days=chance.choice([chance.randrange(0, 1_200), 20, 49, 80]))
        of = chance.choice(entries).id if entries else None
        treatment = chance.choice(["intangible", "intangible", "inventory", "development", "not-recognised"])
        months = chance.randrange(1, 40) if treatment == "intangible" and chance.random() < 0.8 else None
        made = chance.choice(
            [
                entry(
                    f"{number}",
                    "bought",
                    on,
                    chance.randrange(1, 10_000),
                    treatment=treatment,
                    months=months,
                    standard="IFRS",
                    residual=chance.choice([0, chance.randrange(0, 900)]) if months else 0,
                ),
                entry(f"{number}", "recovered", on, chance.randrange(1, 1_500), of=of),
                entry(f"{number}", "disposed", on, of=of, part=Fraction(1, chance.randrange(2, 6))),
                entry(f"{number}", "impaired", on, chance.randrange(1, 3_000), of=of),
                entry(f"{number}", "useful-life", on, months=chance.randrange(1, 30), of=of),
                entry(f"{number}", "disposed", on, of=of),
                entry(f"{number}", "transferred", on, of=of, treatment="intangible", months=chance.randrange(1, 30)),
                entry(f"{number}", "reversed", on, of=of),
            ]
        )
        try:
            list(movements([*entries, made], END))
        except WrongEntry:
            continue
        entries.append(made)
    return entries


def _by_days(entries: list[AccountEntry], until: date) -> list[tuple[date, str, str, int]]:
    """What moves, found by going through every day: for each line what is left of it, and over how many months."""
    void = {each.of for each in entries if each.kind == "reversed"}
    kept = [each for each in entries if each.kind != "reversed" and each.id not in void]
    lines: dict[str, dict[str, Any]] = {}
    found: list[tuple[date, str, str, int]] = []
    day = min((each.on for each in kept), default=until)
    while day <= until:
        today = [each for each in kept if each.on == day]
        for each in today:
            if each.kind == "bought":
                lines[each.id] = _plain_line(each, each.units or 0)
                found.append((day, "bought", str(each.treatment), each.units or 0))
        for each in today:
            if each.kind == "transferred":
                old = lines.pop(str(each.of))
                lines[each.id] = _plain_line(each, _carried(old))
                found += [
                    (day, "transferred", old["class"], -_carried(old)),
                    (day, "transferred", str(each.treatment), _carried(old)),
                ]
        for each in today:
            if each.kind == "disposed":
                line = lines[str(each.of)]
                before = _carried(line)
                for twin in (line, line["twin"]):
                    for block in ("cost", "amortised", "impaired", "residual") if twin else ():
                        twin[block] -= int(twin[block] * each.part)
                    _begin(twin)
                found.append((day, "disposed", line["class"], _carried(line) - before))
                if each.part == 1:
                    del lines[str(each.of)]
        if day.day == monthrange(day.year, day.month)[1]:
            for line in lines.values():
                part = _month(line)
                _month(line["twin"])
                found.append((day, "amortised", line["class"], -part))
        for each in (each for each in today if each.kind in ("impaired", "recovered", "useful-life")):
            line, units = lines[str(each.of)], each.units or 0
            if each.kind == "useful-life":
                for twin in (line, line["twin"]):
                    if twin:
                        twin |= {"months": each.months, "done": 0}
                        _begin(twin)
                continue
            if each.kind == "impaired" and line["twin"] is None:
                line["twin"] = dict(line)
            line["impaired"] += units if each.kind == "impaired" else -units
            _begin(line)
            found.append((day, each.kind, line["class"], -units if each.kind == "impaired" else units))
        day += timedelta(days=1)
    return [each for each in found if each[3]]


def _plain_line(entry: AccountEntry, cost: int) -> dict[str, Any]:
    line = {
        "class": str(entry.treatment), "cost": cost, "amortised": 0, "impaired": 0, "residual": entry.residual, "months": entry.months,
        "done": 0, "twin": None,
    }  # fmt: skip
    _begin(line)
    return line


def _carried(line: dict[str, Any]) -> int:
    return int(line["cost"] - line["amortised"] - line["impaired"])


def _begin(line: dict[str, Any] | None) -> None:
    """Spread what is carried, but the residual value, over the months that are left."""
    if line is not None:
        left = line["months"] - line["done"] if line["months"] else None
        line |= {"months": left, "done": 0, "base": max(0, _carried(line) - line["residual"]), "taken": 0}


def _month(line: dict[str, Any] | None) -> int:
    if line is None or not line["months"] or line["done"] == line["months"]:
        return 0
    line["done"] += 1
    part = line["base"] * line["done"] // line["months"] - line["taken"]
    line["taken"] += part
    line["amortised"] += part
    return int(part)
