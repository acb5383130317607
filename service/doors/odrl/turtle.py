"""
Documents in Turtle: bytes in; triples, or the policy, out.

A place in such a document is the name of its subject; a subject without a name is told by the one that refers to it. The text is bounded
before a library sees it; Turtle fetches nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence

from service.doors import graphs, turtle_text
from service.doors.graphs import GraphTerm, GraphTriple
from service.doors.installed import require
from service.doors.odrl import contract_graph
from service.doors.odrl.contract_policy import ContractPolicy, LinkedDocument, local_name
from service.doors.odrl.contract_refusals import refused

MEDIA_TYPE = graphs.TURTLE
MOST_BYTES = 262_144
MOST_DEPTH = 32
MOST_TRIPLES = 20_000
MOST_TEXT = 16_384  # characters of one name or value


def read(raw: bytes) -> ContractPolicy:
    """The one policy in a document. Raises RequestRefused."""
    return contract_graph.policy(document(raw))


def triples(raw: bytes) -> tuple[GraphTriple, ...]:
    """The statements of any document. Raises RequestRefused."""
    return document(raw).triples


def document(raw: bytes, most_bytes: int = MOST_BYTES) -> LinkedDocument:
    """A document as triples with their places. Raises RequestRefused, also where the library is not installed."""
    require("odrl", "rdflib")
    _check(raw, most_bytes)
    try:
        said = graphs.read_graph(raw, MEDIA_TYPE, most_bytes=most_bytes, most_triples=MOST_TRIPLES)
    except graphs.GraphRefused as why:
        raise refused("not-turtle", f"the document is not Turtle: {why.detail}") from None
    names = _places(said)
    found: list[GraphTriple] = []
    pointers: dict[str, str] = {}
    for each in said:
        name = names[each.subject]
        pointers.setdefault(name, name)
        text = names[each.object.text] if each.object.kind != "literal" else _bounded(each.object.text)
        value = GraphTerm(text, each.object.kind, each.object.data_type, each.object.language)
        found.append(GraphTriple(name, _bounded(each.predicate), value))
    return LinkedDocument(tuple(found), pointers)


def _check(raw: bytes, most_bytes: int) -> None:
    """Refuse what is too large or too deep, or ends within a string. Raises RequestRefused."""
    if len(raw) > most_bytes:
        raise refused("too-large", f"the contract has more than {most_bytes:,} bytes")
    try:
        turtle_text.check(raw.decode("utf-8"), MOST_DEPTH)
    except UnicodeDecodeError:
        raise refused("not-turtle", "the document is not UTF-8") from None
    except turtle_text.UnreadableText as why:
        raise refused(why.code, f"the document is not Turtle that can be read: {why}") from None


def _places(said: Sequence[GraphTriple]) -> Mapping[str, str]:
    """A name for every subject and object; one without a name is `_:`, who refers to it, by which predicate, and the how manieth."""
    of: dict[str, list[GraphTriple]] = {}
    for triple in said:
        of.setdefault(triple.subject, []).append(triple)
    referred = dict.fromkeys(triple.object.text for triple in said if triple.object.kind != "literal")
    names: dict[str, str] = {}
    used: dict[str, int] = {}
    waiting: deque[tuple[str, int]] = deque()

    def name(node: str, text: str, depth: int) -> None:
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
            for each in of.get(node, ()):
                if each.object.kind == "blank" and each.object.text not in names:
                    name(
                        each.object.text, numbered(f"{names[node].removeprefix('_:')}/{local_name(each.predicate)}"), depth + 1
                    )

    for each in dict.fromkeys([*of, *referred]):
        if not each.startswith("_:"):
            name(each, _bounded(each).removeprefix(graphs.BASE), 0)
    follow()
    for each in of:
        if each not in names and each not in referred:
            name(each, numbered(""), 0)
    follow()
    for each in of:  # what is left refers to itself in a circle
        if each not in names:
            name(each, numbered("circle"), 0)
            follow()
    return names


def _bounded(text: str) -> str:
    if len(text) > MOST_TEXT:
        raise refused("too-large", f"a name or a value has at most {MOST_TEXT:,} characters")
    return text
