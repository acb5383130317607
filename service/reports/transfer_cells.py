"""
What a column of a register of transfers shows of one committed exchange: its record goes in, lines of text come out.

Only what the record holds is shown, by the titles of the loaded policies. A fact that was left out is named as not stated, a document that
was not shown as not shown, an erased value as erased. Nothing is guessed, and nothing is computed from other facts.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import tzinfo
from functools import cached_property
from typing import Any

import engine
from service.languages.words import text_for, wording
from service.ledger.committed_records import CommittedRecord

LONGEST = 300  # characters of a value
_DOCUMENTS = ("evidence.", "claims.")
_BARE = ("id", "value")  # the kinds of values that say enough without the title of their fact, alone in a cell


class ColumnValues:
    """The values of columns in one language, by the titles of one bundle; days are those of a zone."""

    def __init__(self, bundle: engine.Bundle, lang: str, zone: tzinfo) -> None:
        self._bundle, self._zone = bundle, zone
        self._language = engine.LANGUAGES[lang]
        self._book = engine.Phrasebook(bundle, self._language)
        self._words = wording(lang).reports

    def lines(self, sources: Sequence[str], record: Mapping[str, Any], made: CommittedRecord) -> tuple[str, ...]:
        """The lines of a cell, one for each source that the record has something of, and one for those that it has nothing of."""
        found: list[str] = []
        unstated: list[str] = []
        unshown: list[str] = []
        for source in sources:
            if source.startswith(engine.RECORD):
                found += self._recorded(source.removeprefix(engine.RECORD), made)
            elif source.startswith(engine.GROUNDS):
                found += self._grounds(source.removeprefix(engine.GROUNDS), record)
            elif (told := self._stated(source, record.get("request") or {}, alone=len(sources) == 1)) is None:
                (unshown if source.startswith(_DOCUMENTS) else unstated).append(self._title(source))
            else:
                found.append(told)
        if len(sources) == 1 and not found:
            return (self._words["not_shown" if unshown else "not_stated"],)
        # Of several documents one may be enough, so those that were not shown are named only where none was.
        for key, names in (("not_stated_of", unstated), ("not_shown_of", [] if found else unshown)):
            if names:
                found.append(text_for(self._words, key).format(self._words["comma"].join(names)))
        return tuple(short(line) for line in dict.fromkeys(found)) or (self._words["not_stated"],)

    def _recorded(self, name: str, made: CommittedRecord) -> Iterator[str]:
        if name == "day":
            yield made.day
        elif ended := made.ended_on(self._zone):
            yield text_for(self._words, f"ended_{made.ended}").format(ended)

    def _grounds(self, requirement: str, record: Mapping[str, Any]) -> Iterator[str]:
        """The standing provisions by which a requirement is met, or by which it is not owed."""
        stands = standing(record)
        for rule, meets in self._lifting.get(requirement, ()):
            if rule.key in stands:
                said = self._book.cited(self._book.text(rule.provision.title), rule.provision)
                yield said if meets else self._words["not_owed"].format(said)

    def _stated(self, fact: str, request: Mapping[str, Any], *, alone: bool) -> str | None:
        """What the request states of a fact, a family or a document, else what the register stated; None where neither does."""
        stated = engine.fact_at(request, fact)
        registered = [
            (name, value)
            for name, entity in (request.get(engine.REGISTER) or {}).items()
            if (value := engine.fact_at(entity.get("states") or {}, fact)) is not None
        ]
        if stated is None and not registered:
            return None
        told = self._told(fact, registered[0][1] if stated is None else stated)
        for _, value in registered if stated is not None else ():
            if value != stated:
                told = self._words["registered_otherwise"].format(told, self._told(fact, value))
        kind = self._bundle.vocabulary.type_of(fact)
        bare = kind is not None and kind.kind in _BARE and stated != []  # an empty set says nothing without its title
        return told if bare or alone else self._language.pair(self._title(fact), told)

    def _told(self, fact: str, value: Any) -> str:
        if is_erased(value):
            return self._words["erased"]
        clear = without_erased(value, self._words["erased"])
        type = self._bundle.vocabulary.type_of(fact)
        if type is not None and type.kind == "id":
            return self._language.as_sent(clear)
        try:
            return self._book.told(fact, clear)
        except (LookupError, ValueError, TypeError, AttributeError):
            return self._language.as_sent(clear)

    def _title(self, fact: str) -> str:
        vocabulary = self._bundle.vocabulary
        return self._book.text(vocabulary.family_titles[fact]) if fact in vocabulary.families else self._book.title(fact)

    @cached_property
    def _lifting(self) -> Mapping[str, list[tuple[Any, bool]]]:
        return lifting_rules(self._bundle)


def standing(record: Mapping[str, Any]) -> frozenset[str]:
    """The keys of the rules that stand for certain in a record."""
    return frozenset([*record["verdict"]["stands"], *record["verdict"]["advises"]])


def is_erased(value: Any) -> bool:
    """Whether only the commitment to a value is left."""
    return isinstance(value, Mapping) and value.keys() == {"commitment"}


def short(text: str) -> str:
    """A text of at most LONGEST characters; an ellipsis stands for the others."""
    return text if len(text) <= LONGEST else text[: LONGEST - 1].rstrip() + "…"


def without_erased(value: Any, erased: str) -> Any:
    """A value with a word in the place of each value in it of which only the commitment is left."""
    match value:
        case {"commitment": str()} if len(value) == 1:
            return erased
        case {**members}:
            return {name: without_erased(inner, erased) for name, inner in members.items()}
        case [*values]:
            return [without_erased(inner, erased) for inner in values]
    return value


def lifting_rules(bundle: engine.Bundle) -> Mapping[str, list[tuple[Any, bool]]]:
    """For each requirement the rules that meet it (true), and those by which it is not owed (false)."""
    found: dict[str, list[tuple[Any, bool]]] = {}
    for rule in bundle.rules.rules:
        for names, meets in ((rule.satisfies, True), (rule.excuses, False)):
            for name in names:
                found.setdefault(name, []).append((rule, meets))
    return found
