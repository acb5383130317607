"""
Two decisions compared: the differences in their facts, provisions, requirements and outcomes by jurisdiction.

Two records go in, or a record and what is decided of it again. A value that was erased is never said to be the same as another.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from service.console.explained_decision import explained
from service.console.pages import rendered
from service.console.reader import PageReader, Part, capital
from service.console.request_facts import FactShown, facts_of, grouped, in_short
from service.decisions.replay import CannotReplay, Replayer
from service.log.record_views import record_json
from service.log.store import Stored

ROWS = 60  # of each list


@dataclass(frozen=True)
class DecisionSide:
    """One of two decisions: its record, its decision with the explanation, and its facts. `cannot` says why it is not explained."""

    record: Part
    decision: Part
    facts: Sequence[FactShown] = ()
    cannot: str = ""
    title: str = ""
    recorded: bool = True


@dataclass(frozen=True)
class Difference:
    """A line of what differs: its title, its name, and what each side has; None where a side has nothing."""

    title: str
    name: str
    first: Any
    second: Any


@dataclass(frozen=True)
class Differences:
    """The lines of one kind that differ, how many more there are, and how many things are the same."""

    lines: Sequence[Difference]
    more: int
    same: int

    @classmethod
    def of(
        cls, first: Mapping[str, Any], second: Mapping[str, Any], line: Callable[[str, Any, Any], Difference]
    ) -> "Differences":
        """What differs between the values of two mappings."""
        names = list(dict.fromkeys([*first, *second]))
        apart = [name for name in names if name not in first or name not in second or first[name] != second[name]]
        lines = [line(name, first.get(name), second.get(name)) for name in apart[:ROWS]]
        return cls(lines, max(0, len(apart) - ROWS), len(names) - len(apart))


def side_of(stored: Stored, replaying: Replayer, reader: PageReader) -> DecisionSide:
    """A recorded decision as one of two sides. Raises RequestRefused."""
    shown = record_json(stored)
    record: Part = shown["record"]
    facts = facts_of(record, shown["log"], reader)
    try:
        return DecisionSide(record, explained(dict(record), stored, replaying, reader.lang), facts)
    except CannotReplay as why:
        return DecisionSide(record, record.get("decision") or {}, facts, str(why))


def comparison_page(first: DecisionSide, second: DecisionSide, reader: PageReader) -> str:
    """The page of two recorded decisions."""
    ids = [each.record["id"] for each in (first, second)]
    return rendered(
        "beside.html",
        reader,
        "/log/beside",
        filters={"decision": ids},
        title=reader.words.pages["beside_title"],
        **differences(first, second, reader),
    )


def differences(first: DecisionSide, second: DecisionSide, reader: PageReader) -> dict[str, Any]:
    """What the page of two sides shows, for its template."""
    sides = (first, second)
    facts = [{each.name: each for each in side.facts} for side in sides]
    order = [
        name for _, lines in grouped([*facts[0].values(), *facts[1].values()], reader) for name in (each.name for each in lines)
    ]
    values = [{name: _Value(mine[name]) for name in dict.fromkeys(order) if name in mine} for mine in facts]
    reasons = [_by(side.decision.get("reasons"), lambda part: f"{part['provision']} {part.get('effect')}") for side in sides]
    needs = [_by(side.decision.get("requirements"), lambda part: str(part["requirement"])) for side in sides]
    places = [_by(side.decision.get("jurisdictions"), lambda part: str(part["jurisdiction"])) for side in sides]
    explained = not (first.cannot or second.cannot)

    def of_part(parts: Sequence[Mapping[str, Part]], key: Callable[[Part], Any], title: Callable[[Part], str]) -> Differences:
        def line(name: str, one: Any, other: Any) -> Difference:
            part = parts[0].get(name) or parts[1][name]
            return Difference(title(part), str(part.get("provision") or part.get("requirement") or ""), one, other)

        one, other = ({name: key(part) for name, part in each.items()} for each in parts)
        return Differences.of(one, other, line)

    return {
        "sides": sides,
        "parties": [in_short(side.facts, reader) if side.facts else [] for side in sides],
        "facts": Differences.of(values[0], values[1], lambda name, one, other: _fact(one, other)),
        "reasons": of_part(reasons, lambda part: (part.get("effect"), part.get("standing")), lambda part: _titled(part, reader))
        if explained
        else None,
        "requirements": of_part(
            needs, lambda part: part.get("state"), lambda part: capital(str(part.get("title") or part["requirement"]))
        )
        if explained
        else None,
        "places": of_part(places, lambda part: part.get("outcome"), lambda part: _place(part, reader)),
        "cannot": first.cannot or second.cannot,
    }


class _Value:
    """A value of a fact. One that was erased equals none, not even itself."""

    def __init__(self, fact: FactShown) -> None:
        self.fact = fact

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Value) or self.fact.erased or other.fact.erased:
            return False
        return self.fact.whole == other.fact.whole

    __hash__ = None  # type: ignore[assignment] # equal values are not looked up


def _fact(one: _Value | None, other: _Value | None) -> Difference:
    found = one or other
    assert found is not None
    shown = [None if each is None else each.fact for each in (one, other)]
    return Difference(capital(found.fact.title), found.fact.name, *shown)


def _by(parts: Any, name: Callable[[Part], str]) -> dict[str, Part]:
    listed: Iterable[Part] = parts or ()
    return {name(part): part for part in listed}


def _place(part: Part, reader: PageReader) -> str:
    return str(part.get("title") or reader.place(part["jurisdiction"]))


def _titled(part: Part, reader: PageReader) -> str:
    title, source = str(part.get("title") or part["provision"]), reader.source(part)
    return f"{title} ({source})" if source else title
