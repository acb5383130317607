"""The operations and the command: documents read, a decision and a register written, on the bundled policies."""

import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import engine
from engine.authoring.testing import prepare
from service.cli.main import app
from service.doors.dpv import written_records
from service.doors.graphs import JSON_LD, TURTLE
from tests.service.conftest import Lines, copied
from tests.service.doors.dpv.conftest import HEAD, bundled, reading, stated
from tests.service.reports.conftest import Desk, opened

RECORD = HEAD + "ex:r dpv:hasPurpose dpv:Marketing, dpv:Maketing ; dpv:hasDataExporter [ dpv:hasCountry loc:DE ] .\n"
GROUND = "eu.gdpr-chapter-v/art-46-2-d"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, tables: Path) -> Iterator[Desk]:
    """A service on the bundled policies, for all tests here."""
    yield from opened(copied(tables, tmp_path_factory.mktemp("dpv")), Lines(), engine.bundled_policies())


@pytest.fixture(scope="module")
def exchange() -> dict[str, Any]:
    """An exchange that may proceed: contact data from Germany to India, on clauses of a supervisory authority."""
    (case,) = [each for each in prepare(bundled(), "policies/eu/gdpr-chapter-v.test.yaml") if each.case == "Consent is a basis"]
    found = json.loads(json.dumps(case.exchange.document))
    found["exporter"]["id"], found["recipient"]["id"] = "clinic-7", "lab-2"
    return {name: value for name, value in found.items() if name != "as_of"}


def read(desk: Desk, text: str, kind: str = TURTLE) -> Any:
    """The answer to a document."""
    return desk.client.post("/v1/dpv/read", content=text.encode(), headers={"content-type": kind})


def test_a_document_is_read_and_nothing_is_recorded(desk):
    """The facts with their places, what was not understood with its number, and by which mapping."""
    before = desk.client.get("/v1/decisions").json()
    answer = read(desk, RECORD)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    (record,) = found["records"]
    assert record["exchange"] == {"exporter": {"country": "DE"}, "purpose": {"is": ["marketing", "unknown"]}}
    assert record["terms_not_understood"] == 1
    assert record["not_understood"][0]["term"] == "dpv:Maketing"
    assert (found["mapping"], found["digest"]) == ("dpv", bundled().mappings["dpv"].digest)
    assert desk.client.get("/v1/decisions").json() == before


def test_what_is_read_is_decided_as_an_exchange(desk):
    """The exchange of a reading is sent on: what is unknown is asked."""
    (record,) = read(desk, RECORD).json()["records"]
    answer = desk.post("/v1/evaluate", record["exchange"])
    assert not answer["proceed"]
    assert answer["questions"]


def test_a_record_that_contradicts_itself_says_so(desk):
    """What is personal and anonymised is neither here; an identifier that no party has is one of what no exchange can state."""
    text = "ex:r dpv:hasPersonalData [ a pd:Contact, dpv:AnonymisedData ] ; dpv:hasRecipient [ dpv:hasIdentifier '\\u202e' ] ."
    (record,) = read(desk, HEAD + text).json()["records"]
    assert "personal" not in record["exchange"]["data"]
    (place,) = record["contradictions"]
    assert place["pointer"] == "/recipient/id"


def test_a_document_that_cannot_be_read_is_a_problem_with_a_pointer(desk):
    """A context at an address, a media type that is not known, too many bytes."""
    refused = read(desk, '{"@context": "https://example.org/c"}', JSON_LD).json()
    assert (refused["status"], refused["errors"][0]["pointer"]) == (400, "/@context")
    assert read(desk, RECORD, "text/html").status_code == 415
    assert read(desk, "#" * 300_000).status_code == 413
    assert desk.client.post("/v1/dpv/read?lang=en", content=RECORD, headers={"content-type": TURTLE}).status_code == 400


@pytest.mark.parametrize("form", ["turtle", "json-ld"])
def test_a_decision_is_a_record_that_the_shapes_accept(desk, exchange, form):
    """Proposed, with its outcome, its ground and what was stated; it can be read again."""
    made = desk.post("/v1/evaluate", exchange)
    assert made["proceed"]
    answer = desk.client.get(f"/v1/decisions/{made['id']}/dpv?form={form}")
    assert answer.status_code == 200, answer.text
    media_type = TURTLE if form == "turtle" else JSON_LD
    assert answer.headers["content-type"].partition(";")[0] == media_type
    report = written_records.check_document(answer.content, media_type)
    assert (report.conforms, report.checked) == (True, 1)
    assert "ActivityProposed" in answer.text
    assert "urn:fifthfactor:outcome:permitted" in answer.text
    back = reading(answer.text, media_type).exchange
    assert stated(back, "exporter.id") == "clinic-7"
    assert stated(back, "recipient.country") == exchange["recipient"]["country"]
    assert stated(back, "purpose.is") == exchange["purpose"]["is"]


def test_an_erased_value_is_not_written(desk, exchange):
    """Neither is what was never stated."""
    made = desk.post("/v1/evaluate", {"exporter": {"id": "practice-of-dr-li", "country": "CN"}, "recipient": {"country": "US"}})
    address = f"/v1/decisions/{made['id']}/dpv?form=turtle"
    assert "practice-of-dr-li" in desk.client.get(address).text
    assert desk.client.post(f"/v1/decisions/{made['id']}/erase").status_code == 200
    told = desk.client.get(address).text
    assert "practice-of-dr-li" not in told
    assert "hasIdentifier" not in told
    assert written_records.check_document(told.encode(), TURTLE).conforms


def test_a_register_of_transfers_is_records_in_pages(desk, exchange):
    """What was committed and nothing else; the header names the next page; the shapes accept each page."""
    assert desk.client.get("/v1/dpv/transfers/gdpr-30?form=turtle").text.count("DataTransferRecord") == 0
    for number in range(3):
        made = desk.post("/v1/evaluate", {**exchange, "recipient": {**exchange["recipient"], "id": f"lab-{number}"}})
        desk.post("/v1/commitments", {"decision": made["id"]})
    first = desk.client.get("/v1/dpv/transfers/gdpr-30?form=turtle&limit=2")
    assert first.text.count("a dpv:DataTransferRecord") == 2
    assert "ActivityOngoing" in first.text
    address = first.headers["link"].removeprefix("<").partition(">")[0]
    second = desk.client.get(address)
    assert second.text.count("a dpv:DataTransferRecord") == 1
    assert "link" not in second.headers
    for page in (first, second):
        assert written_records.check_document(page.content, TURTLE).conforms
    assert desk.client.get("/v1/dpv/transfers/nobody").status_code == 404
    assert desk.client.get("/v1/dpv/transfers/gdpr-30?from=2026-12-01&until=2026-01-01").status_code == 400
    assert desk.client.get("/v1/dpv/transfers/gdpr-30?party=clinic-7").status_code == 400  # no id stands in an address


@pytest.mark.parametrize("ending", [".ttl", ".jsonld"])
def test_the_command_writes_a_register_as_records(ending, desk, exchange, tmp_path):
    """All of it in one file, which the command accepts."""
    made = desk.post("/v1/evaluate", {**exchange, "recipient": {**exchange["recipient"], "id": f"lab-of{ending}"}})
    desk.post("/v1/commitments", {"decision": made["id"]})
    file = tmp_path / f"transfers{ending}"
    given = ("--database", desk.service.settings.database, "--from", "2026-11-01", "--until", "2026-11-30", "-o", str(file))
    done = CliRunner().invoke(app, ["report", "transfers", "gdpr-30", *given])
    assert done.exit_code == 0, done.output
    assert f"lab-of{ending}" in file.read_text(encoding="utf-8")
    done = CliRunner().invoke(app, ["dpv", "check", str(file)])
    assert done.exit_code == 0, done.output


@pytest.mark.parametrize("damage", [
    ("dpv:ActivityProposed", "dpv:ActivityHalted"),
    ("dpv:hasDataExporter", "dpv:hasDataController"),
    ('dct:date "', 'dct:created "'),
    ("urn:fifthfactor:outcome:permitted", "https://example.org/permitted"),
    ("loc:DE", "ex:DE"),
    ("dct:identifier \"0", "dpv:hasPurpose \"0"),
    ("dpv:DataImporter", "dpv:DataExporter"),
])  # fmt: skip
def test_a_damaged_record_is_refused_by_the_shapes(damage, desk, exchange):
    """Whatever is changed, pyshacl says what is wrong."""
    made = desk.post("/v1/evaluate", exchange)
    whole = desk.client.get(f"/v1/decisions/{made['id']}/dpv?form=turtle").text
    damaged = whole.replace(*damage)
    assert damaged != whole
    report = written_records.check_document(b"@prefix ex: <https://example.org/> .\n" + damaged.encode(), TURTLE)
    assert not report.conforms
    assert all(each.message for each in report.findings)


def test_without_the_libraries_it_is_503_with_a_sentence(desk, monkeypatch):
    """The sentence says what adds them."""
    found = importlib.util.find_spec
    monkeypatch.setattr("service.doors.installed.find_spec", lambda name: None if name == "rdflib" else found(name))
    refused = read(desk, RECORD).json()
    assert (refused["status"], refused["type"]) == (503, "urn:fifthfactor:problem:not-installed")
    assert "pip install 'fifthfactor[dpv]'" in refused["detail"]


def test_the_command_reads_and_checks_a_file(tmp_path):
    """Exit codes: 0 as it should be, 1 a finding, 2 used wrongly."""
    file = tmp_path / "record.ttl"
    file.write_text(RECORD)

    def run(*arguments: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, ["dpv", *arguments])
        return done.exit_code, done.output

    code, said = run("read", str(file))
    assert code == 0
    assert "  exporter.country: DE  (_:b1)" in said
    assert "not understood, and unknown: 1 term" in said
    code, said = run("read", str(file), "--json")
    assert json.loads(said)["records"][0]["exchange"]["exporter"] == {"country": "DE"}
    code, said = run("check", str(file))
    assert code == 1
    other = tmp_path / "record.xml"
    other.write_text(RECORD)
    assert run("read", str(other))[0] == 2
    file.write_text("nothing")
    code, said = run("read", str(file))
    assert (code, "no Turtle" in said) == (2, True)
