"""Chains of grants by hand: what is proven, what a line that is gone leaves behind, what an exclusive grant binds."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from engine.books.chains import LimitValues, Reckoner
from engine.books.grants import PERPETUAL, Grant, last_day
from engine.books.page import RightScope, RightsPage
from engine.rules import Truth
from engine.values import Duration, ValueSet

PURPOSES = ValueSet(
    "purpose",
    {"research": (), "medical": ("research",), "other": ("research",), "trade": ()},
    rest=frozenset({"other"}),
)
PLACES = ValueSet("territory", dict.fromkeys(("KE", "CN", "worldwide"), ()), everything="worldwide")
RECKONER = Reckoner(PURPOSES, PLACES)
DAY = date(2026, 6, 1)


def opened(holder: str, **more: object) -> Grant:
    line = Grant(
        "o", "use", None, holder, frozenset(["research", "trade"]), frozenset(["worldwide"]), date(2025, 1, 1), PERPETUAL,
        None, True, 0, opened=True,
    )  # fmt: skip
    return replace(line, **more)  # type: ignore[arg-type]


def granted(id: str, granter: str | None, holder: str | None, order: int, **more: object) -> Grant:
    line = Grant(
        id, "use", granter, holder, frozenset(["research"]), frozenset(["KE"]), date(2026, 1, order), date(2026, 12, 31), False,
        True, order,
    )  # fmt: skip
    return replace(line, **more)  # type: ignore[arg-type]


def page(
    lines: list[Grant], holder: str | None, recipient: str | None = "Z", day: date = DAY, complete: bool = False
) -> RightsPage:
    return RECKONER.page(lines, holder, recipient, day, complete)


def scopes(lines: list[Grant], holder: str, day: date = DAY) -> tuple[RightScope, ...]:
    return page(lines, holder, day=day).holds


def test_a_grant_gives_no_more_than_its_granter_has() -> None:
    found = scopes([opened("A", purposes=frozenset(["medical"])), granted("c1", "A", "B", 1)], "B")
    assert [(each.purposes, each.sure) for each in found] == [(("medical",), True), (("research",), False)]
    (whole,) = scopes([opened("A"), granted("c1", "A", "B", 1)], "B")
    assert (whole.purposes, whole.territory, whole.by, whole.sure) == (("research",), ("KE",), ("c1", "o"), True)


def test_the_union_of_several_lines_covers_purpose_by_purpose_and_country_by_country() -> None:
    lines = [
        opened("A", purposes=frozenset(["research"])),
        opened("A", id="o2", purposes=frozenset(["trade"]), territory=frozenset(["KE"])),
        granted("c1", "A", "B", 1, purposes=frozenset(["research", "trade"])),
    ]
    assert all(each.sure for each in scopes(lines, "B"))
    wider = [*lines[:2], replace(lines[2], territory=frozenset(["KE", "CN"]))]
    assert not all(each.sure for each in scopes(wider, "B"))  # trade in China is not A's to give


def test_what_hangs_on_a_line_that_is_gone_is_not_proven_any_more() -> None:
    lines = [opened("A"), granted("c1", "A", "B", 1), granted("c2", "B", "C", 2), granted("c3", "C", "D", 3)]
    assert scopes(lines, "D")[0].by == ("c3", "c2", "c1", "o")
    for gone in (date.min, date(2026, 5, 31)):  # withdrawn, and ended before the day
        changed = [lines[0], replace(lines[1], ended=gone), *lines[2:]]
        assert scopes(changed, "B") == ()
        assert [(each.by, each.sure) for each in scopes(changed, "D")] == [(("c3",), False)]
    ending = [lines[0], replace(lines[1], ended=date(2026, 6, 2)), *lines[2:]]
    assert [(each.until, each.sure) for each in scopes(ending, "D")] == [(DAY, True), (date(2026, 12, 31), False)]
    assert [each.sure for each in scopes(ending, "D", date(2026, 6, 2))] == [False]


def test_a_right_that_is_not_passed_on_and_a_granter_that_is_not_known_prove_nothing() -> None:
    kept = [opened("A"), granted("c1", "A", "B", 1, onward=False), granted("c2", "B", "C", 2)]
    assert [each.sure for each in scopes(kept, "C")] == [False]
    assert [each.sure for each in scopes([opened("A"), granted("c1", None, "B", 1)], "B")] == [False]
    assert [each.sure for each in scopes([opened("A"), granted("c1", "A", "B", 1, until=None)], "B")] == [False]
    assert [each.sure for each in scopes([opened("A"), granted("c1", "A", "B", 1, purposes=None)], "B")] == [False]


def test_a_right_that_came_later_proves_no_earlier_grant_but_an_opening_of_an_earlier_day_does() -> None:
    later = [granted("c1", "B", "C", 1), opened("A"), granted("c2", "A", "B", 2)]
    assert [each.sure for each in scopes(later, "C")] == [False]
    assert [each.sure for each in scopes([granted("c1", "A", "B", 1), opened("A")], "B")] == [True]
    assert [each.sure for each in scopes([granted("c1", "A", "B", 1), opened("A", first=date(2026, 2, 1))], "B")] == [False]


def test_an_exclusive_grant_binds_its_granter_and_who_derives_from_it_later() -> None:
    exclusive = granted("x", "A", "X", 2, exclusive=True)
    lines = [opened("A"), granted("c1", "A", "B", 1), exclusive, granted("c3", "A", "C", 3), granted("c4", "C", "D", 4)]
    assert [each.id for each in page(lines, "A").exclusive] == ["x"]
    assert page(lines, "B").exclusive == ()  # an earlier grant
    assert [(each.id, each.own) for each in page(lines, "D").exclusive] == [("x", False)]
    assert page(lines, "A", "X").exclusive == ()  # to its holder itself
    assert () in [each.bound for each in page([*lines, opened("D", id="o2")], "D").holds]  # from another root
    assert page([opened("S"), granted("s", "S", "X", 1, exclusive=True), *lines[:2]], "B").exclusive == ()  # a stranger's


def test_an_exclusive_grant_does_not_bind_its_own_holder() -> None:
    lines = [opened("A"), granted("x", "A", "X", 1, exclusive=True), granted("c2", "A", "X", 2), granted("c3", "X", "Y", 3)]
    assert page(lines, "X").exclusive == ()
    assert page(lines, "Y").exclusive == ()


def test_what_is_not_proven_is_bound_by_all_that_it_may_derive_from() -> None:
    lines = [
        opened("A"), granted("x", "A", "X", 1, exclusive=True), granted("c2", "A", "B", 2),
        granted("c3", "B", "C", 3, purposes=frozenset(["trade"])),
    ]  # fmt: skip
    assert [(each.sure, each.bound) for each in page(lines, "C").holds] == [(False, ("x",))]


def test_earlier_grants_are_named_once_for_equal_reach() -> None:
    lines = [opened("A"), *(granted(f"c{n}", "A", f"P{n}", n, until=date(2026, 12, n)) for n in range(1, 9))]
    assert [each.id for each in page(lines, "A").given] == ["c8"]
    assert page(lines, "A", "P8").given[0].id == "c7"


def test_where_the_holder_is_not_known_the_page_says_only_that_there_are_lines() -> None:
    assert page([opened("A")], None) == RightsPage(on=DAY, known=False)


def test_a_wider_purpose_may_turn_out_to_be_a_narrower_one() -> None:
    reach = LimitValues(PURPOSES)
    assert reach.covers({"medical"}, "research") is Truth.UNKNOWN
    assert reach.covers({"research"}, "medical") is Truth.YES
    assert reach.covers({"medical"}, "trade") is Truth.NO
    assert reach.overlap({"medical"}, {"research"}) is Truth.YES
    assert LimitValues(PLACES).covers({"KE"}, "worldwide") is Truth.NO
    assert LimitValues(PLACES).covers({"worldwide"}, "KE") is Truth.YES
    assert LimitValues(PLACES).covers(None, "KE") is Truth.UNKNOWN


def test_a_term_ends_on_the_day_before_its_anniversary_or_never() -> None:
    assert last_day(date(2026, 1, 31), Duration(months=1)) == date(2026, 2, 27)
    assert last_day(date(2026, 3, 1), Duration(months=24)) == date(2028, 2, 29)
    assert last_day(DAY, Duration(months=12 * 1_000_000)) == PERPETUAL


def test_many_scopes_become_one_that_is_not_sure() -> None:
    lines = [
        opened("A", id=f"o{n}", until=date(2027, 1, 1), first=date(2025, 1, 1), purposes=frozenset([f"p{n}"]))
        for n in range(300)
    ]
    values = ValueSet("purpose", {f"p{n}": () for n in range(300)})
    found = Reckoner(values, PLACES).page(lines, "A", "Z", DAY).holds
    assert len(found) == 256
    assert (found[-1].sure, found[-1].purposes) == (False, None)
