"""Settlement: a price is divided to the last minor unit, or it is said why not; never a wrong number."""

import json
import os
import random
import time
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

import engine
from engine.books.settlement import Settlement, divide
from engine.deciding.exchange_settlement import settle
from engine.values import Money
from engine.values.currencies import minor_units
from tests.chance import ending, seed, tried

VOCABULARY = """
vocabulary: words
facts:
  exporter.country: {type: country, title: exporter's country}
  terms.price: {type: money, title: price}
  terms.pricing: {type: pricing, title: pricing}
  terms.share: {type: ratio, by: role, title: share}
  terms.parties.provider: {type: set of id, title: providers, personal: yes}
  terms.parties.operator: {type: id, title: operator}
values:
  country: {title: country, values: [CN]}
  pricing: {title: pricing, values: [free, market]}
  role: {title: role, values: [provider, operator, source-country, public]}
jurisdictions:
  CN: {title: mainland China}
settlement:
  price: terms.price
  shares: terms.share
  parties: {provider: terms.parties.provider, operator: terms.parties.operator}
  free: {terms.pricing: free}
"""
POLICY = """
policy: cn.test
title: Test
jurisdiction: CN
instrument: {issuer: Nobody, number: None, force: law}
in_force: {from: 2024-01-01}
applies: {exporter.country: CN}
rules:
  - {id: any, title: Any, cite: Art. 1, says: Any., source: none, status: confirmed, when: {terms.pricing: free}, prohibit: No.}
"""
DAY = date(2026, 11, 25)
SPLITS = int(os.environ.get("FUZZ_SPLITS", "1000000"))
LEAST = 2_000  # splits of `make test`
CURRENCIES = ("CNY", "JPY", "KWD", "HUF", "CLF")
ROLES = ("provider", "operator", "people", "source-country", "public", "other")


@pytest.fixture(scope="module")
def bundle() -> engine.Bundle:
    return engine.load_sources({"words.yaml": VOCABULARY.encode(), "policy.yaml": POLICY.encode()})


def exchange(bundle: engine.Bundle, register: Any = None, **terms: Any) -> engine.Exchange:
    sent: dict[str, Any] = {"exporter": {"country": "CN"}, "terms": terms}
    if register:
        return engine.accept_exchange(bundle, {**sent, "register": register})
    return engine.parse_exchange(bundle, json.dumps(sent).encode())


def settled(bundle: engine.Bundle, **terms: Any) -> Settlement:
    found = settle(bundle.vocabulary, exchange(bundle, **terms))
    assert found is not None
    return found


def lines(found: Settlement) -> list[tuple[str, str | None, str]]:
    return [(each.role, each.party, found.amount(each.units)) for each in found.lines]


SIX_FOUR = {"provider": "0.6", "operator": "0.4", "rest": "0"}


def test_six_tenths_of_sixty_thousand_are_thirty_six_thousand(bundle: engine.Bundle) -> None:
    """Each party has its amount; a role without a named party has an account of the role."""
    shares = {"provider": "0.6", "source-country": "0.15", "public": "0.25", "rest": "0"}
    found = settled(bundle, price="60000 CNY", share=shares, parties={"provider": ["agency"]})
    assert found.state == "settled"
    assert lines(found) == [
        ("provider", "agency", "36000.00"),
        ("public", None, "15000.00"),
        ("source-country", None, "9000.00"),
    ]


def test_one_contributor_gets_the_whole_price(bundle: engine.Bundle) -> None:
    """A share of one closes by itself with `rest`."""
    found = settled(bundle, price="0.01 CNY", share={"operator": "1", "rest": "0"}, parties={"operator": "firm"})
    assert lines(found) == [("operator", "firm", "0.01")]


def test_the_parties_of_a_role_share_its_amount_equally(bundle: engine.Bundle) -> None:
    """What is left goes to the first by id; the amount of the role does not depend on how many share it."""
    found = settled(
        bundle,
        price="100 CNY",
        share={"provider": "0.5", "operator": "0.5", "rest": "0"},
        parties={"provider": ["c", "a", "b"]},
    )
    assert lines(found) == [
        ("operator", None, "50.00"),
        ("provider", "a", "16.67"),
        ("provider", "b", "16.67"),
        ("provider", "c", "16.66"),
    ]


def test_what_is_left_goes_to_the_largest_remainders_and_ties_to_the_first_role() -> None:
    """Of 0.05 in thirds two units are left, and the first two roles get them; a larger remainder comes before."""
    third = divide(
        Money(Decimal("0.05"), "CNY"), dict.fromkeys(("public", "other"), Decimal("0.25")) | {"people": Decimal("0.5")}, {}
    )
    # 1.25, 2.5 and 1.25 units: the half comes first.
    assert lines(third) == [("other", None, "0.01"), ("people", None, "0.03"), ("public", None, "0.01")]
    tied = divide(Money(Decimal("0.01"), "CNY"), {"provider": Decimal("0.5"), "operator": Decimal("0.5")}, {})
    assert lines(tied) == [("operator", None, "0.01"), ("provider", None, "0.00")]


@pytest.mark.parametrize(
    ("terms", "state"),
    [
        ({"price": "0 CNY", "share": SIX_FOUR}, "nothing-payable"),
        ({"pricing": "free"}, "nothing-payable"),
        ({"pricing": "free", "price": "0 XXX"}, "nothing-payable"),
        ({"pricing": "free", "price": "1 KES", "share": SIX_FOUR}, "price-of-a-free-supply"),
        ({"share": SIX_FOUR}, "price-unknown"),
        ({"price": "unknown", "share": SIX_FOUR}, "price-unknown"),
        ({"price": "5 CNY"}, "shares-unknown"),
        ({"price": "5 CNY", "share": {"provider": "0.6", "operator": "0.4"}}, "shares-unknown"),
        ({"price": "5 CNY", "share": {"provider": "unknown", "rest": "0"}}, "shares-unknown"),
        ({"price": "5 CNY", "share": {"provider": "0.6", "rest": "0"}}, "shares-do-not-close"),
        ({"price": "5 CNY", "share": {"provider": "0.6", "operator": "0.400000000001", "rest": "0"}}, "shares-do-not-close"),
        ({"price": "5 CNY", "share": SIX_FOUR, "parties": {"provider": ["a", "unknown"]}}, "parties-unknown"),
        ({"price": "5.001 CNY", "share": SIX_FOUR}, "price-finer-than-the-unit"),
        ({"price": "5.5 JPY", "share": SIX_FOUR}, "price-finer-than-the-unit"),
        ({"price": "5 XAU", "share": SIX_FOUR}, "no-minor-unit"),
        ({"price": "5 QQQ", "share": SIX_FOUR}, "unknown-currency"),
        ({"price": "999999999999999 CLF", "share": SIX_FOUR}, "price-too-large"),
    ],
)
def test_what_is_not_divided_says_why(bundle: engine.Bundle, terms: Any, state: str) -> None:
    """Never a wrong number: no line where there is no settlement."""
    found = settled(bundle, **terms)
    assert (found.state, found.lines) == (state, ())


def test_a_price_below_zero_is_not_divided(bundle: engine.Bundle) -> None:
    """No exchange can send one any more; a record of before, settled again, pays nobody."""
    sent = exchange(bundle, price="1 CNY", share=SIX_FOUR).with_values({"terms.price": Money(Decimal(-1), "CNY")})
    found = settle(bundle.vocabulary, sent)
    assert found is not None
    assert (found.state, found.lines) == ("price-below-zero", ())


def test_an_exchange_that_speaks_of_no_price_has_no_settlement(bundle: engine.Bundle) -> None:
    """An ordinary export is not asked for one."""
    assert settle(bundle.vocabulary, exchange(bundle, pricing="market")) is None


def test_a_share_of_nothing_needs_no_party(bundle: engine.Bundle) -> None:
    """A role without a share has no line, and who would take it is not looked at."""
    terms = {"price": "5 CNY", "share": {"operator": "1", "rest": "0"}, "parties": {"provider": ["unknown"]}}
    assert lines(settled(bundle, **terms)) == [("operator", None, "5.00")]


@pytest.mark.parametrize(
    ("states", "state"),
    [
        ({"price": "6 CNY"}, "price-disputed"),
        ({"price": "5 USD"}, "price-disputed"),
        ({"share": {"provider": "0.7", "operator": "0.3"}}, "shares-disputed"),
        ({"parties": {"operator": "other"}}, "parties-disputed"),
    ],
)
def test_what_the_register_says_otherwise_is_not_divided(bundle: engine.Bundle, states: Any, state: str) -> None:
    """Nobody knows which of the two was agreed; two currencies are two prices."""
    register = {"data": {"kind": "asset", "id": "set-1", "version": 1, "states": {"terms": states}}}
    terms = {"price": "5 CNY", "share": SIX_FOUR, "parties": {"operator": "firm"}}
    found = settle(bundle.vocabulary, exchange(bundle, register, **terms))
    assert found is not None
    assert (found.state, found.lines) == (state, ())


@pytest.mark.parametrize(
    ("currency", "digits"), [("KWD", 3), ("BHD", 3), ("TND", 3), ("HUF", 2), ("CNY", 2), ("JPY", 0), ("CLF", 4), ("XAU", None)]
)
def test_minor_units_are_those_of_iso_4217(currency: str, digits: int | None) -> None:
    """The dinar has three digits and the forint two, although their cash has fewer."""
    assert minor_units()[currency] == digits


def test_the_explanation_shows_the_settlement_without_names(bundle: engine.Bundle) -> None:
    """Each amount with its role and share; a party that may be a person is shown as personal."""
    pdp = engine.PDP(bundle)
    sent = exchange(bundle, price="100 CNY", share=SIX_FOUR, parties={"provider": ["somebody"], "operator": "firm"})
    told = pdp.write(sent, as_of=DAY, today=DAY, id="one")
    shown = json.loads(told.json())["factor"]["settlement"]
    decision = pdp.decide(sent, as_of=DAY, today=DAY, id="one", lang="zh")
    assert decision.factor.settlement is not None
    assert decision.factor.settlement.says == "价款已分配至最小货币单位。"
    sections = dict(engine.PlainText(bundle=bundle).sections(decision))
    assert sections["What is payable of the price"] == ["operator, 0.4: 40.00 CNY", "provider, 0.6: 60.00 CNY"]
    assert shown == {
        "state": "settled",
        "says": "The price is divided to the last unit.",
        "price": "100 CNY",
        "currency": "CNY",
        "unit": "0.01",
        "lines": [
            {"role": "operator", "title": "operator", "share": "0.4", "party": "firm", "amount": "40.00"},
            {"role": "provider", "title": "provider", "share": "0.6", "party": "personal", "amount": "60.00"},
        ],
    }
    assert "somebody" not in json.dumps(shown)


def random_splits(count: int, at_random: random.Random) -> int:
    """Divide random prices among random shares and parties; each must add up exactly, and no amount be a unit or more off.

    Returns:
        How many of them had lines that were compared.
    """
    units = minor_units()
    compared = 0
    for number in range(count):
        if number >= LEAST and time.monotonic() >= ending():
            break
        currency = at_random.choice(CURRENCIES)
        scale = units[currency]
        assert scale is not None
        whole = at_random.randint(1, 10 ** at_random.randint(1, 15))
        price = Money(Decimal(whole).scaleb(-scale), currency)
        roles = at_random.sample(ROLES, at_random.randint(1, len(ROLES)))
        ones = 10 ** at_random.randint(1, 12)
        cuts = sorted(at_random.randint(0, ones) for _ in roles[1:])
        parts = [high - low for low, high in zip([0, *cuts], [*cuts, ones], strict=True)]
        shares = {role: Decimal(part) / ones for role, part in zip(roles, parts, strict=True)}
        parties = {role: [f"{role}-{n}" for n in range(at_random.randint(0, 3))] for role in roles}
        found = divide(price, shares, parties)
        assert found.state == "settled"
        assert sum(each.units for each in found.lines) == whole
        for role, share in shares.items():
            mine = [each.units for each in found.lines if each.role == role]
            assert abs(sum(mine) - whole * Fraction(share)) < 1
            assert not mine or max(mine) - min(mine) <= 1
        compared += bool(found.lines)
    tried(compared, LEAST, wanted=count)
    return compared


def test_random_splits_add_up_exactly() -> None:
    """Whatever is divided among whomever."""
    assert random_splits(LEAST, random.Random(seed(15))) == LEAST


@pytest.mark.fuzz(weight=3)
def test_many_random_splits_add_up_exactly() -> None:
    """The same a million times; `FUZZ_SPLITS` says how often."""
    assert random_splits(SPLITS, random.Random(seed(0))) >= LEAST
