"""
Documents in RDF: Turtle or JSON-LD in, plain triples out, and the other way round.

Only this module and its parser of JSON-LD know rdflib. What is sent is bounded before it is parsed, and nothing is fetched: a context
that stands at an address is refused. A triple of JSON-LD has the JSON Pointer of its value; one of Turtle the name of its subject.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import engine
from service.doors import turtle_text
from service.doors.installed import require
from service.problems import ProblemPlace, RequestRefused

JSON_LD, TURTLE = "application/ld+json", "text/turtle"
MEDIA_TYPES: Mapping[str, str] = {JSON_LD: "json-ld", "application/json": "json-ld", TURTLE: "turtle"}
TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
UNNAMED = "urn:fifthfactor:unnamed:"  # what a node of JSON without a name is called while it is parsed
BASE = "https://document.invalid/"  # what relative names are relative to; the name is reserved, so nobody has it
MOST_BYTES = 256 * 1024
MOST_TRIPLES = 20_000
MOST_NODES = 20_000  # values of a JSON document
DEEPEST = 32  # brackets of either form


@dataclass(frozen=True, slots=True)
class GraphTerm:
    """A name, the label of an unnamed node (`_:b1`), or the lexical form of a value with its type and language."""

    text: str
    kind: Literal["iri", "blank", "literal"] = "iri"
    data_type: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class GraphTriple:
    """A statement of a document, and where it stands there, if that is known by the statement itself."""

    subject: str
    predicate: str
    object: GraphTerm
    pointer: str = ""


class GraphRefused(RequestRefused):
    """A document that cannot be read, with the reason in a sentence."""

    def __init__(self, detail: str, pointer: str = "", code: str = "wrong-value") -> None:
        places = (ProblemPlace(pointer=pointer, code=code, detail=detail),) if pointer else ()
        super().__init__("bad-request", detail, errors=places or None)


def read_graph(
    raw: bytes, media_type: str, *, most_bytes: int = MOST_BYTES, most_triples: int = MOST_TRIPLES
) -> tuple[GraphTriple, ...]:
    """The statements of a document. Raises GraphRefused, and RequestRefused (503) where rdflib is not installed."""
    require("dpv", "rdflib")
    form = MEDIA_TYPES.get(media_type.partition(";")[0].strip().lower())
    if form is None:
        raise RequestRefused("unsupported-media-type", f"send the document as {JSON_LD} or {TURTLE}")
    if len(raw) > most_bytes:
        raise GraphRefused(f"the document has more than {most_bytes:,} bytes")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise GraphRefused("the document is not UTF-8") from None
    if "\0" in text:
        raise GraphRefused("the document has a character that no document has (U+0000)")
    if form == "turtle":
        try:
            turtle_text.check(text, DEEPEST)
        except turtle_text.UnreadableText as why:
            kind = "too deep" if why.code == "too-deep" else "no Turtle that can be read"
            raise GraphRefused(f"the document is {kind}: {why}") from None
        return _parsed(text, form, None, most_triples)
    document = _json_object(text)
    places = _Places(document)
    return _parsed(document, form, places, most_triples)


def written(triples: Iterable[GraphTriple], media_type: str, prefixes: Mapping[str, str]) -> bytes:
    """The statements as a document; the same ones give the same bytes. Raises RequestRefused (503) where rdflib is not installed."""
    require("dpv", "rdflib")
    if MEDIA_TYPES.get(media_type) == "json-ld":
        return _as_json(list(triples), prefixes)
    graph = _graph(triples)
    for prefix, namespace in prefixes.items():
        graph.bind(prefix, namespace, replace=True)
    return bytes(graph.serialize(format="turtle", encoding="utf-8"))


def _graph(triples: Iterable[GraphTriple]) -> Any:
    from rdflib import BNode, Graph, Literal, URIRef

    def node(term: GraphTerm) -> Any:
        if term.kind == "literal":
            return Literal(term.text, lang=term.language or None, datatype=URIRef(term.data_type) if term.data_type else None)
        return BNode(term.text.removeprefix("_:")) if term.kind == "blank" else URIRef(term.text)

    graph = Graph(bind_namespaces="none")
    for each in triples:
        subject = GraphTerm(each.subject, "blank" if each.subject.startswith("_:") else "iri")
        graph.add((node(subject), URIRef(each.predicate), node(each.object)))
    return graph


def rdf_graph(triples: Iterable[GraphTriple]) -> Any:
    """The statements as a graph of rdflib, for the module that checks shapes."""
    return _graph(triples)


def shape_graph(text: str) -> Any:
    """Shapes of this project, in Turtle, as a graph of rdflib."""
    from rdflib import Graph

    return Graph().parse(data=text, format="turtle")


def _parsed(said: str | dict[str, Any], form: str, places: "_Places | None", most: int) -> tuple[GraphTriple, ...]:
    import logging

    import rdflib
    from rdflib import Graph

    from service.doors import json_ld_statements

    # A value stays as it was written: "1E300000000" as a decimal would be written out in three hundred million digits.
    rdflib.NORMALIZE_LITERALS = False
    logging.getLogger("rdflib.term").setLevel(logging.ERROR)  # it prints each text that its type does not allow
    try:
        if isinstance(said, str):
            graph = Graph(bind_namespaces="none").parse(data=said, format=form, publicID=BASE)
        else:  # it may hold graphs in graphs: what any of them says is said
            graph = json_ld_statements.statements(said, BASE)
    except json_ld_statements.LeftOut as lost:
        raise GraphRefused(str(lost)) from None
    except RecursionError:
        raise GraphRefused("the document is nested too deeply, or its terms mean each other") from None
    except RequestRefused:
        raise
    except Exception as bad:  # noqa: BLE001 (the parsers raise many kinds of errors, which have no class in common)
        line = getattr(bad, "lines", None)
        at = f" at line {line + 1}" if isinstance(line, int) else ""
        kind = "Turtle" if form == "turtle" else "JSON-LD"
        raise GraphRefused(f"the document is no {kind} that can be read{at}") from None
    if sum(1 for _ in graph.triples((None, None, None))) > most:
        raise GraphRefused(f"the document makes more than {most:,} statements")
    return tuple(_plain(graph, places))


def _plain(graph: Any, places: "_Places | None") -> Iterator[GraphTriple]:
    from rdflib import BNode, Literal, URIRef

    names: dict[str, str] = {}

    def told(node: Any) -> GraphTerm:
        if isinstance(node, BNode) or str(node).startswith(UNNAMED):
            return GraphTerm(names.setdefault(str(node), f"_:b{len(names) + 1}"), "blank")
        if isinstance(node, Literal):
            return GraphTerm(str(node), "literal", str(node.datatype or ""), str(node.language or ""))
        return GraphTerm(str(node))

    # The store of rdflib has no order that stays the same: named things come first, by their names, each with what lies inside it.
    todo = sorted(
        {each for each in graph.subjects() if isinstance(each, URIRef) and UNNAMED not in each}, key=str, reverse=True
    )
    rest = list(graph.subjects())
    seen: set[Any] = set()
    while todo or rest:
        node = todo.pop() if todo else rest.pop()
        if node in seen:
            continue
        seen.add(node)
        said = sorted(graph.predicate_objects(node), key=lambda each: (str(each[0]), isinstance(each[1], BNode), str(each[1])))
        todo += [object for _, object in reversed(said) if isinstance(object, BNode) or str(object).startswith(UNNAMED)]
        for predicate, object in said:
            one, other = told(node), told(object)
            pointer = places.of(str(node), str(predicate), object) if places else one.text
            yield GraphTriple(one.text, str(predicate), other, pointer)


def _json_object(text: str) -> dict[str, Any]:
    """The document as JSON, strictly; nothing in it stands at an address."""
    try:
        document = engine.read_object(text.encode(), len(text.encode()), "document")
    except engine.ExchangeRefused as refused:
        raise GraphRefused(refused.problems[0].detail.replace("the body", "the document")) from None
    todo: list[tuple[Any, str, int]] = [(document, "", 0)]
    seen = 0
    while todo:
        value, pointer, depth = todo.pop()
        seen += 1
        if seen > MOST_NODES:
            raise GraphRefused(f"the document has more than {MOST_NODES:,} values")
        if depth > DEEPEST:
            raise GraphRefused(f"the document is nested more than {DEEPEST} values deep")
        if isinstance(value, dict):
            for name, inner in value.items():
                at = f"{pointer}/{_step(name)}"
                if name == "@context":
                    _check_context(inner, at)
                elif name == "@import":
                    raise GraphRefused("nothing is fetched: write the context itself in place of its address", at)
                elif name in ("@id", "@type") and not _is_named(inner, several=name == "@type"):
                    raise GraphRefused(f"what `{name}` says is a text", at, "wrong-type")
                todo.append((inner, at, depth + 1))
        elif isinstance(value, list):
            todo += [(inner, f"{pointer}/{number}", depth + 1) for number, inner in enumerate(value)]
    return document


def _is_named(value: Any, *, several: bool) -> bool:
    return all(isinstance(each, str) for each in (value if several and isinstance(value, list) else [value]))


def _check_context(context: Any, at: str) -> None:
    for number, each in enumerate(context if isinstance(context, list) else [context]):
        pointer = f"{at}/{number}" if isinstance(context, list) else at
        if isinstance(each, str):
            raise GraphRefused("nothing is fetched: write the context itself in place of its address", pointer)
        if not isinstance(each, dict | None):
            raise GraphRefused("a context is an object", pointer, "wrong-type")


_NO_NODES = frozenset({"@value", "@list", "@set", "@graph", "@reverse", "@included", "@nest"})


class _Places:
    """
    Where the values of a JSON-LD document stand. A node without a name gets one in the document, by which its place is found again.

    Names are expanded by all contexts of the document together: a pointer helps who reads, and nothing is read by it.
    """

    def __init__(self, document: dict[str, Any]) -> None:
        self._words: dict[str, Any] = {}
        self._found: dict[tuple[str, str], list[tuple[str, str]]] = {}
        todo: list[Any] = [document]
        while todo:
            value = todo.pop()
            if isinstance(value, dict):
                contexts = value.get("@context")
                for each in contexts if isinstance(contexts, list) else [contexts]:
                    self._words |= each if isinstance(each, dict) else {}
                todo += value.values()
            elif isinstance(value, list):
                todo += value
        # A map of languages, of names or of graphs is no node; with such a context nodes without a name keep none.
        self._names = not any(isinstance(each, dict) and each.keys() & {"@container", "@nest"} for each in self._words.values())
        self._node(document)

    def of(self, subject: str, predicate: str, object: Any) -> str:
        """The pointer of a statement's value; "" where it is not found."""
        found = self._found.get((predicate, str(object))) or self._found.get((predicate, "")) or []
        return next((at for node, at in found if node == subject), found[0][1] if found else "")

    def _node(self, top: dict[str, Any]) -> None:
        todo: list[tuple[Any, str, str, str]] = [(top, "", "", "")]
        number = 0
        while todo:
            value, pointer, node, predicate = todo.pop()
            if isinstance(value, list):
                todo += [(each, f"{pointer}/{number}", node, predicate) for number, each in enumerate(value)][::-1]
            elif not isinstance(value, dict):
                self._put(predicate, self._in_full(str(value)), node, pointer)
                if isinstance(value, str):
                    self._put(predicate, value, node, pointer)
            elif "@value" in value:
                self._put(predicate, str(value["@value"]), node, pointer)
            else:
                id = next((each for word, each in value.items() if self._words.get(word, word) == "@id" or word == "id"), "")
                if not id and self._names and not value.keys() & _NO_NODES:
                    number += 1
                    id = value["@id"] = f"{UNNAMED}{number}"
                name = self._in_full(id) if isinstance(id, str) and id else ""
                self._put(predicate, name, node, pointer)
                for word, inner in reversed(value.items()):
                    if word in ("@context", "@id", "id") or self._words.get(word) == "@id":
                        continue
                    under = TYPE if self._words.get(word, word) == "@type" or word == "type" else self._in_full(word)
                    keeps = word in ("@graph", "@list", "@set")
                    todo.append((inner, f"{pointer}/{_step(word)}", node if keeps else name, predicate if keeps else under))

    def _put(self, predicate: str, value: str, node: str, pointer: str) -> None:
        if predicate:
            self._found.setdefault((predicate, value), []).append((node, pointer))

    def _in_full(self, word: str, steps: int = 4) -> str:
        meant = self._words.get(word)
        if isinstance(meant, dict):
            meant = meant.get("@id")
        if isinstance(meant, str) and meant != word and steps:
            return self._in_full(meant, steps - 1)
        prefix, colon, rest = word.partition(":")
        known = self._words.get(prefix) if colon and not rest.startswith("//") else None
        if isinstance(known, str):
            return known + rest
        vocab = self._words.get("@vocab")
        return vocab + word if not colon and isinstance(vocab, str) and not word.startswith("@") else word


def _step(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _as_json(triples: Sequence[GraphTriple], prefixes: Mapping[str, str]) -> bytes:
    """The statements as JSON-LD, with nodes inside those that name them first, as a person would write it."""

    def short(iri: str) -> str:
        for prefix, namespace in prefixes.items():
            if iri.startswith(namespace):
                return f"{prefix}:{iri.removeprefix(namespace)}"
        return iri

    of: dict[str, list[GraphTriple]] = {}
    named: dict[str, int] = {}
    for each in triples:
        of.setdefault(each.subject, []).append(each)
        if each.object.kind != "literal":
            named[each.object.text] = named.get(each.object.text, 0) + 1
    told: set[str] = set()

    def node(name: str) -> dict[str, Any]:
        told.add(name)
        found: dict[str, Any] = {} if name.startswith("_:") and named.get(name) == 1 else {"@id": short(name)}
        for each in of[name]:
            if each.predicate == TYPE:
                found.setdefault("@type", []).append(short(each.object.text))
            else:
                found.setdefault(short(each.predicate), []).append(value(each.object))
        return {key: each[0] if isinstance(each, list) and len(each) == 1 else each for key, each in found.items()}

    def value(term: GraphTerm) -> Any:
        if term.kind == "literal":
            if term.language:
                return {"@value": term.text, "@language": term.language}
            return {"@value": term.text, "@type": short(term.data_type)} if term.data_type else term.text
        return node(term.text) if term.text in of and term.text not in told else {"@id": short(term.text)}

    roots = [name for name in of if not named.get(name)] or list(of)[:1]
    nodes = [node(name) for name in roots]
    nodes += [node(name) for name in of if name not in told]
    return json.dumps({"@context": dict(prefixes), "@graph": nodes}, ensure_ascii=False, indent=2).encode() + b"\n"
