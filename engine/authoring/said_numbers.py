"""
Numbers, lengths of time, days and articles that a text names, in English and Chinese.

A text goes in; what it names comes out, by kind, each in one form whatever the language: so a title, a paraphrase and a citation can be
compared with one another and with what a rule tests.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal, TypeAlias

from engine.values import MONTHS

Kind: TypeAlias = Literal["number", "length", "day of the year", "day"]

LEAST = 1_000  # smaller numbers count much that no rule tests: two courts, three ways
ONES = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
WORDS = {
    **{word: number for number, word in enumerate(ONES.split())},
    **{word: 10 * number for number, word in enumerate(TENS.split(), 2)},
    "a": 1, "an": 1, "hundred": 100,
}  # fmt: skip
SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "": 1}
DIGITS = {digit: number for number, digit in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2, "二": 2}
STEPS = {"十": 10, "百": 100, "千": 1_000}
HAN = "零〇一二两三四五六七八九十百千"

_SMALL = "|".join(sorted(WORDS, key=len, reverse=True))
_NUMBER = rf"(?:\d{{1,3}}(?:[,_]\d{{3}})+|\d+|(?:{_SMALL})(?:[ -](?:{_SMALL}))*)"
_COUNT = re.compile(
    rf"(?<![\w.,/-])({_NUMBER})(?: (thousand|million|billion))?(?![\w/-]|[.,]\d|[(]| (?:US )?dollars| euros| yuan)", re.I
)
_COUNT_ZH = re.compile(rf"(?<![.\d])(\d[\d,]*(?:\.\d+)?|[{HAN}]+)(万|亿)?(?=[名人个条以余多张])")
_LENGTH = re.compile(rf"(?<![\w.-])({_NUMBER})[ -](working |business )?(hour|day|week|month|year)s?(?!-old)\b", re.I)
_LENGTH_ZH = re.compile(rf"(?<![第\d])(\d{{1,3}}|[{HAN}]+)(?:个)?(工作日|小时|日|天|周|(?<=个)月|年)(?![度代初末底第])")
_UNITS = {
    "hour": ("hour", 1), "day": ("day", 1), "week": ("day", 7), "month": ("month", 1), "year": ("month", 12),
    "小时": ("hour", 1), "日": ("day", 1), "天": ("day", 1), "周": ("day", 7), "月": ("month", 1),
    "年": ("month", 12), "工作日": ("working day", 1),
}  # fmt: skip
_MONTH = "|".join(MONTHS)
_DAY = re.compile(rf"\b(?:(\d{{1,2}}) ({_MONTH})|(end) of ({_MONTH}))(?: (\d{{4}}))?\b")
_DAY_ZH = re.compile(r"(?:(\d{4})年)?(\d{1,2})月(\d{1,2})日")
_MONTH_ZH = re.compile(r"\d{4}年(?:\d{1,2}月)?")
_BEGINS = re.compile(r"(?:\b(?:since|from|until)\s|[自至])$", re.I)
_ISO = re.compile(r"\b(\d{4})-(\d{2})-(\d{2})\b")


@dataclass(frozen=True, slots=True, order=True)
class SaidLength:
    """A length of time in hours, days, working days or months; years are months."""

    unit: str
    number: int


Value: TypeAlias = int | SaidLength | tuple[int, int] | date


@dataclass(frozen=True, slots=True)
class SaidValue:
    """What a text names: a value of a kind, and the words in which it says so."""

    kind: Kind
    value: Value
    words: str


def said(text: str) -> Iterator[SaidValue]:
    """What a text names, of each kind. Of the days of a year, only those on which something begins or ends."""
    for match in _DAY.finditer(text):
        month = MONTHS.index(match[2] or match[4]) + 1
        day = int(match[1]) if match[1] else monthrange(2025, month)[1]
        yield from _day(text, match, match[5], month, day)
    for match in (*_DAY_ZH.finditer(text), *_ISO.finditer(text)):
        yield from _day(text, match, match[1], int(match[2]), int(match[3]))
    left = without_days(text)
    for match in _LENGTH.finditer(left):
        if match[1].lower() not in ("a", "an"):  # `a day` is any
            unit, times = _UNITS[match[3].lower()]
            yield _length(f"working {unit}" if match[2] else unit, times * _number(match[1]), match[0])
    for match in _LENGTH_ZH.finditer(left):
        unit, times = _UNITS[match[2]]
        yield _length(unit, times * _han(match[1]), match[0])
    left = _LENGTH_ZH.sub(" ", _LENGTH.sub(" ", left))
    for match in _COUNT.finditer(left):
        number = _number(match[1]) * SCALES[(match[2] or "").lower()]
        if number >= LEAST and not (match[1].isdigit() and not match[2] and 1900 <= number <= 2100):
            yield SaidValue("number", number, match[0])
    for match in _COUNT_ZH.finditer(left):
        scale, digits = {None: 1, "万": 10**4, "亿": 10**8}[match[2]], match[1].replace(",", "")
        number = int(Decimal(digits) * scale) if digits[0].isdecimal() else _han(digits) * scale
        if number >= LEAST:
            yield SaidValue("number", number, match[0])


def without_days(text: str) -> str:
    """A text without the days that it names."""
    return _MONTH_ZH.sub(" ", _ISO.sub(" ", _DAY_ZH.sub(" ", _DAY.sub(" ", text))))


def numbers(text: str) -> list[int]:
    """Every number of a citation below a thousand, in its order."""
    found = re.finditer(rf"\d+|[{HAN}]+", text)
    return [number for number in (_han(match[0]) for match in found) if 0 < number < 1_000]


def of_kind(said: Iterable[SaidValue], kind: Kind) -> dict[Value, str]:
    """The values of one kind, each with its words."""
    return {each.value: each.words for each in said if each.kind == kind}


def _day(text: str, match: re.Match[str], year: str | None, month: int, day: int) -> Iterator[SaidValue]:
    if not 1 <= month <= 12 or not 1 <= day <= 31:
        return
    if year is None:
        yield SaidValue("day of the year", (month, day), match[0])
    elif day <= monthrange(int(year), month)[1] and _BEGINS.search(text, 0, match.start()):
        yield SaidValue("day", date(int(year), month, day), match[0])


def _length(unit: str, length: int, words: str) -> SaidValue:
    whole = unit == "hour" and length % 24 == 0
    return SaidValue("length", SaidLength("day", length // 24) if whole else SaidLength(unit, length), words)


def _number(text: str) -> int:
    """A number in digits or in English words, such as `twenty-five` or `a hundred`."""
    digits = text.replace(",", "").replace("_", "")
    if digits.isdigit():
        return int(digits)
    whole = 0
    for word in re.split("[ -]", text.lower()):
        whole = max(whole, 1) * 100 if word == "hundred" else whole + WORDS[word]
    return whole


def _han(text: str) -> int:
    """A number in digits or in Chinese."""
    if text.isdigit():
        return int(text)
    whole = digit = 0
    for each in text:
        if each in STEPS:
            whole, digit = whole + (digit or 1) * STEPS[each], 0
        else:
            digit = DIGITS[each]
    return whole + digit
