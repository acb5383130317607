"""The types of facts and their values, with the spellings of ids, currencies, texts in several languages, and the scale of outcomes."""

from engine.values.amounts import AMOUNTS, EXACT, Amount, AmountRange, Money, MoneyRange, Units, sum_of
from engine.values.bad_value import BadValue
from engine.values.exact_ratio import ExactRatio, Number
from engine.values.fact_values import (
    Disputed,
    Document,
    Duration,
    Missing,
    Operand,
    Range,
    SetOf,
    Value,
    either,
    spell,
    to_json,
)
from engine.values.typed_values import FIRST_DAY, LAST_DAY, MAX_COUNT, MAX_MEMBERS, MAX_TEXT, MOST_LISTED, Type, ValueSet
from engine.values.written_values import MONTHS, SPELLINGS, read_date, read_day_of_year, read_duration, read_number

__all__ = [
    "AMOUNTS",
    "EXACT",
    "FIRST_DAY",
    "LAST_DAY",
    "MAX_COUNT",
    "MAX_MEMBERS",
    "MAX_TEXT",
    "MONTHS",
    "MOST_LISTED",
    "SPELLINGS",
    "Amount",
    "AmountRange",
    "BadValue",
    "Disputed",
    "Document",
    "Duration",
    "ExactRatio",
    "Missing",
    "Money",
    "MoneyRange",
    "Number",
    "Operand",
    "Range",
    "SetOf",
    "Type",
    "Units",
    "Value",
    "ValueSet",
    "either",
    "read_date",
    "read_day_of_year",
    "read_duration",
    "read_number",
    "spell",
    "sum_of",
    "to_json",
]
