"""What was promised for the people of each country, against what was reported and confirmed of it; and who sees which."""

import csv
import re
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from service.callers import entrance
from service.callers.caller import LOCAL, OF_A_PARTY, Caller
from service.ledger import promise_countries
from tests.service.conftest import BOTH_DATABASES, Lines
from tests.service.ledger.desk import Desk, desks
from tests.service.ledger.test_promises import days_later, keep, promising, refused, sources

pytestmark = pytest.mark.usefixtures("audited")
FOR_COUNTRIES = {
    "host: terms.host}": "host: terms.host, for: terms.for}\n    number: terms.places",
    "facts:\n": "facts:\n  terms.for: {type: set of country, title: for whom, ask: For whose people?}\n",
}


@pytest.fixture
def desk(database: str, tmp_path: Path, lines: Lines) -> Iterator[Desk]:
    """A service whose promises say for the people of which countries they are, and how many places."""
    folder = tmp_path / "policies"
    folder.mkdir()
    for name, text in sources(**FOR_COUNTRIES).items():
        (folder / name).write_text(text)
    with desks(lines, policies=folder, database=database, mode="bitset", ledger_since="2026-01-01") as open:
        yield open()


def by_country(desk: Desk, **query: str) -> dict[str, dict[str, Any]]:
    answer = desk.client.get("/v1/ledger/promises/countries", params=query)
    assert answer.status_code == 200, answer.text
    return {" ".join(each["countries"]): each for each in answer.json()["countries"]}


def promised_for(countries: list[str]) -> Any:
    """The term that says for whose people the places are."""
    return {"for": countries}


@BOTH_DATABASES
def test_places_are_added_up_by_the_countries_that_they_are_for(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is for several together is one line; what was said of none is one too; a withdrawn commitment takes its promises away."""
    first = desk.commit(10, **promising(**promised_for(["KE"])))["id"]
    desk.commit(10, **promising("2026-12-24", places=25, **promised_for(["KE"])))
    desk.commit(10, "bank", **promising(**promised_for(["CN", "KE"])))
    desk.commit(10, **promising())
    gone = desk.commit(10, **promising(**promised_for(["CN"])))["id"]
    desk.post(f"/v1/commitments/{gone}/withdraw", {"reason": "no"})
    assert keep(desk, first, amount=12).status_code == 200
    days_later(desk, 5)
    found = by_country(desk)
    assert {name: (each["promised"], each["reported"], each["promises"]) for name, each in found.items()} == {
        "KE": (65, 12, 2),
        "CN KE": (40, 0, 1),
        "": (40, 0, 1),
    }
    assert (found["KE"]["overdue"], found["KE"]["next_due"]) == (1, "2026-12-24")
    assert [*by_country(desk, party="bank")] == ["CN KE"]
    assert by_country(desk, to="nobody") == {}
    table = desk.client.get("/v1/ledger/promises/countries?format=csv").text
    assert [line["countries"] for line in csv.DictReader(StringIO(table))] == ["KE", "", "CN KE"]
    page = desk.client.get("/ledger/promised?party=clinic").text
    assert "12 of 105 reported" in page
    assert len(re.findall(r"\b145\b", desk.client.get("/ledger/promised?lang=zh").text)) == 1
    monkeypatch.setattr(entrance, "LOCAL", Caller("key:2", frozenset(OF_A_PARTY), party="lab"))
    assert by_country(desk).keys() == found.keys()
    answered = desk.post(
        f"/v1/commitments/{first}/promises/0/reports/0/answer", {"answer": "confirmed", "reason": "we saw them"}
    )
    assert answered.status_code == 200, answered.text
    assert by_country(desk)["KE"]["confirmed"] == 12
    monkeypatch.setattr(entrance, "LOCAL", Caller("key:1", frozenset(OF_A_PARTY), party="bank"))
    assert [*by_country(desk)] == ["CN KE"]
    refused(desk.client.get("/v1/ledger/promises/countries?party=clinic"), 403, "forbidden")
    assert desk.client.get("/ledger/promised").status_code == 403
    monkeypatch.setattr(entrance, "LOCAL", LOCAL)


def test_too_many_promises_are_not_added_up_in_part(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sum of some would be read as one of all."""
    monkeypatch.setattr(promise_countries, "MOST", 1)
    desk.commit(10, **promising(**promised_for(["KE"])))
    assert [*by_country(desk)] == ["KE"]
    desk.commit(10, "bank", **promising(**promised_for(["CN"])))
    refused(desk.client.get("/v1/ledger/promises/countries"), 400, "bad-request")
    assert "Name a party" in desk.client.get("/ledger/promised").text
    assert [*by_country(desk, party="bank")] == ["CN"]
