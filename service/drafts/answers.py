"""
Answers to questions about an exchange: what a person says goes in, the exchange with the fact stated comes out.

The command line and the pages share this. Whether the exchange can be as it is then stated is for the engine to say.
"""

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import engine

NONE = "none"
RECIPIENT = "recipient"
UNKNOWN = "unknown"  # in a list: there may be others
GROUP = "group"  # the type of a question that stands for several facts


def answer_kind(type: str, values: bool) -> str:
    """How an answer of a type is written; `values` says whether it is chosen from a list. The codes are keys of the words of a page."""
    if type.startswith("set of "):
        return "several"
    if type == GROUP:
        return GROUP
    if values:
        return "one"
    if type.startswith("quantity"):  # and the units in which it is measured
        return "quantity"
    return type if type in ("yes/no", "count", "ratio", "money", "date", "duration", "document") else "id"


def value_of(question: "engine.QuestionPart", said: str) -> Any:
    """An answer as an exchange states it. A value may be chosen by its number in the question, from 1. Raises ValueError."""

    def chosen(text: str) -> str:
        number = text.isascii() and text.isdigit() and question.values
        if number and not 1 <= int(text) <= len(question.values):
            raise ValueError(f"there is no number {text}")
        return question.values[int(text) - 1] if number else text

    if question.type.startswith("set of "):
        return [] if said == NONE and NONE not in question.values else [chosen(each.strip()) for each in said.split(",")]
    match question.type:
        case "yes/no":
            if said.lower() not in ("yes", "y", "no", "n"):
                raise ValueError("that is neither yes nor no")
            return said.lower().startswith("y")
        case "count":
            low, dash, high = said.replace(",", "").replace("_", "").partition("-")
            return {"at_least": int(low), "at_most": int(high)} if dash else int(low)
        case "document":
            return said if said == NONE else {"dated": said, "covers": True}
    return chosen(said)


def with_none(document: Mapping[str, Any], question: "engine.QuestionPart") -> dict[str, Any]:
    """The exchange in which there is nothing of all that a question stands for."""
    stated = dict(document)
    for fact, value in question.none.items():
        stated = with_fact(stated, fact, value)
    return stated


def has_narrower_values(bundle: "engine.Bundle", question: "engine.QuestionPart", said: Collection[str]) -> bool:
    """Whether a list has narrower values of each value that said too little."""
    return all(not _narrower(bundle, question, each).isdisjoint(said) for each in question.narrows)


def is_narrower_choice(bundle: "engine.Bundle", question: "engine.QuestionPart", value: str) -> bool:
    """Whether a value is what one may mean that says too little."""
    return any(value in _narrower(bundle, question, each) for each in question.narrows)


def with_said(
    bundle: "engine.Bundle", document: Mapping[str, Any], question: "engine.QuestionPart", value: Any
) -> dict[str, Any]:
    """
    The exchange with an answer; of a list it keeps what was said before, since the question is what there is besides.

    A value that said too little goes once the answer has a narrower one.
    """
    before = stated_value(document, question.fact)
    if isinstance(value, list) and isinstance(before, list):
        gone = [each for each in question.narrows if not _narrower(bundle, question, each).isdisjoint(value)]
        value = [*(each for each in before if each not in (*gone, *value, UNKNOWN)), *value]
    return with_fact(document, question.fact, value)


def _narrower(bundle: "engine.Bundle", question: "engine.QuestionPart", wide: str) -> frozenset[str]:
    type = bundle.vocabulary.type_of(question.fact)
    return frozenset(type.values.narrower.get(wide, ())) if type and type.values else frozenset()


def with_implied(pdp: "engine.PDP", judgement: "engine.Judgement", document: Mapping[str, Any]) -> dict[str, Any]:
    """The exchange with the open facts that only one answer fits: other answers said them already."""
    stated = dict(document)
    for fact, value in pdp.implied(judgement).items():
        stated = with_fact(stated, fact, value)
    return stated


def with_fact(document: Mapping[str, Any], fact: str, value: Any) -> dict[str, Any]:
    """The exchange with a fact stated, or a document or a field of one. The public is stated in place of all facts of a recipient."""
    import engine

    first, _, rest = fact.partition(".")
    if not rest or (first == RECIPIENT and isinstance(value, str) and value in engine.EVERYONE):
        return {**document, first: value}
    inner = document.get(first)
    return {**document, first: with_fact(inner if isinstance(inner, dict) else {}, rest, value)}


def stated_value(document: Any, fact: str) -> Any:
    """What an exchange states of a fact; None where it states nothing."""
    for step in fact.split("."):
        document = document.get(step) if isinstance(document, Mapping) else None
    return document


def without_fact(document: Mapping[str, Any], fact: str) -> dict[str, Any]:
    """The exchange without a fact, and without the groups that have no other fact."""
    first, _, rest = fact.partition(".")
    inner = document.get(first)
    others = {name: each for name, each in document.items() if name != first}
    if not rest or not isinstance(inner, dict):
        return others if not rest else dict(document)
    left = without_fact(inner, rest)
    return {name: left if name == first else each for name, each in document.items()} if left else others
