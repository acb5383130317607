"""`fifthfactor mapping try`: at the desk a mapping reads a request as the service would, and says which place states what."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from typer.testing import CliRunner, Result

import engine
from service.cli import mapping
from service.cli.main import app
from service.cli.wanted_facts import wanted_facts
from tests.service.conftest import POLICIES
from tests.service.doors.opa.conftest import HERE, REGISTER

TODAY = date(2026, 12, 1)  # whose law the tests are about
READ = {
    "request": {"method": "GET", "path": "/reports/contacts", "headers": {"x-purpose": "care", "accept": "*/*"}},
    "consumer": {"username": "lab-five"},
}


@pytest.fixture
def register(tmp_path: Path) -> Path:
    """The register of the door's tests, as a file to import."""
    file = tmp_path / "register.json"
    file.write_text(json.dumps({"schema": "fifthfactor/register/1", "entities": REGISTER}))
    return file


def tried(name: str, sent: Any, *options: str) -> Result:
    """What the command prints of a request."""
    common = ("--policies", "bundled", "--policies", str(HERE / "mappings"))
    raw = sent if isinstance(sent, str) else json.dumps(sent)
    with patch.object(mapping, "today", lambda: TODAY):
        return CliRunner().invoke(app, ["mapping", "try", name, "-", *common, *options], input=raw)


def test_it_says_which_place_states_which_fact(register: Path) -> None:
    """With what a client can set, what the register has, what nothing reads, and the decision; it ends with 0 for yes."""
    done = tried("reports", {"input": READ}, "--register", str(register))
    assert done.exit_code == 0, done.output
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert lines[0].startswith("GET /reports/{report} (mapping reports, ")
    assert 'purpose.is ["service-provision"] /input/request/headers/x-purpose a client can set it' in lines
    assert 'exporter.id "hospital-1" the mapping' in lines
    assert 'recipient.id "lab-5" /input/consumer/username' in lines
    assert 'data.id "contacts" /input/request/path' in lines
    assert any(line.startswith('recipient.id: party, states {"recipient": {"country": "AE"') for line in lines)
    assert "not read: /input/request/headers/accept" in lines
    assert any(line.startswith("PROCEED permitted") for line in lines)
    assert "stated nothing, as not there: /input/request/headers/x-people, /input/request/headers/x-personal" in lines
    assert lines[-1] == "reports is told: yes"


def test_without_the_register_nothing_is_known_and_the_answer_is_no() -> None:
    """The entities are named and unknown; it ends with 1. The input may come without `input` around it."""
    done = tried("reports", READ)
    assert done.exit_code == 1, done.output
    assert "  recipient.id: no party with this id" in done.stdout
    assert "/consumer/username" in done.stdout
    assert "/input/" not in done.stdout
    assert "find out:\n  exporter.country  In which country is the exporter established?\n" in done.stdout
    assert done.stdout.splitlines()[-1] == "reports is told: no"


SENSITIVE = {"people": {"ordinary": 500, "sensitive": 900}, "categories": ["health"]}
SHOWN = {"dated": "2026-10-01", "covers": True}


def with_sensitive(tmp_path: Path, owner: str, **evidence: Any) -> Path:
    """The register with health data of many people, and documents of one of its entities."""
    entities = [
        each
        | ({"facts": {"data": each["facts"]["data"] | SENSITIVE}} if each["id"] == "contacts" else {})
        | ({"evidence": evidence} if each["id"] == owner else {})
        for each in REGISTER
    ]
    file = tmp_path / "sensitive.json"
    file.write_text(json.dumps({"schema": "fifthfactor/register/1", "entities": entities}))
    return file


def test_what_is_required_is_named_by_its_facts(tmp_path: Path) -> None:
    """Each way to it with what it lacks, as a register or a mapping names it; once the register has that, the answer is yes."""
    done = tried("reports", READ, "--register", str(with_sensitive(tmp_path, "lab-5")))
    assert done.exit_code == 1, done.output
    assert done.stdout.partition("r. 7).\n")[2] == (
        "\nasked for: same protection, and a contract or consent (in.sensitive-transfer), one of\n"
        "  - evidence.in-same-protection  recipient keeps to the same level of protection\n"
        "    evidence.in-consent          consent to the transfer\n"
        "  - evidence.in-same-protection  recipient keeps to the same level of protection\n"
        "    claims.contract-with-person  needed for a contract with the person\n"
        "    data.source                  how the data were come by: not purchased\n"
        '\nevidence and claims are stated like {"dated": "2026-10-01", "covers": true}\n'
        "\nreports is told: no\n"
    )
    shown = with_sensitive(tmp_path, "lab-5", **{"in-same-protection": SHOWN, "in-consent": SHOWN})
    assert tried("reports", READ, "--register", str(shown)).stdout.endswith("\n\nreports is told: yes\n")


def test_a_document_is_stated_of_a_party_of_the_data_or_in_the_mapping(tmp_path: Path) -> None:
    """Each of the three places counts alone; in the mapping it is true of each request."""
    shown = with_sensitive(tmp_path, "contacts", **{"in-same-protection": SHOWN, "in-consent": SHOWN})
    assert tried("reports", READ, "--register", str(shown)).exit_code == 0
    documents = "".join(
        f"  evidence.{name}: {{dated: 2026-10-01, covers: yes}}\n" for name in ("in-same-protection", "in-consent")
    )
    text = (HERE / "mappings" / "reports.yaml").read_text().replace("mapping: reports", "mapping: showing")
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours" / "showing.yaml").write_text(text.replace("constants:\n", f"constants:\n{documents}"))
    done = tried("showing", READ, "--register", str(with_sensitive(tmp_path, "lab-5")), "--policies", str(tmp_path / "ours"))
    assert done.exit_code == 0, done.output


def test_where_no_way_leads_out_of_a_prohibition_it_says_so() -> None:
    """The provision is named; of what may proceed nothing is asked."""
    bundle, day = engine.load(POLICIES), date(2026, 12, 1)
    decision = engine.PDP(bundle).decide(engine.parse_exchange(bundle, b"{}"), as_of=day, today=day, id="x")
    part = engine.WaysPart(title="a prohibition", under=["a.law/art-1"], ways=[], says="No way is left.")
    refused = decision.model_copy(update={"missing": [], "ways": [part], "proceed": False})
    assert list(wanted_facts(refused)) == ["", "way out of a.law/art-1", "  No way is left."]
    assert list(wanted_facts(refused.model_copy(update={"proceed": True}))) == []


def test_a_duty_that_the_program_does_not_carry_out_is_told(register: Path) -> None:
    """The exchange may proceed, and the program is told no."""
    done = tried("owing", {"operation": "read", "reader": "lab-5"}, "--register", str(register))
    assert done.exit_code == 1, done.output
    assert "PROCEED" in done.stdout
    said = "owing is told: no, since duties are owed that the program does not carry out: ph.data-privacy-act/s-21.1"
    assert done.stdout.splitlines()[-1] == said


def test_what_moves_no_data_is_told(register: Path) -> None:
    """Nothing is decided."""
    done = tried("reports", {"request": {"method": "GET", "path": "/health"}}, "--register", str(register))
    assert (done.exit_code, done.stdout) == (0, "GET /health: yes, it moves no data. It says whether the service is up.\n")


def test_as_json_it_has_the_same(register: Path) -> None:
    """For a script that tries many requests."""
    done = tried("reports", READ, "--register", str(register), "--json")
    found = json.loads(done.stdout)
    assert (done.exit_code, found["allow"], found["decision"]["outcome"]) == (0, True, "permitted")
    assert {"fact": "recipient.id", "value": "lab-5", "pointer": "/consumer/username", "from_client": False} in found["states"]
    assert found["register"]["data.id"]["kind"] == "asset"
    assert found["not_read"] == ["/request/headers/accept"]
    assert found["not_there"] == ["/request/headers/x-people", "/request/headers/x-personal"]
    assert found["mapping"]["name"] == "reports"
    health = tried("reports", {"request": {"method": "GET", "path": "/health"}}, "--json")
    assert json.loads(health.stdout)["allow"] is True


@pytest.mark.parametrize(
    ("name", "sent", "says"),
    [
        ("rports", READ, "did you mean `reports`"),
        ("dpv", READ, "there is no mapping of requests `dpv`"),
        ("reports", "{", "JSON"),
        ("reports", "[]", "JSON object"),
        ("reports", {"request": {"method": "PUT", "path": "/health"}}, "/request/path: the mapping `reports` names no operation"),
        ("reports", {"input": {"request": {"method": 1}}}, "/input/request/method: says which operation is asked for"),
    ],
)  # fmt: skip
def test_what_is_refused_ends_with_2(name: str, sent: Any, says: str) -> None:
    """As the service would refuse it, with the place."""
    done = tried(name, sent)
    assert (done.exit_code, done.stdout) == (2, ""), done.output
    assert says in done.stderr or "use one of" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_register_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    """With the place in the file."""
    file = tmp_path / "register.json"
    file.write_text(json.dumps({"entities": [{"kind": "party", "id": "lab-5", "facts": {"contry": "AE"}}]}))
    done = tried("reports", READ, "--register", str(file))
    assert done.exit_code == 2
    assert "/entities/0/facts/contry: a party has no fact `contry`" in done.stderr


def test_an_entity_that_is_not_valid_today_is_a_no(tmp_path: Path) -> None:
    """Its conditions may be what matters, so nothing is decided without it."""
    file = tmp_path / "register.json"
    file.write_text(json.dumps({"entities": [{"kind": "party", "id": "lab-five", "facts": {}, "valid_until": "2020-01-01"}]}))
    done = tried("reports", READ, "--register", str(file))
    assert (done.exit_code, done.stdout.startswith("no: the party `lab-five` is not valid on ")) == (1, True), done.output


def test_check_says_how_many_mappings_it_saw() -> None:
    """So that whoever wrote one sees that it was read; where there is none, none is spoken of."""
    bundled, ours = "bundled", str(HERE / "mappings")
    counts = [
        re.findall(r"(\d+) mappings", CliRunner().invoke(app, ["check", *folders]).stdout)
        for folders in ([bundled, ours], [bundled], [str(POLICIES)])
    ]
    both, alone = (len(engine.load(folders).mappings) for folders in ([engine.bundled_policies(), HERE / "mappings"], POLICIES))
    ((all_,), (shipped,), none) = counts
    assert (int(all_), alone, none) == (both, 0, [])
    assert 0 < int(shipped) < both
