"""Each of the fifteen questions is answered by its call and by its page, as the table says, with the figure that the ledger holds."""

import re
from collections.abc import Callable, Iterator
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
    "pricing": {"kind": "fixed", "amount": "20000.00 INR"},
    "tax": "GST 18 %, on the invoice",
    "reason": "framework contract of 2026",
}
FEES = [
    {"kind": "per-unit", "amount": "2.50 INR", "unit": "call"},
    {"kind": "subscription", "amount": "900.00 INR", "period": "1 month"},
    {"kind": "share-of-income", "ratio": "0.03"},
]
PAYING = {"shares": [{"payer": "clinic-5", "payee": "met-office", "role": "provider", "ratio": "1/4", "of": "price"}]}
OWNED = {"currency": "CNY", "entity": "weather-ltd", "standard": "CAS"}
TRAINING = {
    **PERMITTED,
    "terms": {"training_by": "2026-11-27", "training_places": 40, "training_host": "institute-9", "training_for": ["KE"]},
}
Figure = tuple[str, Any, str]
CARRIED = "What did the assets of a legal entity cost, and what was amortised and impaired of it?"
FEE = "Which fee was agreed, by call, subscription or income, and which commission and tax?"
VOUCHERS = "Which vouchers have the entries of an asset, and up to when are the books of its entity closed?"
LIFE = "Which life and residual value has an asset, and which test for impairment is missing?"
# Of each question: where a figure is in the answer (`*` is any item of a list), the figure, and how the page says it. `ID` is the sale.
FIGURES: dict[str, list[Figure]] = {
    "How many people were trained for each country, of how many promised?": [("countries.0.reported", 12, "12 of 40 reported")],
    "Which state holds how much of which other one, for which purpose?": [("cells.0.price.0.amount", "20000", "20,000 INR")],
    "Which share of prices is for least developed, landlocked and island states that data come from?": [
        ("cells.*.source_country_share.0.amount", "1000", "1,000 INR")
    ],
    "Was the part of the countries of source paid, by whom, and who says so?": [
        ("lines.0.state", "reported", "855.00 reported paid")
    ],
    "How much computing, energy and emissions go with an exchange?": [
        ("factor.account.benefit.resources.value.energy", "120 MWh", "energy: 120 MWh")
    ],
    "How far is the deal of an order or a contract?": [("commitments.0.stage", "signed", "committed signed India")],
    FEE: [
        ("agreements.*.versions.*.pricing.kind", "per-unit", "Fee by unit 2.50 INR / call"),
        ("agreements.*.versions.*.pricing.kind", "subscription", "Subscription 900.00 INR / 1 month"),
        ("agreements.*.versions.*.pricing.kind", "share-of-income", "Share of the recipient’s income 0.03"),
        ("agreements.*.versions.*.shares.*.kind", "commission", "0.05 of the price commission"),
        ("agreements.*.versions.*.tax", "GST 18 %, on the invoice", "Tax, in no sum: GST 18 %, on the invoice"),
    ],
    "Which commission, invoice, payment and refund has a deal?": [
        ("lines.*.kind", "commission", "commission 1,000.00 INR"),
        ("lines.*.references.*", "invoice INV-118", "Invoice INV-118"),
        ("lines.*.entry", "refunded", "2026-11-25 refunded Order PO-7781 Invoice INV-118 market-1"),
        ("lines.*.amount", "-100.00", "commission -100.00 INR"),
        ("lines.*.paid", "900.00", "900.00 reported paid"),
    ],
    "What did a product earn, for whom along its chain?": [
        ("lines.*.amount", "4512.50", "4,512.50 INR"),
        ("lines.*.amount", "218.75", "218.75 INR"),
    ],
    "Is a product listed twice?": [("entities.0.id", "rain", "the same hash")],
    CARRIED: [
        ("entity", "weather-ltd", "299,100.00 CNY intangible asset, weather-ltd"),
        ("classes.*.cost_closing", "426600.00", "Cost at the end 426,600.00"),
        ("classes.*.amortisation_closing", "101500.00", "Amortised in all at the end 101,500.00"),
        ("classes.*.impairment_closing", "26000.00", "Impaired in all at the end 26,000.00"),
        ("classes.*.recovered", "300.00", "Recovered 0.00 300.00"),
        ("classes.*.research", "5000.00", "Research, an expense 0.00 0.00 5,000.00"),
    ],
    "What did the sale of a part cost and gain?": [
        ("classes.0.disposed", "2800.00", "Disposed of 2,800.00"),
        ("classes.0.proceeds", "4000.00", "Proceeds 4,000.00"),
        ("classes.0.gain", "1200.00", "Gain or loss 1,200.00"),
        ("entries.*.part", "1/3", "1/3 of it, sold for 4,000.00 CNY"),
    ],
    "By which committed exchange was an asset sold?": [("entries.*.commitment", "ID", 'href="/ledger/commitments/ID"')],
    VOUCHERS: [("entries.*.voucher", "2026/1", "2026/1"), ("closed", "2025-12-31", "Closed up to 2025-12-31")],
    LIFE: [
        ("entries.*.uses", 1000, "6,600.00 CNY, 1,000 uses, residual value 600.00"),
        ("entries.*.indefinite", True, "without an end that can be foreseen"),
        ("untested.*", 2025, "Not tested for impairment in 2025"),
    ],
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

        def agree(terms: Any) -> str:
            agreed = send("POST", "assets/rain/agreements", terms)
            shown = [{"kind": "contract", "dated": "2026-01-05"}]
            opened = {"digest": agreed["versions"][-1]["digest"], "evidence": shown, "reason": "the signed contract"}
            return str(send("POST", f"agreements/{agreed['id']}/open", opened)["id"])

        rain = {"title": "Hourly rain, Nairobi", "holder": "met-office", "hash": "ab" * 32}
        send("PUT", "assets/rain", rain)
        send("PUT", "assets/rain-2", {"hash": "ab" * 32})
        agreed, by_call, *_ = [
            agree(each) for each in (AGREED, *({**PAYING, "pricing": fee, "reason": "tariff"} for fee in FEES))
        ]
        resources = {"energy": "120 MWh", "emissions": "30 tCO2e", "computing": "5000 GPU-hour"}
        terms = {"price": "20000.00 INR", "agreement": agreed, "resources": resources}
        sale = commit({**SALE, "terms": terms}, ("order", "PO-7781"), ("invoice", "INV-118"))
        send("POST", f"commitments/{sale}/stages", {"stage": "signed", "on": "2026-11-25"})
        told = {"dated": "2026-11-25", "document": "cd" * 32}
        send("POST", f"commitments/{sale}/refund", {"amount": "2000.00", "evidence": "credit-note", **told})
        for each in client.get(f"/v1/ledger/benefits?commitment={sale}").json()["lines"]:
            if each["entry"] == "payable" and each["role"] in ("source-country", "operator"):
                paid = {"amount": each["payable"], "evidence": "bank-statement", **told}
                send("POST", f"ledger/benefits/{each['number']}/paid", paid)
        metered = commit({**SALE, "terms": {"agreement": by_call}})
        calls = {"from": "2026-11-25", "until": "2026-11-25", "units": "350", "evidence": "invoice", "document": "cd" * 32}
        send("POST", f"commitments/{metered}/reports", calls)
        promised = commit(TRAINING)
        send("POST", f"commitments/{promised}/promises/0/kept", {"evidence": "training-record", "amount": 12, **told})
        keep_accounts(send, sale)
        now[0] = datetime(2026, 11, 30, 12, tzinfo=UTC)
        yield client, sale


def keep_accounts(send: Callable[[str, str, Any], Any], sale: str) -> None:
    """The accounts of a legal entity: two intangible assets, one with an indefinite life, and inventory of which a part was sold."""

    def entry(asset: str, kind: str, on: str, **more: Any) -> str:
        return str(send("POST", f"assets/{asset}/accounts/entries", {"kind": kind, "on": on, **more})["id"])

    send("PUT", "parties/weather-ltd", {"facts": {"country": "CN"}})
    for asset in ("station", "charts"):
        send("PUT", f"assets/{asset}", {"facts": {"data": {"personal": False}}})
    intangible, cny = {**OWNED, "treatment": "intangible"}, {"currency": "CNY"}
    entry("station", "bought", "2025-03-01", amount="60000.00", indefinite=True, **intangible)
    send("POST", "ledger/accounts/close", {"entity": "weather-ltd", "until": "2025-12-31", "reason": "the statements of 2025"})
    rain = entry("rain", "bought", "2026-01-05", amount="360000.00", months=36, reason="contract 2026-3", **intangible)
    entry("rain", "research", "2026-02-10", amount="5000.00", **OWNED)
    entry("rain", "impaired", "2026-10-31", of=rain, amount="26000.00", **cny)
    entry("rain", "disposed", "2026-11-25", of=rain, part="1/100", proceeds="1600.00", commitment=sale, **cny)
    ticket = entry("station", "bought", "2026-02-01", amount="6600.00", uses=1000, residual="600.00", **intangible)
    entry("station", "used", "2026-06-30", of=ticket, uses=250)
    charts = entry("charts", "self-developed", "2026-03-01", amount="9000.00", treatment="inventory", **OWNED)
    entry("charts", "impaired", "2026-05-31", of=charts, amount="900.00", **cny)
    entry("charts", "recovered", "2026-06-30", of=charts, amount="300.00", **cny)
    entry("charts", "disposed", "2026-09-01", of=charts, part="1/3", proceeds="4000.00", **cny)


def said(client: TestClient, path: str) -> str:
    """What a page says, in one line."""
    shown = client.get(path, headers={"accept": "text/html"})
    assert shown.status_code == 200
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", shown.text.partition("<main")[2]))


def test_there_are_five_questions_of_each_reader() -> None:
    """And each has its figure here."""
    tables = text_of("service/docs/questions.md").split("\n## ")[1:]
    assert [len(ROW.findall(each)) for each in tables] == [5, 5, 5]
    assert [question for question, _, _ in QUESTIONS] == [*FIGURES]


def at(document: Any, step: str, *more: str) -> list[Any]:
    """What stands at a place of a document; `*` is each item of a list, and what has no such member is left out."""
    inner = document if step == "*" else [document[int(step)] if step.isdigit() else document.get(step)]
    return [found for each in inner if each is not None for found in (at(each, *more) if more else [each])]


@pytest.mark.parametrize(("question", "call", "page"), QUESTIONS, ids=[each[0][:40] for each in QUESTIONS])
def test_a_question_is_one_call_and_one_page(ledger: tuple[TestClient, str], question: str, call: str, page: str) -> None:
    """The answer has each figure, and the page says it."""
    client, sale = ledger
    made = client.get(f"/v1/commitments/{sale}").json()

    def named(text: str) -> str:
        return text.replace("DECISION", made["decision"]).replace("ID", sale)

    answer = client.get(named(call))
    assert answer.status_code == 200, answer.text
    text, source = said(client, named(page)), client.get(named(page), headers={"accept": "text/html"}).text
    for place, figure, told in FIGURES[question]:
        assert (named(figure) if isinstance(figure, str) else figure) in at(answer.json(), *place.split("."))
        assert named(told) in (source if told.startswith("href") else text)


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        (
            "en",
            "Legal entity|What is carried|Cost, amortisation and impairment|Expense and sales|Closed up to 2025-12-31|"
            "Not tested for impairment in 2025|2025/1|6,600.00 CNY, 1,000 uses, residual value 600.00|250 uses|"
            "compare them with the published tables",
        ),
        (
            "zh",
            "会计主体|账面价值变动|原值、累计摊销与减值准备|费用与处置损益|已结账至 2025-12-31|2025 年未作减值测试|2025/1|"
            "6,600.00 CNY, 1,000 次使用, 残值 600.00|使用寿命不确定|250 次使用|请与公布的报表核对",
        ),
    ],
)
def test_the_page_of_accounts_is_read_in_both_languages(ledger: tuple[TestClient, str], lang: str, words: str) -> None:
    """The entity, its blocks, vouchers, lives, and the tests that are missing; what is closed is said of one entity alone."""
    text = said(ledger[0], f"/ledger/accounts?asset=station&entity=weather-ltd&lang={lang}")
    assert [word for word in words.split("|") if word not in text] == []
    assert not re.search("[a-z]_[a-z]", text)  # as a column without a word would be
    whole = said(ledger[0], f"/ledger/accounts?asset=station&lang={lang}")
    assert words.split("|")[4] not in whole


def test_what_a_fee_waits_for_is_said_and_is_not_nought(ledger: tuple[TestClient, str]) -> None:
    """On the page of its commitment with what was reported, and on that of benefits."""
    client, sale = ledger
    (waiting,) = client.get("/v1/ledger/benefits").json()["not_reported"]
    told = client.get(f"/v1/commitments/{waiting['commitment']}/reports").json()
    assert [each["price"] for each in told["reports"]] == ["875.00 INR"]
    text = said(client, f"/ledger/commitments/{waiting['commitment']}")
    assert "2026-11-25 – 2026-11-25 : Fee by unit, reported: 350; price: 875.00 INR" in text
    assert "2026-11-26 – 2026-11-30 not reported" in text
    assert "2026-11-26 – 2026-11-30 not reported" in said(client, "/ledger/benefits")
    assert "not reported" not in said(client, f"/ledger/commitments/{sale}")


def test_the_page_is_reached_from_the_first_page_of_the_service() -> None:
    """By who looks for a way in."""
    assert "docs/questions.md" in Path("service/README.md").read_text(encoding="utf-8")
