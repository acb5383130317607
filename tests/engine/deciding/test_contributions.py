"""What exchanges add to counters, and what counters come to: the range always holds the truth."""

from __future__ import annotations

import itertools
import json
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import engine
from engine.deciding.counting_window import CountingWindow
from engine.deciding.tally import NOTHING, UNBOUNDED
from engine.values import MAX_COUNT

DAY = date(2026, 11, 24)
VOCABULARY = """
vocabulary: counting
values:
  country:
    title: country
    values: {CN: China, US: United States, XX: region, XA: {title: part, under: XX}, XB: {title: others, under: XX, rest: yes}}
  kind: {title: kind, values: [plain, sensitive]}
facts:
  exporter.id: {type: id, title: exporter}
  exporter.country: {type: country, title: country}
  recipient.country: {type: country, title: country of the recipient}
  data.people: {type: count, title: people, by: kind}
  data.files: {type: count, title: files}
  data.staff: {type: yes/no, title: of our staff}
  data.odd: {type: yes/no, title: odd}
  counts.people: {type: count, title: people this year, by: kind}
  counts.all: {type: count, title: people of any kind}
  counts.files: {type: count, title: files by country}
  counts.times: {type: count, title: exchanges}
counters:
  counts.people:
    counts: distinct data.people
    per: [exporter.id]
    window: calendar year in Asia/Shanghai
    where:
      - exporter.country: CN
    leaves_out: [xx.test/staff, xx.test/odd]
  counts.all: {counts: distinct data.people, per: [exporter.id], window: preceding 12 months}
  counts.files: {counts: data.files, per: [exporter.id, recipient.country], window: preceding 7 days}
  counts.times: {counts: exchanges, per: [exporter.id], window: calendar year and the one before}
jurisdictions:
  XX: {title: somewhere}
"""
POLICY = """
policy: xx.test
title: Test
jurisdiction: XX
instrument: {issuer: nobody, number: none, force: law}
in_force: {from: 2020-01-01}
applies: {exporter.country: CN}
rules:
  - id: few
    title: Few people may be sent
    cite: Art. 1
    says: Nobody sends many.
    source: none
    status: confirmed
    when:
      counts.people.total: {at_least: 1_000}
    prohibit: Too many.
  - id: staff
    title: Staff are exempt
    cite: Art. 2
    says: Staff do not count.
    source: none
    status: confirmed
    when: {data.staff: yes}
    exempts: [few]
  - id: odd
    title: The odd are exempt, perhaps
    cite: Art. 3
    says: Somebody said so.
    source: none
    status: unsure
    when: {data.odd: yes}
    exempts: [few]
"""


def load(vocabulary: str = VOCABULARY, policy: str = POLICY) -> engine.Bundle:
    return engine.load_sources({"p/vocabulary.yaml": vocabulary.encode(), "p/test.yaml": policy.encode()})


BUNDLE = load()
COUNTING = engine.BundleCounters(BUNDLE)
PDP = engine.PDP(BUNDLE, mode="reference")


def exchange(**facts: Any) -> engine.Exchange:
    sent: dict[str, Any] = {"exporter": {"id": "a", "country": "CN"}, "data": {"staff": False, "odd": False}}
    for name, value in facts.items():
        sent = engine.with_fact_set(sent, name.replace("__", "."), value)
    return engine.parse_exchange(BUNDLE, json.dumps(sent).encode())


def contributed(**facts: Any) -> dict[str, tuple[int, int | None]]:
    sent = exchange(**facts)
    found = COUNTING.contributions(sent, PDP.verdict(sent, DAY), PDP.defined(sent, DAY, COUNTING.definitions))
    return {each.fact: ends(each.people) for each in found}


def ends(people: engine.Range) -> tuple[int, int | None]:
    return int(people.low), None if people.high is None else int(people.high)


def counter(name: str) -> engine.Counter:
    return next(each for each in COUNTING.counters if each.name == name)


def test_each_member_of_a_family_counts_for_itself() -> None:
    """An exchange adds to each member what it brings of it, and nothing where it brings none."""
    found = contributed(data__people__plain=30, data__people__sensitive=0)
    assert found["counts.people.plain"] == (30, 30)
    assert "counts.people.sensitive" not in found


def test_what_is_not_told_may_be_any_number() -> None:
    """A count that is left out adds anything from nothing up."""
    assert contributed(data__people__plain=30)["counts.people.sensitive"] == (0, None)


@pytest.mark.parametrize(
    ("facts", "people"),
    [
        ({"exporter__country": "unknown"}, (0, 30)),
        ({"exporter__country": "US"}, None),
        ({"data__staff": True}, None),
        ({"data__staff": "unknown"}, (0, 30)),
        ({"data__odd": True}, (0, 30)),
    ],
    ids=["where it may count", "where it does not", "left out", "perhaps left out", "left out by a doubtful rule"],
)
def test_what_may_not_count_counts_from_nothing_up(facts: dict[str, Any], people: tuple[int, int] | None) -> None:
    """Only what does not count for certain adds nothing; what counts perhaps adds between nothing and all of it."""
    assert contributed(data__people__plain=30, data__people__sensitive=0, **facts).get("counts.people.plain") == people


def test_a_counter_of_a_family_in_one_number_holds_all_its_members() -> None:
    """Different people of two kinds are at least those of the larger kind and at most all together."""
    assert contributed(data__people__plain=30, data__people__sensitive=20)["counts.all"] == (30, 50)


def test_exchanges_themselves_are_counted() -> None:
    """A counter of exchanges counts one for each."""
    assert contributed()["counts.times"] == (1, 1)


def test_an_exchange_whose_key_is_not_known_may_be_anybody_s() -> None:
    """A key with an unknown part covers, and is covered by, every key that it may turn out to be."""
    files = counter("counts.files")
    known = COUNTING.key(files, exchange(recipient__country="US"))
    assert known == ('"a"', '"US"')
    assert list(engine.covering(known)) == [('"a"', '"US"'), ('"a"', None), (None, '"US"'), (None, None)]
    assert COUNTING.key(files, exchange()) == ('"a"', None)
    assert COUNTING.key(files, exchange(recipient__country="XX")) == ('"a"', None)  # it may be one of its parts
    assert COUNTING.key(files, exchange(recipient__country="XA")) == ('"a"', '"XA"')


def test_a_counter_includes_the_exchange_itself() -> None:
    """Beside others, an exchange's own people are in its counter whether or not they overlap with theirs."""
    people, files = counter("counts.people"), counter("counts.files")
    sent = exchange(data__people__plain=30)
    plain, sensitive = (COUNTING.own(people, f"counts.people.{kind}", sent) for kind in ("plain", "sensitive"))
    others = engine.Tally.of(engine.Range.exact(20)) + engine.Tally.of(engine.Range.exact(25))
    assert ends(COUNTING.value(people, plain, others)) == (30, 75)
    assert ends(COUNTING.value(people, plain, NOTHING)) == (30, 30)
    assert ends(COUNTING.value(people, sensitive, others)) == (25, None)
    assert ends(COUNTING.value(files, COUNTING.own(files, "counts.files", exchange(data__files=3)), others)) == (48, 48)


def test_contributions_are_added_up_at_once_as_they_are_one_by_one() -> None:
    """The sum of some ranges, one of them unknown or too large to be exact, is that of their tallies."""
    ranges = [
        engine.Range(Decimal(a), None if b is None else Decimal(b)) for a, b in ((3, 5), (7, 7), (0, None), (1, MAX_COUNT))
    ]
    for size in range(len(ranges) + 1):
        for some in itertools.combinations([*ranges, None], size):
            tallies = (engine.Tally.of(each) if each else UNBOUNDED for each in some)
            assert engine.Tally.over(some) == sum(tallies, NOTHING)


def test_several_facts_are_put_into_a_document_as_one_by_one() -> None:
    """The same document in the same order, whatever stood there before; what was sent stays as it is."""
    sent: dict[str, Any] = {"counts": {"cn": {"plain": 1}, "us": "unknown"}, "data": {"files": 3}, "top": 1}
    before = json.dumps(sent)
    facts = (
        "counts.cn.plain",
        "counts.cn.sensitive",
        "counts.us.plain",
        "data.files",
        "top",
        "new.one",
        "new.more.deep",
        "counts.all",
    )
    for size in range(len(facts) + 1):
        for some in itertools.combinations(facts, size):
            values = {fact: {"at_least": number} for number, fact in enumerate(some)}
            expected: dict[str, Any] = sent
            for fact, value in values.items():
                expected = engine.with_fact_set(expected, fact, value)
            assert json.dumps(engine.with_facts_set(sent, values)) == json.dumps(expected)
    assert json.dumps(sent) == before


def test_a_count_is_brought_where_it_says_more_than_the_exchange() -> None:
    """A counter that follows from the exchange's own count was not brought by its caller."""
    people = counter("counts.people")

    def brought(**facts: Any) -> engine.Range | None:
        return COUNTING.brought(people, "counts.people.plain", exchange(data__people__plain=30, **facts))

    assert brought() is None
    assert brought(counts__people__plain={"at_least": 30}) is None
    assert brought(counts__people__plain={"at_least": 31}) == engine.Range(Decimal(31), None)
    assert brought(counts__people__plain=30) == engine.Range.exact(30)


def test_a_filled_exchange_reads_back_as_it_was_decided() -> None:
    """The counts stand in the document, which read again gives the same values."""
    filled = COUNTING.filled(
        exchange(data__people__plain=30, counts__people__plain=50, counts__people__rest=0),
        {
            "counts.people.plain": engine.Range(Decimal(30), Decimal(90)),
            "counts.people.sensitive": engine.Range(Decimal(5), None),
        },
    )
    assert filled.document["counts"]["people"] == {
        "rest": 0,
        "plain": {"at_least": 30, "at_most": 90},
        "sensitive": {"at_least": 5},
    }
    again = engine.parse_exchange(BUNDLE, json.dumps(filled.document).encode())
    assert again.values == filled.values


def test_numbers_without_end_stay_numbers() -> None:
    """What is larger than any count has no upper end, and a lower end that an exchange can carry."""
    huge = sum((engine.Tally.of(engine.Range.exact(MAX_COUNT)) for _ in range(10_000)), NOTHING)
    assert huge.range(False) == engine.Range(Decimal(MAX_COUNT), None)


# --- the window ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("window", "day", "first"),
    [
        ("calendar year in Asia/Shanghai", "2026-11-24", "2026-01-01"),
        ("calendar year", "2026-01-01", "2026-01-01"),
        ("calendar year and the one before in UTC", "2026-12-31", "2025-01-01"),
        ("preceding 12 months", "2026-11-24", "2025-11-25"),
        ("preceding 12 months", "2028-02-29", "2027-03-01"),
        ("preceding 12 months", "2029-02-28", "2028-03-01"),
        ("preceding 1 month", "2026-02-28", "2026-02-01"),
        ("preceding 1 month", "2026-03-30", "2026-03-01"),
        ("preceding 7 days", "2026-11-24", "2026-11-18"),
        ("preceding 1 day", "2026-11-24", "2026-11-24"),
        ("preceding 2 weeks", "2026-11-24", "2026-11-11"),
        ("preceding 3 years", "0002-01-01", "0001-01-01"),
    ],
)
def test_the_window_begins_on_its_first_day(window: str, day: str, first: str) -> None:
    """A calendar year begins on 1 January; of a preceding period the day itself is one."""
    assert CountingWindow.read(window).first(date.fromisoformat(day)) == date.fromisoformat(first)


@given(
    st.dates(date(1990, 1, 1), date(2050, 1, 1)),
    st.integers(0, 40),
    st.sampled_from(["day", "week", "month", "year"]),
)
def test_a_day_counts_while_it_is_within_the_length(day: date, number: int, unit: str) -> None:
    """The days of a preceding period are those on which the language says `within`."""
    window = CountingWindow.read(f"preceding {number} {unit}s")
    first = window.first(day)
    for near in (first - timedelta(days=n) for n in range(-3, 4)):
        assert (near >= first) is (window.length.after(near) > day) or near > day


@given(
    st.dates(date(1990, 1, 1), date(2050, 1, 1)),
    st.sampled_from(
        ["calendar year", "calendar year and the one before", "preceding 7 days", "preceding 1 month", "preceding 3 years"]
    ),
)
def test_a_day_counts_until_the_last_day_that_is_told(day: date, window: str) -> None:
    """On the day after it, the window begins later."""
    read = CountingWindow.read(window)
    last = read.last(day)
    assert read.first(last) <= day < read.first(last + timedelta(days=1))


def test_a_window_needs_a_time_zone_that_there_is() -> None:
    """A zone that nobody has heard of is refused with the policy."""
    with pytest.raises(engine.BundleRefused, match="is not a window"):
        load(VOCABULARY.replace("Asia/Shanghai", "Asia/Shanghia"))


# --- what a counter means ----------------------------------------------------------------------------------------------


def meanings(bundle: engine.Bundle) -> dict[str, str]:
    return {each.name: each.meaning for each in engine.BundleCounters(bundle).counters}


def test_a_counter_changes_its_meaning_with_what_decides_whether_one_counts() -> None:
    """Its own words, the rules that leave out, and those that exempt from these; not what else is written."""
    first = meanings(BUNDLE)
    assert len(set(first.values())) == len(first)
    assert meanings(load(policy=POLICY.replace("Too many.", "Far too many.").replace("1_000", "2_000"))) == first
    for changed in (
        load(VOCABULARY.replace("- exporter.country: CN", "- exporter.country: US")),
        load(VOCABULARY.replace("per: [exporter.id]\n", "per: [exporter.id, recipient.country]\n")),
        load(VOCABULARY.replace("leaves_out: [xx.test/staff, xx.test/odd]", "leaves_out: [xx.test/staff]")),
        load(policy=POLICY.replace("data.staff: yes", "data.staff: no")),
        load(policy=POLICY.replace("status: unsure", "status: confirmed")),
    ):
        differ = {name for name, meaning in meanings(changed).items() if meaning != first[name]}
        assert differ == {"counts.people"}
    more = meanings(load(VOCABULARY.replace("values: [plain, sensitive]", "values: [plain, sensitive, genetic]")))
    assert {name for name, meaning in more.items() if meaning != first[name]} == {"counts.people", "counts.all"}


# --- the range holds the truth -----------------------------------------------------------------------------------------

SETS = st.lists(st.frozensets(st.integers(0, 30)), max_size=8)


@given(SETS, st.data())
def test_the_number_of_different_people_lies_in_the_range(sent: list[frozenset[int]], data: st.DataObject) -> None:
    """However the sets overlap, and whichever of those that count perhaps do count."""
    tally, counted = NOTHING, set[int]()
    for people in sent:
        low = len(people) - data.draw(st.integers(0, len(people)))
        high = data.draw(st.none() | st.integers(len(people), 40))
        sure = data.draw(st.booleans())
        if sure or data.draw(st.booleans()):
            counted |= people
        told = engine.Range(Decimal(low if sure else 0), None if high is None else Decimal(high))
        tally += engine.Tally.of(told, certain=sure)
    count = tally.range(distinct=True)
    assert count.low <= len(counted)
    assert count.high is None or len(counted) <= count.high


@given(SETS)
def test_counts_that_are_not_of_different_people_are_added_up(sent: list[frozenset[int]]) -> None:
    """The range of exact counts is their sum."""
    tally = sum((engine.Tally.of(engine.Range.exact(len(people))) for people in sent), NOTHING)
    assert tally.range(distinct=False) == engine.Range.exact(sum(map(len, sent)))


@given(st.lists(st.tuples(st.integers(0, 99), st.none() | st.integers(99, 200)), max_size=5))
def test_the_order_of_exchanges_does_not_matter(told: list[tuple[int, int | None]]) -> None:
    """Contributions add up to the same in any order and any grouping, and nothing is left of one taken out."""
    tallies = [engine.Tally.of(engine.Range(Decimal(a), None if b is None else Decimal(b))) for a, b in told]
    whole = sum(tallies, NOTHING)
    for some in itertools.islice(itertools.permutations(tallies), 24):
        assert sum(some, NOTHING) == whole
        assert sum(some[:2], NOTHING) + sum(some[2:], NOTHING) == whole
    assert whole + NOTHING == whole
