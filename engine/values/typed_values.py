"""
The types of facts, and the sets of values from which they take theirs.

A type reads two spellings: the text of a YAML file (`read`) and the JSON of an exchange (`accept`). Both give the same values
(`fact_values`), and both raise BadValue with one sentence in the author's words. Source: semantics 1.2, 1.9, 2.4, 2.8, 2.9.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from engine.values.amounts import Units, accept_amount, read_money
from engine.values.bad_value import BadValue
from engine.values.exact_ratio import FRACTION, exact_ratio
from engine.values.fact_values import Duration, Missing, Operand, Range, SetOf, Value
from engine.values.id_spellings import Spellings, id_form
from engine.values.multilingual import NO_WORDS, Words
from engine.values.written_values import DECIMAL, read_date, read_duration, read_number

MAX_COUNT = 2**53 - 1  # RFC 8785: larger integers have no canonical JSON
MAX_TEXT = 256
MAX_MEMBERS = 512
# The days that an exchange may name. Who writes a day beyond them means "always", "for ever" or nothing.
FIRST_DAY, LAST_DAY = date(1800, 1, 1), date(2999, 12, 31)
MOST_LISTED = 12  # values of a set, in a sentence
_FRACTION = re.compile(FRACTION, re.ASCII)


class ValueSet:
    """
    The values a fact may take: flat, ordered or a hierarchy; always closed.

    In a hierarchy a value that is sent may turn out to be one of those below it (semantics 2.5), unless it is one of `exact`. Below each
    other value that has values below it lies one of `rest`, which is none of the others there; so everything can be said. `narrower`
    maps such a value to all that it may turn out to be, said as closely as the values allow.

    A set of places lies `inside` the set of the countries. `country` has the country of each place; a value without one says "in none of
    these places". In the countries that are `complete`, every spot lies in one of the places.

    `turns_out` has of each value all that it may turn out to be, itself included.
    """

    def __init__(
        self,
        name: str,
        parents: Mapping[str, tuple[str, ...]],
        ordered: bool = False,
        exact: frozenset[str] = frozenset(),
        rest: frozenset[str] = frozenset(),
        titles: Mapping[str, Words] | None = None,
        title: str = "",
        also: Mapping[str, Sequence[str]] | None = None,
        inside: str = "",
        country: Mapping[str, str] | None = None,
        complete: frozenset[str] = frozenset(),
        nothing: str = "",
        everything: str = "",
        since: Mapping[str, int] | None = None,
        dpv: Mapping[str, str] | None = None,
        dpv_broader: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.title = title
        self.values = tuple(parents)
        self.exact = exact
        self.rest = rest
        self.nothing = nothing  # the value that says that no other applies; it stands alone in a set
        self.everything = everything  # the value that says that all others apply; it stands alone in a set
        self.since = dict(since or {})  # the shape of exchanges that first knows a value, where it is not the first shape
        self.dpv = dict(dpv or {})  # the term of the Data Privacy Vocabulary that means the same as a value
        self.dpv_broader = dict(dpv_broader or {})  # the one that means more, where none means the same
        self.titles = dict(titles or {})
        self.also = dict(also or {})
        self.inside = inside
        self.country = dict(country or {})
        self.complete = complete
        self.rank = {value: rank for rank, value in enumerate(parents)} if ordered else {}
        self.lineage = {value: _lineage(value, parents) for value in parents}
        below: dict[str, list[str]] = {}
        for value, line in self.lineage.items():
            for above in line - {value}:
                below.setdefault(above, []).append(value)
        self.turns_out = {value: (value,) if value in exact else (value, *below.get(value, ())) for value in parents}
        self.narrower = {
            value: tuple(each for each in found if each in exact or each not in below)
            for value, found in below.items()
            if value not in exact
        }
        self._spellings = Spellings(
            {value: (*filter(None, astuple(self.titles.get(value, NO_WORDS))), *self.also.get(value, ())) for value in parents}
        )

    def __repr__(self) -> str:
        return f"ValueSet({self.name})"

    def ancestors(self, value: str) -> frozenset[str]:
        """The value itself and all values that it lies under."""
        return self.lineage.get(value, frozenset((value,)))

    def may_lie(self, place: str, country: str) -> bool:
        """Whether a value of a set of places can be said of somebody in a country."""
        return self.country[place] == country if place in self.country else country not in self.complete

    def of_country(self, country: str) -> tuple[str, ...]:
        """What can be said of somebody in a country; nothing where none of the places lies there."""
        return tuple(v for v in self.values if self.may_lie(v, country)) if country in self.country.values() else ()

    def accept(self, word: str) -> str:
        if word in self.lineage:
            return word
        near = self.did_you_mean(word)
        known = ", ".join(f"`{value}`" for value in self.values[:MOST_LISTED])
        if len(self.values) > MOST_LISTED:
            known = f"the {len(self.values)} values of `{self.name}`"
        raise BadValue(f"`{word[:40]}` is not one of {known}", near)

    def spelt(self, word: str) -> tuple[str, ...]:
        """The values that are spelt so."""
        return self._spellings.exact(word)

    def nearest(self, word: str) -> tuple[str, ...]:
        """At most three values that a text may mean (semantics 1.6)."""
        return self._spellings.nearest(word)

    def did_you_mean(self, word: str) -> str:
        """A suggestion for a text that is no value, in any spelling (semantics 1.6); empty if nothing is near."""
        near = [self.told(value) for value in self.nearest(word)]
        return f"did you mean {' or '.join(near)}?" if near else ""

    def told(self, value: str) -> str:
        """A value for a sentence: its code, and its title if it has one."""
        return f"`{value}`" + (f" ({self.titles[value].en})" if value in self.titles else "")


def _lineage(value: str, parents: Mapping[str, tuple[str, ...]]) -> frozenset[str]:
    seen: set[str] = set()
    todo = [value]
    while todo:
        node = todo.pop()
        if node not in seen:
            seen.add(node)
            todo += parents.get(node, ())
    return frozenset(seen)


@dataclass(frozen=True, slots=True)
class Type:
    """
    The type of a fact.

    `kind` is one of yes/no, value (of `values`; countries are a value set too), count, ratio, money, quantity (in `units`), date, duration,
    id; `many` makes it a set of such values. `name` is how an author writes it.
    """

    kind: str
    many: bool = False
    values: ValueSet | None = None
    units: Units | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        base = (
            self.values.name
            if self.values
            else f"{self.kind} in {self.units.name}"
            if self.units and self.units.name
            else self.kind
        )
        return f"set of {base}" if self.many else base

    @property
    def one(self) -> Type:
        """The type of one member of a set; of one value the type itself."""
        return Type(self.kind, False, self.values, self.units) if self.many else self

    def like(self, other: Type) -> bool:
        """Whether values of both compare, one by one: they are of one kind and one set, and of quantities some are in one base unit."""
        apart = self.units and other.units and set(self.units.bases).isdisjoint(other.units.bases)
        return (self.kind, self.values) == (other.kind, other.values) and not apart

    def includes(self, other: Type) -> bool:
        """Whether each value of the other is a value of this one too, as countries are of territories."""
        return self.values is not None and other.values is not None and set(other.values.values) <= set(self.values.values)

    @property
    def ordered(self) -> bool:
        """Whether the operators of order, such as `at_least`, fit it."""
        return self.kind in ("count", "ratio", "money", "quantity", "duration") or bool(self.values and self.values.rank)

    def read(self, text: str) -> Operand:
        """One value from the text of a YAML file."""
        match self.kind:
            case "yes/no":
                if text in ("yes", "true", "no", "false"):
                    return text in ("yes", "true")
                raise BadValue(f"`{text[:40]}` is neither `yes` nor `no`")
            case "value":
                assert self.values
                return self.values.accept(text)
            case "count" | "ratio":
                return read_number(text, whole=self.kind == "count")
            case "money":
                return read_money(text)
            case "quantity":
                assert self.units
                return self.units.read(text)
            case "date":
                return read_date(text)
            case "duration":
                return read_duration(text)
        return _id(text)

    def accept(self, json: Any) -> Value:
        """One fact from the JSON of an exchange. `null` is refused; a fact that is left out is never passed here."""
        if json is None:
            raise BadValue("`null` is not a value", 'leave the fact out, or send "unknown"')
        if json == "unknown":
            return Missing.UNKNOWN
        if self.many:
            return self._accept_set(json)
        match self.kind:
            case "yes/no":
                if json is True or json is False:
                    return bool(json)
                raise BadValue("must be true or false")
            case "count":
                return _accept_count(json)
            case "ratio":
                if isinstance(json, str) and DECIMAL.fullmatch(json):
                    return Range.exact(Decimal(json))
                if isinstance(json, str) and _FRACTION.fullmatch(json):
                    return Range.exact(exact_ratio(json))
                raise BadValue('must be a decimal in a string, like "0.25", or a fraction, like "1/3"')
            case "money":
                return accept_amount(json, read_money, "20000000 USD")
            case "quantity":
                assert self.units
                return accept_amount(json, self.units.read, "120 kWh")
        if not isinstance(json, str):
            raise BadValue(f"must be text ({self.kind})")
        value = self.read(json)
        _within_reason(value)
        return Range.exact(value) if isinstance(value, Decimal) else value

    def _accept_set(self, json: Any) -> SetOf:
        if not isinstance(json, list):
            raise BadValue(f"must be a list ({self.name})", "write [] for none")
        if len(json) > MAX_MEMBERS:
            raise BadValue(f"has more than {MAX_MEMBERS} members")
        if not json:
            return SetOf(frozenset())
        members = set()
        for member in json:
            if not isinstance(member, str):
                raise BadValue("every member must be text")
            if member != "unknown":
                members.add(str(self.read(member)))
        nothing = self.values.nothing if self.values else ""
        if nothing in members and len(members) > 1:
            raise BadValue(f"`{nothing}` says that nothing else applies", "leave it out, or send it alone")
        everything = self.values.everything if self.values else ""
        if everything in members and len(members) > 1:
            raise BadValue(f"`{everything}` includes all others", "send it alone, or leave it out")
        return SetOf(frozenset(members), open="unknown" in json)


def _within_reason(value: Operand) -> None:
    """Refuse what no exchange can state: no time at all, a day in the year 1 or 9999."""
    match value:
        case Duration() if value == Duration(calendar=value.calendar):
            raise BadValue("no time at all is no length of time", "the shortest is `1 hour`")
        case date() if not FIRST_DAY <= value <= LAST_DAY:
            help = "leave it out where there is no such day, as for what does not expire"
            raise BadValue(f"`{value}` does not lie between {FIRST_DAY} and {LAST_DAY}", help)


def _id(text: str) -> str:
    """An id in the form in which it is compared (semantics 1.9)."""
    if "\x00" in text:  # no database has it in a text, and no id has it by mistake
        raise BadValue("must not have the character U+0000")
    form = id_form(text) if len(text) <= MAX_TEXT else text
    if not 0 < len(form) <= MAX_TEXT:
        raise BadValue(f"must have 1 to {MAX_TEXT} characters that can be seen")
    if form == "unknown":
        raise BadValue("`unknown` is no id", 'leave the fact out, or send "unknown"')
    return form


def _accept_count(json: Any) -> Range:
    def whole(number: Any) -> Decimal:
        if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= MAX_COUNT:
            raise BadValue('must be a whole number from 0, or {"at_least": a, "at_most": b}')
        return Decimal(number)

    if not isinstance(json, dict):
        return Range.exact(whole(json))
    if not json or set(json) - {"at_least", "at_most"}:
        raise BadValue('a range is {"at_least": a, "at_most": b}, with one or both of them')
    low = whole(json.get("at_least", 0))
    high = whole(json["at_most"]) if "at_most" in json else None
    if high is not None and high < low:
        raise BadValue("`at_most` is below `at_least`")
    return Range(low, high)
