"""Malformed and hostile contracts: each is refused by one clear sentence, in little time, and never by a failure of the program."""

import time

import pytest

import engine
from service.doors.odrl import contract_reading, json_ld, turtle
from service.problems import RequestRefused
from tests.service.doors.odrl.hostile_documents import HOSTILE, HOSTILE_TURTLE
from tests.service.doors.odrl.readings import bundle as bundled


def _refused(read, document: bytes) -> RequestRefused:
    policies, began = bundled(), time.thread_time()
    with pytest.raises(RequestRefused) as refused:
        contract_reading.read(read(document), policies)
    assert time.thread_time() - began < 5
    return refused.value


@pytest.mark.parametrize(("document", "code", "sentence"), [each[1:] for each in HOSTILE], ids=[each[0] for each in HOSTILE])
def test_a_hostile_document_in_json_ld_is_refused_by_a_sentence(document, code, sentence):
    """The refusal is a 400 with one place, its code and a sentence that says what is wrong."""
    refused = _refused(json_ld.read, document)
    assert refused.kind == "contract-refused"
    (place,) = refused.errors or ()
    assert (place.code, sentence in place.detail) == (code, True), place
    assert place.detail == refused.detail
    assert len(place.detail) < 1_200


@pytest.mark.parametrize(
    ("document", "code", "sentence"), [each[1:] for each in HOSTILE_TURTLE], ids=[each[0] for each in HOSTILE_TURTLE]
)
def test_a_hostile_document_in_turtle_is_refused_by_a_sentence(document, code, sentence):
    """The same for Turtle."""
    refused = _refused(turtle.read, document)
    (place,) = refused.errors or ()
    assert (place.code, sentence in place.detail) == (code, True), place


def test_what_is_as_large_as_it_may_be_is_read_in_little_time():
    """The bounds are such that a document within them does not stop the service."""
    rules = [
        b'{"action": "use", "constraint": [{"leftOperand": "spatial", "operator": "isAnyOf", "rightOperand": ["SG", "MY"]}]}'
    ] * 1_200
    document = b'{"@context": "http://www.w3.org/ns/odrl.jsonld", "@type": "Set", "permission": [' + b",".join(rules) + b"]}"
    policies, began = bundled(), time.thread_time()
    reading = contract_reading.read(json_ld.read(document), policies)
    assert time.thread_time() - began < 20
    assert {each.fact for each in reading.stated} == {"terms.acts", "terms.territory"}
    assert isinstance(bundled(), engine.Bundle)
