"""Each of the fifteen questions is answered by its call and by its page, as the table says, with the figure that the ledger holds."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

import engine
from service.server.app import create_app
from service.service import Service
from service.settings import Settings
from tests.pages import text_of
from tests.service.api.described import PERMITTED

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
ROW = re.compile(r"^\| ([^|]*\?) \| `GET ([^`]*)` \| `([^`]*)` \|$", re.MULTILINE)
QUESTIONS = ROW.findall(text_of("service/docs/questions.md"))
SALE = {
    **PERMITTED,
    "data": {**PERMITTED["data"], "id": "rain"},
}
AGREED = {
    "shares": [
        {"payer": "clinic-5", "payee": "market-1", "role": "operator", "kind": "commission", "ratio": "0.05", "of": "price"},
        {"payer": "clinic-5", "role": "source-country", "ratio": "0.05", "of": "price", "country": "KE"},
        {"payer": "clinic-5", "payee": "met-office", "ratio": "1/4", "of": "income"},
    ],
    "reason": "framework contract of 2026",
}
TRAINING = {
    **PERMITTED,
    "terms": {"training_by": "2026-11-27", "training_places": 40, "training_host": "institute-9", "training_for": ["KE"]},
}
# Of each question: where the figure is in the answer (`*` is any item of a list), the figure, and how the page says it.
FIGURES: dict[str, tuple[str, Any, str]] = {
    "How many people were trained for each country, of how many promised?": ("countries.0.reported", 12, "12 of 40 reported"),
    "Which state holds how much of which other one, for which purpose?": ("cells.0.price.0.amount", "20000", "20,000 INR"),
    "Which share of prices is for least developed, landlocked and island states that data come from?": (
        "cells.*.source_country_share.0.amount",
        "1000",
        "1,000 INR",
    ),
    "Was the part of the countries of source paid, by whom, and who says so?": ("lines.0.state", "reported", "reported"),
    "How much computing, energy and emissions go with an exchange?": (
        "factor.account.benefit.resources.value.energy",
        "120 MWh",
        "energy: 120 MWh",
    ),
    "How far is the deal of an order?": ("commitments.0.stage", "signed", "signed"),
    "Which deals are signed, and not delivered yet?": ("commitments.0.references.0.number", "PO-7781", "signed"),
    "Which commission has a deal, and what was paid and refunded?": ("lines.*.kind", "commission", "1,000.00 INR"),
    "What did a product earn, for whom along its chain?": ("lines.*.amount", "4512.50", "4,512.50 INR"),
    "Is a product listed twice?": ("entities.0.id", "rain", "the same hash"),
    "What is carried at the end of a period, by class?": ("classes.0.closing", "260000.00", "260,000.00 CNY"),
    "What did an asset cost, and what is it carried at?": ("classes.0.closing", "260000.00", "260,000.00 CNY"),
    "What was known of a period when it was published?": ("classes", [], "No asset has an entry"),
    "What was payable to a party at the end of a month?": ("balances.0.closing", "13537.50", "13,537.50 INR"),
    "Which exchange is an invoice for?": ("commitments.0.state", "committed", "committed"),
}


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestClient, str]]:
    """A ledger with a sale that is signed, a promise that is overdue, and an asset with accounts; and the id of the sale."""
    settings = Settings(
        watch=False,
        watch_commitments=False,
        policies=engine.bundled_policies(),
        database=tmp_path_factory.mktemp("questions") / "log.db",
        ledger_since="2026-01-01",
    )
    now = [NOON]
    service = Service.open(settings, clock=lambda: now[0])
    with TestClient(create_app(settings, service), base_url="http://127.0.0.1:8080") as client:

        def send(method: str, path: str, body: Any) -> Any:
            answer = client.request(method, f"/v1/{path}", json=body)
            assert answer.is_success, answer.text
            return answer.json()

        def commit(exchange: Any, *references: tuple[str, str]) -> str:
            sent = [{"kind": kind, "number": number} for kind, number in references]
            decision = send("POST", "evaluate", exchange)["id"]
            return str(send("POST", "commitments", {"decision": decision, "references": sent})["id"])

        rain = {"title": "Hourly rain, Nairobi", "holder": "met-office", "hash": "ab" * 32}
        send("PUT", "assets/rain", rain)
        send("PUT", "assets/rain-2", {"hash": "ab" * 32})
        cost = {"kind": "bought", "on": "2026-01-05", "amount": "360000.00", "currency": "CNY", "months": 36}
        send("POST", "assets/rain/accounts/entries", {**cost, "treatment": "intangible", "reason": "contract 2026-3"})
        agreed = send("POST", "assets/rain/agreements", AGREED)
        shown = [{"kind": "contract", "dated": "2026-01-05"}]
        opened = {"digest": agreed["versions"][-1]["digest"], "evidence": shown, "reason": "the signed contract"}
        send("POST", f"agreements/{agreed['id']}/open", opened)
        resources = {"energy": "120 MWh", "emissions": "30 tCO2e", "computing": "5000 GPU-hour"}
        terms = {"price": "20000.00 INR", "agreement": agreed["id"], "resources": resources}
        sale = commit({**SALE, "terms": terms}, ("order", "PO-7781"), ("invoice", "INV-118"))
        send("POST", f"commitments/{sale}/stages", {"stage": "signed", "on": "2026-11-25"})
        for each in client.get("/v1/ledger/benefits?role=source-country").json()["lines"]:
            paid = {"amount": each["amount"], "dated": "2026-11-25", "evidence": "bank-statement", "document": "cd" * 32}
            send("POST", f"ledger/benefits/{each['number']}/paid", paid)
        promised = commit(TRAINING)
        report = {"evidence": "training-record", "dated": "2026-11-25", "document": "cd" * 32, "amount": 12}
        send("POST", f"commitments/{promised}/promises/0/kept", report)
        now[0] = datetime(2026, 11, 30, 12, tzinfo=UTC)
        yield client, sale


def test_there_are_five_questions_of_each_reader() -> None:
    """And each has its figure here."""
    tables = text_of("service/docs/questions.md").split("\n## ")[1:]
    assert [len(ROW.findall(each)) for each in tables] == [5, 5, 5]
    assert [question for question, _, _ in QUESTIONS] == [*FIGURES]


def at(document: Any, step: str, *more: str) -> list[Any]:
    """What stands at a place of a document; `*` is each item of a list."""
    inner = document if step == "*" else [document[int(step) if step.isdigit() else step]]
    return [found for each in inner for found in at(each, *more)] if more else inner


@pytest.mark.parametrize(("question", "call", "page"), QUESTIONS, ids=[each[0][:40] for each in QUESTIONS])
def test_a_question_is_one_call_and_one_page(ledger: tuple[TestClient, str], question: str, call: str, page: str) -> None:
    """The answer has the figure, and the page says it."""
    client, sale = ledger
    place, figure, told = FIGURES[question]
    made = client.get(f"/v1/commitments/{sale}").json()
    call, page = (each.replace("DECISION", made["decision"]).replace("ID", sale) for each in (call, page))
    answer = client.get(call)
    assert answer.status_code == 200, answer.text
    assert figure in at(answer.json(), *place.split("."))
    shown = client.get(page, headers={"accept": "text/html"})
    assert shown.status_code == 200
    assert told in re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", shown.text.partition("<main")[2]))


def test_the_page_is_reached_from_the_first_page_of_the_service() -> None:
    """By who looks for a way in."""
    assert "docs/questions.md" in Path("service/README.md").read_text(encoding="utf-8")
