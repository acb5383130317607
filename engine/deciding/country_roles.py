"""
The countries that an exchange touches, by role, each with how surely (semantics 4.3).

In: the facts that name countries, each with its role and whether it counts, and the exchange. Out: whether a country is touched in a role,
alone or beside others, and whether data are a country's to judge. What is not known is the country "".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from engine.exchange import Exchange
from engine.policy_language.coverage_text import ROLES
from engine.rules import Truth
from engine.values import Disputed, Missing, SetOf, Value

NO, UNKNOWN = Truth.NO, Truth.UNKNOWN


@dataclass(frozen=True, slots=True)
class CountryRoles:
    """
    How surely the exchange touches each country, by role; country "" is an unknown one, and `unknown` its roles.

    `people` says whether the data are about people. Of a recipient that is the public no country is named, and none is unknown.
    """

    countries: dict[str, dict[str, Truth]]
    unknown: Mapping[str, Truth]
    people: Truth

    @classmethod
    def of(cls, touches: Iterable[tuple[str, str]], exchange: Exchange, relevance: Iterable[Truth]) -> CountryRoles:
        """`touches` are the facts that name countries, each with its role; `relevance` says of each whether it counts."""
        countries: dict[str, dict[str, Truth]] = {}
        people = NO
        for (fact, role), relevant in zip(touches, relevance, strict=True):
            if role == "people":
                people = max(people, relevant)
            if relevant is not NO and not exchange.is_of_everyone(fact):
                for country, truth in _countries(exchange.value(fact), relevant):
                    roles = countries.setdefault(country, {})
                    roles[role] = max(roles.get(role, NO), truth)
        return cls(countries, countries.get("", {}), people)

    def named(self) -> list[str]:
        """The countries that the exchange names, in the order of the first role of each."""
        first = {country: min(map(ROLES.index, roles)) for country, roles in self.countries.items() if country}
        return sorted(first, key=lambda country: (first[country], country))

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
