"""
Fifteen everyday exchanges of ten countries: what the answer is, and on which coverage it stands.

Data about nobody stand on what was read of them; payroll, health and payment data stand on the general act under which they are. Sources
are in the cells of the coverage.
"""

import json
from datetime import date
from typing import Any

import pytest

import engine

PDP = engine.PDP(engine.load(engine.bundled_policies()), "checked")
DAY = date(2026, 11, 30)
GENERAL = {"kind": "provide", "bars": [], "trigger": "own", "evades": False, "security_concern": False, "ai_service": "none"}


def exchange(sender: str, receiver: str, category: str, *, about: str = "", **more: dict[str, Any]) -> dict[str, Any]:
    """An exchange between two companies, of which everything is known that companies know; `about` is whose people the data concern."""
    document: dict[str, Any] = {
        "exporter": {
            "country": sender, "role": "controller", "kind": "other-company", "sectors": ["commerce"], "organised_in": [sender],
            "targets": [], "zone": "none",
        },
        "recipient": {
            "country": receiver, "kind": "other-company", "role": "processor" if about else "controller", "relation": "unrelated",
            "listed_on": [], "us_ties": [], "organised_in": [receiver], "controlled_from": [receiver],
        },
        "data": {
            "categories": [category], "personal": bool(about), "kind": "dataset", "grades": [], "controls": [], "lawful_source": True,
            "collected_in": [sender], "stored_in": [sender], "people_in": [about] if about else [], "source": "self-produced",
            **({"state": "identified"} if about else {}),
        },
        "act": GENERAL,
        "purpose": {"is": ["service-provision"], "end_use": ["civil"]},
    }  # fmt: skip
    for group, facts in more.items():
        document[group] = {**document.get(group, {}), **facts}
    return document


HR = {"is": ["hr"]}
EXCHANGES: dict[str, tuple[dict[str, Any], str, set[str]]] = {
    "German weather data to the United States": (exchange("DE", "US", "weather"), "permitted", {"EU:non-personal"}),
    "Dutch machine data to India": (exchange("NL", "IN", "industrial"), "review", {"EU:non-personal"}),
    "Swiss machine data to China": (exchange("CH", "CN", "industrial"), "permitted", {"CH:non-personal"}),
    "Brazilian machine data to Germany": (
        exchange("BR", "DE", "industrial"),
        "permitted",
        {"BR:non-personal"},
    ),
    "Indian weather data to Singapore": (exchange("IN", "SG", "weather"), "permitted", {"IN:non-personal"}),
    "Thai machine data to Japan": (exchange("TH", "JP", "industrial"), "permitted", {"TH:non-personal"}),
    "South African weather data to Britain": (exchange("ZA", "GB", "weather"), "permitted", {"ZA:non-personal"}),
    "Indonesian machine data to Singapore": (exchange("ID", "SG", "industrial"), "permitted", {"ID:non-personal"}),
    "German payroll to an adequate country": (
        exchange("DE", "NZ", "employee", about="DE", purpose=HR, safeguards={"basis": ["contract"]}),
        "permitted_with_obligations",
        {"EU:personal"},
    ),
    "French health data to the United States": (
        exchange("FR", "US", "health", about="FR", recipient={"under": [], "carve_outs": []}),
        "requirements_unmet",
        {"EU:personal", "EU:health"},
    ),
    "British payments to Germany": (
        exchange("GB", "DE", "payment", about="GB"),
        "permitted",
        {"GB:personal", "GB:financial"},
    ),
    "Brazilian payroll to Germany": (exchange("BR", "DE", "employee", about="BR", purpose=HR), "permitted", {"BR:personal"}),
    "Indian payroll to Britain": (
        exchange("IN", "GB", "employee", about="IN", purpose=HR, data={"people": {"ordinary": 800, "sensitive": 0}}),
        "permitted",
        {"IN:personal"},
    ),
    "South African payroll to Germany": (
        exchange("ZA", "DE", "employee", about="ZA", purpose=HR),
        "requirements_unmet",
        {"ZA:personal"},
    ),
    "payments of Singapore to Switzerland": (
        exchange("SG", "CH", "payment", about="SG"),
        "requirements_unmet",
        {"SG:personal", "SG:financial"},
    ),
}


@pytest.mark.parametrize("name", EXCHANGES)
def test_an_everyday_exchange_stands_on_what_was_read(name: str) -> None:
    """The three engines agree on the outcome, and a permit names each cell of the coverage on which it stands."""
    document, outcome, stands_on = EXCHANGES[name]
    read = PDP.bundle.reader.read(json.dumps(document).encode())
    judged = PDP.judge(read, as_of=DAY)
    assert judged.outcome.word == outcome, (judged.open_facts, judged.signable)
    assert {f"{place}:{subject}" for place, subject in judged.outcome.coverage.stands_on} == stands_on


@pytest.mark.parametrize("name", EXCHANGES)
def test_a_country_that_the_exchange_never_sees_permits_nothing(name: str) -> None:
    """What a country leaves free it permits only where its law is asked."""
    judged = PDP.judge(PDP.bundle.reader.read(json.dumps(EXCHANGES[name][0]).encode()), as_of=DAY)
    outcome = judged.outcome
    raised = {place for place, bounds in outcome.jurisdictions.items() if bounds.high is not engine.Level.NOT_APPLICABLE}
    assert {place for place in raised if PDP.bundle.vocabulary.jurisdictions[place].covers} <= set(
        outcome.coverage.jurisdictions
    )


def test_the_recipients_country_leaves_data_free_and_permits_nothing() -> None:
    """Its law is on what leaves it, and is not asked of what comes in."""
    judged = PDP.judge(PDP.bundle.reader.read(json.dumps(exchange("DE", "BR", "industrial")).encode()), as_of=DAY)
    assert judged.outcome.word == "permitted"
    levels = {place: bounds.high for place, bounds in judged.outcome.jurisdictions.items()}
    assert levels.get("BR", engine.Level.NOT_APPLICABLE) is engine.Level.NOT_APPLICABLE
    assert levels["EU"] is engine.Level.PERMITTED
