"""
Documents in Turtle: bytes in; triples, or the policy, out. The one module of this door that imports `rdflib`.

A place in such a document is the name of its subject; a subject without a name is told by the one that refers to it. The text is bounded
before the library sees it; Turtle fetches nothing.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING

from service.doors import turtle_text
from service.doors.installed import require
from service.doors.odrl import contract_graph
from service.doors.odrl.contract_policy import ContractPolicy, LinkedDocument, Term, Triple, local_name
from service.doors.odrl.refusals import refused, shown

if TYPE_CHECKING:
    from rdflib import Graph
    from rdflib.term import Node

MEDIA_TYPE = "text/turtle"
MOST_BYTES = 262_144
MOST_DEPTH = 40
MOST_TRIPLES = 20_000
MOST_TEXT = 16_384  # characters of one name or value
_HERE = "x-here://document/"  # against which a relative name is resolved, and which is taken off again


def read(raw: bytes) -> ContractPolicy:
    """The one policy in a document. Raises RequestRefused."""
    return contract_graph.policy(document(raw))


def triples(raw: bytes) -> tuple[Triple, ...]:
    """The statements of any document. Raises RequestRefused."""
    return document(raw).triples


def document(raw: bytes, most_bytes: int = MOST_BYTES) -> LinkedDocument:
    """A document as triples with their places. Raises RequestRefused, also where the library is not installed."""
    require("odrl", "rdflib")
    text = _text(raw, most_bytes)
    graph = _graph(text)
    if len(graph) > MOST_TRIPLES:
        raise refused("too-large", f"a contract has at most {MOST_TRIPLES:,} statements")
    found: list[Triple] = []
    pointers: dict[str, str] = {}
    names = _places(graph)
    for subject, predicate, value in graph:
        name = names[subject]
        pointers.setdefault(name, name)
        found.append(Triple(name, _bounded(str(predicate)), _term(value, names)))
    return LinkedDocument(tuple(found), pointers)


def _text(raw: bytes, most_bytes: int) -> str:
    """The text, within its bounds. Raises RequestRefused."""
    if len(raw) > most_bytes:
        raise refused("too-large", f"the contract has more than {most_bytes:,} bytes")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise refused("not-turtle", "the document is not UTF-8") from None
    try:
        turtle_text.check(text, MOST_DEPTH)
    except turtle_text.UnreadableText as why:
        raise refused(why.code, f"the document is not Turtle that can be read: {why}") from None
    return text


def _graph(text: str) -> Graph:
    """What the library reads. Raises RequestRefused."""
    import rdflib
    from rdflib import Graph
    from rdflib.exceptions import ParserError
    from rdflib.plugins.parsers.notation3 import BadSyntax

    logging.getLogger("rdflib.term").setLevel(
        logging.CRITICAL
    )  # a value of a wrong form is read as its text, without a line in the log
    # Values stay as they were written: "1E300000000" as a decimal would be written out in three hundred million digits.
    rdflib.NORMALIZE_LITERALS = False
    graph = Graph(store="SimpleMemory")  # keeps the order of the document
    try:
        graph.parse(data=text, format="turtle", publicID=_HERE)
    except BadSyntax as error:
        raise refused("not-turtle", f"the document is not Turtle: line {error.lines + 1}: {shown(str(error._why))}") from None
    except (ParserError, ArithmeticError, AssertionError, AttributeError, LookupError, RecursionError, TypeError, ValueError):
        raise refused("not-turtle", "the document cannot be read as Turtle") from None
    return graph


def _places(graph: Graph) -> Mapping[Node, str]:
    """A name for every subject; one without a name is `_:`, who refers to it, by which predicate, and the how manieth."""
    from rdflib.term import BNode

    said: dict[Node, list[tuple[Node, Node]]] = {}
    for subject, predicate, value in graph:
        said.setdefault(subject, []).append((predicate, value))
    referred = {value for values in said.values() for _, value in values}
    names: dict[Node, str] = {}
    used: dict[str, int] = {}
    waiting: deque[tuple[Node, int]] = deque()

    def name(node: Node, text: str, depth: int) -> None:
        if depth > MOST_DEPTH:
            raise refused("too-deep", f"a contract is nested at most {MOST_DEPTH} deep")
        names[node] = text
        waiting.append((node, depth))

    def numbered(stem: str) -> str:
        used[stem] = used.get(stem, -1) + 1
        return _bounded(f"_:{stem}/{used[stem]}")

    def follow() -> None:
        while waiting:
            node, depth = waiting.popleft()
            for predicate, value in said.get(node, ()):
                if isinstance(value, BNode) and value not in names:
                    name(value, numbered(f"{names[node].removeprefix('_:')}/{local_name(str(predicate))}"), depth + 1)

    for each in dict.fromkeys([*said, *referred]):
        if not isinstance(each, BNode):
            name(each, _bounded(str(each)).removeprefix(_HERE), 0)
    follow()
    for each in said:
        if each not in names and each not in referred:
            name(each, numbered(""), 0)
    follow()
    for each in said:  # what is left refers to itself in a circle
        if each not in names:
            name(each, numbered("circle"), 0)
            follow()
    return names


def _term(value: Node, names: Mapping[Node, str]) -> Term:
    from rdflib.term import BNode, Literal

    if isinstance(value, Literal):
        return Term(_bounded(str(value)), "literal", str(value.datatype or ""), value.language or "")
    return Term(names[value], "blank" if isinstance(value, BNode) else "iri")


def _bounded(text: str) -> str:
    if len(text) > MOST_TEXT:
        raise refused("too-large", f"a name or a value has at most {MOST_TEXT:,} characters")
    return text
