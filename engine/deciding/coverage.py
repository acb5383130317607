"""
Where the law is silent: what no policy models, and whose law may reach an exchange although none of its policies applies (semantics 4.3).

In: the definitions `touch/N`, `subject/NAME`, `speaks/POLICY`, `free/…`, `under/…` and `not-reached/POLICY/N`, which every back end
evaluates, and the countries of the exchange. Out: gaps, reaches, and what law leaves alone. A law that does not speak is never taken for
a permit.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from engine.bundle import Bundle
from engine.deciding.country_roles import CountryRoles
from engine.deciding.subject_law import CoveredLaw, Kind, SubjectLaw, UnreachedSubject, strongest
from engine.exchange import Exchange
from engine.policy_language.declared_coverage import REVIEWED
from engine.policy_language.organisation import Acceptance
from engine.policy_language.public_recipient import OF_ALL
from engine.rules import Truth, signed_floor
from engine.values.outcome_levels import BOUNDS, Bounds, Level
from engine.verdict import Definitions

REACHING = REVIEWED | {"recipient", "collection", "storage", "access"}
GAP = "gap/"  # what the names of gaps begin with, where they are signed off
REACH = "reach/"  # the same of reaches
REMEMBERED = 4_096  # countries and days
NO, UNKNOWN, YES = Truth.NO, Truth.UNKNOWN, Truth.YES


@dataclass(frozen=True, slots=True)
class Gap:
    """
    A country and a subject matter that no policy covers. Country "" is an unknown country; subject "" is every subject.

    `jurisdiction` is the jurisdiction that covers the country but not the subject, or "". `roles` say how the exchange touches the
    country. `kind` is "gap" where nothing was read, "unread" where a law is known and was not read, "doubtful" where what was read is in
    doubt. `names` are those under which a person may sign it off, none if nobody may. `freed`: the law permits but for a fact not known.
    """

    country: str
    subject: str
    jurisdiction: str
    roles: tuple[str, ...]
    certain: bool
    kind: Kind = "gap"
    names: tuple[str, ...] = ()
    freed: bool = False

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
        if self.certain:
            return BOUNDS[Level.REVIEW][Level.REVIEW]
        return BOUNDS[Level.PERMITTED if self.freed else Level.NOT_APPLICABLE][Level.REVIEW]


@dataclass(frozen=True, slots=True)
class Reach:
    """
    Data that are a country's to judge, whoever sends them, although none of its policies on the subject matter applies.

    Country "" is an unknown country, and its jurisdiction is "". `names` has the name under which a person may sign it off, if she may.
    """

    country: str
    subject: str
    jurisdiction: str
    certain: bool
    names: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        return self.jurisdiction

    @property
    def bounds(self) -> Bounds:
        return BOUNDS[Level.REVIEW if self.certain else Level.NOT_APPLICABLE][Level.REVIEW]


@dataclass(frozen=True, slots=True)
class AcceptedSubject:
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
    `signed` are the gaps and reaches that a person has signed off, which are not. `stands_on` are the jurisdictions and subject matters of
    which something was read that settles them for this exchange. `guarded` are the subject matters for which nobody signs. `named` are the
    places of the countries that the exchange names, in the order of their roles: jurisdictions, and countries that none covers.
    """

    jurisdictions: tuple[str, ...]
    gaps: tuple[Gap, ...]
    reaches: tuple[Reach, ...] = ()
    not_reached: tuple[UnreachedSubject, ...] = ()
    signed: tuple[Gap | Reach, ...] = ()
    accepted: tuple[AcceptedSubject, ...] = ()
    stands_on: tuple[tuple[str, str], ...] = ()
    guarded: frozenset[str] = frozenset()
    named: tuple[str, ...] = ()

    @property
    def silences(self) -> Iterator[Gap | Reach]:
        """All that raises its place to a review, or may."""
        yield from (gap for gap in self.gaps if gap.reviewed)
        yield from self.reaches

    @property
    def signable(self) -> tuple[str, ...]:
        """The names of the gaps and reaches that a person may sign off, or has: only what is certain can be (semantics 4.6)."""
        return tuple(name for each in (*self.silences, *self.signed) for name in each.names)

    def without(self, signed: Collection[str]) -> Coverage:
        """The coverage with some gaps and reaches signed off, by their names."""
        off = [each for each in self.silences if each.names and all(name in signed for name in each.names)]
        if not off:
            return self
        gaps = tuple(each for each in self.gaps if each not in off)
        reaches = tuple(each for each in self.reaches if each not in off)
        return replace(self, gaps=gaps, reaches=reaches, signed=(*self.signed, *off))

    def spoken_for(self, signed: Collection[str]) -> frozenset[str]:
        """The names by which engines are told for which subject matters a person has signed: where no country of them is left open."""
        covered = self.without(signed)
        left = {(each.jurisdiction, each.subject) for each in covered.silences}
        mine = {(each.jurisdiction, each.subject) for each in covered.signed if each.jurisdiction}
        return frozenset(signed_floor(*each) for each in mine - left)


class CoverageMap:
    """The coverage of a bundle's jurisdictions, looked up by country and day."""

    def __init__(self, bundle: Bundle) -> None:
        vocabulary = bundle.vocabulary
        self._vocabulary = vocabulary
        touches = vocabulary.touches
        self._touches = tuple((touch.fact, touch.as_) for touch in touches)
        self._touching = tuple(f"touch/{n}" for n in range(len(touches)))
        self._subjects = tuple(vocabulary.subjects)
        self._about = tuple(f"subject/{subject}" for subject in vocabulary.subjects)
        self._guarded = frozenset(name for name, text in vocabulary.subjects.items() if text.guarded == "yes")
        self._only_in = {name: frozenset(text.only_in) for name, text in vocabulary.subjects.items() if text.only_in}
        self._accepts = vocabulary.accepts
        self._laws: dict[str, dict[str, SubjectLaw]] = {}
        for floor in bundle.rules.floors:
            left = [each for each in bundle.rules.not_reached if each.jurisdiction == floor.jurisdiction]
            cells = vocabulary.jurisdictions[floor.jurisdiction].covers
            laws = {each.subject.removeprefix("subject/"): each for each in floor.spoken if each.subject and floor.covered}
            for subject, spoken in laws.items():
                law = SubjectLaw.of(spoken, left, cells.get(subject), bundle.settings.trust, self._contrary)
                self._laws.setdefault(floor.jurisdiction, {})[subject] = law
        self._known: dict[tuple[str, date], str] = {}
        # How definitions read of every recipient, where they read otherwise of some: law that speaks of some is silent on the others.
        self._of_all = {key.removesuffix(OF_ALL): key for key in bundle.rules.definitions if key.endswith(OF_ALL)}

    def _contrary(self, subjects: Sequence[str]) -> bool:
        """Whether data are of one of some subject matters in any case."""
        known = self._vocabulary.subjects
        return any(known[name].other_than in subjects for name in subjects if name in known)

    def of(self, exchange: Exchange, defined: Definitions, as_of: date) -> Coverage:
        """The coverage of an exchange on a day; `defined` are the definitions of its verdict."""
        touched = CountryRoles.of(self._touches, exchange, defined.several(self._touching))
        said = dict(zip(self._subjects, defined.several(self._about), strict=True))
        law = CoveredLaw(self._laws, defined, as_of, self._of_all)
        covering: set[str] = set()
        gaps: list[Gap] = []
        reaches: list[Reach] = []
        accepted: list[AcceptedSubject] = []
        for country in touched.named():
            roles = touched.countries[country]
            jurisdiction = self._covering(country, as_of)
            about = [(name, truth) for name, truth in said.items() if truth is not NO and self._exists(name, jurisdiction)]
            # A person signs only where it is known of which subject matters the data are, and which countries are touched (semantics 4.6).
            sure = "" not in touched.countries and all(truth is YES for _, truth in about)
            if not jurisdiction:
                own = self._accepted(country, about, roles, as_of)
                accepted += own
                agreed_on = {each.subject for each in own}
                # Where it is not certain that the data are of an accepted subject matter, they may be of none.
                none = ~max((truth for subject, truth in about if subject in agreed_on), default=NO)
                rest = [subject for subject, _ in about if subject not in agreed_on]
                names = self._names(country, rest, sure)
                for subject, truth in (*(about if own else ()), *([("", none)] if none is not NO else ())):
                    if subject not in agreed_on:
                        mine = self._names(country, [subject], sure) if subject else names
                        gaps += _gaps(Gap(country, subject, "", (), True, names=mine), roles, truth)
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
                reviewed = max((sure for role, sure in roles.items() if role in REVIEWED), default=NO)
                found = law.silences(jurisdiction, subject, said, truth, reached, reviewed)
                names = self._names(country, [subject], sure)
                for kind, open_ in strongest(found):
                    if kind == "reach":
                        mine = (f"{REACH}{country}/{subject}",) if names and open_ is YES else ()
                        reaches.append(Reach(country, subject, jurisdiction, open_ is YES, mine))
                    else:
                        freed = truth is YES and open_ is UNKNOWN and law.frees(jurisdiction, subject)
                        gaps += _gaps(Gap(country, subject, jurisdiction, (), True, kind, names, freed), roles, open_)
        if "" in touched.countries:
            gaps.append(Gap("", "", "", tuple(sorted(touched.countries[""])), certain=False))
        if touched.reaches("") is not NO:
            # Data about nobody may have been collected in any country that has law on them.
            reaches += [
                Reach("", subject, "", certain=False)
                for subject, truth in said.items()
                if truth is not NO and law.elsewhere(subject)
            ]
        covers = tuple(sorted(covering))
        about = [(subject, truth) for subject, truth in said.items() if truth is not NO]
        settled = tuple((place, subject) for place in covers for subject, _ in about if law.says(place, subject) is YES)
        return Coverage(
            covers,
            tuple(gaps),
            tuple(reaches),
            tuple(law.not_reached(covers, about)),
            accepted=tuple(accepted),
            stands_on=settled,
            guarded=self._guarded,
            named=tuple(dict.fromkeys(self._covering(country, as_of) or country for country in touched.named())),
        )

    def _exists(self, subject: str, jurisdiction: str) -> bool:
        """Whether the law of a jurisdiction knows a subject matter."""
        return subject not in self._only_in or jurisdiction in self._only_in[subject]

    def _names(self, country: str, subjects: Sequence[str], sure: bool) -> tuple[str, ...]:
        """The names under which a person may sign for a country and some subject matters, none if she may not."""
        if not sure or not self._guarded.isdisjoint(subjects):
            return ()
        return tuple(f"{GAP}{country}/{subject}" for subject in subjects)

    def _accepted(
        self, country: str, about: Iterable[tuple[str, Truth]], roles: Mapping[str, Truth] | None, day: date
    ) -> list[AcceptedSubject]:
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
                found.append(AcceptedSubject(country, subject, acceptance, floor))
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


def _gaps(gap: Gap, roles: dict[str, Truth], about: Truth) -> list[Gap]:
    """The gap for the roles that are certain, and another one for those that are not, which nobody can sign off."""
    found = []
    for certain in (True, False):
        chosen = tuple(sorted(role for role, truth in roles.items() if (min(truth, about) is YES) is certain))
        if chosen:
            # A gap in a role that is certain is open only because of its subject matter.
            surely = any(truth is YES for role, truth in roles.items() if role in chosen and role in REVIEWED)
            freed = gap.freed and not certain and surely
            found.append(replace(gap, roles=chosen, certain=certain, names=gap.names if certain else (), freed=freed))
    return found
