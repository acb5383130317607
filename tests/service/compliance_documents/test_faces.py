"""Drafts over HTTP, at a terminal and on the page of a record."""

import re
from io import BytesIO
from pathlib import Path

import pytest
from docx import Document
from typer.testing import CliRunner

from service.callers import keys
from service.cli.main import app
from service.compliance_documents import docx_file
from service.compliance_documents.markdown_file import markdown
from tests.service.callers.test_callers import bearer
from tests.service.compliance_documents.conftest import NOON, Desk, case
from tests.service.compliance_documents.test_drafting import NOTHING, unregistered


def path(id: str, name: str = "scc-annexes", query: str = "") -> str:
    """The address of a draft."""
    return f"/v1/decisions/{id}/compliance-documents/{name}{query}"


def test_a_draft_comes_as_markdown_or_as_word(desk: Desk) -> None:
    """As a file to save, which no cache keeps; the same text as the room makes."""
    id = desk.case("optician-munich-pune")
    answer = desk.client.get(path(id, query="?lang=zh"), headers=bearer(desk.keys["boss"]))
    assert answer.status_code == 200
    assert answer.text == markdown(desk.draft(id, "scc-annexes", "zh"))
    assert answer.headers["content-type"] == "text/markdown; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="scc-annexes-zh.md"'
    assert answer.headers["cache-control"] == "no-store"
    word = desk.client.get(path(id, query="?form=docx"), headers=bearer(desk.keys["boss"]))
    assert word.headers["content-type"] == docx_file.MEDIA_TYPE
    assert Document(BytesIO(word.content)).paragraphs[0].text == "Annexes to the standard contractual clauses of the Union"


@pytest.mark.parametrize(
    ("query", "name", "status"),
    [
        ("?form=pdf", "scc-annexes", 400),
        ("?lang=de", "scc-annexes", 400),
        ("?as=x", "scc-annexes", 400),
        ("", "scc-anexes", 404),
    ],
)
def test_what_is_asked_for_wrongly_is_refused(desk: Desk, query: str, name: str, status: int) -> None:
    """An unknown name is met with those that there are."""
    id = desk.evaluate(NOTHING)["id"]
    answer = desk.client.get(path(id, name, query), headers=bearer(desk.keys["boss"]))
    assert answer.status_code == status
    if status == 404:
        assert "did you mean `scc-annexes`?" in answer.json()["detail"]
    assert desk.client.get(path("00000000-0000-7000-8000-000000000000"), headers=bearer(desk.keys["boss"])).status_code == 404
    assert desk.client.get(path(id)).status_code == 401


def test_without_the_extra_word_is_refused_and_markdown_is_not(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """503 with what adds it."""
    monkeypatch.setattr(docx_file, "find_spec", lambda name: None)
    id = desk.evaluate(NOTHING)["id"]
    answer = desk.client.get(path(id, query="?form=docx"), headers=bearer(desk.keys["boss"]))
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:fifthfactor:problem:not-installed")
    assert desk.client.get(path(id), headers=bearer(desk.keys["boss"])).status_code == 200


def test_a_party_gets_a_draft_of_its_own_records_alone(desk: Desk) -> None:
    """Another's is not there, what the register says of others is refused, and no commitment and no name of a person is told."""
    with desk.service.store.database.transaction() as transaction:
        _, own = keys.create(transaction, "shop", ("read",), None, "test", NOON, party="shop-erased")
        _, other = keys.create(transaction, "other", ("read",), None, "test", NOON, party="other")
    id = desk.evaluate(unregistered())["id"]
    desk.call("asker", "POST", "/v1/commitments", {"decision": id})
    assert desk.client.get(path(id), headers=bearer(other)).status_code == 404
    answer = desk.client.get(path(id, "record-of-processing"), headers=bearer(own))
    assert answer.status_code == 200
    assert "The ledger is not shown to a caller who belongs to a party." in answer.text
    registered = case("optician-munich-pune")
    registered["named"]["exporter"] = "shop-erased"
    desk.call(
        "boss", "PUT", "/v1/parties/shop-erased", {"facts": {"country": "DE", "kind": "company", "sectors": ["commerce"]}}
    )
    desk.case("optician-munich-pune")
    id = desk.evaluate(registered)["id"]
    assert desk.client.get(path(id), headers=bearer(own)).status_code == 403
    assert desk.client.get(f"/v1/decisions/{id}", headers=bearer(own)).status_code == 403


def test_the_page_of_a_record_leads_to_its_drafts(desk: Desk) -> None:
    """The documents that the record asks for come first; each address answers."""
    id = desk.case("retailer-shanghai-penang")
    page = desk.client.get(f"/log/{id}?lang=zh", headers={**bearer(desk.keys["boss"]), "accept": "text/html"}).text
    found = re.findall(r'href="(/log/[^"]+/compliance-documents/([\w-]+)\?[^"]+)"', page)
    assert [name for _, name in found][::2][:3] == ["cn-contract-appendix", "pi-impact-assessment", "record-of-processing"]
    assert len(found) == 10
    for address, _ in found[:2]:
        answer = desk.client.get(address.replace("&amp;", "&"), headers=bearer(desk.keys["boss"]))
        assert answer.status_code == 200
        assert "-zh." in answer.headers["content-disposition"]


def test_at_a_terminal_a_draft_is_a_file_for_its_owner(desk: Desk, tmp_path: Path) -> None:
    """It ends with 1 where the decision permits nothing, and with 2 where it was asked for wrongly."""
    database, runner = str(desk.service.settings.database), CliRunner()
    permitted, refused = desk.case("optician-munich-pune"), desk.evaluate(NOTHING)["id"]
    file = tmp_path / "annexes.md"
    made = runner.invoke(
        app, ["compliance-document", "draft", permitted, "scc-annexes", "--output", str(file), "--database", database]
    )
    assert made.exit_code == 0, made.output
    assert file.read_text() == markdown(desk.draft(permitted, "scc-annexes"))
    assert file.stat().st_mode & 0o777 == 0o600
    word = tmp_path / "annexes.docx"
    made = runner.invoke(
        app, ["compliance-document", "draft", refused, "scc-annexes", "-o", str(word), "--database", database, "--lang", "zh"]
    )
    assert made.exit_code == 1
    assert Document(BytesIO(word.read_bytes())).paragraphs[0].text == "欧盟标准合同条款附件"
    for wrong in (["x", "scc-annexes", "-o", "a.md"], [refused, "x", "-o", "a.md"], [refused, "scc-annexes", "-o", "a.pdf"]):
        assert runner.invoke(app, ["compliance-document", "draft", *wrong, "--database", database]).exit_code == 2
    listed = runner.invoke(app, ["compliance-document", "list"])
    assert listed.exit_code == 0
    assert "transfer-impact-assessment: Transfer impact assessment" in listed.output
