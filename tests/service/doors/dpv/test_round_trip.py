"""Exchanges written as records in DPV and read again: what exists in both comes back, and nothing comes back stronger."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import pytest

import engine
from engine.authoring.prepared_case import PreparedCase
from engine.authoring.testing import cases
from service.doors import graphs
from service.doors.dpv.record_reading import read_records
from service.doors.dpv.record_writing import DecidedTransfer, write_record
from service.doors.dpv.written_records import PREFIXES_WRITTEN, SHAPES
from service.doors.graphs import JSON_LD, TURTLE
from service.doors.shacl import check_shapes
from tests.service.doors.dpv.conftest import bundled, stated

WRITTEN = ("exporter", "recipient", "data", "purpose", "act", "safeguards", "evidence", "claims")
ID = "019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071"


@cache
def distinct() -> tuple[PreparedCase, ...]:
    """The exchanges of the policies' tests, each that says something else of what is written once."""
    found: dict[str, PreparedCase] = {}
    for case in cases(bundled()):
        document = case.exchange.document
        groups = {
            name: document.get(name)
            for name in ("exporter", "recipient", "data", "purpose", "act", "safeguards", "evidence", "claims")
        }
        found.setdefault(repr(sorted(groups.items(), key=str)), case)
    return tuple(found.values())


def again(document: Mapping[str, Any], table, standing: Sequence[str] = (), media_type: str = "") -> dict[str, Any]:
    """The exchange that is read from what is written of one; without a media type from the statements themselves."""
    triples: Sequence[graphs.GraphTriple] = write_record(
        table, DecidedTransfer(ID, document, standing, "2026-11-24", "permitted", "It may.")
    )
    if media_type:
        triples = graphs.read_graph(graphs.written(triples, media_type, PREFIXES_WRITTEN), media_type)
    (reading,) = read_records(triples, table)
    return reading.exchange


def standing_of(case: PreparedCase, number: int, table) -> tuple[str, ...]:
    """A provision that rests on a document which the exchange presents, if there is one: as a decision would name it."""
    shown = {
        f"{group}.{kind}"
        for group in ("evidence", "claims")
        for kind, document in (case.exchange.document.get(group) or {}).items()
        if isinstance(document, Mapping)
    }
    named = {term for term, kinds in table.documents.items() if shown & {kind for kind, _ in kinds}}
    found = [key for key, term in table.grounds.items() if term in named]
    return (found[number % len(found)],) if found else ()


def facts(exchange: Mapping[str, Any], under: str = "") -> Iterator[tuple[str, Any]]:
    """The facts of an exchange, and its documents."""
    for name, value in exchange.items():
        if isinstance(value, Mapping) and under.count(".") < 1 and under not in ("evidence.", "claims."):
            yield from facts(value, f"{under}{name}.")
        else:
            yield f"{under}{name}", value


def stronger(before: Any, after: Any, values: engine.ValueSet | None) -> bool:
    """Whether what came back says anything that did not go in."""
    if isinstance(after, list):
        known = set(before if isinstance(before, list) else ())
        lines = {each: (values.lineage[each] if values and each in values.lineage else {each}) for each in known}
        came = [each for each in after if each != "unknown"]
        if any(not any(each in line for line in lines.values()) for each in came):
            return True  # a value that is neither one that went in nor above one
        closed = "unknown" not in after
        return closed and ("unknown" in known or not all(any(each in came for each in line) for line in lines.values()))
    if isinstance(after, dict):  # a document: it was presented, and nothing is said of it that was not
        return not isinstance(before, dict) or any(before.get(name) != value for name, value in after.items())
    if after == "unknown":
        return False
    if values is not None and isinstance(before, str) and before in values.lineage:
        return after not in values.lineage[before]
    return bool(after != before)


def test_nothing_comes_back_stronger_than_it_went_in(table):
    """Of every test exchange of the policies: a value is the same or broader, a set that may hold more is open, the rest is left out."""
    vocabulary = bundled().vocabulary
    kept = 0
    for number, case in enumerate(distinct()):
        document = case.exchange.document
        for fact, value in facts(again(document, table, standing_of(case, number, table))):
            type = vocabulary.type_of(fact) if not fact.startswith(("evidence.", "claims.")) else None
            before = stated(document, fact)
            assert not stronger(before, value, type.values if type else None), (case.file, case.line, fact, before, value)
            kept += 1
    assert len(distinct()) > 1_000
    assert kept > 10_000


FACTS = {
    "exporter.role": ("controller", "joint-controller", "processor", "data-subject"),
    "exporter.kind": ("company", "individual", "international-organisation", "law-enforcement"),
    "exporter.country": ("DE", "CN", "US"),
    "recipient.role": ("controller", "processor"),
    "recipient.country": ("IN", "FO"),
    "data.personal": (True, False),
    "data.state": ("pseudonymised", "anonymised"),
    "data.categories": (["contact"], ["health", "genetic"], ["employee", "offences"], ["weather", "mapping"], ["none-of-these"]),
    "data.people_in": (["DE"], ["DE", "FR", "CN"]),
    "data.stored_in": (["DE", "US"],),
    "data.source": ("collected-from-public",),
    "act.frequency": ("once",),
    "purpose.is": (["research"], ["service-provision", "hr"], ["marketing", "legal", "climate"], ["ai-training"]),
    "safeguards.basis": (["consent"], ["statutory-duty", "legitimate-interest", "vital-interest", "public-task"], ["emergency"]),
}  # fmt: skip


@pytest.mark.parametrize("media_type", [TURTLE, JSON_LD])
@pytest.mark.parametrize("fact", FACTS)
def test_each_fact_that_exists_in_both_comes_back_as_it_was(fact, media_type, table):
    """In either form."""
    for value in FACTS[fact]:
        document: dict[str, Any] = {}
        step = document
        *groups, last = fact.split(".")
        for group in groups:
            step = step.setdefault(group, {})
        step[last] = value
        if value == "pseudonymised":
            document["data"]["personal"] = True
        came = stated(again(document, table, media_type=media_type), fact)
        assert came == (sorted(value) if isinstance(value, list) else value), fact


def test_what_is_written_of_every_exchange_fits_the_shapes(table):
    """pyshacl accepts a hundred of them together, with what would stand beside them."""
    some = distinct()[:: max(1, len(distinct()) // 100)]
    triples = []
    for number, case in enumerate(some):
        id = f"{ID[:-3]}{number:03}"
        transfer = DecidedTransfer(
            id, case.exchange.document, tuple(table.grounds)[number % 20 :][:2], "2026-11-24", "review", "", "2026-11-25"
        )
        triples += write_record(table, transfer)
    report = check_shapes(triples, SHAPES)
    assert report.checked == len(some) >= 100
    assert report.findings == ()
    assert report.conforms


def test_what_was_refused_is_not_permitted_when_it_comes_back(table):
    """Of a part of the exchanges: less is known, so that a permit of what comes back would be one of what went in."""
    pdp = engine.PDP(bundled(), "bitset")
    some = distinct()[::7]
    asked = [(case.exchange, case.as_of) for case in some]
    back = []
    for case in some:
        read = again(case.exchange.document, table)
        try:
            back.append((engine.accept_exchange(bundled(), read), case.as_of))
        except engine.ExchangeRefused:
            back.append((engine.accept_exchange(bundled(), {}), case.as_of))
    for case, before, after in zip(some, pdp.bounds(asked), pdp.bounds(back), strict=True):
        if after.high <= engine.Level.PERMITTED_WITH_OBLIGATIONS and after.low >= engine.Level.PERMITTED:
            assert not before.low.refused, (case.file, case.line)
