"""
Run a program over lanes: cases go in, their outcomes come out.

The countries that lanes touch are found here, since a program has the code for a country once; all that is done with them is and, or, not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache, cached_property
from typing import NamedTuple, TypeAlias

from engine.backends.lanes.fact_classes import Coder
from engine.backends.lanes.integers import Carrier, Function, function, needed
from engine.backends.lanes.lane_cases import Cases, LaneSet
from engine.backends.lanes.lane_outcomes import Both, LaneOutcomes
from engine.backends.lanes.lane_program import LaneProgram, lower
from engine.backends.lanes.silent_law import WEIGHINGS, Country, Raise
from engine.backends.lanes.slots import FALSE, TRUE, simpler
from engine.backends.lanes.worst_levels import OWING, PERMITTED, REVIEW, Refused, WorstCode, WorstLevels, fits
from engine.policy_language.coherence import Never
from engine.policy_language.coverage_text import ROLES
from engine.policy_language.vocabulary import Vocabulary
from engine.policy_language.written_effects import PolicySettings
from engine.rules import RuleSet, signed_floor
from engine.values import Disputed, Missing, SetOf, Value

DAYS = 512  # on which it is kept who covers which country
RARE = ("signed", "relies", "carried")  # given in few runs: code without them is shorter
PARAMETERS = ("given", "before", "local")

Touched: TypeAlias = Mapping[str, Mapping[str, Both]]
"""How surely each country is touched, by role; country "" is an unknown one."""


class Functions:
    """
    The functions of a program, written when they are first wanted. `plain`: for runs in which nothing is signed, relied on or carried.

    `given` are the slots that the coder codes, `before` those of the verdict that the code for countries reads.
    """

    def __init__(self, program: LaneProgram, places: Mapping[int, int], plain: bool, carrier: Carrier) -> None:
        nothing = {slot for name, slot in program.inputs.items() if plain and isinstance(name, tuple) and name[0] in RARE}
        self._program, self._function = program, carrier
        self._code, self._at = simpler(program.code, nothing)
        at, whole = self._at, program.whole
        given = {at[slot]: ("given", place) for slot, place in places.items() if slot not in nothing}
        local = {at[program.inputs[name]]: ("local", number) for name, number in program.local.items()}
        self.given = {slot: place for slot, place in given.items() if slot not in local}
        ends = (whole.overall, *whole.jurisdictions.values())
        self._last = [at[slot] for each in ends for slot in (*each.low, *each.high)]
        self._countries = {name: [at[slot] for slot in _slots_of(country)] for name, country in program.countries.items()}
        self._nowhere = [at[slot] for slot in program.nowhere.values()]
        # What the verdict works out in any case; the code for countries begins there.
        code, late = self._code, self._resting_on(set(local))
        first = {slot for slot in needed(code, self._last) if slot not in late}
        touching = [at[slot] for pair in program.touching for slot in pair]
        frontier = dict.fromkeys(touching)
        for wanted in (self._last, self._nowhere, *self._countries.values()):
            found = (slot for slot in needed(code, wanted, first) if slot in first and slot not in given)
            frontier.update(dict.fromkeys(slot for slot in found if slot not in (FALSE, TRUE)))
        self.touching = [(number, number + 1) for number in range(0, len(touching), 2)]
        self.before = carrier(code, [*touching, *frontier], self.given, PARAMETERS[:1])
        before = {slot: ("before", number + len(touching)) for number, slot in enumerate(frontier)}
        self._places = self.given | before | local
        self.last = carrier(code, self._last, self._places, PARAMETERS)
        self.nowhere = carrier(code, self._nowhere, self._places, PARAMETERS)
        self._of_country: dict[str, Function] = {}
        self._read: dict[str, Function] = {}

    def of_country(self, jurisdiction: str) -> Function:
        """The function for one country of a jurisdiction."""
        found = self._of_country.get(jurisdiction)
        if found is None:
            found = self._function(self._code, self._countries[jurisdiction], self._places, PARAMETERS)
            self._of_country[jurisdiction] = found
        return found

    def read(self, part: str) -> Function:
        """The function for what is read of a run beside its bounds."""
        found = self._read.get(part)
        if found is None:
            verdict, whole = self._program.verdict, self._program.whole
            match part:
                case "stands":
                    wanted = [slot for pair in verdict.stands for slot in pair]
                case "requirements":
                    wanted = [slot for each in verdict.requirements.values() for slot in each]
                case "owed":
                    wanted = [slot for pair in verdict.owed.values() for slot in pair]
                case "overdue":
                    wanted = [slot for pair in verdict.overdue.values() for slot in pair]
                case "defined":
                    wanted = [slot for pair in verdict.defined.values() for slot in pair]
                case "beneath":
                    wanted = [*whole.beneath.low, *whole.beneath.high]
                case "incoherent":
                    wanted = list(whole.incoherent.values())
                case "conflicts":
                    wanted = [slot for pair in whole.conflicts.values() for slot in pair]
                case _:
                    raise KeyError(part)
            found = self._read[part] = self._function(self._code, [self._at[slot] for slot in wanted], self._places, PARAMETERS)
        return found

    def _resting_on(self, given: set[int]) -> set[int]:
        """The slots that rest on some that are given."""
        found = set(given)
        for slot, (kind, one, other) in enumerate(self._code):
            if (kind in ("and", "or", "not") and one in found) or (kind in ("and", "or") and other in found):
                found.add(slot)
        return found


@dataclass(slots=True)
class _Silences:
    """What the code for countries found: where law is silent, what it settles, who signed for what, and what nothing covers."""

    silent: dict[tuple[str, str], Both] = field(default_factory=dict)
    settled: dict[tuple[str, str], LaneSet] = field(default_factory=dict)
    signed_for: dict[tuple[str, int], list[LaneSet]] = field(default_factory=dict)
    uncovered: dict[str, Raise] = field(default_factory=dict)

    def add(self, place: str, subject: str, must: LaneSet, may: LaneSet) -> None:
        if may:
            before = self.silent.get((place, subject), (0, 0))
            self.silent[place, subject] = before[0] | must, before[1] | may


class LaneRunner:
    """Runs the program of one bundle. `carrier` makes functions for its sets of lanes; integers, where nothing else is said."""

    def __init__(self, rules: RuleSet, vocabulary: Vocabulary, program: LaneProgram, carrier: Carrier = function) -> None:
        self.program = program
        self._carrier = carrier
        self.coder = Coder(rules, program)
        self._rules = rules
        self.vocabulary = vocabulary
        at = program.local
        self._roles = {
            of: [(role, at.get(("must", (of, role)), len(at)), at.get(("may", (of, role)), len(at))) for role in ROLES]
            for of in ("unknown", "other", "role")
        }
        self._touches = tuple((touch.fact, touch.as_) for touch in vocabulary.touches)
        self._covering: dict[date, Mapping[str, str]] = {}
        self._functions: dict[bool, Functions] = {}

    @classmethod
    def of(cls, rules: RuleSet, vocabulary: Vocabulary, coherence: Iterable[Never], settings: PolicySettings) -> LaneRunner:
        """The program of some checked rules, with the coverage, the coherence and the settings of their bundle."""
        return cls(rules, vocabulary, lower(rules, vocabulary, coherence, settings))

    def set_up(self) -> None:
        """Write now the functions for runs in which nothing is signed, relied on or carried: it takes a fraction of a second."""
        self._of(plain=True)
        self._worst.set_up()

    def decide(self, cases: Cases, public: str = "") -> LaneOutcomes:
        """The outcomes of some cases. `public` is the group of facts in whose place the recipient is the public."""
        every, given = cases.every, self.coder.code(cases)
        functions = self._of(not cases.named)
        before = functions.before(every, given)
        local = self._nothing_local()
        touched = self._touched(cases, [(before[must], before[may]) for must, may in functions.touching], public)
        silences = _Silences()
        self._silence(cases, functions, given, before, local, touched, silences)
        found = functions.last(every, given, before, local)
        return LaneOutcomes(
            cases.count,
            every,
            found,
            silences.uncovered,
            silences.silent,
            silences.settled,
            self.program,
            lambda part: functions.read(part)(every, given, before, local),
        )

    def coded(self, values: Mapping[str, Value], day: date, count: int) -> Cases:
        """So many lanes that all have the same values, coded once for what is changed in some of them."""
        cases = Cases(count, values, {}, {day: (1 << count) - 1})
        return replace(cases, coded=self.coder.code(cases))

    def worst(self, cases: Cases, public: str = "") -> WorstLevels:
        """The worst that may come in each lane: what `decide` finds, for whoever asks nothing else."""
        if not fits(cases):
            overall = self.decide(cases, public).overall
            return WorstLevels(Refused(*overall.high[REVIEW:]), overall.low[PERMITTED], lambda: overall.high[OWING])
        code, every, given = self._worst, cases.every, self.coder.code(cases)
        found = code.first(every, given)
        size = 2 * code.touching
        touching = list(zip(found[:size:2], found[1:size:2], strict=True))
        # The law that may apply in most lanes comes first: it refuses most of what others might refuse.
        applying = dict(zip(code.jurisdictions, found[size:], strict=True))
        order = sorted([name for name in code.order if applying[name]], key=lambda name: -applying[name].bit_count())
        review = unmet = prohibited = speaking = 0
        for name in order:
            if applying[name] & (every ^ prohibited):
                refused = code.high(name)(every, given)
                if refused[2] & (every ^ prohibited):
                    code.put_first(name)
                review, unmet, prohibited = review | refused[0], unmet | refused[1], prohibited | refused[2]
        if review != every:
            local = self._nothing_local()
            touched = self._touched(cases, touching, public)
            if "" in touched:
                self._fill(local, "unknown", touched[""])
            for jurisdiction, _ in self._in_turn(cases, local, touched):
                silent, accepted = code.country(jurisdiction)(every, given, local)
                review, speaking = review | silent, speaking | accepted
            if _together(touched.get("", {}).values())[1] & (every ^ review):
                for silent in code.nowhere(every, given, local):
                    review |= silent
        left = every ^ review
        for piece, names in ((code.speaks, order), (code.permits, code.everywhere)):
            for name in names:
                if not left & (every ^ speaking):
                    break
                speaking |= piece(name)(every, given)[0]

        @cache
        def owing() -> LaneSet:
            owed = 0
            for name in order:
                if left & (every ^ owed):
                    owed |= code.owing(name)(every, given)[0]
            return owed

        return WorstLevels(Refused(review, unmet, prohibited), speaking, owing)

    @cached_property
    def _worst(self) -> WorstCode:
        return WorstCode(self.program, self._rules, self.coder.place)

    def _of(self, plain: bool) -> Functions:
        found = self._functions.get(plain)
        if found is None:
            found = self._functions[plain] = Functions(self.program, self.coder.place, plain, self._carrier)
        return found

    def _touched(self, cases: Cases, touching: Iterable[Both], public: str) -> Touched:
        """How surely each country is touched in each role; `touching` says where each fact that names countries counts."""
        countries: dict[str, dict[str, Both]] = {}
        for (fact, role), (must, may) in zip(self._touches, touching, strict=True):
            if not may or (public and fact.startswith(f"{public}.")):
                continue  # of the public no country is named, and none is unknown
            for lanes, named in cases.by_class((fact,), cases.every, False, lambda values, _: tuple(_named(values[0]).items())):
                for country, certain in named:
                    if here := lanes & may:
                        roles = countries.setdefault(country, {})
                        low, high = roles.get(role, (0, 0))
                        roles[role] = (low | lanes & must if certain else low, high | here)
        return countries

    def _silence(
        self,
        cases: Cases,
        functions: Functions,
        given: Sequence[LaneSet],
        before: Sequence[LaneSet],
        local: list[LaneSet],
        touched: Touched,
        silences: _Silences,
    ) -> None:
        """Run the code of each country that is touched, and put together what it raises."""
        every, at = cases.every, self.program.local
        if "" in touched:
            self._fill(local, "unknown", touched[""])
            for subject, lanes in zip(self.program.nowhere, functions.nowhere(every, given, before, local), strict=True):
                local[at["nowhere",]] |= lanes
                silences.add("", subject, 0, lanes)
        for jurisdiction, country in self._in_turn(cases, local, touched):
            found = functions.of_country(jurisdiction)(every, given, before, local)
            self._gather(jurisdiction, country, at, found, local, silences)
            if not jurisdiction:
                silences.uncovered[country] = Raise(*found[: len(Raise._fields)])
        for (name, weighing), (mine, left) in silences.signed_for.items():
            _put(local, at, ("signed for", name, weighing), mine & (every ^ left))

    def _nothing_local(self) -> list[LaneSet]:
        """What is given of a country before anything is known of one. The last place is for what no code reads."""
        return [0] * (len(self.program.local) + 1)

    def _fill(self, local: list[LaneSet], of: str, roles: Mapping[str, Both]) -> None:
        """Give how surely some countries are touched, by role."""
        for role, must, may in self._roles[of]:
            local[must], local[may] = roles.get(role, (0, 0))

    def _in_turn(self, cases: Cases, local: list[LaneSet], touched: Touched) -> Iterator[tuple[str, str]]:
        """Each country that is touched, after the jurisdiction that covers it: what their code is given is in `local` then."""
        at, signed = self.program.local, any(kind == "signed" for kind, _ in cases.named)
        elsewhere = {role: _Several.of(each.get(role) for n, each in touched.items() if n) for role in ROLES}
        for country, roles in touched.items():
            if not country:
                continue
            self._fill(local, "other", {role: each.beside(roles.get(role, (0, 0))) for role, each in elsewhere.items()})
            anyhow = _together(roles.values())[1]
            for jurisdiction, lanes in self._jurisdictions(country, cases).items():
                self._fill(local, "role", {role: (must & lanes, may & lanes) for role, (must, may) in roles.items()})
                for subject in self.vocabulary.subjects if signed or self.vocabulary.accepts else ():
                    for kind in ("gap", "reach"):
                        here = cases.named.get(("signed", f"{kind}/{country}/{subject}"), 0)
                        _put(local, at, ("signed here", kind, subject), here)
                    _put(local, at, ("accepted here", subject), self._accepted(country, subject, cases))
                if ("touched", jurisdiction) in at:
                    local[at["touched", jurisdiction]] |= lanes & anyhow
                yield jurisdiction, country

    def _gather(
        self,
        jurisdiction: str,
        country: str,
        at: Mapping[object, int],
        found: Sequence[LaneSet],
        local: list[LaneSet],
        silences: _Silences,
    ) -> None:
        """Add what one country raises its place to, and for which subject matters a person has signed there."""
        numbers = iter(found)
        for weighing in range(len(WEIGHINGS)):
            for name in Raise._fields:
                lanes = next(numbers)
                place = at.get(("raised", jurisdiction, weighing, name))
                if place is not None:
                    local[place] |= lanes
        code = self.program.countries[jurisdiction]
        for subject in code.signed:
            for weighing in range(len(WEIGHINGS)):
                mine, left = next(numbers), next(numbers)
                if mine | left:
                    entry = silences.signed_for.setdefault((signed_floor(jurisdiction, subject), weighing), [0, 0])
                    entry[0] |= mine
                    entry[1] |= left
        for subject in code.silent:
            silences.add(jurisdiction or country, subject, next(numbers), next(numbers))
        for subject in code.settled:
            if lanes := next(numbers):
                key = jurisdiction, subject
                silences.settled[key] = silences.settled.get(key, 0) | lanes

    def _jurisdictions(self, country: str, cases: Cases) -> dict[str, LaneSet]:
        """The jurisdictions that cover a country, "" for none, each with the lanes on whose day it does."""
        found: dict[str, LaneSet] = {}
        for day, lanes in cases.days.items():
            name = self._on(day).get(country, "")
            found[name] = found.get(name, 0) | lanes
        return found

    def _on(self, day: date) -> Mapping[str, str]:
        """The jurisdiction that covers each country on a day."""
        found = self._covering.get(day)
        if found is None:
            covering: dict[str, str] = {}
            for name, text in self.vocabulary.jurisdictions.items():
                for country in self.vocabulary.countries(text, day):
                    covering.setdefault(country, name)
            if len(self._covering) >= DAYS:
                self._covering.clear()
            # On most days it is as on another: they share one.
            found = self._covering[day] = next((each for each in self._covering.values() if each == covering), covering)
        return found

    def _accepted(self, country: str, subject: str, cases: Cases) -> LaneSet:
        """The lanes on whose day an organisation accepts a subject matter of a country."""
        mine = [each for each in self.vocabulary.accepts if country in each.countries and subject in each.subjects]
        found = 0
        for day, lanes in cases.days.items() if mine else ():
            if any(each.on(day) for each in mine):
                found |= lanes
        return found


def _named(value: Value) -> dict[str, bool]:
    """The countries that a fact names, each with whether it certainly does; country "" is an unknown one."""
    match value:
        case Disputed(stated=stated, registered=registered):
            one, other = _named(stated), _named(registered)
            return {country: bool(one.get(country) and other.get(country)) for country in one | other}
        case str():
            return {value: True}
        case SetOf(members=members, open=open_):
            return dict.fromkeys(members, True) | ({"": False} if open_ else {})
        case Missing():
            return {"": False}
    return {}


def _put(local: list[LaneSet], at: Mapping[object, int], name: object, lanes: LaneSet) -> None:
    place = at.get(name)
    if place is not None:
        local[place] = lanes


class _Several(NamedTuple):
    """The lanes that one or more countries touch, and those that two or more do: certainly, and possibly."""

    once: Both
    twice: Both

    @classmethod
    def of(cls, every: Iterable[Both | None]) -> _Several:
        once, twice = [0, 0], [0, 0]
        for each in every:
            for at, lanes in enumerate(each or ()):
                twice[at] |= once[at] & lanes
                once[at] |= lanes
        return cls((once[0], once[1]), (twice[0], twice[1]))

    def beside(self, mine: Both) -> Both:
        """The lanes that another country touches than that of some."""
        must, may = (two | (one ^ (one & own)) for one, two, own in zip(self.once, self.twice, mine, strict=True))
        return must, may


def _together(every: Iterable[Both | None]) -> Both:
    must = may = 0
    for each in every:
        if each is not None:
            must |= each[0]
            may |= each[1]
    return must, may


def _slots_of(country: Country) -> list[int]:
    """The slots that the code for a country works out, in the order in which they are read."""
    found = [slot for each in country.raises for slot in each]
    for subject, signed in country.signed.items():
        for mine, left in zip(signed, country.left[subject], strict=True):
            found += (mine, left)
    found += [slot for pair in country.silent.values() for slot in pair]
    return [*found, *country.settled.values()]
