"""What reads an exchange and what its JSON Schema is made of are two forms of one shape, and say the same of every document."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

import engine
from engine.exchange_input.exchange_shape import sent_shape, sent_validator
from engine.policy_language.public_recipient import EVERYONE

BUNDLE = engine.load(engine.bundled_policies())
WRONG: tuple[Any, ...] = (None, [], {"dated": 5, "x": 1}, {"dated": "2026-01-01", "covers": True}, "unknown", "none")
EVERY = 250  # of the exchanges that the policies are tested with, one in so many


def documents() -> Iterator[dict[str, Any]]:
    """Exchanges, and each with one of its members wrong."""
    for trial in engine.trials(BUNDLE, BUNDLE)[::EVERY]:
        sent = {name: said for name, said in json.loads(trial.raw).items() if name not in ("register", "books", "shares")}
        yield sent
        for wrong in ({"nothing": 1}, {"as_of": "now"}, {"schema": "x"}, {"relies_on": 1}, {"carried": [1]}):
            yield {**sent, **wrong}
        for group, said in sent.items():
            yield {**sent, group: 1}
            for name in said if isinstance(said, dict) else ():
                for bad in WRONG:
                    yield {**sent, group: {**said, name: bad}}
    for public in (*EVERYONE, "everybody", [], {"x": 1}):
        yield {BUNDLE.vocabulary.recipient: public}


def said_of(shape: Any, document: dict[str, Any]) -> Any:
    """What a form of the shape reads in a document, or where and why it refuses it."""
    try:
        return shape.validate_python(document)
    except ValidationError as failed:
        return [(each["type"], each["loc"], each["msg"]) for each in failed.errors(include_url=False, include_input=False)]


def test_both_forms_of_the_shape_say_the_same() -> None:
    """They read the same values, and refuse the same at the same places with the same words."""
    adapter, validator = sent_shape(BUNDLE.vocabulary), sent_validator(BUNDLE.vocabulary)
    refused = 0
    for document in documents():
        said = said_of(adapter, document)
        assert said_of(validator, document) == said, document
        refused += isinstance(said, list)
    assert refused > 500
