"""
What the bundle has no policies for: said, and reviewed where it is the exporter's or the people's (semantics 4.3).

Goes from the definitions `touch/N` and `subject/NAME`, which every back end evaluates, and the exchange's country facts to the
gaps. Nothing is assumed to be free because nobody wrote it down.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from engine.exchange import Exchange
from engine.model import JurisdictionText
from engine.rules import Level, Truth
from engine.values import Missing, SetOf
from engine.verdict import Bounds, Verdict
from engine.vocabulary import Vocabulary

REVIEWED = frozenset({"exporter", "people"})


@dataclass(frozen=True, slots=True)
class Gap:
    """
    A country, and a subject matter of it, that no policy covers. Country "" is one not known; subject "" is every subject.
    `jurisdiction` is the one that covers the country but not the subject, or "".
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
        """What the gap weighs."""
        if not self.reviewed:
            return Bounds(Level.NOT_APPLICABLE, Level.NOT_APPLICABLE)
        return Bounds(Level.REVIEW if self.certain else Level.NOT_APPLICABLE, Level.REVIEW)


@dataclass(frozen=True, slots=True)
class Coverage:
    """`jurisdictions` cover a country the exchange touches; `gaps` are what is not modelled."""

    jurisdictions: tuple[str, ...]
    gaps: tuple[Gap, ...]


def coverage(vocabulary: Vocabulary, exchange: Exchange, verdict: Verdict, as_of: date) -> Coverage:
    """Hold what an exchange touches against what the jurisdictions cover on a day."""
    touched: dict[str, dict[str, Truth]] = {}
    for country, role, truth in _touches(vocabulary, exchange, verdict):
        roles = touched.setdefault(country, {})
        roles[role] = max(roles.get(role, Truth.NO), truth)
    covering = set()
    gaps = []
    for country, roles in sorted(touched.items()):
        if not country:
            gaps.append(Gap("", "", "", tuple(sorted(roles)), certain=False))
            continue
        covers = _covering(vocabulary, country, as_of)
        covering |= set(covers)
        if not covers:
            gaps += _gaps(country, "", "", roles, Truth.YES)
        for subject in vocabulary.subjects:
            about = verdict.defined[f"subject/{subject}"]
            uncovered = not any(subject in j.covers and j.covers[subject] <= as_of for j in covers.values())
            if covers and uncovered and about is not Truth.NO:
                gaps += _gaps(country, subject, next(iter(covers)), roles, about)
    return Coverage(tuple(sorted(covering)), tuple(gaps))


def _touches(vocabulary: Vocabulary, exchange: Exchange, verdict: Verdict) -> Iterator[tuple[str, str, Truth]]:
    """Country, role, and whether it is touched; country "" where it is not known."""
    for number, touch in enumerate(vocabulary.touches):
        relevant = verdict.defined[f"touch/{number}"]
        if relevant is Truth.NO:
            continue
        match exchange.value(touch.fact):
            case str() as country:
                yield country, touch.as_, relevant
            case SetOf(members=members, open=open_):
                yield from ((country, touch.as_, relevant) for country in sorted(members))
                if open_:
                    yield "", touch.as_, Truth.UNKNOWN
            case Missing():
                yield "", touch.as_, Truth.UNKNOWN


def _covering(vocabulary: Vocabulary, country: str, day: date) -> dict[str, JurisdictionText]:
    return {name: text for name, text in vocabulary.jurisdictions.items() if country in vocabulary.countries(text, day)}


def _gaps(country: str, subject: str, jurisdiction: str, roles: dict[str, Truth], about: Truth) -> list[Gap]:
    """One gap for the roles that are certain, one for those that are not."""
    found = []
    for certain in (True, False):
        chosen = tuple(sorted(role for role, truth in roles.items() if (min(truth, about) is Truth.YES) is certain))
        if chosen:
            found.append(Gap(country, subject, jurisdiction, chosen, certain))
    return found
