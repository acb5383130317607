"""
What a draft begins with: the members of a form go in, an exchange comes out.

An exchange begins from scratch, in a person's own words, with what she confirmed of a preset, from an example, from one of a pair that
comes with the policies, with entities of the register, as JSON, or with the exchange of a recorded decision.
"""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import sqlalchemy as sa

import engine
from service.callers.context import ReadingAll
from service.decisions.present_outcome import sent_again
from service.drafts.answers import with_fact
from service.drafts.draft_judgement import DraftContext
from service.drafts.own_words import with_ticked
from service.drafts.preset_confirmation import preset_named, with_confirmed
from service.log.record_views import record_json
from service.log.store import record_of
from service.policies.paired_exchanges import pairs_of
from service.problems import RequestRefused
from service.register import entity_versions
from service.register.named_exchanges import NAMED
from service.register.stated_facts import ROLES

FIRST = ("exporter.country", "recipient.country", "data.categories")  # facts with which an exchange begins
_MOST_DIGITS = 3

Fields = Mapping[str, Sequence[str]]


def first_exchange(context: DraftContext, fields: Fields, connection: sa.Connection) -> dict[str, Any]:
    """The exchange with which a draft begins; `from` in the form says how. Raises RequestRefused."""
    bundle = context.live.bundle
    match _first(fields, "from"):
        case "example":
            found, number = examples(bundle), place(_first(fields, "example"))
            return dict(found[number]) if number is not None and number < len(found) else {}
        case "pair":
            pair, number = pairs_of(context.live).get(_first(fields, "pair")), place(_first(fields, "place"))
            return dict(pair.cases[number].exchange) if pair and number is not None and number < len(pair.cases) else {}
        case "confirmed":
            preset = preset_named(bundle, _first(fields, "preset"))
            return with_confirmed({}, preset, fields.get("confirmed", ())) if preset else {}
        case "said":
            return with_ticked(bundle, fields.get("said", ()))
        case "register":
            named = {role: name for role in ROLES if (name := _first(fields, role).strip())}
            return {NAMED: named} if named else {}
        case "json":
            return of_json(_first(fields, "json"))
        case "decision":
            return sent_again(record_json(record_of(connection, _first(fields, "decision")))["record"])
    document: dict[str, Any] = {}
    for fact in FIRST:
        if sent := [each for each in fields.get(fact, ()) if each]:
            type = bundle.vocabulary.type_of(fact)
            document = with_fact(document, fact, sent if type is not None and type.many else sent[0])
    return document


def entities(context: ReadingAll, most: int, connection: sa.Connection) -> dict[str, list[str]]:
    """By role: the ids of the first entities in the register with which a draft can begin. One more than `most` says: there are others."""
    day = context.today.isoformat()
    return {
        role: [each.id for each in entity_versions.list_entities(connection, kind, (kind, ""), most + 1, day)]
        for role, kind in ROLES.items()
    }


def place(text: str) -> int | None:
    """A place in a short list, from 0; None where a text is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else None


def of_json(text: str) -> dict[str, Any]:
    """The exchange in a text. Raises RequestRefused."""
    try:
        return engine.read_object(text.encode(), engine.MAX_BYTES)
    except engine.ExchangeRefused as refused:
        raise RequestRefused("exchange-refused", refused.problems[0].detail) from None


def examples(bundle: engine.Bundle) -> list[Mapping[str, Any]]:
    """The examples that come with the policies, as far as the loaded vocabulary can read them."""
    found = []
    for raw in _files():
        try:
            engine.parse_exchange(bundle, raw)
        except engine.ExchangeRefused:
            continue
        found.append(json.loads(raw))
    return found


@cache
def _files() -> tuple[bytes, ...]:
    return tuple(each.read_bytes() for each in sorted((engine.bundled_policies() / "examples").glob("*.json")))


def _first(fields: Fields, name: str) -> str:
    return next(iter(fields.get(name, ())), "")
