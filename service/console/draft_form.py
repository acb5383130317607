"""
The form for one question about an exchange.

A question of the engine goes in; the choices with their titles come out, in the order in which a person looks for them. `stated` reads the
form back: the value as an exchange states it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import engine
from service.console.reader import PageReader, capital
from service.drafts.answers import NONE, RECIPIENT, UNKNOWN, answer_kind, is_narrower_choice, stated_value

PUBLIC, ANYWHERE = "the public", "recipient.country"  # the public may be chosen in place of a country
MOST_OPEN = 14  # choices that are shown without a box that scrolls
Fields = Mapping[str, Sequence[str]]


class NoAnswer(ValueError):
    """The form has no answer to the question; the message is a key of the words of the page."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A value that may be chosen, and its title."""

    value: str
    title: str
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class QuestionForm:
    """
    A question as a page asks it. `how` says which inputs it has; `none` that a set may be empty; `stated` is what is stated so far.

    `narrows` has the titles of values that say too little, `parts` those of the facts that the question stands for. `rest` are the
    other numbers of the same family that are not stated: one answer can say that each of them is 0.
    """

    fact: str
    title: str
    question: str
    how: str
    choices: Sequence[Choice] = ()
    none: bool = False
    stated: Any = None
    narrows: str = ""
    must_be_shown: bool = False
    rest: Sequence[str] = ()
    parts: Sequence[str] = ()

    @property
    def long(self) -> bool:
        """Whether the choices are shown in a box that scrolls, or in a list that opens."""
        return len(self.choices) > MOST_OPEN


def form_of(question: engine.QuestionPart, document: Mapping[str, Any], reader: PageReader) -> QuestionForm:
    """The form for a question about the exchange in a document."""
    fact = question.fact
    entry = reader.bundle.facts.get(fact)
    stated = stated_value(document, fact)
    values = list(question.values)
    if question.narrows:
        values += [each for each in _list(stated) if each not in (*question.narrows, *values, UNKNOWN)]
    elif entry and len(entry.values) > len(values):
        values = list(entry.values)
    several = question.type.startswith("set of ")
    if question.type.removeprefix("set of ") == "country":
        named = _countries(document)
        values = sorted(values, key=lambda value: (value not in named, reader.told(fact, value)))
    chosen = _list(stated)
    if question.narrows:  # first what was said, then what it may mean
        values = sorted(values, key=lambda value: (value not in chosen, not is_narrower_choice(reader.bundle, question, value)))
    choices = [Choice(each, capital(reader.told(fact, [each] if several else each)), each in chosen) for each in values]
    if fact == ANYWHERE and values:
        choices.append(
            Choice(PUBLIC, capital(reader.told(RECIPIENT, PUBLIC)), stated_value(document, RECIPIENT) in engine.EVERYONE)
        )
    return QuestionForm(
        fact=fact,
        title="" if question.facts else capital(reader.title(fact)),
        question=question.question,
        how=answer_kind(question.type, bool(values)),
        choices=choices,
        none=several and not (entry and entry.some) and NONE not in values,
        stated=stated,
        narrows=reader.language.joined([f"“{reader.told(fact, [each] if several else each)}”" for each in question.narrows]),
        must_be_shown=fact in reader.bundle.vocabulary.must_be_shown,
        rest=_rest(question, document, reader),
        parts=[capital(reader.title(each)) for each in question.facts],
    )


def _rest(question: engine.QuestionPart, document: Mapping[str, Any], reader: PageReader) -> Sequence[str]:
    """The other numbers of the family of a number, as far as they are not stated; none where there is no family or only one other."""
    if question.type != "count":
        return ()
    members = next((some for some in reader.bundle.vocabulary.families.values() if question.fact in some), ())
    open_ = [each for each in members if each != question.fact and stated_value(document, each) is None]
    return open_ if len(open_) > 1 else ()


def stated(question: engine.QuestionPart, how: str, fields: Fields) -> Any:
    """The answer in a form, as an exchange states it. Raises NoAnswer."""
    sent = [each.strip() for each in fields.get("value", ()) if each.strip()]
    match how:
        case "several" if sent:
            return [] if sent == [_EMPTY] else [each for each in sent if each != _EMPTY]
        case "yes/no" if sent in (["yes"], ["no"]):
            return sent == ["yes"]
        case "count":
            return _count(fields)
        case "document" if sent == [NONE]:
            return NONE
        case "document":
            dated = _first(fields, "dated")
            if not dated:
                raise NoAnswer("no_day_given")
            return {"dated": dated, "covers": True}
        case _ if len(sent) == 1 and how != "several":
            return sent[0]
    raise NoAnswer("no_answer_given")


_EMPTY = "-"  # the choice "none of these" of a set


def _count(fields: Fields) -> Any:
    low, high = (_first(fields, name).replace(",", "").replace(" ", "") for name in ("low", "high"))
    numbers = [each for each in (low, high) if each]
    if not numbers:
        raise NoAnswer("no_answer_given")
    if not all(each.isascii() and each.isdigit() and len(each) <= 15 for each in numbers):
        raise NoAnswer("no_number_given")
    if not high:
        return int(low)
    if int(low or 0) > int(high):
        raise NoAnswer("no_range_given")
    return int(high) if low == high else {"at_least": int(low or 0), "at_most": int(high)}


def _first(fields: Fields, name: str) -> str:
    return next(iter(fields.get(name, ())), "").strip()


def _list(stated: Any) -> list[Any]:
    return stated if isinstance(stated, list) else [] if stated is None else [stated]


def _countries(document: Mapping[str, Any]) -> set[Any]:
    """The countries of the parties, which an answer often names again."""
    return {stated_value(document, f"{role}.country") for role in ("exporter", "recipient")} - {None}
