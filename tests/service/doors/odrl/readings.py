"""What the tests of contracts that are read share: the bundled policies, small documents, and the reading of one."""

import json
from functools import cache
from typing import Any

import engine
from service.doors.odrl import contract_reading, json_ld, turtle
from service.doors.odrl.contract_reading import ContractReading

ODRL = "http://www.w3.org/ns/odrl.jsonld"


@cache
def bundle() -> engine.Bundle:
    """The policies that come with the project. They are loaded once."""
    return engine.load(engine.bundled_policies())


def offer(*permissions: dict[str, Any], **more: Any) -> dict[str, Any]:
    """An offer with these permissions."""
    return {"@context": ODRL, "@type": "Offer", "@id": "urn:o", "permission": list(permissions), **more}


def limit(left: str, operator: str, right: Any) -> dict[str, Any]:
    """A constraint."""
    return {"leftOperand": left, "operator": operator, "rightOperand": right}


def use(*constraints: Any, **more: Any) -> dict[str, Any]:
    """A permission to use, with these constraints."""
    return {"action": "use", **({"constraint": list(constraints)} if constraints else {}), **more}


def read(document: dict[str, Any] | bytes | str) -> ContractReading:
    """The reading of a document: an object or bytes of JSON-LD, or a text in Turtle."""
    if isinstance(document, str):
        return contract_reading.read(turtle.read(document.encode()), bundle())
    raw = document if isinstance(document, bytes) else json.dumps(document).encode()
    return contract_reading.read(json_ld.read(raw), bundle())


def facts(reading: ContractReading) -> dict[str, Any]:
    """The facts that a reading states."""
    return {each.fact: each.value for each in reading.stated}


def laid(reading: ContractReading) -> set[str]:
    """The conditions that a reading lays on an exchange."""
    return {each["provision"].removeprefix("contract.terms/") for each in reading.exchange["carried"]}
