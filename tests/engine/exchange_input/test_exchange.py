"""
Reading an exchange: what is accepted and as what, what is refused and where, and that nothing else can happen.
"""

from __future__ import annotations

import json
import re
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import engine
from engine.exchange import Exchange
from engine.exchange_input.exchange_reader import MAX_BYTES
from engine.exchange_input.strict_json import MAX_DEPTH
from engine.values import FIRST_DAY, LAST_DAY, Amount, AmountRange, Document, Duration, Missing, Money, MoneyRange, Range, SetOf

VOCABULARY = b"""
vocabulary: v
facts:
  exporter.id: {type: id, title: exporter, personal: yes}
  exporter.country: {type: country, title: country}
  data.personal: {type: yes/no, title: personal}
  data.categories: {type: set of category, title: categories}
  data.labels: {type: set of id, title: labels, personal: yes}
  data.people: {type: count, by: sensitivity, title: people}
  data.ages: {type: count, by: sensitivity, title: ages, personal: yes}
  data.rate: {type: ratio, title: rate}
  data.price: {type: money, title: price}
  data.energy: {type: quantity, title: energy, units: [MJ]}
  data.used: {type: quantity, by: sensitivity, title: energy used}
  data.born: {type: date, title: birthday, personal: yes}
  data.kept_for: {type: duration, title: how long it is kept}
  counts.year: {type: count, by: sensitivity, title: this year}
units:
  MJ: {title: megajoule}
  kWh: {title: kilowatt-hour, of: MJ, times: 3.6}
  hour: {title: hour}
values:
  country: {title: country, values: [AA, BB, NO]}
  sensitivity: {title: sensitivity, values: [ordinary, sensitive]}
  category: {title: category, values: {health: {}, genome: {under: health}, no-genome: {under: health, rest: yes}}}
evidence:
  certificate: {title: certificate}
claims:
  necessity: {title: necessity}
requirements:
  certificate: {title: certificate, how: so, jurisdiction: AA}
jurisdictions:
  AA: {title: Aland}
counters:
  counts.year: {counts: distinct data.people, per: [exporter.id], window: calendar year in UTC}
"""
POLICY = b"""
policy: p
title: a law
jurisdiction: AA
instrument: {issuer: a ministry, force: law}
in_force: {from: 2020-01-01}
applies: {exporter.country: AA}
rules:
  - {id: bar, title: a bar, cite: Art. 1, says: so, source: made up, status: confirmed, prohibit: no}
  - {id: ground, title: a ground, cite: Art. 2, says: so, source: made up, status: confirmed, satisfies: certificate}
"""
BUNDLE = engine.load_sources({"v.yaml": VOCABULARY, "p.yaml": POLICY})
FACTS = [name for name, entry in BUNDLE.facts.items() if entry.kind == "fact"]


def nested(name: str, value: Any) -> dict[str, Any]:
    """A fact by its dotted name, as JSON nests it."""
    for step in reversed(name.split(".")):
        value = {step: value}
    return dict(value)


def read(document: Any) -> Exchange:
    return engine.parse_exchange(BUNDLE, document if isinstance(document, bytes) else json.dumps(document).encode())


def problems(document: Any) -> list[tuple[str, str]]:
    """The pointer and the code of everything for which an exchange is refused."""
    with pytest.raises(engine.ExchangeRefused) as refused:
        read(document)
    assert all(problem.detail and not problem.detail.endswith(".") for problem in refused.value.problems)
    assert str(refused.value)
    return [(problem.pointer, problem.code) for problem in refused.value.problems]


ACCEPTED: list[tuple[str, Any, Any]] = [
    ("exporter.country", "NO", "NO"),
    ("data.personal", True, True),
    ("data.personal", False, False),
    ("data.categories", [], SetOf(frozenset())),
    ("data.categories", ["health", "genome"], SetOf(frozenset({"health", "genome"}))),
    ("data.categories", ["health", "unknown"], SetOf(frozenset({"health"}), open=True)),
    ("data.categories", ["unknown"], SetOf(frozenset(), open=True)),
    ("data.labels", ["any text"], SetOf(frozenset({"any text"}))),
    ("data.people.ordinary", 0, Range.exact(0)),
    ("data.people.ordinary", 2**53 - 1, Range.exact(2**53 - 1)),
    ("data.people.ordinary", {"at_least": 3, "at_most": 5}, Range(Decimal(3), Decimal(5))),
    ("data.people.ordinary", {"at_least": 3}, Range(Decimal(3), None)),
    ("data.people.ordinary", {"at_most": 5}, Range(Decimal(0), Decimal(5))),
    ("data.people.ordinary", {"at_least": 5, "at_most": 5}, Range.exact(5)),
    ("data.rate", "0.25", Range.exact(Decimal("0.25"))),
    ("data.rate", "3", Range.exact(3)),
    ("data.price", "20000000 USD", Money(Decimal(20_000_000), "USD")),
    ("data.price", "0 EUR", Money(Decimal(0), "EUR")),
    ("data.price", "0.5 EUR", Money(Decimal("0.5"), "EUR")),
    ("data.price", {"at_least": "5 EUR"}, MoneyRange(Decimal(5), None, "EUR")),
    ("data.price", {"at_least": "5 EUR", "at_most": "5.50 EUR"}, MoneyRange(Decimal(5), Decimal("5.50"), "EUR")),
    ("data.price", {"at_least": "5 EUR", "at_most": "5 EUR"}, Money(Decimal(5), "EUR")),
    ("data.energy", "120 kWh", Amount(Decimal(432), "MJ")),
    ("data.energy", "432.0 MJ", Amount(Decimal(432), "MJ")),
    ("data.energy", {"at_least": "1 kWh"}, AmountRange(Decimal("3.6"), None, "MJ")),
    ("data.energy", {"at_least": "1 kWh", "at_most": "4 MJ"}, AmountRange(Decimal("3.6"), Decimal(4), "MJ")),
    ("data.used.ordinary", "1e3 hour", Amount(Decimal(1000), "hour")),
    ("data.born", "2024-02-29", date(2024, 2, 29)),
    ("data.born", "1800-01-01", FIRST_DAY),
    ("data.born", "2999-12-31", LAST_DAY),
    ("data.kept_for", "3 years", Duration(months=36)),
    ("data.kept_for", "1 hour", Duration(hours=1)),
    ("data.kept_for", "10 working days in CN", Duration(working_days=10, calendar="CN")),
    ("exporter.id", "名称 \u0001\U0001f600 ", "名称 \U0001f600"),
]


@pytest.mark.parametrize(("name", "sent", "value"), ACCEPTED, ids=[f"{n}={s!r:.40}" for n, s, _ in ACCEPTED])
def test_a_value_of_each_type_is_read_as_what_it_is(name: str, sent: Any, value: Any) -> None:
    """Each spelling of each type gives its value, and the document is kept as it was sent."""
    exchange = read(nested(name, sent))
    assert exchange.value(name) == value
    assert exchange.document == nested(name, sent)


REFUSED: list[tuple[str, Any]] = [
    ("exporter.id", "clinic\u0000"),
    ("exporter.country", "no"),
    ("exporter.country", "XX"),
    ("exporter.country", ["AA"]),
    ("exporter.country", False),
    ("exporter.country", ""),
    ("data.personal", "yes"),
    ("data.personal", 1),
    ("data.personal", [True]),
    ("data.categories", "health"),
    ("data.categories", {"health": True}),
    ("data.categories", [["health"]]),
    ("data.categories", [1]),
    ("data.categories", [None]),
    ("data.labels", ["x" * 257]),
    ("data.labels", ["a"] * 513),
    ("data.people.ordinary", -1),
    ("data.people.ordinary", 2**53),
    ("data.people.ordinary", 1.0),
    ("data.people.ordinary", 1.5),
    ("data.people.ordinary", True),
    ("data.people.ordinary", "5"),
    ("data.people.ordinary", {}),
    ("data.people.ordinary", {"at_least": 5, "at_most": 4}),
    ("data.people.ordinary", {"at_least": "5"}),
    ("data.people.ordinary", {"at_least": None}),
    ("data.people.ordinary", {"at_least": 5, "about": 6}),
    ("data.people.rest", 1),
    ("data.people.rest", "unknown"),
    ("data.rate", 0.25),
    ("data.rate", 1),
    ("data.rate", "25%"),
    ("data.rate", "-0.1"),
    ("data.rate", "1e3"),
    ("data.rate", "NaN"),
    ("data.rate", "Infinity"),
    ("data.rate", {"at_least": "0.1"}),
    ("data.price", 5),
    ("data.price", "5"),
    ("data.price", "5 usd"),
    ("data.price", "USD 5"),
    ("data.price", "NaN USD"),
    ("data.price", "-0.5 EUR"),
    ("data.price", "-0 EUR"),
    ("data.price", {"at_least": "-1 EUR"}),
    ("data.price", {"at_least": "-2 EUR", "at_most": "-1 EUR"}),
    ("data.energy", 120),
    ("data.energy", "120"),
    ("data.energy", "120 kwh"),
    ("data.energy", "120 hour"),
    ("data.energy", {"at_least": "1 kWh", "at_most": "1 MJ"}),
    ("data.energy", {"at_least": "1 kWh", "at_most": "5 hour"}),
    ("data.born", "0001-01-01"),
    ("data.born", "1799-12-31"),
    ("data.born", "3000-01-01"),
    ("data.born", "9999-12-31"),
    ("data.born", "2023-02-29"),
    ("data.born", "2024-1-1"),
    ("data.born", "2024-01-01T00:00:00"),
    ("data.born", 20240101),
    ("data.born", "0000-01-01"),
    ("data.born", "10000-01-01"),
    ("data.kept_for", "three years"),
    ("data.kept_for", "10 working days"),
    ("data.kept_for", "9999999 years"),
    ("data.kept_for", "0 days"),
    ("data.kept_for", "0 years"),
    ("data.kept_for", 3),
    ("exporter.country", 5),
    ("exporter.country", "x" * 100_000),
    ("exporter.id", ""),
    ("exporter.id", "x" * 257),
    ("exporter.id", {"text": "x"}),
]


@pytest.mark.parametrize(
    ("name", "sent"),
    [*REFUSED],
    ids=[f"{n}={s!r:.40}" for n, s in REFUSED],
)
def test_what_a_type_does_not_know_is_refused_at_its_place(name: str, sent: Any) -> None:
    """Each wrong spelling is one problem, and its pointer leads to it."""
    assert problems(nested(name, sent)) == [("/" + name.replace(".", "/"), "wrong-value")]


@pytest.mark.parametrize("rest", ["0", "0 MJ", "unknown"])
def test_a_family_of_quantities_is_not_closed_by_a_rest(rest: str) -> None:
    """Nothing of a resource is nothing in its own unit, so each member is stated."""
    assert problems(nested("data.used.rest", rest)) == [("/data/used/rest", "unknown-fact")]


def test_each_wrong_member_of_a_set_has_a_place_of_its_own() -> None:
    """All of them are named at once, in the order in which they were sent, each with what may be meant."""
    with pytest.raises(engine.ExchangeRefused) as refused:
        read(
            {"data": {"rate": 1, "categories": ["helth", "health", "unknown", "genomes"]}, "exporter": {"country": "Atlantis"}}
        )
    assert [(each.pointer, each.code) for each in refused.value.problems] == [
        ("/data/rate", "wrong-value"),
        ("/data/categories/0", "wrong-value"),
        ("/data/categories/3", "wrong-value"),
        ("/exporter/country", "wrong-value"),
    ]
    assert "did you mean `health`" in refused.value.problems[1].detail
    assert "did you mean `genome`" in refused.value.problems[2].detail


@pytest.mark.parametrize(
    ("name", "sent", "said"),
    [
        ("data.price", "-5 EUR", "`-5 EUR` is below zero; the least is `0 EUR`"),
        ("data.kept_for", "0 months", "no time at all is no length of time; the shortest is `1 hour`"),
        (
            "data.born",
            "0001-01-01",
            "`0001-01-01` does not lie between 1800-01-01 and 2999-12-31; leave it out where there is no such day, as for what does "
            "not expire",
        ),
    ],
)
def test_a_number_beyond_all_reason_says_what_to_send(name: str, sent: str, said: str) -> None:
    """The sentence names the least, the shortest, or the first and the last day."""
    with pytest.raises(engine.ExchangeRefused) as refused:
        read(nested(name, sent))
    assert [problem.detail for problem in refused.value.problems] == [said]


def test_a_day_in_a_document_and_the_day_of_the_exchange_lie_within_reason() -> None:
    """A document of the year 1, one that expires in 9999, and an exchange on such a day are refused at their places."""
    certificate = {"dated": "0001-01-01", "expires": "9999-12-31", "covers": True}
    places = problems({"as_of": "9999-12-31", "evidence": {"certificate": certificate}})
    assert sorted(places) == [
        ("/as_of", "wrong-value"),
        ("/evidence/certificate/dated", "wrong-value"),
        ("/evidence/certificate/expires", "wrong-value"),
    ]


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("data.rate", "٠.٥"),
        ("data.rate", "0.5\n"),
        ("data.price", "５ USD"),
        ("data.price", "5 USD\n"),
        ("data.kept_for", "３ years"),
        ("data.kept_for", "3 years\n"),
    ],
)
def test_digits_are_ascii_and_a_value_ends_where_it_ends(name: str, sent: str) -> None:
    """What looks like a number to Python alone is refused, so that every client reads an exchange alike."""
    assert problems(nested(name, sent)) == [("/" + name.replace(".", "/"), "wrong-value")]


@pytest.mark.parametrize("name", FACTS)
def test_any_fact_may_be_unknown_and_none_may_be_null(name: str) -> None:
    """`unknown` is a value of every type and is told from a fact left out; `null` is refused."""
    assert read(nested(name, "unknown")).value(name) is Missing.UNKNOWN
    assert read({}).value(name) is Missing.LEFT_OUT
    assert problems(nested(name, None)) == [("/" + name.replace(".", "/"), "wrong-value")]


@pytest.mark.parametrize("name", ["data", "data.people", "evidence", "claims", "exporter"])
def test_a_group_is_an_object(name: str) -> None:
    """Where facts nest, nothing but an object is taken: no null, no `unknown`, no list."""
    refused: list[Any] = [None, "unknown", "none", [], 5, True]
    for sent in refused:
        assert problems(nested(name, sent)) == [("/" + name.replace(".", "/"), "wrong-type")]
    assert not read(nested(name, {})).values


def test_no_more_than_what_was_sent_has_a_value() -> None:
    """What is left out has no value; but a counter is at least what the exchange itself counts."""
    assert dict(read({}).values) == {}
    assert dict(read({"data": {"people": {"ordinary": 5}}}).values) == {
        "data.people.ordinary": Range.exact(5),
        "counts.year.ordinary": Range(Decimal(5), None),
    }


def test_a_rest_of_none_closes_a_family() -> None:
    """`rest: 0` gives every member that was not sent the value nought, and is itself no fact."""
    exchange = read({"data": {"people": {"ordinary": 5, "rest": 0}}})
    assert exchange.value("data.people.sensitive") == Range.exact(0)
    assert exchange.value("data.people.ordinary") == Range.exact(5)
    assert "data.people.rest" not in exchange.values


def test_a_counter_that_is_a_range_begins_at_this_exchanges_own_count() -> None:
    """A range is cut below by what the exchange itself counts, and keeps its upper end."""
    sent = {"data": {"people": {"ordinary": 5}}, "counts": {"year": {"ordinary": {"at_least": 1, "at_most": 10}}}}
    assert read(sent).value("counts.year.ordinary") == Range(Decimal(5), Decimal(10))


def test_a_counter_below_this_exchanges_own_count_is_refused() -> None:
    """The counter's place is named, and the count that it is below."""
    sent = {"data": {"people": {"ordinary": 5_000}}, "counts": {"year": {"ordinary": 4_999}}}
    assert problems(sent) == [("/counts/year/ordinary", "counter-below")]
    with pytest.raises(engine.ExchangeRefused, match="5,000"):
        read(sent)


WHOLE = {
    "dated": "2024-05-01",
    "filed": "2024-05-02",
    "expires": "2025-05-01",
    "covers": True,
    "people": 5,
    "hash": "abc",
    "attested_by": "a notary",
}


@pytest.mark.parametrize("group", ["evidence.certificate", "claims.necessity"])
def test_a_document_is_presented_or_there_is_none_or_it_is_unknown(group: str) -> None:
    """A document is its fields, `none` or `unknown`; a field that is left out has no value, and one may be unknown."""
    assert read(nested(group, {})).values[group] == Document("shown", {})
    assert read(nested(group, "none")).values[group] == Document("none", {})
    assert read(nested(group, "unknown")).values[group] is Missing.UNKNOWN
    whole = read(nested(group, WHOLE))
    assert whole.value(f"{group}.expires") == date(2025, 5, 1)
    assert whole.value(f"{group}.people") == Range.exact(5)
    partly = read(nested(group, {"dated": "unknown"}))
    assert partly.value(f"{group}.dated") is Missing.UNKNOWN
    assert partly.value(f"{group}.covers") is Missing.LEFT_OUT
    assert read(nested(group, "unknown")).value(f"{group}.dated") is Missing.UNKNOWN
    assert read({}).value(f"{group}.dated") is Missing.LEFT_OUT


@pytest.mark.parametrize(
    "sent", [None, True, "shown", "yes", [], ["none"], {"colour": "red"}, {"dated": None}, {"covers": "yes"}]
)
def test_what_is_no_document_is_refused(sent: Any) -> None:
    """Anything else in the place of a document is a problem of that document."""
    [(pointer, code)] = problems({"evidence": {"certificate": sent}})
    assert pointer.startswith("/evidence/certificate")
    assert code == ("unknown-fact" if sent == {"colour": "red"} else "wrong-value")


def test_every_wrong_field_of_a_document_is_named() -> None:
    """Each field of a document that is wrong has its own pointer."""
    sent = {"evidence": {"certificate": {"dated": "yesterday", "covers": "yes", "colour": "red"}}}
    assert problems(sent) == [
        ("/evidence/certificate/dated", "wrong-value"),
        ("/evidence/certificate/covers", "wrong-value"),
        ("/evidence/certificate/colour", "unknown-fact"),
    ]


@pytest.mark.parametrize(
    "document", [{"facts": 1}, {"data": {"colours": 1}}, {"evidence": {"letter": {}}}, {"data": {"people": {"total": 1}}}]
)
def test_an_unknown_fact_is_refused(document: dict[str, Any]) -> None:
    """A name that the vocabulary does not know is never passed over."""
    [(pointer, code)] = problems(document)
    assert code == "unknown-fact"
    assert pointer == "/" + "/".join(re.findall(r'"(\w+)":', json.dumps(document)))


def test_an_unknown_fact_comes_with_a_suggestion() -> None:
    """A misspelt fact is told what it may have been."""
    with pytest.raises(engine.ExchangeRefused, match=r"did you mean `exporter\.country`"):
        read({"exporter": {"contry": "AA"}})


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ({"exporter.country": "AA"}, '`{"exporter": {"country": …}}`, not `exporter.country`'),
        ({"data": {"people.ordinary": 1}}, '`{"data": {"people": {"ordinary": …}}}`, not `people.ordinary`'),
        ({"data.people": {"ordinary": 1}}, '`{"data": {"people": …}}`, not `data.people`'),
        ({"evidence.certificate": {"covers": True}}, '`{"evidence": {"certificate": …}}`, not `evidence.certificate`'),
        ({"evidence": {"certificate.covers": True}}, '`{"evidence": {"certificate": {"covers": …}}}`'),
        ({"exporter.contry": "AA"}, 'no fact `exporter.contry`; did you mean `{"exporter": {"country": …}}`'),
        ({"country": "AA"}, "no fact `country`; did you mean `exporter.country`?"),
    ],
)
def test_a_name_with_dots_is_told_how_facts_nest(document: dict[str, Any], says: str) -> None:
    """As names are printed they are no members; the refusal shows the members to write, and no value."""
    with pytest.raises(engine.ExchangeRefused) as refused:
        read(document)
    [problem] = refused.value.problems
    assert problem.code == "unknown-fact"
    assert says in problem.detail
    assert "AA" not in problem.detail


def test_all_problems_are_named_at_once_by_json_pointers() -> None:
    """Every problem of an exchange is reported, each with a pointer in which `~` and `/` are escaped (RFC 6901)."""
    sent = {"data": {"personal": 1, "rate": 2, "people": {"ordinary": -1, "a~b/c": 3}}, "x/y": 1, "": 2, "as_of": "soon"}
    assert sorted(problems(sent)) == [
        ("/", "unknown-fact"),
        ("/as_of", "wrong-value"),
        ("/data/people/a~0b~1c", "unknown-fact"),
        ("/data/people/ordinary", "wrong-value"),
        ("/data/personal", "wrong-value"),
        ("/data/rate", "wrong-value"),
        ("/x~1y", "unknown-fact"),
    ]


def test_no_end_of_problems_is_not_reported() -> None:
    """A hundred problems are enough."""
    assert len(problems({f"x{n}": 1 for n in range(1000)})) == 100


def deep(levels: int) -> bytes:
    """An exchange with objects and arrays in one another, so many with itself."""
    return (
        b'{"zzz":'
        + b'{"a":' * ((levels - 1) // 2)
        + b"[" * (levels // 2)
        + b"]" * (levels // 2)
        + b"}" * ((levels - 1) // 2)
        + b"}"
    )


NOT_JSON = {
    "nothing": b"",
    "a list": b"[]",
    "a text": b'"unknown"',
    "a number": b"5",
    "null": b"null",
    "half an object": b'{"data": {',
    "an object and more": b"{} {}",
    "a comment": b"{} // done",
    "a comma too many": b'{"data": {},}',
    "single quotes": b"{'data': {}}",
    "a byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": '{"data": {}}'.encode("utf-16"),
    "Latin 1": b'{"exporter": {"id": "caf\xe9"}}',
    "an overlong encoding": b'{"exporter": {"id": "\xc0\xaf"}}',
    "a surrogate in UTF-8": b'{"exporter": {"id": "\xed\xa0\x80"}}',
    "a lone surrogate": b'{"exporter": {"id": "\\ud800"}}',
    "a lone surrogate in a key": b'{"\\udfff": 1}',
    "a control character": b'{"exporter": {"id": "a\nb"}}',
    "NaN": b'{"data": {"rate": NaN}}',
    "Infinity": b'{"data": {"people": {"ordinary": Infinity}}}',
    "-Infinity": b'{"data": {"people": {"ordinary": -Infinity}}}',
    "a number of 5,000 digits": b'{"data": {"people": {"ordinary": ' + b"9" * 5_000 + b"}}}",
    "a key twice": b'{"data": {}, "data": {}}',
    "a key twice, spelt in two ways": b'{"data": {"rate": "1", "r\\u0061te": "2"}}',
    "a key twice in a document": b'{"evidence": {"certificate": {"covers": true, "covers": false}}}',
    "a key twice in what is unknown": b'{"zzz": {"a": 1, "a": 1}}',
    "a key twice in a list": b'{"data": {"categories": [{"a": 1, "a": 1}]}}',
    "too many brackets": b'{"data": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "too many braces": b'{"data":' * 20_000 + b"1" + b"}" * 20_000,
    "a level too many": deep(MAX_DEPTH + 1),
    "too many bytes": b'{"exporter": {"id": "' + b"x" * MAX_BYTES + b'"}}',
}


@pytest.mark.parametrize("raw", NOT_JSON.values(), ids=NOT_JSON)
def test_what_is_no_strict_json_object_is_refused_whole(raw: bytes) -> None:
    """JSON that two readers could read in two ways, or that would cost too much to read, is one problem of the body."""
    assert problems(raw) == [("", "not-json")]


def test_as_deep_as_it_may_be_an_exchange_is_read() -> None:
    """On every version of Python; then its key is not known."""
    assert ("", "not-json") not in problems(deep(MAX_DEPTH))


def test_the_largest_body_is_read() -> None:
    """A body of exactly the largest size is no problem."""
    assert read(b"{" + b" " * (MAX_BYTES - 2) + b"}").document == {}


def test_a_large_whole_number_is_a_wrong_value() -> None:
    """A number beyond what JSON can carry exactly is refused where it stands."""
    for number in (b"1e400", b"9" * 4_000, b"9007199254740992", b"1E2"):
        raw = b'{"data": {"people": {"ordinary": ' + number + b"}}}"
        assert problems(raw) == [("/data/people/ordinary", "wrong-value")]


def test_personal_values_are_named_by_pointers() -> None:
    """Pointers lead to each value of a personal fact, a member of a family too, and to whoever attested a document."""
    sent = {
        "exporter": {"id": "dr-li", "country": "AA"},
        "data": {"labels": ["a"], "ages": {"ordinary": 5}, "people": {"ordinary": 1}, "born": "2000-01-01"},
        "evidence": {"certificate": {**WHOLE}},
        "claims": {"necessity": {"attested_by": "another notary"}},
    }
    assert read(sent).personal == (
        "/claims/necessity/attested_by",
        "/data/ages/ordinary",
        "/data/born",
        "/data/labels",
        "/evidence/certificate/attested_by",
        "/exporter/id",
    )
    assert read({"evidence": {"certificate": "none"}, "exporter": {"country": "AA"}}).personal == ()


def test_the_day_is_a_day() -> None:
    """`as_of` is a date or left out; it cannot be unknown and has no time of day."""
    assert read({}).as_of is None
    assert read({"as_of": "2026-06-15"}).as_of == date(2026, 6, 15)
    for sent in ("unknown", "today", None, "2026-06-15T00:00:00Z", 1, ["2026-06-15"]):
        assert problems({"as_of": sent}) == [("/as_of", "wrong-value")]


def test_what_the_exchange_relies_on_is_a_requirement_or_a_ground() -> None:
    """Ways are named by id; one that nobody knows is refused at its place in the list, as is a rule that is no ground."""
    assert read({"relies_on": ["p/ground", "certificate"]}).relies_on == ("p/ground", "certificate")
    assert problems({"relies_on": ["certificate", "certificat", "p/bar"]}) == [
        ("/relies_on/1", "unknown-way"),
        ("/relies_on/2", "unknown-way"),
    ]
    assert len(read({"relies_on": ["certificate"] * 32}).relies_on) == 32
    assert problems({"relies_on": ["x" * 160]}) == [("/relies_on/0", "unknown-way")]
    for sent in (None, "certificate", [1], {"certificate": True}, ["certificate"] * 33, ["x" * 161]):
        assert problems({"relies_on": sent}) == [("/relies_on", "wrong-value")]


def test_another_schema_is_refused() -> None:
    """An exchange may say which schema it was written for, and only the known ones are read."""
    for known in engine.EXCHANGE_SHAPES:
        assert read({"schema": known}).values == {}
    for sent in (f"fifthfactor/exchange/{len(engine.EXCHANGE_SHAPES) + 1}", None, 1, "", ["fifthfactor/exchange/1"]):
        assert problems({"schema": sent}) == [("/schema", "wrong-value")]


LATER = engine.load_sources(
    {
        "v.yaml": VOCABULARY.replace(b"{health: {},", b"{health: {}, fingerprint: {since: 2},").replace(
            b"  data.labels:",
            b"  data.marked: {type: yes/no, title: marked, follows: {fact: data.categories, yes_where_it_has: fingerprint}}\n"
            b"  data.plain: {type: yes/no, title: plain, follows: {fact: data.categories, no_where_it_has: fingerprint}}\n"
            b"  data.labels:",
        ),
        "p.yaml": POLICY,
    }
)


def later(document: dict[str, Any]) -> Exchange:
    """An exchange under a vocabulary in which a set has got a value since, from which two facts follow."""
    return engine.parse_exchange(LATER, json.dumps(document).encode())


def test_an_earlier_shape_leaves_a_value_open_that_came_since() -> None:
    """What was said before a value existed says nothing of it; in the present shape, named or not, a closed set is closed."""
    said = {"data": {"categories": ["genome"], "labels": []}}
    for schema, open_ in (
        ({"schema": "fifthfactor/exchange/1"}, True),
        ({"schema": "fifthfactor/exchange/2"}, False),
        ({}, False),
    ):
        exchange = later({**said, **schema})
        assert exchange.value("data.categories") == SetOf(frozenset({"genome"}), open=open_)
        assert exchange.value("data.marked") is (Missing.LEFT_OUT if open_ else False)
        assert exchange.value("data.labels") == SetOf(frozenset())
    assert (
        later({"schema": "fifthfactor/exchange/1", "data": {"categories": "unknown"}}).value("data.categories")
        is Missing.UNKNOWN
    )


def test_the_register_may_speak_in_an_earlier_shape() -> None:
    """Of an entity that was stated earlier a closed set is open, and so is the one of the exchange, where that one says nothing."""
    entity = {"kind": "party", "version": 1, "states": {"data": {"categories": []}}}
    for schema, open_ in (({"schema": "fifthfactor/exchange/1"}, True), ({}, False)):
        exchange = later({"register": {"exporter.id": {**entity, **schema}}})
        assert exchange.value("data.categories") == SetOf(frozenset(), open=open_)
    with pytest.raises(engine.ExchangeRefused):
        later({"register": {"exporter.id": {**entity, "schema": "fifthfactor/exchange/9"}}})


def test_what_follows_is_in_the_exchange_and_rests_on_its_set() -> None:
    """A fact that follows has a value where its set is known; a statement of it alone says that the set has the value."""
    exchange = later({"data": {"categories": ["fingerprint"]}})
    assert (exchange.value("data.marked"), exchange.value("data.plain")) == (True, False)
    assert exchange.follows["data.marked"] == ("data.categories",)
    stated = later({"data": {"plain": False}})
    assert stated.value("data.categories") == SetOf(frozenset({"fingerprint"}), open=True)
    assert (stated.value("data.marked"), stated.follows["data.marked"]) == (True, ("data.plain",))
    for harmless in ({"marked": False}, {"plain": True}, {"plain": "unknown"}):
        assert later({"data": harmless}).values == {}


@pytest.mark.parametrize(
    "said",
    [
        {"marked": True, "categories": []},
        {"plain": False, "categories": ["health"]},
        {"marked": False, "categories": ["fingerprint", "unknown"]},
    ],
)
def test_who_states_what_follows_otherwise_is_refused_at_both_places(said: dict[str, Any]) -> None:
    """The set is one place and the statement the other; the sentence names both facts in either language."""
    with pytest.raises(engine.ExchangeRefused) as refused:
        later({"data": said})
    assert {(each.pointer, each.code) for each in refused.value.problems} == {(f"/data/{name}", "incoherent") for name in said}
    assert all("categories" in each.told(lang) for each in refused.value.problems for lang in ("en", "zh"))


def test_what_two_followers_say_against_each_other_is_refused() -> None:
    """One says that the set has the value, the other that it has not."""
    with pytest.raises(engine.ExchangeRefused) as refused:
        later({"data": {"marked": True, "plain": True}})
    assert {each.pointer for each in refused.value.problems} == {"/data/plain", "/data/categories"}


def test_the_register_makes_what_follows_open_where_it_says_otherwise() -> None:
    """What the register states of a follower it states of the set: the fact is open between both, and the stricter counts."""
    entity = {"kind": "party", "states": {"data": {"plain": False}}}
    exchange = later({"data": {"categories": []}, "register": {"exporter.id": entity}})
    assert exchange.disputed == ("data.categories",)
    assert exchange.value("data.plain") is Missing.LEFT_OUT


def test_answers_change_a_copy() -> None:
    """An exchange with some facts answered is another one; the first stays as it was sent."""
    exchange = read({"data": {"personal": True}})
    answered = exchange.with_values({"data.personal": False, "exporter.country": "AA"})
    assert (answered.value("data.personal"), answered.value("exporter.country")) == (False, "AA")
    assert (exchange.value("data.personal"), exchange.value("exporter.country")) == (True, Missing.LEFT_OUT)
    assert answered.document == exchange.document


# At random: nothing but a refusal may come of anything

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["unknown", "none", "AA", "1 USD"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)
NAMES = st.sampled_from(
    [*FACTS, "evidence.certificate", "claims.necessity", "as_of", "relies_on", "schema", "data.people.rest"]
)


@settings(max_examples=300)
@given(
    st.binary(max_size=64)
    | JSON.map(lambda each: json.dumps(each).encode())
    | JSON.map(lambda each: json.dumps({"data": each}).encode())
)
def test_no_bytes_raise_anything_but_a_refusal(raw: bytes) -> None:
    """Whatever is sent is an exchange or is refused with at least one problem."""
    try:
        found: Any = read(raw).document
    except engine.ExchangeRefused as refused:
        found = refused.problems
    assert isinstance(found, dict) or len(found) > 0


@settings(max_examples=300)
@given(st.dictionaries(NAMES, JSON | st.sampled_from([sent for _, sent, _ in ACCEPTED] + [{}, WHOLE]), max_size=5))
def test_no_values_of_facts_raise_anything_but_a_refusal_at_their_place(flat: dict[str, Any]) -> None:
    """Whatever stands in a fact's place is its value or a problem there; and what is read, the schema accepts."""
    document: dict[str, Any] = {}
    for name, value in flat.items():
        *path, last = name.split(".")
        here = document
        for step in path:
            here = here.setdefault(step, {})
        here[last] = value
    places = tuple("/" + name.replace(".", "/") for name in flat)
    try:
        read(json.dumps(document).encode())
        assert fits(document, SCHEMA) == []
    except engine.ExchangeRefused as refused:
        for problem in refused.problems:
            counter = problem.code == "counter-below" and problem.pointer.startswith("/counts/year/")
            assert counter or problem.code == "not-json" or problem.pointer.startswith(places)


# The schema

SCHEMA = BUNDLE.exchange_schema()
ANNOTATIONS = {"$schema", "$defs", "title", "description", "examples", "default", "format"}
TYPES = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "integer": int,
}


def fits(value: Any, schema: dict[str, Any], at: str = "") -> list[str]:
    """Where a value does not fit a schema: the few keywords of JSON Schema that ours has, and an error for any other."""
    wrong: list[str] = []
    for keyword, operand in schema.items():
        match keyword:
            case _ if keyword in ANNOTATIONS:
                met = True
            case "$ref":
                wrong += fits(value, SCHEMA["$defs"][operand.removeprefix("#/$defs/")], at)
                continue
            case "anyOf" | "oneOf":
                met = any(not fits(value, option, at) for option in operand)
            case "type":
                met = isinstance(value, TYPES[operand]) and (operand != "integer" or not isinstance(value, bool))
            case "const":
                met = type(value) is type(operand) and value == operand
            case "enum":
                met = value in operand
            case "pattern":
                met = not isinstance(value, str) or re.search(operand.replace("$", r"\Z"), value, re.ASCII) is not None
            case "minimum":
                met = not isinstance(value, int) or value >= operand
            case "minLength" | "maxLength":
                met = not isinstance(value, str) or (len(value) >= operand if keyword == "minLength" else len(value) <= operand)
            case "maxItems":
                met = not isinstance(value, list) or len(value) <= operand
            case "minProperties":
                met = not isinstance(value, dict) or len(value) >= operand
            case "required":
                met = not isinstance(value, dict) or set(operand) <= set(value)
            case "items":
                for number, item in enumerate(value if isinstance(value, list) else ()):
                    wrong += fits(item, operand, f"{at}/{number}")
                continue
            case "properties":
                for name, inner in value.items() if isinstance(value, dict) else ():
                    wrong += fits(inner, operand.get(name, {}), f"{at}/{name}")
                continue
            case "additionalProperties":
                assert operand is False
                met = not isinstance(value, dict) or set(value) <= set(schema["properties"])
            case _:
                raise AssertionError(f"the test knows no keyword `{keyword}`")
        if not met:
            wrong.append(f"{at}: {keyword}")
    return wrong


@pytest.mark.parametrize(("name", "sent"), [(n, s) for n, s, _ in ACCEPTED], ids=[f"{n}={s!r:.40}" for n, s, _ in ACCEPTED])
def test_the_schema_accepts_what_is_read(name: str, sent: Any) -> None:
    """Each accepted value, `unknown` in its place, and a whole exchange fit the schema."""
    assert fits(nested(name, sent), SCHEMA) == []
    assert fits(nested(name, "unknown"), SCHEMA) == []
    assert (
        fits(
            {**nested(name, sent), "as_of": "2026-06-15", "relies_on": ["certificate"], "schema": "fifthfactor/exchange/1"},
            SCHEMA,
        )
        == []
    )


@pytest.mark.parametrize("sent", [WHOLE, {}, {"dated": "unknown"}, "none", "unknown"], ids=repr)
def test_the_schema_accepts_documents(sent: Any) -> None:
    """A document in each of its forms fits the schema."""
    assert fits({"evidence": {"certificate": sent}, "claims": {"necessity": sent}}, SCHEMA) == []


@pytest.mark.parametrize(
    "document",
    [
        [],
        {"facts": 1},
        {"data": None},
        {"data": {"personal": "yes"}},
        {"data": {"personal": None}},
        {"exporter": {"country": "no"}},
        {"data": {"categories": ["helth"]}},
        {"data": {"people": {"ordinary": -1}}},
        {"data": {"people": {"ordinary": {}}}},
        {"data": {"rate": 0.25}},
        {"data": {"rate": "٠.٥"}},
        {"evidence": {"certificate": {"colour": "red"}}},
        {"evidence": {"certificate": True}},
        {"schema": "another"},
        {"relies_on": "certificate"},
    ],
    ids=json.dumps,
)
def test_the_schema_refuses_what_is_refused(document: Any) -> None:
    """Names, types, closed sets and shapes are in the schema, so that a client finds most errors before it sends."""
    assert fits(document, SCHEMA)


def test_the_schema_is_sound() -> None:
    """Every reference leads somewhere, every object is closed, and every example fits its own place."""
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    seen = []

    def walk(schema: dict[str, Any]) -> None:
        seen.append(schema)
        if "$ref" in schema:
            assert schema["$ref"].removeprefix("#/$defs/") in SCHEMA["$defs"]
        if schema.get("type") == "object":
            assert schema["additionalProperties"] is False
        for example in schema.get("examples", ()):
            assert fits(example, {k: v for k, v in schema.items() if k != "examples"}) == []
        inner = [*schema.get("properties", {}).values(), *schema.get("anyOf", ()), *schema.get("oneOf", ())]
        for each in [*inner, *([schema["items"]] if "items" in schema else []), *schema.get("$defs", {}).values()]:
            walk(each)

    walk(SCHEMA)
    assert sum("examples" in schema for schema in seen) > 3


def test_the_schema_says_nothing_of_null() -> None:
    """A tool that fills in defaults from the schema must not make an exchange that is refused."""
    assert "null" not in json.dumps(SCHEMA)
