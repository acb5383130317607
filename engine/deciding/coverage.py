"""
Where the law is silent: what no policy models, and whose law may reach an exchange although none of its policies applies (semantics 4.3).

In: the definitions `touch/N`, `subject/NAME`, `speaks/POLICY` and `not-reached/POLICY/N`, which every back end evaluates, and the
countries of the exchange. Out: gaps, reaches, and what law leaves alone. A law that does not speak is never taken for a permit.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import NamedTuple, Protocol

from engine.bundle import Bundle
from engine.exchange import Exchange
from engine.policy_language.organisation import Acceptance
from engine.rules import Level, NotReached, Spoken, Truth
from engine.values import Disputed, Missing, SetOf, Value
from engine.verdict import BOUNDS, Bounds, Definitions

REVIEWED = frozenset({"exporter", "people"})
REACHING = REVIEWED | {"recipient", "collection", "storage", "access"}
GAP = "gap/"  # what the name of a gap begins with
REACH = "reach/"  # what the name of a reach begins with, where it is signed off
REMEMBERED = 4_096  # countries and days
NO, UNKNOWN, YES = Truth.NO, Truth.UNKNOWN, Truth.YES


class Silence(Protocol):
    """A gap or a reach: something that raises its place to a review."""

    @property
    def id(self) -> str: ...

    @property
    def place(self) -> str: ...

    @property
    def certain(self) -> bool: ...

    @property
    def bounds(self) -> Bounds: ...


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
    def id(self) -> str:
        return f"{GAP}{self.country}/{self.subject}"

    @property
    def reviewed(self) -> bool:
        return not REVIEWED.isdisjoint(self.roles)

    @property
    def place(self) -> str:
        """A country that no jurisdiction covers is listed under its own code, an unknown country under ""."""
        return self.jurisdiction or self.country

    @property
    def bounds(self) -> Bounds:
        """The bounds to which the gap raises its place."""
        if not self.reviewed:
            return BOUNDS[Level.NOT_APPLICABLE][Level.NOT_APPLICABLE]
        return BOUNDS[Level.REVIEW if self.certain else Level.NOT_APPLICABLE][Level.REVIEW]


@dataclass(frozen=True, slots=True)
class Reach:
    """
    Data that are a country's to judge, whoever sends them, although none of its policies on the subject matter applies.

    Country "" is an unknown country, and its jurisdiction is "". `id` is the name under which a person may sign it off.
    """

    country: str
    subject: str
    jurisdiction: str
    certain: bool

    @property
    def id(self) -> str:
        return f"{REACH}{self.country}/{self.subject}"

    @property
    def place(self) -> str:
        return self.jurisdiction

    @property
    def bounds(self) -> Bounds:
        return BOUNDS[Level.REVIEW if self.certain else Level.NOT_APPLICABLE][Level.REVIEW]


@dataclass(frozen=True, slots=True)
class Unreached:
    """A subject matter that a jurisdiction has policies on, none of which applies. `because` is what a policy says of that, if one does."""

    jurisdiction: str
    subject: str
    because: NotReached | None


@dataclass(frozen=True, slots=True)
class Accepted:
    """
    A subject matter of a touched country that an organisation accepts, where the law does not speak of it for certain.

    `floor` is what this gives a country that no jurisdiction covers; of a jurisdiction, it is weighed as law that speaks.
    """

    country: str
    subject: str
    acceptance: Acceptance
    floor: Bounds | None


@dataclass(frozen=True, slots=True)
class Coverage:
    """
    `jurisdictions` cover a country that the exchange touches; `gaps` are the laws that are not modelled. `reaches` are reviewed, and
    `signed` are those that a person has signed off, which are not.
    """

    jurisdictions: tuple[str, ...]
    gaps: tuple[Gap, ...]
    reaches: tuple[Reach, ...] = ()
    not_reached: tuple[Unreached, ...] = ()
    signed: tuple[Reach, ...] = ()
    accepted: tuple[Accepted, ...] = ()

    @property
    def silences(self) -> Iterator[Silence]:
        """All that raises its place to a review, or may."""
        yield from self.gaps
        yield from self.reaches

    @property
    def signable(self) -> tuple[Reach, ...]:
        """The reaches that a person may sign off, or has: only what is certain can be (semantics 4.6)."""
        return tuple(reach for reach in (*self.reaches, *self.signed) if reach.certain)

    def without(self, signed: Collection[str]) -> Coverage:
        """The coverage with some reaches signed off, by their ids."""
        off = tuple(reach for reach in self.reaches if reach.certain and reach.id in signed)
        if not off:
            return self
        return replace(self, reaches=tuple(reach for reach in self.reaches if reach not in off), signed=off)


class CoverageMap:
    """The coverage of a bundle's jurisdictions, looked up by country and day."""

    def __init__(self, bundle: Bundle) -> None:
        vocabulary = bundle.vocabulary
        self._vocabulary = vocabulary
        touches = vocabulary.touches
        self._touches = tuple((touch.fact, touch.as_) for touch in touches)
        self._touching = tuple(f"touch/{n}" for n in range(len(touches)))
        self.countries = tuple(dict.fromkeys(touch.fact for touch in touches))  # the facts that name them
        self._subjects = tuple(vocabulary.subjects)
        self._about = tuple(f"subject/{subject}" for subject in vocabulary.subjects)
        self._accepts = vocabulary.accepts
        self._laws: dict[str, dict[str, _SubjectLaw]] = {}
        for floor in bundle.rules.floors:
            left = [each for each in bundle.rules.not_reached if each.jurisdiction == floor.jurisdiction]
            for spoken in floor.spoken if floor.covered else ():
                subject = spoken.subject.removeprefix("subject/")
                self._laws.setdefault(floor.jurisdiction, {})[subject] = _SubjectLaw.of(spoken, left)
        self._known: dict[tuple[str, date], str] = {}

    def of(self, exchange: Exchange, defined: Definitions, as_of: date) -> Coverage:
        """The coverage of an exchange on a day; `defined` are the definitions of its verdict."""
        touched = _Touched.of(self._touches, exchange, defined.several(self._touching))
        said = zip(self._subjects, defined.several(self._about), strict=True)
        about = [(subject, truth) for subject, truth in said if truth is not NO]
        law = _Law(self._laws, defined, as_of)
        covering: set[str] = set()
        gaps: list[Gap] = []
        reaches: list[Reach] = []
        accepted: list[Accepted] = []
        for country, roles in sorted(touched.countries.items()):
            if not country:
                gaps.append(Gap("", "", "", tuple(sorted(roles)), certain=False))
                continue
            jurisdiction = self._covering(country, as_of)
            if not jurisdiction:
                own = self._accepted(country, about, roles, as_of)
                accepted += own
                agreed_on = {each.subject for each in own}
                # Where it is not certain that the data are of an accepted subject matter, they may be of none.
                none = ~max((truth for subject, truth in about if subject in agreed_on), default=NO)
                for subject, truth in (*(about if own else ()), *([("", none)] if none is not NO else ())):
                    if subject not in agreed_on:
                        gaps += _gaps(country, subject, "", roles, truth)
                continue
            covering.add(jurisdiction)
            reached = touched.reaches(country)
            silent = ((subject, truth) for subject, truth in about if law.says(jurisdiction, subject) is not YES)
            agreed = self._accepted(country, silent, None, as_of)
            accepted += agreed
            looked_after = {each.subject for each in agreed}
            for subject, truth in about:
                if subject in looked_after:
                    continue
                if not law.covers(jurisdiction, subject):
                    gaps += _gaps(country, subject, jurisdiction, roles, truth)
                elif reached is not NO and (open_ := min(reached, truth, law.silent(jurisdiction, subject))) is not NO:
                    reaches.append(Reach(country, subject, jurisdiction, open_ is YES))
        if touched.reaches("") is not NO:
            # Data about nobody may have been collected in any country that has law on them.
            reaches += [Reach("", subject, "", certain=False) for subject, _ in about if law.elsewhere(subject)]
        covers = tuple(sorted(covering))
        return Coverage(covers, tuple(gaps), tuple(reaches), tuple(law.not_reached(covers, about)), accepted=tuple(accepted))

    def _accepted(
        self, country: str, about: Iterable[tuple[str, Truth]], roles: Mapping[str, Truth] | None, day: date
    ) -> list[Accepted]:
        """What organisations accept of a country; `roles` say how surely the exchange touches one that no jurisdiction covers."""
        counting = [each for each in self._accepts if country in each.countries and each.on(day)]
        found = []
        for subject, truth in about if counting else ():
            acceptance = next((each for each in counting if subject in each.subjects), None)
            if acceptance is not None:
                floor = None
                if roles is not None:
                    sure = min(truth, max(roles.values())) is YES
                    floor = Bounds(Level.PERMITTED if sure else Level.NOT_APPLICABLE, Level.PERMITTED)
                found.append(Accepted(country, subject, acceptance, floor))
        return found

    def _covering(self, country: str, day: date) -> str:
        """The jurisdiction that covers a country on a day, or ""."""
        known = self._known.get((country, day))
        if known is None:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            vocabulary = self._vocabulary
            found = (n for n, text in vocabulary.jurisdictions.items() if country in vocabulary.countries(text, day))
            known = self._known[country, day] = next(found, "")
        return known


class _SubjectLaw(NamedTuple):
    """
    The law of one jurisdiction on one subject matter, covered from a day on, or not.

    `by` are the definitions of which one holds where a policy speaks of it or an organisation accepts it, `policies` are those of
    policies. `left` is what these policies say that they leave alone, `leaving` are its definitions.
    """

    covered_from: date | None
    by: tuple[str, ...]
    policies: tuple[str, ...]
    left: tuple[NotReached, ...]
    leaving: tuple[str, ...]

    @classmethod
    def of(cls, spoken: Spoken, left: Iterable[NotReached]) -> _SubjectLaw:
        policies = tuple(key for key in spoken.by if key.startswith("speaks/"))
        named = {key.split("/")[1] for key in policies}
        own = tuple(each for each in left if each.policy in named)
        return cls(spoken.covered_from, spoken.by, policies, own, tuple(each.key for each in own))


@dataclass(frozen=True, slots=True)
class _Law:
    """What the policies of covered jurisdictions say of an exchange, on a day."""

    laws: Mapping[str, Mapping[str, _SubjectLaw]]
    defined: Definitions
    day: date

    def covers(self, jurisdiction: str, subject: str) -> bool:
        law = self.laws.get(jurisdiction, {}).get(subject)
        return law is not None and law.covered_from is not None and law.covered_from <= self.day

    def says(self, jurisdiction: str, subject: str) -> Truth:
        """Whether a policy of the law speaks of a subject matter that is covered."""
        if not self.covers(jurisdiction, subject):
            return NO
        return self._some(self.laws[jurisdiction][subject].policies)

    def silent(self, jurisdiction: str, subject: str) -> Truth:
        """Whether no policy applies, and none says that its law leaves the data alone."""
        law = self.laws[jurisdiction][subject]
        return ~max(self._some(law.by), self._some(law.leaving))

    def elsewhere(self, subject: str) -> bool:
        """Whether some jurisdiction covers a subject matter, and may be silent."""
        having = (each for each, laws in self.laws.items() if subject in laws and self.covers(each, subject))
        return any(self.silent(each, subject) is not NO for each in having)

    def not_reached(self, jurisdictions: Iterable[str], about: Iterable[tuple[str, Truth]]) -> Iterator[Unreached]:
        """The subject matters of which the touched jurisdictions have law, and none of it applies for certain."""
        subjects = [subject for subject, truth in about if truth is YES]
        for jurisdiction in jurisdictions:
            laws = self.laws.get(jurisdiction, {})
            for subject in subjects:
                law = laws.get(subject)
                if law is not None and self._some(law.by) is NO:
                    says = (each for each in law.left if self.defined[each.key] is YES)
                    yield Unreached(jurisdiction, subject, next(says, None))

    def _some(self, definitions: Sequence[str]) -> Truth:
        """Whether one of some definitions holds."""
        return max([self.defined[key] for key in definitions], default=NO)


@dataclass(frozen=True, slots=True)
class _Touched:
    """
    How surely the exchange touches each country, by role; country "" is an unknown one, and `unknown` its roles.

    `people` says whether the data are about people.
    """

    countries: dict[str, dict[str, Truth]]
    unknown: Mapping[str, Truth]
    people: Truth

    @classmethod
    def of(cls, touches: Iterable[tuple[str, str]], exchange: Exchange, relevance: Iterable[Truth]) -> _Touched:
        """`touches` are the facts that name countries, each with its role; `relevance` says of each whether it counts."""
        countries: dict[str, dict[str, Truth]] = {}
        people = NO
        for (fact, role), relevant in zip(touches, relevance, strict=True):
            if role == "people":
                people = max(people, relevant)
            if relevant is not NO:
                for country, truth in _countries(exchange.value(fact), relevant):
                    roles = countries.setdefault(country, {})
                    roles[role] = max(roles.get(role, NO), truth)
        return cls(countries, countries.get("", {}), people)

    def truth(self, country: str, role: str) -> Truth:
        """Whether a country is touched in a role: for certain, or because a country of that role is not known."""
        unknown = self.unknown.get(role, NO)
        return max(self.countries.get(country, {}).get(role, NO), unknown) if country else unknown

    def only(self, country: str, role: str) -> Truth:
        """Whether no other country is touched in a role."""
        unknown = self.unknown.get(role, NO)
        others = [max(roles.get(role, NO), unknown) for each, roles in self.countries.items() if each != country]
        return ~max(others, default=NO)

    def reaches(self, country: str) -> Truth:
        """
        Whether data are a country's to judge: about its people, and collected or stored there; or about nobody, and collected there.

        They are not where the recipient and every reader are in that country.
        """
        collected = self.truth(country, "collection")
        of_people = min(self.truth(country, "people"), max(collected, self.truth(country, "storage"))) if country else NO
        about = max(of_people, min(~self.people, collected))
        if about is NO:
            return NO
        at_home = min(self.truth(country, "recipient"), self.only(country, "recipient"), self.only(country, "access"))
        return min(about, ~at_home)


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
                yield "", UNKNOWN
        case Missing():
            yield "", UNKNOWN


def _gaps(country: str, subject: str, jurisdiction: str, roles: dict[str, Truth], about: Truth) -> list[Gap]:
    """One gap for the roles that are certain, another for those that are not."""
    found = []
    for certain in (True, False):
        chosen = tuple(sorted(role for role, truth in roles.items() if (min(truth, about) is YES) is certain))
        if chosen:
            found.append(Gap(country, subject, jurisdiction, chosen, certain))
    return found
