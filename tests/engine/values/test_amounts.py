"""Quantities are turned into their base unit exactly, and are shown as they were written."""

from __future__ import annotations

import random
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from engine.policy_language.diagnostic import Findings
from engine.policy_language.tree import read
from engine.policy_language.vocabulary_files import load
from engine.values import Amount, AmountRange, BadValue, Money, Type, Units, spell, sum_of, to_json
from tests.chance import examples, seed

VOCABULARY = Path(__file__).parents[3] / "policies" / "vocabulary" / "units.yaml"
FACT = b"vocabulary: f\nfacts: {f.energy: {type: quantity, title: energy}}\n"
TREES = [read("units.yaml", VOCABULARY.read_bytes(), Findings()), read("f.yaml", FACT, Findings())]
QUANTITY = load([tree for tree in TREES if tree], Findings()).facts["f.energy"].type
UNITS = QUANTITY.units or Units({}, {})


@pytest.mark.parametrize(
    ("text", "amount", "unit"),
    [
        ("120 kWh", "432", "MJ"),
        ("0.000000000001 kWh", "0.0000000000036", "MJ"),
        ("999999999999999.999999999999 MWh", "3599999999999999999.9999999964", "MJ"),
        ("1.5 GJ", "1500", "MJ"),
        ("2.75 tCO2e", "2750", "kgCO2e"),
        ("1e25 FLOP", "10000000000000000000000000", "FLOP"),
        ("10 YFLOP", "10000000000000000000000000", "FLOP"),
        ("999999999999999.999999999999e30 YFLOP", "999999999999999999999999999" + "0" * 42, "FLOP"),
        ("8 GPU-hour", "8", "GPU-hour"),
        ("200 Mbit/s", "200", "Mbit/s"),
        ("40 person", "40", "person"),
        ("12.5 hour", "12.5", "hour"),
    ],
)
def test_a_quantity_is_turned_into_its_base_unit_to_the_last_digit(text: str, amount: str, unit: str) -> None:
    """No digit is lost, however many there are; what was written is what is shown."""
    quantity = QUANTITY.accept(text)
    assert quantity == Amount(Decimal(amount), unit)
    assert (str(quantity), spell(quantity), to_json(quantity)) == (text, text, text)


@pytest.mark.random
def test_any_quantity_is_what_fractions_make_of_it() -> None:
    """Random numbers in every unit, and the sum of two, against fractions of whole numbers."""
    rng = random.Random(seed(11))
    for _ in examples(300):
        unit = rng.choice(list(UNITS.table))
        texts = [
            f"{rng.randrange(10 ** rng.randint(1, 15))}.{rng.randrange(10**12):012}e{rng.randint(0, 30)} {unit}" for _ in "ab"
        ]
        found = [UNITS.read(each) for each in texts]
        wanted = [Fraction(each.split()[0]) * Fraction(UNITS.table[unit][1]) for each in texts]
        assert [Fraction(each.amount) for each in found] == wanted, texts
        assert Fraction(sum_of(found).amount) == sum(wanted), texts
        assert Fraction(found[0].plus(-1).amount) == wanted[0] - 1, texts


def test_a_range_has_ends_of_one_kind_and_is_shown_as_it_was_sent() -> None:
    """The ends may be in two units of one kind; equal ends are one quantity."""
    found = QUANTITY.accept({"at_least": "100 kWh", "at_most": "1 GJ"})
    assert found == AmountRange(Decimal(360), Decimal(1000), "MJ")
    assert to_json(found) == {"at_least": "100 kWh", "at_most": "1 GJ"}
    assert spell(found) == "100 kWh to 1 GJ"
    assert spell(QUANTITY.accept({"at_least": "100 kWh", "at_most": "200 kWh"})) == "100 to 200 kWh"
    assert spell(QUANTITY.accept({"at_least": "100 kWh"})) == "100 kWh or more"
    assert QUANTITY.accept({"at_least": "1 kWh", "at_most": "3.6 MJ"}) == UNITS.read("1 kWh")
    assert spell(Type("money").accept({"at_least": "5 EUR", "at_most": "6.50 EUR"})) == "5 to 6.50 EUR"


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ("120", "is not a quantity"),
        ("120kWh", "is not a quantity"),
        ("-1 kWh", "is not a quantity"),
        (".5 kWh", "is not a quantity"),
        ("1e31 FLOP", "is not a quantity"),
        ("1e-3 kWh", "is not a quantity"),
        ("NaN kWh", "is not a quantity"),
        ("1" * 41 + " kWh", "is not a quantity"),
        ("0." + "1" * 25 + " kWh", "is not a quantity"),
        ("１２ kWh", "is not a quantity"),
        ("5 kwh", "`kwh` is not a unit"),
        ("5 kWh ", "`kWh ` is not a unit"),
        ("5 " + "k" * 65, "is not a quantity"),
        (120, "must be text like"),
        (True, "must be text like"),
        (["120 kWh"], "must be text like"),
        ({"at_most": "120 kWh"}, "must be text like"),
        ({"at_least": "1 kWh", "at_most": 2}, "must be text like"),
        ({"at_least": "1 kWh", "about": "2 kWh"}, "must be text like"),
        ({"at_least": "2 kWh", "at_most": "1 kWh"}, "`at_most` is below `at_least`"),
        ({"at_least": "2 kWh", "at_most": "9 person"}, "`at_least` is in MJ and `at_most` in person"),
    ],
)
def test_what_is_no_quantity_is_refused(sent: object, said: str) -> None:
    """Numbers without a unit, units that there are not, and ranges that are none."""
    with pytest.raises(BadValue) as refused:
        QUANTITY.accept(sent)
    assert said in str(refused.value)


def test_a_unit_that_there_is_not_proposes_the_nearest() -> None:
    """A near miss names the unit; of a part of the table only its own units are named."""
    for text, near in (
        ("5 KWH", "kWh"),
        ("5 kilowatt-hours", "kWh"),
        ("5 千瓦时", "kWh"),
        ("5 t", "tCO2e"),
        ("5 GFLOPs", "GFLOP"),
    ):
        with pytest.raises(BadValue) as refused:
            UNITS.read(text)
        assert f"`{near}`" in refused.value.help, text
    with pytest.raises(BadValue) as refused:
        UNITS.of(["hour"]).read("5 kWh")
    assert refused.value.help == "the units are `hour`"


def test_money_and_quantities_are_never_the_same() -> None:
    """An amount of money is none of a unit that is called like its currency, and what digests are made of stays as it was."""
    assert Money(Decimal(5), "CNY") != Amount(Decimal(5), "CNY")
    assert repr(Money(Decimal("5.00"), "CNY")) == "Money(amount=Decimal('5.00'), currency='CNY')"
