"""
Statements checked against shapes: a graph and the text of shapes go in, what is wrong comes out.

This is the only module that knows pyshacl. Nothing is fetched, and no shape may run code.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from service.doors import graphs
from service.doors.installed import require

MOST_SHOWN = 100


@dataclass(frozen=True, slots=True)
class ShapeFinding:
    """What a shape refuses: the thing, its property ("" for the thing itself), and why."""

    subject: str
    property: str
    message: str


@dataclass(frozen=True, slots=True)
class ShapeReport:
    """Whether statements fit the shapes, and what does not; `checked` things were looked at."""

    conforms: bool
    checked: int
    findings: tuple[ShapeFinding, ...]


def check_shapes(triples: Iterable[graphs.GraphTriple], shapes: str) -> ShapeReport:
    """Raises RequestRefused (503) where pyshacl is not installed."""
    require("dpv", "rdflib", "pyshacl")
    import pyshacl
    from rdflib import SH, Namespace

    statements = graphs.rdf_graph(triples)
    rules = _shapes(shapes)
    conforms, report, _ = pyshacl.validate(
        statements,
        shacl_graph=rules,
        inference="none",
        advanced=False,
        js=False,
        meta_shacl=False,
        do_owl_imports=False,
        inplace=True,
    )
    ns: Any = Namespace(str(SH))
    found = []
    for each in report.subjects(None, ns.ValidationResult):
        subject, path, said = (report.value(each, ns[name]) for name in ("focusNode", "resultPath", "resultMessage"))
        found.append(ShapeFinding(str(subject or ""), str(path or ""), str(said or "")))
    checked = {subject for target in rules.objects(None, ns.targetClass) for subject in statements.subjects(None, target)}
    ordered = sorted(set(found), key=lambda each: (each.subject, each.property, each.message))
    return ShapeReport(bool(conforms), len(checked), tuple(ordered[:MOST_SHOWN]))


@lru_cache(maxsize=4)
def _shapes(text: str) -> Any:
    return graphs.shape_graph(text)
