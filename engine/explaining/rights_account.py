"""
The rights of the data factor account: what the exporter has by the book, what the recipient would have, and what stands in the way.

An exchange that a book was opened for goes in; lines come out, each with the commitments behind it. Where no book was opened there is
nothing to tell: what is stated of rights stands among what is stated.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from engine.books.filling import BookReader
from engine.books.grants import PERPETUAL, BookFacts
from engine.books.page import Granted, RightScope, RightsPage
from engine.exchange import Exchange, OpenBook
from engine.explaining.phrasebook import Phrasebook
from engine.values import Duration, Missing, SetOf, to_json

Line = Mapping[str, Any]
MOST_TOLD = 8  # rights, or grants, of one line


def rights(exchange: Exchange, book: Phrasebook) -> dict[str, Mapping[str, Any]]:
    """The groups of lines on rights, by the name of the book."""
    return {
        opened.reader.book.name: {
            "title": opened.reader.book.title.in_(book.language.code),
            "lines": [*_Told(opened, opened.page, opened.reader.book, book)],
        }
        for opened in exchange.books
        if isinstance(opened.page, RightsPage) and isinstance(opened.reader, BookReader) and opened.page.known
    }


class _Told:
    """The lines of one opened book, for a phrasebook."""

    def __init__(self, opened: OpenBook, page: RightsPage, facts: BookFacts, phrasebook: Phrasebook) -> None:
        self._page, self._values = page, opened.entry.values
        self._stated = opened.values
        self._facts = facts
        self._book, self._say = phrasebook, phrasebook.language

    def __iter__(self) -> Iterator[Line]:
        facts, page = self._facts, self._page
        held = [self._scope(each) for each in page.holds[:MOST_TOLD]]
        state = "complete" if page.complete else "open"
        says = self._say.rights_held(held, len(page.holds) - len(held), page.complete)
        value = [each.model_dump(mode="json", exclude_defaults=True, exclude={"origin"}) for each in page.holds[:MOST_TOLD]]
        yield self._line("before", facts.held, says, value, state)
        conveyed = self._stated.get(facts.granted, Missing.LEFT_OUT)
        if isinstance(conveyed, SetOf):
            yield self._line("after", facts.granted, self._after(conveyed), to_json(conveyed))
        beyond = self._values[facts.beyond]
        if isinstance(beyond, SetOf) and (beyond.members or beyond.open):
            known = self._words(facts.beyond, beyond.members)
            yield self._line("beyond", facts.beyond, self._say.rights_beyond(known, beyond.open), to_json(beyond))
        for name, fact, grants in (
            ("exclusive", facts.bound, page.exclusive),
            ("earlier", facts.encumbered, page.given),
        ):
            met = self._values[fact]
            if met is not False and grants:
                yield self._line(name, fact, self._grants(grants, met is True), [each.id for each in grants[:MOST_TOLD]])

    def _line(self, name: str, fact: str, says: str, value: Any, state: str = "") -> Line:
        title = self._say.word("rights", name)
        return {"name": name, "title": title, "facts": [fact], "value": value, "says": says} | (
            {"state": state} if state else {}
        )

    def _scope(self, scope: RightScope) -> str:
        (right,) = self._words(self._facts.held, (scope.right,))
        reach = self._reach(scope.purposes, scope.territory, scope.until == PERPETUAL, scope.until)
        return self._say.right(right, reach, scope.by[0], scope.sure)

    def _after(self, conveyed: SetOf) -> str:
        facts = self._facts
        purposes, places, term = (self._stated.get(fact, Missing.LEFT_OUT) for fact in facts.scope)
        reach = [
            self._say.joined(self._words(fact, value.members))
            if isinstance(value, SetOf) and not value.open
            else self._unknown()
            for fact, value in ((facts.purposes, purposes), (facts.territory, places))
        ]
        reach.append(self._book.duration(term) if isinstance(term, Duration) else self._unknown())
        return self._say.rights_conveyed(self._words(facts.granted, conveyed.members), reach)

    def _grants(self, grants: tuple[Granted, ...], certain: bool) -> str:
        told = [self._reach(each.purposes, each.territory, each.until == PERPETUAL, each.until) for each in grants[:MOST_TOLD]]
        named = [self._say.grant(each.id, reach) for each, reach in zip(grants, told, strict=False)]
        return self._say.rights_granted(named, len(grants) - len(named), certain)

    def _reach(self, purposes: Any, places: Any, endless: bool, until: Any) -> list[str]:
        facts = self._facts
        limits = [
            self._unknown() if values is None else self._say.joined(self._words(fact, values))
            for fact, values in ((facts.purposes, purposes), (facts.territory, places))
        ]
        if endless:
            return [*limits, self._say.endless()]
        return [*limits, self._unknown() if until is None else self._say.until(self._say.day(until))]

    def _words(self, fact: str, values: Any) -> list[str]:
        type = self._book.bundle.vocabulary.facts[fact].type
        return [self._book.value(type, SetOf(frozenset((value,)))) for value in sorted(values)]

    def _unknown(self) -> str:
        return self._say.no_value(known=False)
