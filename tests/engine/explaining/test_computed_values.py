"""What is computed for the data factor account, apart from what an exchange states."""

from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

import pytest

import engine
from engine.authoring.testing import build
from engine.values import Disputed, Money
from tests.engine.test_decision import BASE, DAY, LABELS, MORE, bundle, decide

COMPUTES = b"""
  labels:
    title: labels
    lines:
      label: {title: label, fact: data.label}
      sold: {title: sold, fact: data.sold, beside: yes}
    computes:
      ratio: {title: price against the value, take: ratio, of: data.price, to: limits.price}
      limit: {title: price against the cap, take: limit, of: data.price, to: limits.price}
      grade: {title: grade, take: highest, of: data.grades}
      paper: {title: paper, take: validity, of: evidence.certificate}
      shares: {title: shares, take: total, of: data.share}
      hidden: {title: hidden, take: ratio, of: data.price, to: data.worth}
"""
VOCABULARY = (
    MORE.replace(b"registers:\n", b"  data.worth: {type: money, title: worth, personal: yes}\nregisters:\n") + COMPUTES[1:]
)


@cache
def pdp() -> engine.PDP:
    return engine.PDP(bundle(LABELS, more=VOCABULARY), "bitset")


def lines(**facts: Any) -> dict[str, tuple[Any, str | None, str]]:
    """What is computed of an exchange: value, state and sentence of each line."""
    groups = decide(pdp(), **facts).factor.computed
    return {line.name: (line.value, line.state, line.says) for group in groups.values() for line in group.lines}


@pytest.mark.parametrize(
    ("price", "limit", "ratio", "state"),
    [
        ("60000 CNY", "80000 CNY", "0.75", "within"),
        ("80000 CNY", "80000 CNY", "1", "within"),
        ("1 CNY", "3 CNY", "0.333333", "within"),
        ("100000000.0001 CNY", "100000000 CNY", "1", "beyond"),  # the state is exact, the ratio is rounded
        ("999999999999999 CNY", "0.0001 CNY", "9999999999999990000", "beyond"),
    ],
)
def test_a_price_is_compared_with_another_sum(price: str, limit: str, ratio: str, state: str) -> None:
    """The ratio of two sums of one currency is decimal text, and a limit says whether the sum is above it."""
    found = lines(data__price=price, limits__price=limit)
    assert found["ratio"][:2] == (ratio, None)
    assert found["limit"][:2] == (ratio, state)
    assert found["ratio"][2] == f"{price} is {ratio} times {limit}"


def test_two_currencies_are_never_compared() -> None:
    """Money is not converted: there is no ratio and no state, and the line says so."""
    found = lines(data__price="60000 CNY", limits__price="50000 USD")
    said = "60000 CNY and 50000 USD are not compared: money is never converted"
    assert found == {"ratio": (None, None, said), "limit": (None, None, said)}


def test_there_is_no_ratio_to_nothing() -> None:
    """A limit of zero has no ratio, and a price is above it or not."""
    found = lines(data__price="1 CNY", limits__price="0 CNY")
    assert found["limit"] == (None, "beyond", "there is no ratio of 1 CNY to 0 CNY: above it")
    assert lines(data__price="0 CNY", limits__price="0 CNY")["limit"][1] == "within"


def test_what_the_register_disputes_is_not_computed() -> None:
    """Neither of two sums counts, and the line says why."""
    sent = {"data.price": "1 CNY", "limits.price": "2 CNY"}
    exchange = build(pdp().bundle, {**BASE, **sent})
    disputed = exchange.with_values({"data.price": Disputed(Money(Decimal(1), "CNY"), Money(Decimal(3), "CNY"))})
    group = pdp().decide(disputed, as_of=DAY, today=DAY, id="1").factor.computed["labels"]
    assert [(line.value, line.state, line.says) for line in group.lines] == [
        (None, None, "not computed: the register says otherwise than the sender")
    ] * 2


def test_the_highest_grade_names_its_signals() -> None:
    """The grade is the highest signal; where there may be others it is open upwards."""
    assert lines(data__grades=["general", "core"])["grade"] == (
        "core",
        None,
        "core, the highest of 2 signals (core, general)",
    )
    value, state, says = lines(data__grades=["general", "unknown"])["grade"]
    assert (value, state) == ("general", "open")
    assert says.endswith("and perhaps others, so it may be higher")


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({"dated": "2026-01-01", "expires": "2026-06-15", "covers": True}, "valid"),
        ({"dated": "2026-01-01", "covers": True}, "valid"),
        ({"dated": "2026-01-01", "expires": "2026-06-14", "covers": True}, "expired"),
        ({"dated": "2026-06-16", "covers": True}, "not_yet"),
        ({"dated": "2026-01-01", "covers": False}, "not_covering"),
        ({"covers": True}, "open"),
        ({"dated": "2026-01-01", "expires": "unknown", "covers": True}, "open"),
    ],
)
def test_a_document_is_valid_on_the_day_or_not(fields: dict[str, Any], state: str) -> None:
    """As a document counts (2.3): dated, not expired, covering the exchange; what is not known leaves it open."""
    value, found, says = lines(evidence__certificate=fields)["paper"]
    last = fields.get("expires")
    assert (value, found) == (None if last in (None, "unknown") else last, state)
    assert says.startswith("certificate: ")
    assert f" on {DAY}" in says


@pytest.mark.parametrize(
    ("shares", "expected"),
    [
        ({"seller": "0.6", "buyer": "0.4"}, ("1", "closed", "the shares add up to one")),
        ({"seller": "0.6", "rest": "0"}, ("0.6", "not_closed", "the shares add up to 0.6, not to one")),
        ({"seller": "0.6"}, ("0.6", "open", "the known shares add up to 0.6; others are not known")),
        ({"seller": "0.7", "buyer": "0.4"}, ("1.1", "not_closed", "the shares add up to 1.1, not to one")),
    ],
)
def test_shares_close_or_do_not(shares: dict[str, str], expected: tuple[str, str, str]) -> None:
    """Shares close if they add up to exactly one; with an unknown one they are open."""
    assert lines(**{f"data__share__{name}": share for name, share in shares.items()})["shares"] == expected


def test_nothing_is_computed_of_what_is_withheld() -> None:
    """A personal sum is in no ratio."""
    assert "hidden" not in lines(data__price="1 CNY", data__worth="2 CNY")


def test_what_an_exchange_has_nothing_of_is_not_there() -> None:
    """No empty group, and a part of which only a line beside others is stated is left out."""
    nothing = decide(pdp(), data__sold="yes").factor
    assert (nothing.account, nothing.computed) == ({}, {})
    beside = decide(pdp(), data__sold="yes", data__label="none").factor
    assert beside.account["labels"].keys() == {"label", "sold"}


def test_a_line_that_cannot_be_computed_is_an_error() -> None:
    """The vocabulary names sums, ordered sets, documents and families of ratios, each for its way."""
    wrong = VOCABULARY.replace(b"take: highest, of: data.grades", b"take: highest, of: data.price").replace(
        b" paper: ", b" sold: "
    )
    with pytest.raises(engine.BundleRefused) as refused:
        bundle(LABELS, more=wrong)
    assert "`highest` cannot be computed of `data.price`" in str(refused.value)
    assert "`labels` has a line `sold` already" in str(refused.value)


def test_in_chinese() -> None:
    """The same in Chinese."""
    exchange = build(pdp().bundle, {**BASE, "data.price": "3 CNY", "limits.price": "2 CNY"})
    told = pdp().decide(exchange, as_of=date(2026, 6, 15), today=DAY, id="1", lang="zh").factor.computed
    assert told["labels"].lines[1].says == "3 CNY为2 CNY的1.5倍，已超出"
