"""
Documents in JSON-LD: bytes in; triples with their places, or the policy, out. The one module that imports `pyld`.

Everything is bounded before the library sees it, no context is fetched, and nothing is dropped: a name that no context defines comes out as
such a name, and a key that the library would pass over refuses the document. Each call has a `ContextResolver` of its own: the library's
shared one mixes contexts of one document into the next.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Iterator, Mapping
from typing import Any

import engine
from service.doors.graphs import GraphTerm, GraphTriple
from service.doors.installed import require
from service.doors.odrl import contexts, contract_graph
from service.doors.odrl.contract_policy import RDF_TYPE, XSD, ContractPolicy, LinkedDocument, local_name
from service.doors.odrl.contract_refusals import refused, shown

MOST_BYTES = 262_144
MOST_DEPTH = 40
MOST_NODES = 20_000  # objects, lists and values
MOST_ITEMS = 2_000  # in one list or object
MOST_TEXT = 16_384  # characters of one string

_KEYWORDS = frozenset({"@context", "@id", "@type", "@value", "@language", "@list", "@set"})
_VALUES = frozenset({"@value", "@list", "@set"})  # an object with one of these is no node
# The property by which each node keeps its place through the library. No document can name it: it is another in each process.
_AT = f"x-place:{secrets.token_hex(16)}"


def read(raw: bytes) -> ContractPolicy:
    """The one policy in a document. Raises RequestRefused."""
    return contract_graph.policy(document(raw))


def triples(raw: bytes) -> tuple[GraphTriple, ...]:
    """The statements of any document, in its order. Raises RequestRefused."""
    return document(raw).triples


def document(raw: bytes) -> LinkedDocument:
    """A document as triples with their places. Raises RequestRefused, also where the library is not installed."""
    require("odrl", "pyld")
    try:
        sent = engine.read_object(raw, MOST_BYTES, "contract")
    except engine.ExchangeRefused as why:
        raise refused(why.problems[0].code, why.problems[0].detail) from None
    _check(sent)
    return _Walk(sent).linked(_expanded(sent))


# Bounds


def _check(sent: Mapping[str, Any]) -> None:
    """Refuse what is too large or too deep, what no policy needs, and contexts that are not plain. Raises RequestRefused."""
    if "@graph" in sent and set(sent) - {"@context", "@graph"}:
        raise refused("named-graph", "beside `@graph` a document has only its `@context`", "/@graph")
    stack: list[tuple[Any, str, int]] = [(sent, "", 1)]
    seen = named = 0
    while stack:
        value, at, depth = stack.pop()
        seen += 1
        if seen > MOST_NODES:
            raise refused("too-large", f"a contract has at most {MOST_NODES:,} objects, lists and values")
        if depth > MOST_DEPTH:
            raise refused("too-deep", f"a contract is nested at most {MOST_DEPTH} deep", at)
        if isinstance(value, (dict, list)) and len(value) > MOST_ITEMS:
            raise refused("too-large", f"a list or an object has at most {MOST_ITEMS:,} members", at)
        if isinstance(value, dict):
            for key, part in value.items():
                place = f"{at}/{_escaped(key)}"
                _check_key(key, part, value, place, depth)
                if key == "@context":
                    seen += _size(part, place)
                    contexts.check(part, place)
                    named += len(part) if isinstance(part, list) else 1
                    if named > contexts.MOST_CONTEXTS:  # each takes the library a while, in each place anew
                        raise refused(
                            "large-context", f"a document names at most {contexts.MOST_CONTEXTS} contexts in all", place
                        )
                else:
                    stack.append((part, place, depth + 1))
        elif isinstance(value, list):
            stack.extend((part, f"{at}/{number}", depth + 1) for number, part in enumerate(value))
        else:
            _check_value(value, at)


def _check_key(key: str, value: Any, within: Mapping[str, Any], at: str, depth: int) -> None:
    if len(key) > MOST_TEXT:
        raise refused("too-large", f"a key has at most {MOST_TEXT:,} characters", at)
    if key.startswith("@") and key not in _KEYWORDS and not (key == "@graph" and depth == 1):
        raise refused("keyword", f"{shown(key)} is not read in a contract", at)
    if key == "@value" and isinstance(value, (dict, list)):
        raise refused("bad-value", "`@value` is a string, a number or true or false", at)
    if key == "@type" and "@json" in (value if isinstance(value, list) else [value]):
        raise refused("bad-value", "a value of the type `@json` is not read in a contract", at)
    if key in ("@list", "@set") and set(within) - {key}:
        raise refused("bad-value", f"beside `{key}` an object has nothing", at)
    if key in ("@list", "@set") and any(isinstance(each, list) for each in (value if isinstance(value, list) else ())):
        raise refused("bad-value", f"`{key}` has no list in it", at)


def _check_value(value: Any, at: str) -> None:
    if value is None:
        raise refused("null", "`null` says nothing: leave it out", at)
    if isinstance(value, str) and len(value) > MOST_TEXT:
        raise refused("too-large", f"a text has at most {MOST_TEXT:,} characters", at)
    if isinstance(value, float) and not math.isfinite(value):
        raise refused("not-json", "a number is too large", at)


def _size(context: Any, at: str) -> int:
    """How many values a context has. Raises RequestRefused where there are too many, or too deep."""
    stack, seen = [(context, 1)], 0
    while stack:
        value, depth = stack.pop()
        seen += 1
        if seen > MOST_ITEMS or depth > MOST_DEPTH or (isinstance(value, str) and len(value) > MOST_TEXT):
            raise refused("large-context", "the context is too large", at)
        parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        stack.extend((part, depth + 1) for part in parts)
    return seen


# Expansion


def _expanded(sent: Mapping[str, Any]) -> list[Any]:
    """The document without its contexts: every name an IRI, every node with its place. Raises RequestRefused."""
    from cachetools import LRUCache
    from pyld import jsonld
    from pyld.context_resolver import ContextResolver

    dropped: list[str] = []

    def load(url: str, options: Mapping[str, Any]) -> dict[str, Any]:
        return {"contextUrl": None, "documentUrl": url, "contentType": "application/ld+json", "document": contexts.load(url)}

    options = {
        "base": None,  # a relative name stays as it was written
        "documentLoader": load,
        "contextResolver": ContextResolver(LRUCache(maxsize=100), load),
        "expandContext": {"@vocab": contexts.BARE},
    }
    try:
        expanded: list[Any] = jsonld.JsonLdProcessor(on_property_dropped=lambda name: dropped.append(str(name))).expand(
            _marked(sent, ""), options
        )
    except jsonld.JsonLdError as error:
        raise refused("not-json-ld", f"the document is not JSON-LD: {shown(str(error.args[0]).rstrip('.'))}") from None
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError):
        raise refused("not-json-ld", "the document cannot be read as JSON-LD") from None
    if dropped:
        raise refused(
            "dropped", f"{shown(dropped[0])} is not a name that a context could define, so what it says would be lost"
        )
    return expanded


def _marked(value: Any, at: str) -> Any:
    """A copy in which each node says where it is."""
    if isinstance(value, list):
        return [_marked(each, f"{at}/{number}") for number, each in enumerate(value)]
    if not isinstance(value, dict):
        return value
    copy = {key: part if key == "@context" else _marked(part, f"{at}/{_escaped(key)}") for key, part in value.items()}
    if not _VALUES & value.keys() and "@graph" not in value:
        copy[_AT] = at
    return copy


class _Walk:
    """From an expanded document to its triples, in the order of the document as far as the library keeps it."""

    def __init__(self, sent: Mapping[str, Any]) -> None:
        self._sent = sent
        self._pointers: dict[str, str] = {}
        self._said: set[str] = set()  # names that are described by more than a type
        self._predicates: dict[tuple[str, str], str] = {}

    def linked(self, expanded: list[Any]) -> LinkedDocument:
        found = tuple(triple for node in expanded if isinstance(node, dict) for triple in self._node(node)[1])
        return LinkedDocument(found, self._pointers, self._predicates)

    def _node(self, node: Mapping[str, Any]) -> tuple[GraphTerm, tuple[GraphTriple, ...]]:
        """The name of a node, and what it and the nodes in it say."""
        at = node[_AT][0]["@value"] if _AT in node else ""
        name = _name(node["@id"]) if isinstance(node.get("@id"), str) else f"_:{at}"
        term = GraphTerm(name, "blank" if name.startswith("_:") else "iri")
        said = [key for key in node if key not in ("@id", _AT)]
        if said and name in self._pointers and (said != ["@type"] or name in self._said):
            # What two places say of one name holds together: a limit written beside the permission would narrow the prohibition too.
            first = shown(self._pointers[name])
            raise refused(
                "described-twice", f"{shown(name)} is described at {first} already: describe it once, and name it elsewhere", at
            )
        if said:
            if said != ["@type"]:
                self._said.add(name)
            self._pointers.setdefault(name, at)
        sent = _at(self._sent, at)
        found: list[GraphTriple] = []
        for key in said:
            predicate = RDF_TYPE if key == "@type" else _name(key)
            written = "@type" if key == "@type" and "@type" in sent else _written(predicate, sent)
            if written:
                self._predicates.setdefault((name, predicate), f"{at}/{_escaped(written)}")
            if key == "@type":
                found += [GraphTriple(name, predicate, GraphTerm(_name(each))) for each in node[key]]
                continue
            for value in node[key]:
                for object_, inner in self._value(value):
                    found.append(GraphTriple(name, predicate, object_))
                    found += inner
        return term, tuple(found)

    def _value(self, value: Any) -> Iterator[tuple[GraphTerm, tuple[GraphTriple, ...]]]:
        if not isinstance(value, dict):
            raise refused("not-json-ld", "the document cannot be read as JSON-LD")
        if "@list" in value:
            for each in value["@list"]:
                yield from self._value(each)
        elif "@value" in value:
            yield _literal(value), ()
        else:
            yield self._node(value)


def _literal(value: Mapping[str, Any]) -> GraphTerm:
    said, data_type, language = value["@value"], value.get("@type", ""), value.get("@language", "")
    if isinstance(said, bool):
        return GraphTerm("true" if said else "false", "literal", data_type or XSD + "boolean")
    if isinstance(said, int):
        return GraphTerm(str(said), "literal", data_type or XSD + "integer")
    if isinstance(said, float):
        return GraphTerm(repr(said), "literal", data_type or XSD + "double")
    return GraphTerm(str(said), "literal", data_type, language)


def _name(iri: str) -> str:
    """An IRI; a name that is relative, or that no context defines, as it was written."""
    return iri.removeprefix(contexts.BARE)


def _written(predicate: str, sent: Mapping[str, Any]) -> str:
    """The key in an object by which it says something."""
    last = local_name(predicate)
    return next((key for key in sent if local_name(key) == last), "")


def _at(sent: Any, pointer: str) -> Mapping[str, Any]:
    """The object at a place."""
    for step in pointer.split("/")[1:]:
        sent = sent[int(step)] if isinstance(sent, list) else sent[step.replace("~1", "/").replace("~0", "~")]
    return sent if isinstance(sent, dict) else {}


def _escaped(step: str) -> str:
    return step.replace("~", "~0").replace("/", "~1")
