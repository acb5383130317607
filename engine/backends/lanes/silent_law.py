"""
Where the law is silent, in slots: gaps, unread law, doubtful cells, reach, and what signatures and acceptances do to them (semantics 4.3).

One piece of code for each jurisdiction judges one country of it. It runs once for each country that some lane touches, so that a program
has no code for countries that nobody names. What it is given of the country: how surely it is touched in each role, where other countries
are, what a person has signed and an organisation accepted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal, NamedTuple, TypeAlias

from engine.backends.lanes.kleene import ConditionSlots
from engine.backends.lanes.slots import FALSE, NO, TRUE, YES, Pair, Slots
from engine.policy_language.coverage_text import ROLES, CoverText
from engine.policy_language.declared_coverage import REVIEWED
from engine.policy_language.public_recipient import OF_ALL
from engine.policy_language.vocabulary import Vocabulary
from engine.rules import NotReached, RuleSet, Spoken

Kind: TypeAlias = Literal["gap", "unread", "doubtful", "reach"]
WEIGHINGS = ("signed", "signable")  # with the signatures that were given, and as if all that can be signed for were


class Raise(NamedTuple):
    """
    What a place is raised to, as lanes: at least a permit, a permit at most, at least a review, a review at most.

    `review_low` and `review_high` are of silences, `permit_low` and `permit_high` of what an organisation accepts or a person signed.
    """

    permit_low: int
    permit_high: int
    review_low: int
    review_high: int


class Country(NamedTuple):
    """
    What one country raises its place to, for each of WEIGHINGS. By subject matter: the lanes in which a person signed for it, and those in
    which something of it is left open, for each of WEIGHINGS; where law certainly is, and may be, silent; and where it settles it.
    """

    raises: tuple[Raise, Raise]
    signed: Mapping[str, tuple[int, int]]
    left: Mapping[str, tuple[int, int]]
    silent: Mapping[str, Pair]
    settled: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class ReadCell:
    """The law of a jurisdiction on one subject matter, as it was read."""

    covered_from: date | None
    by: tuple[str, ...]
    own: tuple[str, ...]
    leaving: tuple[str, ...]
    kind: str
    wider: tuple[str, ...]
    either: bool
    rest: Kind


class SilentLaw:
    """Lowers the coverage of one bundle. `trust` is the lowest mark that is relied on."""

    def __init__(self, slots: Slots, conditions: ConditionSlots, rules: RuleSet, vocabulary: Vocabulary, trust: str) -> None:
        self.slots = slots
        self.conditions = conditions
        self.defined = conditions.defined
        self.vocabulary = vocabulary
        self.said = {name: self.defined[f"subject/{name}"] for name in vocabulary.subjects}
        self.touching = tuple(self.defined[f"touch/{number}"] for number in range(len(vocabulary.touches)))
        self.people = slots.any_of(
            relevant for touch, relevant in zip(vocabulary.touches, self.touching, strict=True) if touch.as_ == "people"
        )
        self.guarded = {name for name, text in vocabulary.subjects.items() if text.guarded == "yes"}
        self.of_all = {key.removesuffix(OF_ALL): key for key in rules.definitions if key.endswith(OF_ALL)}
        self.cells: dict[str, dict[str, ReadCell]] = {}
        for floor in rules.floors:
            left = [each for each in rules.not_reached if each.jurisdiction == floor.jurisdiction]
            covers = vocabulary.jurisdictions[floor.jurisdiction].covers
            for spoken in floor.spoken:
                if spoken.subject and floor.covered:
                    subject = spoken.subject.removeprefix("subject/")
                    cell = self._cell(spoken, left, covers.get(subject), trust)
                    self.cells.setdefault(floor.jurisdiction, {})[subject] = cell
        self.unknown = {role: self._role("unknown", role) for role in ROLES}
        # A person signs only where every country is known, and of which subject matters the data are (4.6).
        self.countries_known = slots.neither(slots.either(*(each.may for each in self.unknown.values())))

    def _cell(self, spoken: Spoken, left: Iterable[NotReached], cover: CoverText | None, trust: str) -> ReadCell:
        own = tuple(key for key in spoken.by if not key.startswith("accepted/"))
        named = {key.split("/")[1] for key in own if key.startswith("speaks/")}
        kind = "gap" if cover is None else "doubtful" if cover.in_doubt(trust) else cover.kind
        wider = cover.wider if cover is not None else ()
        known = self.vocabulary.subjects
        either = any(known[name].other_than in wider for name in wider if name in known)
        rest: Kind = "unread" if cover is not None and cover.unread else "gap"
        leaving = tuple(each.key for each in left if each.policy in named)
        return ReadCell(spoken.covered_from, spoken.by, own, leaving, kind, wider, either, rest)

    # What is given of a country

    def _role(self, of: str, role: str) -> Pair:
        return self.slots.pair((of, role))

    def roles(self) -> dict[str, Pair]:
        """How surely the country is touched, by role."""
        return {role: self._role("role", role) for role in ROLES}

    def _signed(self, kind: Kind, subject: str, weighing: int) -> int:
        """The lanes in which a person has signed for a gap or a reach of the country; for the second weighing, any."""
        return TRUE if weighing else self.slots.given(("signed here", "reach" if kind == "reach" else "gap", subject))

    def accepted(self, subject: str) -> int:
        """The lanes on whose day an organisation accepts a subject matter of the country."""
        return self.slots.given(("accepted here", subject))

    # One country

    def covered(self, jurisdiction: str) -> Country:
        """A country that a jurisdiction covers."""
        slots, roles = self.slots, self.roles()
        reviewed = slots.any_of(roles[role] for role in REVIEWED)
        touched = slots.any_of(roles.values()).may  # a country that some lane touches is not touched in all
        reached = slots.all_of((self._reached(roles), Pair(touched, touched)))
        about = self._existing(jurisdiction)
        sure = self._sure(about)
        raises: list[list[Raise]] = [[], []]
        signed: dict[str, tuple[int, int]] = {}
        left: dict[str, tuple[int, int]] = {}
        silent: dict[str, Pair] = {}
        settled: dict[str, int] = {}
        for subject, truth in about.items():
            looked_after = (
                slots.both(self.accepted(subject), truth.may, slots.neither(self.says(jurisdiction, subject).must))
                if self._acceptable(jurisdiction, subject)
                else FALSE
            )
            kinds: dict[Kind, Pair] = {}
            for kind, open_ in self.silences(jurisdiction, subject, truth, reached, reviewed):
                kinds[kind] = slots.any_of((kinds.get(kind, NO), open_))
            mine, others, certain = [FALSE, FALSE], [FALSE, FALSE], FALSE
            for kind, open_ in kinds.items():
                open_ = Pair(slots.less(open_.must, looked_after), slots.less(open_.may, looked_after))
                for weighing in (0, 1):
                    may_sign = FALSE if subject in self.guarded else slots.both(sure, self._signed(kind, subject, weighing))
                    if kind == "reach":
                        off = slots.both(open_.must, may_sign)
                        found = Raise(FALSE, FALSE, slots.less(open_.must, off), slots.less(open_.may, off))
                    else:
                        freed = self.frees(jurisdiction, subject)
                        off, found = self._gap(open_, truth, roles, reviewed, may_sign, freed)
                    raises[weighing].append(found)
                    mine[weighing] = slots.either(mine[weighing], off)
                    others[weighing] = slots.either(others[weighing], found.review_high)
                    certain = certain if weighing else slots.either(certain, found.review_low)
            signed[subject], left[subject] = (mine[0], mine[1]), (others[0], others[1])
            silent[subject] = Pair(certain, others[0])
            settled[subject] = slots.both(self.says(jurisdiction, subject).must, truth.may, touched)
        first, second = (self._highest(each) for each in raises)
        return Country((first, second), signed, left, silent, settled)

    def uncovered(self) -> Country:
        """A country that no jurisdiction covers. Of it an organisation's word is the floor (4.3), and so is a signature."""
        slots, roles = self.slots, self.roles()
        reviewed = slots.any_of(roles[role] for role in REVIEWED)
        anyhow = slots.any_of(roles.values())
        about = self._existing("")
        sure = self._sure(about)
        agreed = {
            name: slots.both(self.accepted(name), truth.may) for name, truth in about.items() if self._acceptable("", name)
        }
        some = slots.either(*agreed.values())
        # Where it is not certain that the data are of an accepted subject matter, they may be of none.
        none = slots.inverse(
            slots.any_of(
                Pair(slots.both(where, about[name].must), slots.both(where, about[name].may)) for name, where in agreed.items()
            )
        )
        raises: list[list[Raise]] = [[], []]
        silent: dict[str, Pair] = {}
        for name, where in agreed.items():
            raises[0].append(
                Raise(slots.both(where, about[name].must, anyhow.must), slots.both(where, anyhow.may), FALSE, FALSE)
            )
        raises[1] += raises[0]
        for weighing in (0, 1):
            signs = {
                name: slots.both(sure, FALSE if name in self.guarded else self._signed("gap", name, weighing)) for name in about
            }
            rest = {name: slots.less(truth.may, agreed.get(name, FALSE)) for name, truth in about.items()}
            each_signed = (slots.either(slots.neither(there), signs[name]) for name, there in rest.items())
            of_all = slots.both(sure, slots.either(*rest.values()), *each_signed)
            gaps = {"": (none, of_all)}
            for name, truth in about.items() if agreed else ():
                here = slots.less(some, agreed.get(name, FALSE))
                gaps[name] = Pair(slots.both(here, truth.must), slots.both(here, truth.may)), signs[name]
            for name, (open_, may_sign) in gaps.items():
                off, found = self._gap(open_, YES, roles, reviewed, may_sign, FALSE)
                raises[weighing].append(found)
                raises[weighing].append(Raise(off, off, FALSE, FALSE))
                if not weighing:
                    silent[name] = Pair(found.review_low, found.review_high)
        first, second = (self._highest(each) for each in raises)
        return Country((first, second), {}, {}, silent, {})

    def nowhere(self) -> dict[str, int]:
        """
        The lanes in which a country is not known and may be one that is reviewed, under ""; and by subject matter those in which it may be
        one whose law reaches the data.
        """
        slots = self.slots
        collected = slots.less(self.unknown["collection"].may, self.people.must)
        found = {"": slots.either(*(self.unknown[role].may for role in REVIEWED))}
        for name, truth in self.said.items():
            found[name] = slots.both(collected, truth.may, self._elsewhere(name))
        return found

    def _gap(
        self, open_: Pair, truth: Pair, roles: Mapping[str, Pair], reviewed: Pair, may_sign: int, freed: int
    ) -> tuple[int, Raise]:
        """
        The lanes in which a gap is signed off, and what it raises: the gap of the roles that are certain, and that of the others.

        Where the law permits but for a fact that is not known, a permit is the least.
        """
        slots = self.slots
        certain = slots.both(reviewed.must, open_.must)
        off = slots.both(certain, may_sign)
        unsure = slots.either(*(slots.less(roles[role].may, roles[role].must) for role in REVIEWED))
        uncertain = slots.both(open_.may, slots.either(unsure, slots.less(reviewed.may, open_.must)))
        certain = slots.less(certain, off)
        permit = slots.both(freed, truth.must, reviewed.must, slots.less(open_.may, open_.must))
        return off, Raise(permit, FALSE, certain, slots.either(certain, uncertain))

    def _reached(self, roles: Mapping[str, Pair]) -> Pair:
        """Whether data are the country's to judge, whoever sends them."""
        slots = self.slots
        there = {role: slots.any_of((roles[role], self.unknown[role])) for role in ROLES}
        kept = slots.any_of((there["collection"], there["storage"]))
        of_people = slots.all_of((there["people"], kept))
        of_nobody = slots.all_of((slots.inverse(self.people), there["collection"]))
        only = [
            slots.inverse(slots.any_of((self._role("other", role), self.unknown[role]))) for role in ("recipient", "access")
        ]
        at_home = slots.all_of((there["recipient"], *only))
        return slots.all_of((slots.any_of((of_people, of_nobody)), slots.inverse(at_home)))

    def _existing(self, jurisdiction: str) -> dict[str, Pair]:
        """The subject matters that the law of a jurisdiction knows, each with whether the data are of it."""
        subjects = self.vocabulary.subjects
        return {n: truth for n, truth in self.said.items() if not subjects[n].only_in or jurisdiction in subjects[n].only_in}

    def _sure(self, about: Mapping[str, Pair]) -> int:
        """The lanes in which it is known of which subject matters the data are, and which countries are touched."""
        slots = self.slots
        known = (slots.either(slots.neither(truth.may), truth.must) for truth in about.values())
        return slots.both(self.countries_known, *known)

    def _acceptable(self, jurisdiction: str, subject: str) -> bool:
        """Whether some organisation accepts a subject matter at all; most accept nothing."""
        return any(subject in each.subjects for each in self.vocabulary.accepts)

    @staticmethod
    def _highest_of(slots: Slots, raises: Iterable[Raise]) -> Raise:
        return Raise(*(slots.either(*column) for column in zip(Raise(FALSE, FALSE, FALSE, FALSE), *raises, strict=True)))

    def _highest(self, raises: Iterable[Raise]) -> Raise:
        return self._highest_of(self.slots, raises)

    # What law says

    def covers(self, cell: ReadCell) -> Pair:
        """Whether the day is one on which a subject matter is covered."""
        return NO if cell.covered_from is None else self.conditions.from_day(cell.covered_from)

    def says(self, jurisdiction: str, subject: str) -> Pair:
        """Whether the law itself speaks of a subject matter that is covered."""
        cell = self.cells.get(jurisdiction, {}).get(subject)
        return NO if cell is None else self.slots.all_of((self.covers(cell), self._some(cell.own)))

    def silences(
        self, jurisdiction: str, subject: str, truth: Pair, reached: Pair, reviewed: Pair
    ) -> Iterator[tuple[Kind, Pair]]:
        """Why a law may be silent on a subject matter, and how surely it is. What stands under a wider one is silent as that is."""
        slots = self.slots
        cell = self.cells.get(jurisdiction, {}).get(subject)
        if cell is None or cell.kind in ("gap", "unread", "doubtful"):
            yield (
                (
                    "gap"
                    if cell is None
                    else "unread"
                    if cell.kind == "unread"
                    else "doubtful"
                    if cell.kind == "doubtful"
                    else "gap"
                ),
                truth,
            )
            return
        covers = self.covers(cell)
        if cell.kind == "under":
            open_ = slots.inverse(slots.all_of((covers, self._surely(cell.own))))
            governed = YES if cell.either else slots.any_of(self.said.get(name, NO) for name in cell.wider)
            yield "gap", slots.all_of((truth, slots.inverse(governed)))
            for name in cell.wider:
                narrower = slots.all_of((truth, open_, self.said.get(name, NO)))
                yield from self.silences(jurisdiction, name, narrower, reached, reviewed)
            return
        yield cell.rest, slots.all_of((truth, slots.inverse(covers)))
        if cell.kind == "free":
            yield "gap", slots.all_of((covers, truth, reviewed, slots.inverse(self._surely(cell.own))))
        else:
            yield "reach", slots.all_of((covers, reached, truth, self.silent(cell)))

    def silent(self, cell: ReadCell) -> Pair:
        """Whether no policy applies, and none says that its law leaves the data alone."""
        return self.slots.inverse(self.slots.any_of((self._surely(cell.by), self._surely(cell.leaving))))

    def frees(self, jurisdiction: str, subject: str) -> int:
        """Whether a jurisdiction would certainly permit if everything that is not known left a subject matter free."""
        slots, cells = self.slots, self.cells.get(jurisdiction, {})
        cell = cells.get(subject)
        if cell is None or (
            cell.kind != "free" and not any(cells[name].kind == "free" for name in cell.wider if name in cells)
        ):
            return FALSE
        found = TRUE
        for name, each in cells.items():
            said = YES if each.kind in ("free", "under") else self._some(each.by)
            spoken = slots.either(slots.neither(self.defined[f"subject/{name}"].may), said.must)
            found = slots.both(found, slots.either(spoken, slots.neither(self.covers(each).must)))
        return found

    def _elsewhere(self, subject: str) -> int:
        """Whether some jurisdiction has law on a subject matter, and may be silent."""
        slots = self.slots
        having = (cells[subject] for cells in self.cells.values() if subject in cells)
        return slots.either(*(slots.both(self.covers(each).may, self.silent(each).may) for each in having if each.kind == "by"))

    def _some(self, keys: Iterable[str]) -> Pair:
        return self.slots.any_of(self.defined[key] for key in keys)

    def _surely(self, keys: Iterable[str]) -> Pair:
        """Whether one of some definitions holds, whoever the recipient is."""
        return self._some(self.of_all.get(key, key) for key in keys)
