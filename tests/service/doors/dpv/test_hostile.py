"""Documents that are malformed, or meant to harm: each is refused with one clear sentence, and in no time."""

import json
import time

import pytest

from service.doors import graphs
from service.doors.dpv.document_reading import read_document
from service.doors.dpv.record_reading import MOST_RECORDS
from service.doors.dpv.term_table import PREFIXES
from service.doors.graphs import JSON_LD, TURTLE
from service.problems import RequestRefused
from tests.service.doors.dpv.conftest import HEAD, bundled

SECONDS = 10  # of the processor
RECORD = "ex:r dpv:hasPurpose dpv:Marketing ; "
ADDRESS = "https://example.org/context.jsonld"
BOMB = '<!DOCTYPE a [<!ENTITY b "xxxxxxxxxx"><!ENTITY c "&b;&b;&b;&b;">]><a>&c;</a>'


def record(**more: object) -> bytes:
    """A record in JSON-LD."""
    return json.dumps({"@context": dict(PREFIXES), "@id": "urn:r", "dpv:hasPurpose": {"@id": "dpv:Marketing"}, **more}).encode()


def context(value: object) -> bytes:
    """A record with a context."""
    return json.dumps({"@context": value, "@id": "urn:r"}).encode()


def turtle(text: str) -> bytes:
    """Turtle, after the prefixes."""
    return (HEAD + text).encode()


def nested(depth: int, open: str, close: str) -> str:
    """Brackets in brackets."""
    return open * depth + close * depth


# What is sent, as what, and what the refusal says.
REFUSED: dict[str, tuple[str, bytes, str]] = {
    # what is sent is no document at all
    "nothing": (JSON_LD, b"", "not JSON"),
    "nothing in Turtle": (TURTLE, b"", "no record"),
    "bytes that are not UTF-8": (TURTLE, b"\xff\xfe", "not UTF-8"),
    "JSON that is not UTF-8": (JSON_LD, b'{"@id": "\xff"}', "not UTF-8"),
    "a zero byte": (TURTLE, turtle('ex:r dpv:hasName "\0" .'), "U+0000"),
    "another media type": ("application/rdf+xml", b"<rdf/>", "application/ld+json or text/turtle"),
    "no media type": ("", record(), "application/ld+json or text/turtle"),
    "XML said to be Turtle": (TURTLE, b"<?xml version='1.0'?>" + BOMB.encode(), "no Turtle"),
    "half of a JSON object": (JSON_LD, b'{"@id": ', "not JSON"),
    "a list": (JSON_LD, b"[]", "is a JSON object"),
    "a number": (JSON_LD, b"7", "is a JSON object"),
    "a text": (JSON_LD, b'"dpv:hasPurpose"', "is a JSON object"),
    "not a number": (JSON_LD, b'{"@id": NaN}', "not JSON"),
    "a name twice": (JSON_LD, b'{"@id": "urn:a", "@id": "urn:b"}', "@id"),
    "half of a character": (JSON_LD, b'{"@id": "\\ud800"}', "surrogate"),
    # too much of it
    "a document of half a megabyte": (TURTLE, b"#" * (512 * 1024), "262,144 bytes"),
    "JSON that is nested deeply": (JSON_LD, ('{"a":' + nested(5_000, "[", "]") + "}").encode(), "nested"),
    "JSON that is nested a little too deeply": (JSON_LD, record(a=json.loads(nested(40, "[", "]"))), "32 values deep"),
    "objects that are nested deeply": (JSON_LD, b'{"a":' * 40_000, "nested"),
    "blank nodes in blank nodes": (TURTLE, turtle(RECORD + nested(200, "dpv:hasRisk [ ", "]")), "32 brackets deep"),
    "lists in lists": (TURTLE, turtle(f"{RECORD} dpv:hasRisk {nested(20_000, '(', ')')} ."), "32 brackets deep"),
    "very many values": (JSON_LD, record(**{"dpv:hasRisk": [0] * 25_000}), "20,000 values"),
    "very many statements": (
        TURTLE,
        turtle(f"{RECORD} dpv:hasRisk {','.join(map(str, range(25_000)))} ."),
        "20,000 statements",
    ),
    "very many records": (
        TURTLE,
        turtle("".join(f"ex:r{number} dpv:hasPurpose dpv:Marketing ." for number in range(MOST_RECORDS + 1))),
        "1,000 records",
    ),
    "a number of ten thousand digits": (TURTLE, turtle(f"{RECORD} dpv:hasRisk {'9' * 10_000} ."), "no Turtle"),
    # what would fetch something
    "a context at an address": (JSON_LD, context(ADDRESS), "nothing is fetched"),
    "a context at an address among others": (JSON_LD, context([{}, "http://169.254.169.254/latest"]), "nothing is fetched"),
    "a context in a file": (JSON_LD, context("file:///etc/passwd"), "nothing is fetched"),
    "a context that imports another": (JSON_LD, context({"@version": 1.1, "@import": ADDRESS}), "nothing is fetched"),
    "a context of a term at an address": (JSON_LD, context({"a": {"@id": "urn:a", "@context": ADDRESS}}), "nothing is fetched"),
    "a context inside a node at an address": (JSON_LD, record(a={"@context": "//example.org/c"}), "nothing is fetched"),
    # wrong forms
    "a context that is a number": (JSON_LD, context(7), "a context is an object"),
    "a context that is yes": (JSON_LD, context(True), "a context is an object"),
    "terms that mean each other": (JSON_LD, context({"a": "b:x", "b": "a:x"}), "its terms mean each other"),
    "a name that is a number": (JSON_LD, record(**{"@id": 7}), "is a text"),
    "a class that is an object": (JSON_LD, record(**{"@type": {"@id": "dpv:DataTransferRecord"}}), "is a text"),
    "Turtle that ends early": (TURTLE, turtle("ex:r dpv:hasPurpose"), "no Turtle"),
    "a prefix that is not there": (TURTLE, b"x:r x:hasPurpose x:Marketing .", "no Turtle"),
    "a text without an end": (TURTLE, turtle(f'{RECORD} dpv:hasName "{"a" * 1_000}'), "no Turtle"),
    "a formula of N3": (TURTLE, turtle("{ ex:r dpv:hasPurpose dpv:Marketing } => { ex:r a ex:b } ."), "no Turtle"),
    "SPARQL": (TURTLE, b"DROP ALL", "no Turtle"),
    # no record
    "the old namespace": (
        TURTLE,
        b"<urn:r> <http://www.w3.org/ns/dpv#hasPurpose> <http://www.w3.org/ns/dpv#Marketing> .",
        "no record",
    ),
    "only terms that state nothing": (TURTLE, turtle("ex:r a dpv:DataTransferRecord ; dpv:hasRisk ex:x ."), "no record"),
    "records that are parts of each other": (
        TURTLE,
        turtle("ex:a dpv:hasPurpose dpv:Sale ; dpv:hasProcess ex:b . ex:b dpv:hasPurpose dpv:Sale ; dpv:hasProcess ex:a ."),
        "no record",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_hostile_document_is_refused_with_a_sentence(name, monkeypatch):
    """One sentence that says what to do, in no time, with no traceback and nothing fetched."""
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("something is fetched"))
    media_type, sent, said = REFUSED[name]
    policies, began = bundled(), time.thread_time()
    with pytest.raises(RequestRefused) as refused:
        read_document(sent, media_type, policies)
    assert time.thread_time() - began < SECONDS
    told = " ".join((refused.value.detail, *(each.detail for each in refused.value.errors or ())))
    assert said in told
    assert len(told) < 500
    assert "Traceback" not in told
    assert refused.value.kind in ("bad-request", "unsupported-media-type")


def test_there_are_forty_of_them():
    """The list says so."""
    assert len(REFUSED) >= 40


HARMLESS: dict[str, tuple[str, bytes]] = {
    "a cycle of parties": (TURTLE, turtle(f"{RECORD} dpv:hasDataExporter ex:a . ex:a dpv:hasDataExporter ex:a .")),
    "a record that is its own part": (TURTLE, turtle(f"{RECORD} dpv:hasProcess ex:r, ex:q . ex:q dpv:hasRisk ex:x .")),
    "a purpose that is a text": (JSON_LD, record(**{"dpv:hasPurpose": ["dpv:Marketing", 7, True, {"@value": "x"}]})),
    "a party that is a text": (JSON_LD, record(**{"dpv:hasDataExporter": "clinic"})),
    "a record in which everything is everything": (TURTLE, turtle("dpv:Sale dpv:hasPurpose dpv:Sale ; a dpv:Sale .")),
    "a very long name": (JSON_LD, record(**{"dpv:hasPurpose": {"@id": "urn:" + "a" * 100_000}})),
    "a country that is none": (
        JSON_LD,
        record(**{"dpv:hasRecipient": {"dpv:hasCountry": ["XX", "loc:DE-BY", {"@id": "loc:"}]}}),
    ),
    "a value with a name": (JSON_LD, record(**{"urn:a": {"@value": 1, "@id": "urn:b"}})),
    "thousands of names that DPV does not have": (
        JSON_LD,
        record(**{"dpv:hasPurpose": [{"@id": f"dpv:Marketting{number}"} for number in range(5_000)]}),
    ),
    "a day that is none": (
        TURTLE,
        turtle(f'{RECORD} dpv:hasDuration "9999-99-99"^^<http://www.w3.org/2001/XMLSchema#date> .'),
    ),
    "an XML bomb in a text": (
        TURTLE,
        turtle(f'{RECORD} dpv:hasName """{BOMB}"""^^<http://www.w3.org/1999/02/22-rdf-syntax-ns#XMLLiteral> .'),
    ),
    "the name that unnamed nodes have": (
        JSON_LD,
        record(**{"dpv:hasDataExporter": {"dpv:hasCountry": "DE"}, "dpv:hasRisk": {"@id": f"{graphs.UNNAMED}1"}}),
    ),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_what_only_looks_hostile_is_read_and_states_no_more_than_it_says(name):
    """It is read in no time; what is wrong in it is not understood."""
    media_type, sent = HARMLESS[name]
    policies, began = bundled(), time.thread_time()
    found = read_document(sent, media_type, policies)
    assert time.thread_time() - began < SECONDS
    for each in found.records:
        assert set(each.exchange.get("purpose", {}).get("is", ())) <= {"marketing", "unknown"}
        assert not {"country", "id"} & each.exchange.get("recipient", {}).keys()
        assert all(len(unread.term) <= 200 for unread in each.not_understood)
