"""The table of what was read of each contract among the fixtures: understood, asked, no condition, never met, or refused."""

import json
from collections.abc import Iterator
from pathlib import Path

from service.doors.odrl import contract_reading, json_ld, turtle
from service.doors.odrl.contract_policy import local_name
from service.problems import RequestRefused
from tests.service.conftest import ROOT
from tests.service.doors.odrl.readings import bundle

FIXTURES = ROOT / "tests" / "service" / "doors" / "fixtures"
CATENA_X = ["https://w3id.org/catenax/2025/9/policy/odrl.jsonld", "https://w3id.org/catenax/2025/9/policy/context.jsonld"]


def documents() -> Iterator[tuple[str, bytes, bool]]:
    """Each document by the end of its path, its bytes, and whether it is Turtle. A sample of one constraint stands in a permission."""
    for folder in ("dsp/negotiation/example", "edc-sample", "tractusx", "catena-x/schema/samples"):
        for file in sorted((FIXTURES / folder).glob("*.json")):
            sent = json.loads(file.read_bytes())
            if "leftOperand" in sent:
                rule = {"action": "use", "constraint": [sent]}
                kind = "prohibition" if sent["leftOperand"] == "UsageRestriction" else "permission"
                rules = {"permission": [{"action": "use"}], kind: [rule]}
                yield _named(file), json.dumps({"@context": CATENA_X, "@type": "Set", "@id": "urn:s", **rules}).encode(), False
            else:
                yield _named(file), file.read_bytes(), False
    for file in (
        FIXTURES / "catena-x/example_usage_policy.json",
        *sorted((FIXTURES / "formal-semantics").rglob("policy*.json")),
    ):
        yield _named(file), file.read_bytes(), False
    files = (FIXTURES / "odrl-test-suite/data/policies").glob("*.ttl")
    for file in sorted(files, key=lambda each: int(each.stem.partition("-")[2])):
        yield _named(file), file.read_bytes(), True


def rows() -> Iterator[tuple[str, ...]]:
    """A row for each document."""
    for name, raw, is_turtle in documents():
        try:
            reading = contract_reading.read((turtle if is_turtle else json_ld).read(raw), bundle())
        except RequestRefused as refused:
            yield f"`{name}`", f"refused: {(refused.errors or ())[0].code}", "", ""
            continue
        yield (
            f"`{name}`",
            ", ".join(f"`{each}`" for each in dict.fromkeys(each.fact for each in reading.stated)),
            _terms(each.term for each in (*reading.not_understood, *reading.never_met)),
            _terms(each.term for each in reading.no_condition),
        )


def _terms(found: Iterator[str]) -> str:
    return ", ".join(f"`{local_name(each)}`" for each in dict.fromkeys(found))


def _named(file: Path) -> str:
    return (
        file.relative_to(FIXTURES)
        .as_posix()
        .replace("schema/samples/", "")
        .replace("negotiation/example/", "")
        .rpartition("data/")[2]
    )
