"""
The JSON Schemas of an exchange, a decision and a record, each with an example.

They come from the models and, for an exchange, from the loaded vocabulary; none is written by hand. The examples are one exchange, the
decision of the loaded policies on it, and the record of both, made when a shape is first asked for.
"""

import json
from collections.abc import Mapping
from copy import deepcopy
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

from pydantic import BaseModel

import engine
from service.api.members import describe
from service.decisions.kept_permits import KeepableAnswer
from service.log.record import EngineVersion, FoundBy, Record, RecordedVerdict
from service.policies.live import Live
from service.register import named_exchanges

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_DAY = date(2026, 11, 24)
_ID = "019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071"
_CANDIDATES: tuple[dict[str, Any], ...] = (
    {
        "exporter": {"country": "CN"},
        "recipient": {"country": "US"},
        "data": {"personal": True, "people": {"sensitive": 12_000}},
    },
    {"exporter": {"country": "CN"}, "recipient": {"country": "US"}},
    {},
)


class Shapes:
    """The schemas of the policies that decide: `exchange`, `decision` and `record`."""

    def __init__(self) -> None:
        self.of = lru_cache(maxsize=1)(_shapes)


def _shapes(live: Live) -> dict[str, dict[str, Any]]:
    found = {
        "exchange": _asked(named_exchanges.schema(live.bundle.exchange_schema()), live),
        "decision": _of(KeepableAnswer),
        "record": _of(Record),
    }
    examples = _examples(live)
    for schema in found.values():
        describe(schema)
    return {name: {"$schema": _DIALECT, "examples": [examples[name]], **schema} for name, schema in found.items()}


def _of(model: type[BaseModel]) -> dict[str, Any]:
    """
    The schema of a model, without the names of its parts.

    A part with an `$id` would be a document of its own, in which the references to other parts lead nowhere.
    """
    schema = model.model_json_schema(mode="serialization")
    for part in schema.get("$defs", {}).values():
        part.pop("$id", None)
    return schema


def _asked(schema: dict[str, Any], live: Live) -> dict[str, Any]:
    """The schema of an exchange, in which each fact is described by the question that asks for it, or by its title."""
    texts = {each.name: each.ask.en if each.ask else each.title.en for each in live.bundle.facts.values()}
    found = deepcopy(schema)
    parts: dict[str, Any] = found.get("$defs", {})

    def describe(inner: dict[str, Any], under: str) -> None:
        for name, member in inner.get("properties", {}).items():
            fact = f"{under}.{name}".lstrip(".")
            inside = [_part(each, parts) for each in member.get("anyOf", [member])]  # the facts of a recipient, or the public
            group = any("properties" in each for each in inside)
            member["description"] = texts.get(fact) or (f"the facts under `{fact}`" if group else member.get("title", name))
            for each in inside:
                describe(each, fact)

    describe(found, "")
    return found


def _part(member: dict[str, Any], parts: Mapping[str, Any]) -> dict[str, Any]:
    """A member itself, or the definition to which it points."""
    found: dict[str, Any] = parts.get(member.get("$ref", "").rpartition("/")[2], member)
    return found


def _examples(live: Live) -> dict[str, Any]:
    """An exchange that the loaded vocabulary accepts, the decision on it, and the record of both."""
    for candidate in _CANDIDATES:
        try:
            exchange = engine.parse_exchange(live.bundle, json.dumps(candidate).encode())
            break
        except engine.ExchangeRefused:
            continue  # another vocabulary
    judgement = live.pdp.judge(exchange, as_of=_DAY)
    written = live.pdp.answer(judgement, today=_DAY, id=_ID)
    members = {
        "id": _ID,
        "recorded_at": datetime(_DAY.year, _DAY.month, _DAY.day, 9, 30, 0, 123456, UTC),
        "asked_by": "gateway",
        "as_of": _DAY,
        "request": dict(exchange.document),
        "bundle": live.digests,
        "engine": EngineVersion.of_this_one(),
        "decision": engine.Answer.model_validate_json(written.json()),
        "verdict": RecordedVerdict.model_validate_json(written.verdict),
        "found_by": FoundBy(),
    }
    record = Record(**members).document()
    return {"exchange": candidate, "decision": {**record["decision"], "keep_until": None}, "record": record}
