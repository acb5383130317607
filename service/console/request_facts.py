"""
The facts of a recorded request, as a page shows them.

The input is the request of a record. The output is one line a fact, in the groups and the order of the vocabulary, and the exchange in
four lines: who sends, to whom, what, and for what. Values that were erased are said to be.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import engine
from service.console.list_limits import short
from service.console.reader import PageReader, Part, capital
from service.languages.words import text_for

LONGEST = 300  # characters of a value; the record has it whole

# The facts that say in short what is exchanged: alone where a value says enough, with the title of the fact where it does not.
IN_SHORT: Mapping[str, Sequence[tuple[str, bool]]] = {
    "from": (("exporter.id", False), ("exporter.kind", False), ("exporter.country", False)),
    "to_whom": (("recipient", False), ("recipient.id", False), ("recipient.kind", False), ("recipient.country", False)),
    "what": (("data.kind", False), ("data.categories", False), ("data.personal", True), ("data.people", True)),
    "for_what": (("purpose.is", False), ("purpose.end_use", True)),
}

# The first words of facts, in the order in which a page shows the groups. Other groups come last.
GROUPS = (
    "exporter",
    "recipient",
    "data",
    "purpose",
    "act",
    "safeguards",
    "terms",
    "rights",
    "evidence",
    "claims",
    "counts",
)


@dataclass(frozen=True)
class FactShown:
    """A line of the facts as sent, or as the register states them. `value` is short enough for a page, `whole` is all of it."""

    name: str
    title: str
    value: str
    personal: bool = False
    erased: bool = False
    registered: bool = False
    whole: str = ""

    @property
    def group(self) -> str:
        return self.name.partition(".")[0]


def facts_of(record: Part, log: Part, reader: PageReader) -> list[FactShown]:
    """The facts of a record in their groups. In each group those that say in short what is exchanged come first."""
    first = order(name for names in IN_SHORT.values() for name, _ in names)
    place = _places(reader)
    return _by_group(sorted(_facts(record, log, reader), key=lambda fact: (first(fact.name), place(fact.name))))


def in_turn(facts: Sequence[FactShown]) -> list[FactShown]:
    """The same facts, the first of each group before the second of any, so that a beginning has something of each group."""
    taken: Counter[str] = Counter()
    turns: list[int] = []
    for fact in facts:
        turns.append(taken[fact.group])
        taken[fact.group] += 1
    return [fact for _, fact in sorted(zip(turns, facts, strict=True), key=lambda each: each[0])]


def grouped(facts: Iterable[FactShown], reader: PageReader) -> list[tuple[str, list[FactShown]]]:
    """The facts by group, each with its title."""
    return [(reader.group(name), list(each)) for name, each in groupby(_by_group(facts), key=lambda fact: fact.group)]


def _by_group(facts: Iterable[FactShown]) -> list[FactShown]:
    """The facts with those of one group together, in the order of GROUPS; other groups come last, in their own order."""
    found = list(facts)
    others = dict.fromkeys(fact.group for fact in found)
    place = order([*GROUPS, *(name for name in others if name not in GROUPS)])
    return sorted(found, key=lambda fact: place(fact.group))


def in_short(facts: Iterable[FactShown], reader: PageReader) -> list[tuple[str, list[str]]]:
    """Who sends, to whom, what, and for what: the title of each line, and what was stated of it."""
    stated: dict[str, FactShown] = {}
    for fact in facts:
        stated.setdefault(fact.name, fact)
    return [
        (
            text_for(reader.words.pages, line),
            [_in_short(stated[name], titled, reader) for name, titled in names if name in stated],
        )
        for line, names in IN_SHORT.items()
    ]


def _in_short(fact: FactShown, titled: bool, reader: PageReader) -> str:
    """A value with a capital first letter, after the title of its fact if it needs one. An identifier stays as it is."""
    if fact.personal or fact.name.endswith(".id"):
        return fact.value
    return capital(reader.language.pair(fact.title, fact.value) if titled else fact.value)


def order(known: Iterable[str]) -> Callable[[str], int]:
    """The place of a name among the known names. Other names come last, in their own order."""
    places = {name: place for place, name in enumerate(known)}
    return lambda name: places.get(name, len(places))


def _places(reader: PageReader) -> Callable[[str], int]:
    """The place of a fact in the vocabulary. A family has the place of its first member."""
    return order(dict.fromkeys(entry.family or name for name, entry in reader.bundle.facts.items()))


def _facts(record: Part, log: Part, reader: PageReader) -> Iterator[FactShown]:
    """The facts of the request, one per line, and those of the register. A document is one line."""
    request = record.get("request") or {}
    yield from _lines(
        {name: value for name, value in request.items() if name not in (engine.REGISTER, engine.BOOKS)}, "", log, reader
    )
    for name, entity in (request.get(engine.REGISTER) or {}).items():
        for line in _lines(entity.get("states") or {}, f"/{engine.REGISTER}/{_step(name)}/states", log, reader):
            yield replace(line, registered=True)


def _lines(document: Part, under: str, log: Part, reader: PageReader) -> Iterator[FactShown]:
    """The facts of a document at a place of the request."""
    personal = {
        each["pointer"].removeprefix(under): each.get("salt") is None
        for each in log.get("personal") or ()
        if each["pointer"].startswith(f"{under}/")
    }
    for pointer, value in _leaves(document, ""):
        covering = [each for each in personal if (pointer + "/").startswith(each + "/")]
        inside = [each for each in personal if each.startswith(pointer + "/")]
        name = pointer[1:].replace("/", ".").replace("~1", "/").replace("~0", "~")
        erased = any(personal[each] for each in covering)
        if erased:
            told = reader.words.pages["erased"]
        elif covering:
            told = reader.language.as_sent(value)
        else:
            told = reader.told(name, _without_commitments(value, reader) if inside else value)
        yield FactShown(name, reader.title(name), short(told, LONGEST), bool(covering or inside), erased, whole=told)


def _leaves(value: Any, at: str) -> Iterator[tuple[str, Any]]:
    """Each value of a request with its pointer. Documents, families and ranges two steps down are one value each."""
    match value:
        case {"commitment": str()} if len(value) == 1:
            yield at, value
        case {"at_least": _} | {"at_most": _}:
            yield at, value
        case {**members} if members and at.count("/") < 2:
            for key, inner in members.items():
                yield from _leaves(inner, f"{at}/{_step(str(key))}")
        case _ if at:
            yield at, value


def _step(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _without_commitments(value: Any, reader: PageReader) -> Any:
    match value:
        case {"commitment": str()} if len(value) == 1:
            return reader.words.pages["erased"]
        case {**members}:
            return {name: _without_commitments(inner, reader) for name, inner in members.items()}
        case [*values]:
            return [_without_commitments(inner, reader) for inner in values]
    return value
