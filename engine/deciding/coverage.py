"""
Gaps in coverage: laws that the bundle has no policies for. A gap in the exporter's or the people's law is reviewed (semantics 4.3).

In: the definitions `touch/N` and `subject/NAME`, which every back end evaluates, and the countries of the exchange. Out: the gaps. A
law that no policy models is never taken for a permit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from engine.exchange import Exchange
from engine.policy_language.vocabulary import Vocabulary
from engine.rules import Level, Truth
from engine.values import Disputed, Missing, SetOf, Value
from engine.verdict import Bounds

REVIEWED = frozenset({"exporter", "people"})
REMEMBERED = 4_096  # countries and days


@dataclass(frozen=True, slots=True)
class Gap:
    """
    A country and a subject matter that no policy covers. Country "" is an unknown country; subject "" is every subject.

    `jurisdiction` is the jurisdiction that covers the country but not the subject, or "". `roles` say how the exchange touches the country.
    """

    country: str
    subject: str
    jurisdiction: str
    roles: tuple[str, ...]
    certain: bool

    @property
    def reviewed(self) -> bool:
        return bool(REVIEWED & set(self.roles))

    @property
    def bounds(self) -> Bounds:
        """The bounds to which the gap raises its jurisdiction."""
        if not self.reviewed:
            return Bounds(Level.NOT_APPLICABLE, Level.NOT_APPLICABLE)
        return Bounds(Level.REVIEW if self.certain else Level.NOT_APPLICABLE, Level.REVIEW)


@dataclass(frozen=True, slots=True)
class Coverage:
    """`jurisdictions` cover a country that the exchange touches; `gaps` are the laws that are not modelled."""

    jurisdictions: tuple[str, ...]
    gaps: tuple[Gap, ...]


class CoverageMap:
    """The coverage of a vocabulary's jurisdictions, looked up by country and day."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._touches = tuple((f"touch/{n}", touch.fact, touch.as_) for n, touch in enumerate(vocabulary.touches))
        self._subjects = tuple((subject, f"subject/{subject}") for subject in vocabulary.subjects)
        self._known: dict[tuple[str, date], tuple[tuple[str, ...], frozenset[str]]] = {}

    def of(self, exchange: Exchange, defined: Mapping[str, Truth], as_of: date) -> Coverage:
        """The coverage of an exchange on a day; `defined` are the definitions of its verdict."""
        touched: dict[str, dict[str, Truth]] = {}
        for key, fact, role in self._touches:
            relevant = defined[key]
            if relevant is not Truth.NO:
                for country, truth in _countries(exchange.value(fact), relevant):
                    roles = touched.setdefault(country, {})
                    roles[role] = max(roles.get(role, Truth.NO), truth)
        about = [(subject, truth) for subject, key in self._subjects if (truth := defined[key]) is not Truth.NO]
        covering: set[str] = set()
        gaps: list[Gap] = []
        for country, roles in sorted(touched.items()):
            if not country:
                gaps.append(Gap("", "", "", tuple(sorted(roles)), certain=False))
                continue
            covers, subjects = self._covering(country, as_of)
            covering.update(covers)
            if not covers:
                gaps += _gaps(country, "", "", roles, Truth.YES)
                continue
            for subject, truth in about:
                if subject not in subjects:
                    gaps += _gaps(country, subject, covers[0], roles, truth)
        return Coverage(tuple(sorted(covering)), tuple(gaps))

    def _covering(self, country: str, day: date) -> tuple[tuple[str, ...], frozenset[str]]:
        """The jurisdictions that cover a country on a day, and the subject matters they cover."""
        known = self._known.get((country, day))
        if known is None:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            vocabulary = self._vocabulary
            found = {n: text for n, text in vocabulary.jurisdictions.items() if country in vocabulary.countries(text, day)}
            subjects = frozenset(name for text in found.values() for name, since in text.covers.items() if since <= day)
            known = self._known[country, day] = (tuple(found), subjects)
        return known


def _countries(value: Value, relevant: Truth) -> Iterator[tuple[str, Truth]]:
    """
    The countries that a fact names, each with whether it is touched; country "" is an unknown one.

    Of a disputed fact, a country is touched for certain only where both of its values name it (semantics 1.8).
    """
    match value:
        case Disputed(stated=stated, registered=registered):
            both = [dict(_countries(each, relevant)) for each in (stated, registered)]
            for country in both[0] | both[1]:
                yield country, min(each.get(country, Truth.UNKNOWN) for each in both)
        case str():
            yield value, relevant
        case SetOf(members=members, open=open_):
            yield from ((country, relevant) for country in members)
            if open_:
                yield "", Truth.UNKNOWN
        case Missing():
            yield "", Truth.UNKNOWN


def _gaps(country: str, subject: str, jurisdiction: str, roles: dict[str, Truth], about: Truth) -> list[Gap]:
    """One gap for the roles that are certain, another for those that are not."""
    found = []
    for certain in (True, False):
        chosen = tuple(sorted(role for role, truth in roles.items() if (min(truth, about) is Truth.YES) is certain))
        if chosen:
            found.append(Gap(country, subject, jurisdiction, chosen, certain))
    return found
