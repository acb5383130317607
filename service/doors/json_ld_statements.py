"""
JSON-LD into a graph of rdflib, with nothing passed over: what the parser would leave out without a word is refused.

The parser of rdflib leaves out a name that no context defines, `null`, an IRI or a language that is none, and a value where a node is
meant. A reader who was not told would take what was left out for what was not said.
"""

import json
from typing import Any

from rdflib import Dataset
from rdflib.plugins.parsers.jsonld import Parser
from rdflib.plugins.shared.jsonld.context import Context

_KEYWORDS = frozenset(
    ("@graph", "@id", "@included", "@index", "@language", "@list", "@nest", "@reverse", "@set", "@type", "@value", "@context")
)
MOST_SHOWN = 80


class LeftOut(Exception):
    """What would be left out, in a sentence."""


def statements(document: dict[str, Any], base: str) -> Dataset:
    """The statements of a document, also of the graphs in it. Raises LeftOut, and what the parser raises."""
    found = Dataset(default_union=True)
    _WholeParser().parse(document, Context(base=base), found)
    return found


def _shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)[:MOST_SHOWN]


class _WholeParser(Parser):
    def _add_to_graph(self, dataset: Any, graph: Any, context: Any, node: Any, topcontext: bool = False) -> Any:
        if not isinstance(node, dict) or context.get_value(node) is not None:
            raise LeftOut(f"`{_shown(node)}` stands where an object is meant")
        return super()._add_to_graph(dataset, graph, context, node, topcontext)

    def _key_to_graph(
        self,
        dataset: Any,
        graph: Any,
        context: Any,
        subj: Any,
        key: str,
        obj: Any,
        reverse: bool = False,
        no_id: bool = False,
    ) -> None:
        term = context.terms.get(key)
        meant = key if key.startswith("@") else term.id if term else context.expand(key)
        if not meant or (meant not in _KEYWORDS if meant.startswith("@") else ":" not in meant or meant.startswith("_:")):
            raise LeftOut(f"no context says what `{key[:MOST_SHOWN]}` means, so what it says would be lost")
        if meant == "@nest" and not all(isinstance(each, dict) for each in (obj if isinstance(obj, list) else [obj])):
            raise LeftOut("what `@nest` holds is an object")
        super()._key_to_graph(dataset, graph, context, subj, key, obj, reverse, no_id)

    def _to_object(self, dataset: Any, graph: Any, context: Any, term: Any, node: Any, inlist: bool = False) -> Any:
        found = super()._to_object(dataset, graph, context, term, node, inlist)
        if found is None:
            raise LeftOut(f"`{_shown(node)}` says nothing that can be read: leave it out, or write what it stands for")
        return found

    def _add_list(self, dataset: Any, graph: Any, context: Any, term: Any, node_list: Any) -> Any:
        if node_list is None or (isinstance(node_list, list) and None in node_list):
            raise LeftOut("`null` says nothing that can be read: leave it out")
        return super()._add_list(dataset, graph, context, term, node_list)
