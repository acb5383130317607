"""
Writes the answer of a case: the sentence, the outcome by law, what is unmet, owed and asked, all within four kilobytes.

Every list is put in order, the strictest first. The lists then take turns: each gets its first item before any gets its second, as long
as there is room. So nothing that is sent can make an answer long, and no list crowds out another. In the room that is left then, a permit
names the other statements that it rests on. What an exchange that may not go ahead does not turn on is told by its first item and counted.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from json.encoder import encode_basestring as quote
from typing import TYPE_CHECKING, Any, NamedTuple

from engine.answer import MOST_BYTES, SCHEMA
from engine.deciding.coverage import Gap
from engine.deciding.rests_on import Statement
from engine.decision import CarriedPart, ConflictPart, DisputedPart, EnginePart, QuestionPart
from engine.explaining.answer_room import MOST, bytes_in, bytes_of_names, fit_items, number_fitting, shorten, taking_turns
from engine.explaining.case import Case
from engine.explaining.coverage_parts import WHY
from engine.explaining.encoding import encode
from engine.explaining.owed_duties import DutyLine
from engine.explaining.sentence import is_unmet, items, reviews, unmet_needs
from engine.rules import Rule
from engine.values.outcome_levels import Bounds, Level, outcome_word
from engine.verdict import numbers
from engine.version import SEMANTICS

if TYPE_CHECKING:
    from engine.explaining.explanation import DecisionWriter

OPTIONAL = frozenset(
    {"rests_on", "disputed", "signed_off", "carried", "must_be_shown", "besides", "stands_on", "items"}
)  # left out where there is nothing to say
ORDINARY = "ordinary_facts"  # in `more`, the ordinary facts, which `rests_on` leaves out
ALSO = "also_rests_on"  # the names of all statements that `rests_on` leaves out, as long as there is room
CARRIED = {"provision", "state", "condition"}
MAX_INSTRUMENTS = 3  # of a jurisdiction
MAX_OPEN = 200  # bytes that the instruments of a jurisdiction take, beyond the first, where its outcome is open
MAX_VALUES = 12  # of a question
MAX_QUESTION = 560  # bytes that a question takes, if it can be shortened
MAX_HOW = 240  # bytes that a way of meeting a requirement may take
MAX_DISAGREEMENT = 120  # characters of a place where engines disagree
SPARE = 160  # bytes that stay free, for members to come
MOST_WAYS = 3  # to the first requirement that is unmet; to each other one there is one way
ROOM_FOR_MORE = 32 + 20 * (len(MOST) + 2)  # bytes for what `more` counts, and for the name of a list


class ShownStatements(NamedTuple):
    """
    What an answer tells of the statements on which a permit rests.

    Of `whole` it gives everything, of `also` the names; `further` counts the rest, as its `more` does.
    """

    whole: tuple[Statement, ...]
    also: tuple[str, ...]
    further: Mapping[str, int]


class AnswerWriter:
    """Writes the answers of one bundle in one language; what it has in common with the explanation, the teller writes."""

    def __init__(self, teller: DecisionWriter, agreed: EnginePart) -> None:
        self.teller = teller
        self.book = teller.book
        self.bundle = teller.bundle
        digests = teller.bundle.digests
        self._bundle = encode({"meaning": digests.meaning, "source": digests.source})
        self._agreed = _engine(agreed)
        self._wanted: dict[str, dict[str, Any]] = {}
        self._listed = bytes_of_names(MOST)

    def members(
        self,
        case: Case,
        said: str,
        duties: Sequence[DutyLine],
        conflicts: Sequence[ConflictPart],
        carried: Sequence[CarriedPart],
        disputed: Sequence[DisputedPart],
    ) -> tuple[dict[str, str], ShownStatements]:
        """The members of the answer, as canonical JSON, in their order, and what they tell of a permit; `said` is the sentence."""
        judgement, outcome, elsewhere = case.judgement, case.outcome, case.elsewhere
        engine = judgement.engine
        fixed = {
            "schema": f'"{SCHEMA}"',
            "id": quote(case.id),
            "proceed": "true" if outcome.permits and not case.hypothetical else "false",
            "answer": quote(said),
            "outcome": f'"{outcome.word}"',
            "bounds": _bounds(outcome.bounds),
            **({"beneath": _bounds(judgement.beneath)} if judgement.beneath != outcome.bounds else {}),
            **({"besides_possible": self.possibly(case)} if case.besides else {}),
            **self.elsewhere(case),
            "as_of": f'"{case.as_of.isoformat()}"',
            "hypothetical": "true" if case.hypothetical else "false",
            "bundle": self._bundle,
            "engine": self._agreed if engine.agreed else _engine(engine),
            "verdict": f'"{self.teller.verdicts.digest(judgement)}"',
        }
        whole = case.rests_on if outcome.permits else ()
        rests_on = tuple(each for each in whole if not each.ordinary)
        unmet, gaps = list(self.unmet(case)), list(self.gaps(case))
        listed: dict[str, tuple[int, Iterable[str]]] = {  # of each list how many items it has, and their texts
            "questions": (len(case.asked), map(self.asked, case.asked)),
            "unmet": (len(unmet), (encode(each) for _, each in unmet)),
            "besides": _counted(self.besides(case)),
            "jurisdictions": (len(judgement.concerned), self.jurisdictions(case)),
            "disputed": (len(disputed), (encode(part.model_dump(mode="json")) for part in disputed)),
            "signed_off": (len(judgement.signed_off), (encode(part.model_dump(mode="json")) for part in judgement.signed_off)),
            "owed": (
                len(duties),
                (duty.short for duty in sorted(duties, key=lambda duty: (duty.place in elsewhere, duty.order))),
            ),
            "carried": (len(carried), map(_carried, sorted(carried, key=_gravity))),
            "conflicts": (len(conflicts), (quote(part.text) for part in conflicts)),
            "rests_on": (len(rests_on), map(self.teller.statement, rests_on)),
            "stands_on": _counted(self.settled(case)),
            "gaps": (len(gaps), map(encode, gaps)),
            "must_be_shown": (len(case.exchange.only_stated), map(quote, case.exchange.only_stated)),
            "lanes": _counted(self.lanes(case)),
            "items": _counted(map(quote, items(case, self.book))),
        }
        most = MOST | _fewer(outcome.bounds, gaps, duties)
        first = {name: list(islice(texts, most[name])) for name, (_, texts) in listed.items()}
        room = MOST_BYTES - SPARE - _size(fixed)
        shown = fit_items(first, room)
        names = [quote(each.fact) for each in whole]
        if names:  # what a permit rests on is named before other lists get their last items
            wanted = bytes_in(names[len(shown["rests_on"]) :]) + self._listed + ROOM_FOR_MORE
            shorten(shown, wanted + sum(map(bytes_in, shown.values())) - room)
        if shown["unmet"]:
            shown = self._with_ways(case, unmet[: len(shown["unmet"])], first, shown, room - self._listed)
        more = {name: left for name, (count, _) in listed.items() if (left := count - len(shown[name]))}
        if case.further:
            more["questions"] = more.get("questions", 0) + case.further
        if len(whole) > len(rests_on):
            more[ORDINARY] = len(whole) - len(rests_on)
        lists = {
            name: f"[{','.join(shown[name])}]"
            for name in first
            if shown[name] or name not in OPTIONAL or (name == "rests_on" and outcome.permits)
        }
        given = len(shown["rests_on"])
        others = names[given:]  # the ordinary ones are the last
        named = number_fitting(others, room - _size(lists) - ROOM_FOR_MORE) if others else 0
        if named:
            lists[ALSO] = f"[{','.join(others[:named])}]"
        if left := len(others) - named:
            more[ALSO] = left
        counted = ",".join([f'"{name}":{left}' for name, left in sorted(more.items())])
        members = {**fixed, **lists, "more": f"{{{counted}}}"}
        also = tuple(each.fact for each in whole[given : given + named])
        told = ShownStatements(whole[:given], also, {name: more[name] for name in ("rests_on", ORDINARY, ALSO) if name in more})
        return {name: members[name] for name in ORDER if name in members}, told

    def asked(self, part: QuestionPart) -> str:
        """A question with the titles of its choices, as many as there is room for."""
        type = self.bundle.vocabulary.type_of(part.fact)
        told = {"fact": part.fact, "question": part.question, "type": part.type, **_told(narrows=part.narrows, none=part.none)}
        titled = [{"title": self.book.value(type, value) if type else value, "value": value} for value in part.values]
        values: list[dict[str, str]] = []
        room = MAX_QUESTION - len(encode(told).encode())
        for each in titled[:MAX_VALUES]:
            room -= len(encode(each).encode()) + 1
            if room < 0:
                break
            values.append(each)
        return encode(told | _told(more=len(titled) - len(values), values=values))

    def unmet(self, case: Case) -> Iterator[tuple[list[Rule], dict[str, Any]]]:
        """
        What is required and not shown, by alternative, with the rules that ask for it; what certainly is not comes first.

        Where a prohibition stands that nothing lifts there is nothing to do.
        """
        if case.closed:
            return
        found: dict[tuple[tuple[str, ...], ...], list[Rule]] = {}
        wanted = list(unmet_needs(case))
        alone = {way[0] for _, ways in wanted if len(ways) == 1 for way in ways if len(way) == 1}
        for rule, ways in sorted(wanted, key=lambda each: not (each[0].need and is_unmet(case, each[0].need))):
            if len(ways) > 1 and any(alone.issuperset(way) for way in ways):
                continue  # another rule requires one of the alternatives anyway
            found.setdefault(ways, []).append(rule)
        for ways, under in found.items():
            ids = list(dict.fromkeys(rule.provision.id for rule in under))
            yield under, {"under": ids, "ways": [[{**self.way(name)} for name in way] for way in ways]}

    def _with_ways(
        self,
        case: Case,
        unmet: Sequence[tuple[list[Rule], dict[str, Any]]],
        items: Mapping[str, Sequence[str]],
        shown: dict[str, list[str]],
        room: int,
    ) -> dict[str, list[str]]:
        """
        The lists with the ways by which what is unmet can be met: each requirement its first, then the first two more.

        The other lists make room for the first ways, with up to a third of what they have. `more` counts the ways that are left out.
        """
        wanted = [(under, part) for under, told in unmet for way in told["ways"] for part in way]
        found = [case.ways(part["requirement"], under, 1 if at else MOST_WAYS) for at, (under, part) in enumerate(wanted)]
        room -= len(',"by":[],"more":00') * len(wanted) + bytes_in(shown["unmet"]) + bytes_in(shown["questions"])
        firsts = sum(lines[0].size for lines, _ in found if lines)
        others = {name: texts for name, texts in shown.items() if name not in ("unmet", "questions")}
        size = sum(map(bytes_in, others.values()))
        if firsts > room - size:
            others = taking_turns({name: items[name] for name in others}, max(room - firsts, size * 2 // 3))
            size = sum(map(bytes_in, others.values()))
        room -= size
        for at, turn in [*((at, 0) for at in range(len(wanted))), *((0, turn) for turn in range(1, MOST_WAYS))]:
            lines, _ = found[at]
            if turn < len(lines) and lines[turn].size < room:
                wanted[at][1].setdefault("by", []).append(lines[turn].told)
                room -= lines[turn].size
                if not lines[turn].told.get("doubtful") and "how" in wanted[at][1]:  # the way says it
                    room += len(encode({"how": wanted[at][1].pop("how")}).encode()) - 1
        for (_, count), (_, part) in zip(found, wanted, strict=True):
            part.update(_told(more=count - len(part.get("by", ()))))
        return {**shown, **others, "unmet": [encode(told) for _, told in unmet]}

    def besides(self, case: Case) -> Iterator[str]:
        """What a person must look at beside what the outcome says; silent law is among the gaps."""
        if case.outcome.bounds.low > Level.REVIEW:
            closed = case.outcome.bounds.low is Level.PROHIBITED  # then no signature helps
            for name, said in dict.fromkeys(reviews(case, self.book)):
                yield encode({"says": said, **_told(sign_off="" if closed else name)})

    def elsewhere(self, case: Case) -> dict[str, str]:
        """How much law only facts that are not given could bring in, in a line with its question."""
        part = self.teller.elsewhere(case)
        if part is None:
            return {}
        fact = {"fact": part.fact} if part.fact else {}
        return {"elsewhere": encode({"count": len(part.places), **fact, "says": part.says})}

    def possibly(self, case: Case) -> str:
        """How many reviews may stand beside a stricter outcome, and one question."""
        asked = {"fact": case.doubting.fact, "question": case.doubting.question} if case.doubting else {}
        return encode({"count": len(case.besides), **asked})

    def way(self, name: str) -> Mapping[str, Any]:
        """A requirement, with how to meet it where this is short."""
        if name not in self._wanted:
            requirement = self.bundle.rules.requirements[name]
            how = self.book.text(requirement.how)
            told = {"requirement": name, "title": self.book.text(requirement.title)}
            self._wanted[name] = {**told, "how": how} if how and len(how.encode()) <= MAX_HOW else told
        return self._wanted[name]

    def jurisdictions(self, case: Case) -> Iterator[str]:
        """Of the jurisdictions concerned the strictest, and the instruments that weigh in each, the strictest first."""
        bounds_of = case.outcome.jurisdictions
        strictest = sorted(case.judgement.concerned, key=lambda name: (-bounds_of[name].high, -bounds_of[name].low))
        shown = {name: bounds_of[name] for name in strictest[: MOST["jurisdictions"]]}
        weighing = self.teller.weighing(case, shown)
        for name, bounds in shown.items():
            own = weighing.get(name, [])
            # Where the bounds are not apart, the outcome says all.
            apart = f'"bounds":{_bounds(bounds)},' if bounds.low is not bounds.high else ""
            told = [self._instrument(*each) for each in own[:MAX_INSTRUMENTS]]
            while bounds.low is not bounds.high and len(told) > 1 and len("".join(told).encode()) > MAX_OPEN:
                told.pop()
            more = f'"more":{len(own) - len(told)},' if len(own) > len(told) else ""
            yield (
                f'{{{apart}"instruments":[{",".join(told)}],'
                f'"jurisdiction":{quote(name)},{more}"outcome":"{outcome_word(bounds)}","title":{quote(self.book.place(name))}}}'
            )

    def _instrument(self, bounds: Bounds, policy: str) -> str:
        return f'{{"instrument":"{policy}","outcome":"{outcome_word(bounds)}","title":{self.teller.instrument_titles[policy]}}}'

    def gaps(self, case: Case) -> Collection[dict[str, Any]]:
        """The law that does not speak, what may raise the outcome first."""
        covered = case.outcome.coverage
        found: list[dict[str, Any]] = [self._gap(gap) for gap in covered.gaps]
        found += [
            {
                "place": each.country or "unknown",
                "subject": each.subject,
                "why": "reach",
                "reviewed": True,
                **_signed(each.names),
            }
            for each in covered.reaches
        ]
        found += [_left(each.country, each.subject, "accepted") for each in covered.accepted]
        found += [
            _left(each.jurisdiction or each.policy, "all", "switched_off") for each in self.bundle.vocabulary.switched_off
        ]
        found += [_left(each.jurisdiction, each.subject, "not_reached") for each in covered.not_reached]
        told: dict[tuple[str, str], dict[str, Any]] = {}
        for each in sorted(found, key=lambda each: (not each["reviewed"], each["place"] == "unknown")):
            told.setdefault((each["place"], each["subject"]), each)
        return told.values()

    def _gap(self, gap: Gap) -> dict[str, Any]:
        """A gap in short: of which law, why, and under which name it may be signed off."""
        cell = self.book.cell(gap.jurisdiction, gap.subject)
        law = self.book.text(cell.unread) if cell and cell.unread else ""
        told = _told(law=law if gap.reviewed else "")
        names = gap.names if gap.reviewed else ()
        return {
            "place": gap.country or "unknown",
            "subject": gap.subject or "all",
            "why": WHY[gap.kind],
            "reviewed": gap.reviewed,
            **told,
            **_signed(names),
        }

    def settled(self, case: Case) -> Iterator[str]:
        """What a permit stands on, where it is not policies that speak: what stands under a wider subject matter, and what is free."""
        for place, subject in case.outcome.coverage.stands_on if case.outcome.permits else ():
            cell = self.book.cell(place, subject)
            if cell is not None and cell.kind in ("under", "free"):
                told = {"place": place, "subject": subject, "status": str(cell.status)}
                yield encode({**told, **_told(under=list(cell.wider))})

    def lanes(self, case: Case) -> Iterator[str]:
        """The lanes that are open."""
        rules = (case.verdict.rules[number] for number in numbers(case.verdict.stands.certain & self.teller.laned))
        for lane in dict.fromkeys(rule.lane for rule in rules):
            yield encode({"lane": lane, "title": self.book.text(self.bundle.vocabulary.lanes[lane].title)})


# The order of the members of an answer.
ORDER = (
    "schema", "id", "proceed", "answer", "items", "outcome", "bounds", "beneath", "as_of", "hypothetical", "jurisdictions", "elsewhere",
    "unmet", "besides", "besides_possible", "owed", "questions", "rests_on", ALSO, "stands_on", "conflicts", "gaps", "lanes", "carried",
    "disputed", "signed_off", "must_be_shown", "more", "bundle", "engine", "verdict",
)  # fmt: skip


def _fewer(bounds: Bounds, gaps: Iterable[Mapping[str, Any]], duties: Iterable[DutyLine]) -> dict[str, int]:
    """How many items lists have where an exchange may not go ahead: one of what it does not turn on, the rest is counted."""
    found = {}
    if bounds.high.refused:
        found["gaps"] = min(MOST["gaps"], max(1, sum(each["reviewed"] for each in gaps)))
    if bounds.high > Level.REVIEW:
        found["owed"] = min(MOST["owed"], max(1, sum(duty.part.arises == "refusal" for duty in duties)))
    return found


def _engine(engine: EnginePart) -> str:
    """The engines that decided, as JSON."""
    return encode(
        {
            "agreed": engine.agreed,
            **_told(disagreement=[text[:MAX_DISAGREEMENT] for text in engine.disagreement[:3]]),
            "mode": engine.mode,
            "semantics": SEMANTICS,
            "version": engine.version,
        }
    )


def _bounds(bounds: Bounds) -> str:
    return f'{{"highest":"{bounds.high.word}","lowest":"{bounds.low.word}"}}'


def _told(**members: Any) -> dict[str, Any]:
    """The members that have something to say."""
    return {name: value for name, value in members.items() if value}


def _signed(names: Sequence[str]) -> dict[str, str]:
    """Under which name something may be signed off: the first, where there are several."""
    return {"sign_off": names[0]} if names else {}


def _left(place: str, subject: str, why: str) -> dict[str, Any]:
    return {"place": place, "subject": subject, "why": why, "reviewed": False}


def _counted(texts: Iterable[str]) -> tuple[int, Iterable[str]]:
    """How many texts there are, and the texts."""
    found = list(texts)
    return len(found), found


def _carried(part: CarriedPart) -> str:
    return encode(part.model_dump(mode="json", include=CARRIED))


def _gravity(part: CarriedPart) -> int:
    """What is violated first, then what is not known, what must be observed, and what is met."""
    return ("violated", "unknown", "observe", "met").index(part.state)


def _size(members: Mapping[str, str]) -> int:
    return sum(len(name) + len(text.encode()) + 4 for name, text in members.items())
