"""
A proposed exchange: JSON bytes in, typed facts out.

The pydantic model, and with it the JSON Schema, is made from the loaded vocabulary, so that an unknown fact, a wrong type, a
`null` or a bad date is refused at its place before anything is decided. Source: semantics 1.2 to 1.4, 2.1, 2.3, 2.7, 2.8.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    PlainValidator,
    Tag,
    ValidationError,
    WithJsonSchema,
    create_model,
)
from pydantic_core import PydanticCustomError

from engine.diagnostic import did_you_mean
from engine.rules import AS_OF
from engine.values import BadValue, Document, Missing, Range, Type, Value
from engine.vocabulary import DOCUMENT_FIELDS, DOCUMENT_GROUPS, PERSONAL_FIELDS, Vocabulary

SCHEMA = "fifthfactor/exchange/1"
MAX_BYTES = 256 * 1024
MAX_PROBLEMS = 100


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with an exchange: a JSON Pointer to it, a stable code, and a sentence."""

    pointer: str
    code: str
    detail: str


class ExchangeRefused(ValueError):
    """The exchange cannot be read. `problems` names each place."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("; ".join(f"{p.pointer or '/'}: {p.detail}" for p in problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Exchange:
    """
    An exchange as accepted.

    `document` is the JSON as sent. `values` maps each fact that was sent, or that follows from another (a counter is never below
    this exchange's own count), to its value; evidence and claims are keyed by `evidence.KIND` and `claims.KIND`. `personal` are
    JSON Pointers to values of facts marked personal. `relies_on` are the ids of requirements or grounds the sender chose.
    """

    document: Mapping[str, Any]
    values: Mapping[str, Value]
    as_of: date | None = None
    relies_on: tuple[str, ...] = ()
    personal: tuple[str, ...] = ()

    def value(self, fact: str) -> Value:
        """The value of a fact or of a document's field; Missing where there is none."""
        if fact in self.values:
            return self.values[fact]
        group, _, rest = fact.partition(".")
        if group in DOCUMENT_GROUPS:
            kind, _, name = rest.rpartition(".")
            document = self.values.get(f"{group}.{kind}")
            if isinstance(document, Document) and document.state == "shown":
                return document.fields.get(name, Missing.LEFT_OUT)
            if document is Missing.UNKNOWN:
                return Missing.UNKNOWN
        return Missing.LEFT_OUT

    def with_values(self, answers: Mapping[str, Value]) -> Exchange:
        """The same exchange with some facts answered; for questions and remedies, never recorded."""
        return Exchange(self.document, {**self.values, **answers}, self.as_of, self.relies_on, self.personal)


class ExchangeReader:
    """Reads exchanges against one vocabulary. Made once a bundle."""

    def __init__(self, vocabulary: Vocabulary, requirements: frozenset[str], grounds: frozenset[str]) -> None:
        self._vocabulary = vocabulary
        self._ways = requirements | grounds
        self.model = _model(vocabulary)

    def schema(self) -> dict[str, Any]:
        """The JSON Schema (2020-12) of an exchange under this vocabulary."""
        schema = self.model.model_json_schema(mode="validation")
        for part in (schema, *schema.get("$defs", {}).values()):
            for each in part.get("properties", {}).values():
                each.pop("default", None)  # a key that is left out has no value; null is refused
        return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}

    def read(self, raw: bytes) -> Exchange:
        """Read the bytes of one JSON object. Raises ExchangeRefused with every problem found."""
        document = read_object(raw, MAX_BYTES)
        try:
            model = self.model.model_validate_json(raw)
        except ValidationError as failed:
            raise ExchangeRefused(self._problems(failed)) from None
        values: dict[str, Value] = {}
        _flatten(model, "", values)
        as_of = values.pop(AS_OF, None)
        relies_on = values.pop("relies_on", ())
        values.pop("schema", None)
        problems = [*self._complete(values), *self._unknown_ways(relies_on)]
        if problems:
            raise ExchangeRefused(tuple(problems))
        return Exchange(
            document, values, as_of if isinstance(as_of, date) else None, relies_on, self._personal(document)  # type: ignore[arg-type]
        )  # fmt: skip

    def _complete(self, values: dict[str, Value]) -> list[Problem]:
        """Close families with `rest`, and hold counters against this exchange's own counts."""
        for family, members in self._vocabulary.families.items():
            if values.pop(f"{family}.rest", None) is not None:
                for member in members:
                    values.setdefault(member, Range.exact(0))
        problems = []
        for fact in self._vocabulary.facts.values():
            # A counter of a family counts different people, so at least those of its largest member.
            counted = self._vocabulary.families.get(fact.counts, (fact.counts,)) if fact.counts else ()
            lows = [own.low for name in counted if isinstance(own := values.get(name), Range)]
            if not lows:
                continue
            own = Range(max(lows), None)
            counter = values.get(fact.name)
            if not isinstance(counter, Range):
                values[fact.name] = Range(own.low, None)
            elif counter.high is not None and counter.high < own.low:
                detail = f"is below this exchange's own count, {own.low:,}; a counter includes the exchange itself"
                problems.append(Problem(_pointer(tuple(fact.name.split("."))), "counter-below", detail))
            else:
                values[fact.name] = Range(max(counter.low, own.low), counter.high)
        return problems

    def _unknown_ways(self, relies_on: Any) -> list[Problem]:
        return [
            Problem(
                f"/relies_on/{n}",
                "unknown-way",
                f"`{way[:80]}` is no requirement or ground; {did_you_mean(way, self._ways)}".rstrip("; "),
            )
            for n, way in enumerate(relies_on)
            if way not in self._ways
        ]

    def _problems(self, failed: ValidationError) -> tuple[Problem, ...]:
        problems = []
        for error in failed.errors(include_url=False, include_input=False)[:MAX_PROBLEMS]:
            path = error["loc"]
            if path[0:1] and path[0] in DOCUMENT_GROUPS and len(path) > 2:
                path = (*path[:2], *path[3:])  # without the name of the union's member
            match error["type"]:
                case "extra_forbidden":
                    name = ".".join(map(str, path))
                    detail = f"an exchange has no fact `{name[:120]}`; {did_you_mean(name, self._vocabulary.names())}".rstrip(
                        "; "
                    )
                    problems.append(Problem(_pointer(path), "unknown-fact", detail))
                case "model_type" | "model_attributes_type":
                    problems.append(Problem(_pointer(path), "wrong-type", "must be an object"))
                case "json_invalid":
                    problems.append(
                        Problem("", "not-json", "the body is not JSON: " + error["msg"].removeprefix("Invalid JSON: ")[:200])
                    )
                case _:
                    problems.append(Problem(_pointer(path), "wrong-value", error["msg"]))
        return tuple(problems)

    def _personal(self, document: Mapping[str, Any]) -> tuple[str, ...]:
        found = []
        for fact in self._vocabulary.facts.values():
            path = tuple(fact.name.split("."))
            if fact.personal and _at(document, path) is not None:
                found.append(_pointer(path))
        for group in DOCUMENT_GROUPS:
            for kind, shown in document.get(group, {}).items():
                if isinstance(shown, dict):
                    found += [_pointer((group, kind, name)) for name in shown if name in PERSONAL_FIELDS]
        return tuple(sorted(found))


def read_object(raw: bytes, most: int, what: str = "exchange") -> dict[str, Any]:
    """One JSON object of at most so many bytes, strictly: UTF-8, no duplicate keys, no NaN. Raises ExchangeRefused."""

    def refuse(detail: str) -> ExchangeRefused:
        return ExchangeRefused((Problem("", "not-json", detail),))

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        table = dict(pairs)
        if len(table) < len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            raise refuse(f"`{twice[:80]}` stands twice in one object")
        return table

    def constant(name: str) -> Any:
        raise refuse(f"{name} is not JSON")

    if len(raw) > most:
        raise refuse(f"the {what} has more than {most:,} bytes")
    try:
        document = json.loads(raw.decode("utf-8"), object_pairs_hook=unique, parse_constant=constant)
    except UnicodeDecodeError:
        raise refuse("the body is not UTF-8") from None
    except RecursionError:
        raise refuse("the body is nested too deeply") from None
    except ExchangeRefused:
        raise
    except ValueError as error:
        raise refuse(f"the body is not JSON: {error}"[:200]) from None
    if not isinstance(document, dict):
        raise refuse(f"{'an' if what == 'exchange' else 'a'} {what} is a JSON object")
    return document


def _model(vocabulary: Vocabulary) -> type[BaseModel]:
    """The pydantic model of an exchange: facts nest by dots, keys are closed."""
    tree: dict[str, Any] = {}
    for fact in vocabulary.facts.values():
        *path, last = fact.name.split(".")
        here = tree
        for step in path:
            here = here.setdefault(step, {})
        here[last] = _leaf(fact.type, fact.title.en)
    for family, members in vocabulary.families.items():
        here = tree
        for step in family.split("."):
            here = here[step]
        here["rest"] = _leaf(
            vocabulary.facts[members[0]].type, "what the other members add up to: 0 closes the family", zero=True
        )
    for group in DOCUMENT_GROUPS:
        tree[group] = {kind: _document_leaf(text.title.en) for kind, text in vocabulary.kinds[group].items()}
    tree[AS_OF] = _leaf(Type("date"), "the date of the law and of the exchange; today where left out", unknown=False)
    tree["relies_on"] = _ways_leaf()
    tree["schema"] = _schema_leaf()
    return _nest("Exchange", tree)


def _nest(name: str, tree: Mapping[str, Any]) -> type[BaseModel]:
    fields: dict[str, Any] = {}
    for number, (key, inner) in enumerate(tree.items()):
        kind = _nest(f"{name}_{key}", inner) if isinstance(inner, dict) else inner
        # Facts are named by authors, so a field's Python name is a number and its alias the fact's.
        fields[f"f{number}"] = (kind, Field(None, alias=key, validate_default=False))
    config = ConfigDict(extra="forbid", title=name.replace("_", "."), frozen=True)
    return create_model(name, __config__=config, **fields)


def _leaf(type: Type, title: str, unknown: bool = True, zero: bool = False) -> Any:
    def read(json: Any) -> Value:
        try:
            value = type.accept(json)
        except BadValue as bad:
            raise PydanticCustomError("wrong_value", "{m}", {"m": f"{bad}; {bad.help}" if bad.help else str(bad)}) from None
        if (value is Missing.UNKNOWN and not unknown) or (zero and value != Range.exact(0)):
            raise PydanticCustomError("wrong_value", "must be zero" if zero else "cannot be unknown here")
        return value

    schema = _schema(type)
    schema = {"anyOf": [schema, {"const": "unknown"}]} if unknown and not zero else schema
    return Annotated[Any, PlainValidator(read), WithJsonSchema({**schema, "title": title})]


def _schema(type: Type) -> dict[str, Any]:
    if type.many:
        return {
            "type": "array",
            "items": {"anyOf": [_schema(Type(type.kind, False, type.values)), {"const": "unknown"}]},
        }
    number = {"type": "integer", "minimum": 0}
    match type.kind:
        case "yes/no":
            return {"type": "boolean"}
        case "value":
            assert type.values
            return {"type": "string"} if type.values.open else {"type": "string", "enum": list(type.values.values)}
        case "count":
            ends = {
                "type": "object",
                "properties": {"at_least": number, "at_most": number},
                "additionalProperties": False,
                "minProperties": 1,
            }
            return {"anyOf": [number, ends]}
        case "ratio":
            return {"type": "string", "pattern": r"^\d{1,15}(\.\d{1,12})?$"}
        case "date":
            return {"type": "string", "format": "date"}
    examples = {"money": "20000000 USD", "duration": "3 years", "id": "org-1"}
    return {"type": "string", "minLength": 1, "maxLength": 256, "examples": [examples[type.kind]]}


class _Presented(BaseModel):
    """A document as presented; its fields are made from DOCUMENT_FIELDS below."""

    model_config = ConfigDict(extra="forbid", frozen=True, title="document")


def _document_leaf(title: str) -> Any:
    """A document with its fields, or the word that there is none or that it is not known."""

    def read(json: Any) -> Value:
        if json not in ("none", "unknown"):
            raise PydanticCustomError(
                "wrong_value", 'must be a document like {"dated": "2024-05-01", "covers": true}, "none" or "unknown"'
            )
        return Missing.UNKNOWN if json == "unknown" else Document("none", {})

    word = Annotated[Any, PlainValidator(read), WithJsonSchema({"enum": ["none", "unknown"]}), Tag("word")]
    document = Annotated[_DOCUMENT, Tag("document")]
    return Annotated[
        document | word,
        Discriminator(lambda json: "document" if isinstance(json, dict | BaseModel) else "word"),
        Field(title=title),
    ]


def _ways_leaf() -> Any:
    def read(json: Any) -> tuple[str, ...]:
        if not isinstance(json, list) or len(json) > 32 or not all(isinstance(way, str) and len(way) <= 160 for way in json):
            raise PydanticCustomError("wrong_value", "must be a list of at most 32 ids of requirements or grounds")
        return tuple(json)

    schema = {
        "type": "array",
        "items": {"type": "string"},
        "maxItems": 32,
        "title": "requirements or grounds the sender relies on",
    }
    return Annotated[Any, PlainValidator(read), WithJsonSchema(schema)]


def _schema_leaf() -> Any:
    def read(json: Any) -> str:
        if json != SCHEMA:
            raise PydanticCustomError("wrong_value", "must be `{s}`", {"s": SCHEMA})
        return SCHEMA

    return Annotated[Any, PlainValidator(read), WithJsonSchema({"const": SCHEMA})]


def _flatten(model: BaseModel, prefix: str, into: dict[str, Any]) -> None:
    """Only what was sent; a default is not a value."""
    for number in model.model_fields_set:
        name = f"{prefix}{type(model).model_fields[number].alias}"
        value = getattr(model, number)
        if isinstance(value, _Presented):
            into[name] = Document("shown", {field: getattr(value, field) for field in sorted(value.model_fields_set)})
        elif isinstance(value, BaseModel):
            _flatten(value, f"{name}.", into)
        else:
            into[name] = value


def _pointer(path: tuple[str | int, ...]) -> str:
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1")[:120] for step in path)


def _at(document: Any, path: tuple[str, ...]) -> Any:
    for step in path:
        document = document.get(step) if isinstance(document, Mapping) else None
    return document


_DOCUMENT = create_model(
    "Document", __base__=_Presented, **{name: (_leaf(t, name), Field(None)) for name, t in DOCUMENT_FIELDS.items()}
)  # type: ignore[call-overload]
