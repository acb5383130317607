"""
The shape of an exchange, as a pydantic model made from a vocabulary: an unknown fact, a wrong type or a bad date has no place in it.

A vocabulary goes in. Out come the adapters that read what a sender states, and what the register states, leaf by leaf. Source:
semantics 1.2 to 1.5, 2.7.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    ConfigDict,
    Discriminator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainValidator,
    Tag,
    TypeAdapter,
    WithJsonSchema,
)
from pydantic_core import CoreSchema, PydanticCustomError, SchemaValidator, core_schema
from typing_extensions import TypedDict

from engine.policy_language.public_recipient import EVERYONE
from engine.policy_language.vocabulary import DOCUMENT_GROUPS, Vocabulary
from engine.rules import AS_OF
from engine.values import AMOUNTS, BadValue, Document, Missing, Range, SetOf, Type, Value
from engine.values.document_facts import put_at
from engine.values.exact_ratio import FRACTION

# The shapes of exchanges, the present one last. A value of the vocabulary may be known `since` a shape only.
SHAPES = ("fifthfactor/exchange/1", "fifthfactor/exchange/2")
MAX_CARRIED = 64
_DOCUMENT = "document"  # by which the schema of a document is referred to
_NO_MEMBERS = SetOf(frozenset())


def sent_shape(vocabulary: Vocabulary) -> TypeAdapter[dict[str, Any]]:
    """The shape of an exchange for pydantic: facts nest by dots, keys are closed."""
    tree = _sent_tree(vocabulary)
    recipient = vocabulary.recipient
    if isinstance(tree.get(recipient), dict):
        tree[recipient] = Annotated[_closed(f"Exchange_{recipient}", tree[recipient]), _OrEveryone()]
    return TypeAdapter(_closed("Exchange", tree))


def sent_validator(vocabulary: Vocabulary) -> SchemaValidator:
    """What validates that shape, without a JSON Schema: it is made in a tenth of the time, and each bundle needs one."""
    members = _members(_sent_tree(vocabulary))
    recipient = vocabulary.recipient
    if members.get(recipient, {}).get("type") == "typed-dict":
        members[recipient] = core_schema.no_info_wrap_validator_function(_or_everyone, members[recipient])
    return _validator(vocabulary, members)


def registered_validator(vocabulary: Vocabulary) -> SchemaValidator:
    """The same of what the register may state: facts and documents, never unknown."""
    return _validator(vocabulary, _members(_tree(vocabulary, registered=True)))


def _validator(vocabulary: Vocabulary, members: Mapping[str, CoreSchema]) -> SchemaValidator:
    fields = _of_members(_members(_document_fields(vocabulary)))
    document = core_schema.no_info_after_validator_function(_shown, fields, ref=_DOCUMENT)
    return SchemaValidator(core_schema.definitions_schema(_of_members(members), [document]))


def _members(tree: Mapping[str, Any]) -> dict[str, CoreSchema]:
    """What validates each member of an object."""
    return {key: _of_members(_members(part)) if isinstance(part, dict) else _of_leaf(part) for key, part in tree.items()}


def _of_members(members: Mapping[str, CoreSchema]) -> CoreSchema:
    """An object with only these members; each may be left out."""
    fields = {key: core_schema.typed_dict_field(each, required=False) for key, each in members.items()}
    return core_schema.typed_dict_schema(fields, extra_behavior="forbid")


def _of_leaf(leaf: Any) -> CoreSchema:
    first = leaf.__metadata__[0]
    if isinstance(first, PlainValidator):
        return core_schema.no_info_plain_validator_function(first.func)  # type: ignore[arg-type]
    choices: dict[Any, CoreSchema] = {
        "document": core_schema.definition_reference_schema(_DOCUMENT),
        "word": core_schema.no_info_plain_validator_function(_word),
    }
    return core_schema.tagged_union_schema(choices, discriminator=_document_or_word)


def _sent_tree(vocabulary: Vocabulary) -> dict[str, Any]:
    tree = _tree(vocabulary)
    tree[AS_OF] = _leaf(Type("date"), "the date of the law and of the exchange; today if it is left out", unknown=False)
    tree["relies_on"] = _ways_leaf()
    tree["carried"] = _carried_leaf()
    tree["schema"] = _schema_leaf()
    return tree


def in_present_shape(vocabulary: Vocabulary, document: Any, schema: Any) -> Any:
    """
    An exchange, or what an entity of the register states, as it was said under a schema: a set that has got a value since is open.

    Of an earlier shape it is only where `schema` says so. Source: semantics 2.1.
    """
    if schema not in SHAPES[:-1] or not isinstance(document, dict):
        return document
    found = document
    for fact in vocabulary.facts.values():
        values = fact.type.values
        if fact.type.many and values and any(since > SHAPES.index(schema) + 1 for since in values.since.values()):
            found = _opened(found, fact.name.split("."))
    return found


def _opened(document: dict[str, Any], path: list[str]) -> dict[str, Any]:
    """A copy of an object in which the list at a path, if there is one, is open."""
    first, *rest = path
    said = document.get(first)
    if rest:
        return {**document, first: _opened(said, rest)} if isinstance(said, dict) else document
    return {**document, first: [*said, "unknown"]} if isinstance(said, list) and "unknown" not in said else document


def _tree(vocabulary: Vocabulary, registered: bool = False) -> dict[str, Any]:
    """The facts and documents that a sender may state, or those that the register may state."""
    tree: dict[str, Any] = {}
    for fact in vocabulary.facts.values():
        leaf = _leaf(fact.type, fact.title.en, some=fact.some, plain=fact.plain)
        allowed = registered or not fact.register_only
        put_at(tree, fact.name.split("."), leaf if allowed else _refused_leaf(fact.title.en))
    for family, members in vocabulary.families.items():
        here = tree
        for step in family.split("."):
            here = here[step]
        first = vocabulary.facts[members[0]]
        if first.type.kind in AMOUNTS:  # there is no amount of nothing in every unit
            continue
        said = "the total of the members that are not named; 0 closes the family"
        here["rest"] = _leaf(first.type, said, zero=True) if registered or not first.register_only else _refused_leaf(said)
    fields = _closed("Document", _document_fields(vocabulary))
    shape = Annotated[fields, AfterValidator(_shown)]  # type: ignore[valid-type]
    for group in DOCUMENT_GROUPS:
        tree[group] = {kind: _document_leaf(text.title.en, shape) for kind, text in vocabulary.kinds[group].items()}
    return tree


def _document_fields(vocabulary: Vocabulary) -> dict[str, Any]:
    return {name: _leaf(type, name) for name, type in vocabulary.fields.items()}


def _closed(name: str, tree: Mapping[str, Any]) -> Any:
    """An object with only these keys; each key may be left out."""
    fields = {key: _closed(f"{name}_{key}", inner) if isinstance(inner, dict) else inner for key, inner in tree.items()}
    shape = TypedDict(name, fields, total=False)  # type: ignore[misc]
    shape.__pydantic_config__ = ConfigDict(extra="forbid", title=name.replace("_", "."))  # type: ignore[attr-defined]
    return shape


class _OrEveryone:
    """Marks the facts of the recipient: in their place an exchange may state that the recipient is the public (semantics 1.2)."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_wrap_validator_function(_or_everyone, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"anyOf": [handler(schema), {"enum": list(EVERYONE), "title": "every party and every country"}]}


def _or_everyone(sent: Any, facts: core_schema.ValidatorFunctionWrapHandler) -> Any:
    return sent if isinstance(sent, str) and sent in EVERYONE else facts(sent)


def _leaf(type: Type, title: str, unknown: bool = True, zero: bool = False, some: bool = False, plain: str = "") -> Any:
    # A word of a closed set is its own value, as yes and no are. Most values sent are such, so look for them first.
    words = frozenset(type.values.values if type.values and not type.many else ())
    yes_or_no = type.kind == "yes/no" and not type.many

    def read(json: Any) -> Value:
        if (json in words) if json.__class__ is str else (yes_or_no and json.__class__ is bool):
            return json  # type: ignore[no-any-return]
        try:
            value = type.accept(json)
        except BadValue as bad:
            raise PydanticCustomError("wrong_value", "{m}", {"m": f"{bad}; {bad.help}" if bad.help else str(bad)}) from None
        if some and value == _NO_MEMBERS:
            nothing = plain or (type.values.nothing if type.values else "")
            help = f'; send ["{nothing}"] where none of the others applies' if nothing else ""
            raise PydanticCustomError("wrong_value", "{m}", {"m": f"must name at least one {_one(type)}{help}"})
        if (value is Missing.UNKNOWN and not unknown) or (zero and value != Range.exact(0)):
            raise PydanticCustomError("wrong_value", "must be zero" if zero else "cannot be unknown here")
        return value

    schema = _schema(type) | ({"minItems": 1} if some else {})
    schema = {"anyOf": [schema, {"const": "unknown"}]} if unknown and not zero else schema
    return Annotated[Any, PlainValidator(read), WithJsonSchema({**schema, "title": title})]


def _refused_leaf(title: str) -> Any:
    """A fact that only the register may state."""

    def read(json: Any) -> Value:
        raise PydanticCustomError("register_only", "only the register may state this; leave it out")

    return Annotated[Any, PlainValidator(read), WithJsonSchema({"not": {}, "title": title})]


def _one(type: Type) -> str:
    """What a member of a set is called."""
    return type.values.title if type.values else type.kind


def _schema(type: Type) -> dict[str, Any]:
    if type.many:
        return {
            "type": "array",
            "items": {"anyOf": [_schema(type.one), {"const": "unknown"}]},
        }
    number = {"type": "integer", "minimum": 0}
    match type.kind:
        case "yes/no":
            return {"type": "boolean"}
        case "value":
            assert type.values
            return {"type": "string", "enum": list(type.values.values)}
        case "count":
            ends = {
                "type": "object",
                "properties": {"at_least": number, "at_most": number},
                "additionalProperties": False,
                "minProperties": 1,
            }
            return {"anyOf": [number, ends]}
        case "money" | "quantity":
            amount: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": 256, "examples": ["20000000 USD"]}
            if type.units:
                amount = {"type": "string", "pattern": f"^{type.units.pattern}$", "examples": ["120 kWh"]}
            ends = {
                "type": "object",
                "properties": {"at_least": amount, "at_most": amount},
                "additionalProperties": False,
                "required": ["at_least"],
            }
            return {"anyOf": [amount, ends]}
        case "ratio":
            return {"type": "string", "pattern": rf"^(\d{{1,15}}(\.\d{{1,12}})?|{FRACTION})$"}
        case "date":
            return {"type": "string", "format": "date"}
    examples = {"duration": "3 years", "id": "org-1"}
    return {"type": "string", "minLength": 1, "maxLength": 256, "examples": [examples[type.kind]]}


def _document_leaf(title: str, shape: Any) -> Any:
    """A document with its fields, which have this `shape`, or the word `none` or `unknown`."""

    word = Annotated[Any, PlainValidator(_word), WithJsonSchema({"enum": ["none", "unknown"]}), Tag("word")]
    document = Annotated[shape, Tag("document")]
    return Annotated[
        document | word,
        Discriminator(_document_or_word),
        Field(title=title),
    ]


def _document_or_word(json: Any) -> str:
    return "document" if isinstance(json, dict) else "word"


def _word(json: Any) -> Value:
    if json not in ("none", "unknown"):
        said = 'must be a document like {"dated": "2024-05-01", "covers": true}, "none" or "unknown"'
        raise PydanticCustomError("wrong_value", said)
    return Missing.UNKNOWN if json == "unknown" else Document("none", {})


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


def _carried_leaf() -> Any:
    wrong = f'must be a list of at most {MAX_CARRIED} objects like {{"provision": …, "from": …}}, whose values are texts'

    def entry(json: Any) -> tuple[str, str]:
        match json:
            case {"provision": str(provision), "from": str(origin), **rest} if not rest:
                if 0 < len(provision) <= 160 and 0 < len(origin) <= 256:
                    return provision, origin
        raise PydanticCustomError("wrong_value", "{m}", {"m": wrong})

    def read(json: Any) -> tuple[tuple[str, str], ...]:
        if not isinstance(json, list) or len(json) > MAX_CARRIED:
            raise PydanticCustomError("wrong_value", "{m}", {"m": wrong})
        return tuple(entry(each) for each in json)

    schema = {
        "type": "array",
        "items": {
            "type": "object",
            "properties": {
                "provision": {"type": "string", "minLength": 1, "maxLength": 160},
                "from": {"type": "string", "minLength": 1, "maxLength": 256},
            },
            "required": ["provision", "from"],
            "additionalProperties": False,
        },
        "maxItems": MAX_CARRIED,
        "title": "conditions that came with the data: for each, the provision that laid it down and where it came from",
    }
    return Annotated[Any, PlainValidator(read), WithJsonSchema(schema)]


def _schema_leaf() -> Any:
    def read(json: Any) -> str:
        if json not in SHAPES:
            raise PydanticCustomError("wrong_value", "{m}", {"m": f"must be {' or '.join(f'`{each}`' for each in SHAPES)}"})
        return str(json)

    return Annotated[Any, PlainValidator(read), WithJsonSchema({"enum": list(SHAPES)})]


def _shown(fields: dict[str, Value]) -> Document:
    return Document("shown", fields)
