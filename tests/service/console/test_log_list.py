"""The list of decisions: every filter, the columns, the same list as a file, saved searches, and two decisions side by side."""

import csv
import json
import re
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest

from service.callers import entrance
from service.callers.caller import Caller
from service.console import page_frame, pages
from service.languages.words import wording
from service.log import saved_searches
from service.log.search_query import FIELDS
from tests.service.conftest import EXCHANGE, body
from tests.service.console.test_console import text_of

SAME_ORIGIN = {"content-type": "application/x-www-form-urlencoded", "origin": "http://127.0.0.1:8080"}


def sent(**changes: Any) -> bytes:
    """The exchange with other parties."""
    return json.dumps({**{name: part for name, part in EXCHANGE.items() if name != "evidence"}, **changes}).encode()


def token(client) -> str:
    """The token in the forms of the list."""
    return str(re.findall(r'name="token" value="([0-9a-f]+)"', client.get("/log").text)[0])


def of(exporter: str) -> dict[str, Any]:
    """A clinic in China."""
    return {"id": exporter, "country": "CN"}


def test_every_filter_is_in_the_form(client, evaluate):
    """Each field of a search has a place in it, and what an address asks for stands there; a field of no search is refused."""
    evaluate(body())
    page = client.get("/log").text
    for name in ("text", "since", "until", "proceed", *(each for each in FIELDS if each != "outcome")):
        assert f'name="{name}"' in page, name
    assert '<details class="further">' in page
    page = client.get("/log?proceed=false&exporter=practice-of-dr-li-na&jurisdiction=cn").text
    assert '<details class="further" open>' in page
    assert '<option value="false" selected>' in page
    assert 'value="practice-of-dr-li-na"' in page
    assert page.count('role="row"') == 2
    assert client.get("/log?proceed=true").text.count('role="row"') == 0
    for wrong in ("proceed=maybe", "column=nothing", "colour=red", "text=" + "x" * 301):
        assert client.get(f"/log?{wrong}").status_code == 400, wrong


def test_a_text_finds_answers_and_parties(client, evaluate):
    """Above the list stand the parties with the text in their ids, as links to what they exported or received."""
    evaluate(sent(exporter=of("clinic-north")))
    evaluate(sent(exporter=of("clinic-south")))
    page = client.get("/log?text=NORTH").text
    assert page.count('role="row"') == 2
    assert 'href="/log?exporter=clinic-north"' in page
    assert client.get("/log?text=lab-of+clinic").text.count('role="row"') == 3
    assert client.get("/log?text=nothing+of+this").text.count('role="row"') == 0
    assert client.get("/v1/decisions?text=north").json()["decisions"][0]["exporter"] == "clinic-north"


def test_columns_are_chosen_and_kept(client, evaluate):
    """The columns that an address names are shown, in one order, and every link of the page keeps them."""
    evaluate(body())
    page = client.get("/log?column=caller&column=outcome").text
    assert re.findall(r"columnheader\">([^<]+)<", page) == ["Recorded", "Outcome", "Asked by"]
    assert "/log?column=outcome&amp;column=caller&amp;outcome=review" in page
    assert "/log/export?format=csv&amp;column=outcome&amp;column=caller" in page


def test_what_is_shown_is_exported(client, evaluate, monkeypatch):
    """As CSV or JSON lines: the decisions that match, over all pages, with the columns that are shown and the id of each."""
    monkeypatch.setattr("service.api.log_pages.EXPORTED_AT_ONCE", 2)
    ids = [evaluate(sent(exporter=of(name))).json()["id"] for name in ("=one", "two", "three", "four", "five")]
    evaluate(sent(exporter={"id": "six", "country": "DE"}))
    answer = client.get("/log/export?format=csv&exporter_country=cn&column=parties&column=proceed")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="decisions.csv"'
    rows = list(csv.DictReader(StringIO(answer.text)))
    assert [row["id"] for row in rows] == ids[::-1]
    assert list(rows[0]) == ["id", "recorded_at", "proceed", "exporter", "recipient"]
    assert (rows[0]["exporter"], rows[-1]["exporter"]) == ("five", "'=one")  # no formula for a spreadsheet
    lines = client.get("/log/export?format=jsonl&exporter_country=cn").text.splitlines()
    assert [json.loads(line)["id"] for line in lines] == ids[::-1]
    assert client.get("/log/export?format=xml").status_code == 400


def test_a_search_is_saved_for_its_caller(client, evaluate, service):
    """Under a name; it leads back to the list, is replaced under the same name, and is deleted by its own caller only."""
    form = {"exporter": "practice-of-dr-li-na", "column": "outcome", "name": "Of Dr  Li", "token": token(client)}
    answer = client.post("/log/searches", data=form, headers=SAME_ORIGIN, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/log?exporter=practice-of-dr-li-na&column=outcome")
    client.post("/log/searches", data={**form, "outcome": "review"}, headers=SAME_ORIGIN)
    page = client.get("/log").text
    assert page.count("/delete") == 1
    assert "exporter=practice-of-dr-li-na&amp;outcome=review&amp;column=outcome" in page
    assert client.post("/log/searches", data={**form, "name": " "}, headers=SAME_ORIGIN).status_code == 400
    [saved] = service.read(lambda connection: saved_searches.of_caller(connection, "local"))
    with service.store.database.transaction() as transaction:
        saved_searches.delete(transaction, "somebody else", saved.id)
    assert client.get("/log").text.count("/delete") == 1
    client.post(f"/log/searches/{saved.id}/delete", headers=SAME_ORIGIN, data={"token": token(client)})
    assert client.get("/log").text.count("/delete") == 0


def test_a_form_of_another_site_saves_nothing(client, service):
    """Nor one without the token of the page."""
    own = token(client)
    for sent, origin in (
        (own, {"origin": "https://elsewhere.example"}),
        (own, {"sec-fetch-site": "cross-site"}),
        ("", {}),
        ("0" * 64, SAME_ORIGIN),
    ):
        headers = {"content-type": "application/x-www-form-urlencoded", **origin}
        assert client.post("/log/searches", data={"name": "x", "token": sent}, headers=headers).status_code == 403
    assert service.read(lambda connection: saved_searches.of_caller(connection, "local")) == []


def test_an_erasure_deletes_the_searches_that_quote_the_value(client, evaluate, service):
    """By the id of the party, or by a part of it in the text."""
    id = evaluate(body()).json()["id"]
    for name, field, value in (("a", "exporter", "practice-of-dr-li-na"), ("b", "text", "Li-Na"), ("c", "text", "review")):
        client.post("/log/searches", data={"name": name, field: value, "token": token(client)}, headers=SAME_ORIGIN)
    client.portal.call(service.store.erase, id)
    assert [each.name for each in service.read(lambda connection: saved_searches.of_caller(connection, "local"))] == ["c"]


@pytest.mark.parametrize(
    ("name", "parameters", "left"),
    [
        ("Practice-of-Dr-Li-Na, this month", {"outcome": "review"}, False),  # the name of the search itself
        ("a", {"exporter": "\uff50ractice-of-dr-li-na"}, False),  # a wide letter: it finds the same party
        ("a", {"exporter": ["somebody", "practice-of-dr-li-na"]}, False),
        ("a", {"text": "of  practice-of-dr-li-na"}, False),
        ("practice", {"exporter": "practice-of-dr-li-nakamura"}, True),
    ],
)
def test_a_search_quotes_a_value_in_its_name_in_another_spelling_and_among_several(
    evaluate, client, service, name, parameters, left
):
    """The value is gone from there too. What only begins like it stays."""
    id = evaluate(body()).json()["id"]
    with service.store.database.transaction() as transaction:
        saved_searches.save(transaction, "local", name, parameters, "2026-12-01")
    client.portal.call(service.store.erase, id)
    assert bool(service.read(lambda connection: saved_searches.of_caller(connection, "local"))) is left


def test_an_entity_that_is_erased_from_the_register_is_in_no_saved_search(client, service):
    """By its id or by another name of it."""
    client.put("/v1/parties/lab-5", json={"aliases": ["the-lab"], "facts": {}})
    with service.store.database.transaction() as transaction:
        saved_searches.save(transaction, "local", "a", {"recipient": "lab-5"}, "2026-12-01")
        saved_searches.save(transaction, "local", "b", {"recipient": "The-Lab"}, "2026-12-01")
    assert client.delete("/v1/parties/lab-5?erase=true").status_code == 200
    assert service.read(lambda connection: saved_searches.of_caller(connection, "local")) == []


def test_two_decisions_stand_side_by_side(client, evaluate):
    """What differs is listed: facts, provisions, outcomes; what is the same is counted."""
    first = evaluate(sent(data={"people": 12000})).json()["id"]
    second = evaluate(sent(data={"people": 12}, exporter=of("clinic-south"))).json()["id"]
    page = client.get(f"/log/beside?decision={first}&decision={second}")
    said = text_of(page.text)
    assert page.status_code == 200
    assert "12,000 12" in said
    assert "practice-of-dr-li-na clinic-south" in said
    assert "facts are the same" in said
    assert "Data of ten thousand people" in said[said.index("Provisions that differ") :]
    assert "does not stand" in said
    again = text_of(client.get(f"/log/beside?decision={second}&decision={second}").text)
    assert "Two decisions are needed" in again
    for wrong in ("", f"?decision={first}", f"?decision={first}&decision=nothing", f"?decision={first}&decision={second}&x=1"):
        assert client.get(f"/log/beside{wrong}").status_code == 400


def test_erased_values_are_never_said_to_be_the_same(client, evaluate, service):
    """Both ids were the same before they were erased; now nobody can say so."""
    ids = [evaluate(sent(data={"people": people})).json()["id"] for people in (1, 2)]
    address = "/log/beside?" + "&".join(f"decision={id}" for id in ids)
    before = text_of(client.get(address).text)
    assert "exporter.id" not in before
    for id in ids:
        client.portal.call(service.store.erase, id)
    assert "exporter.id" in text_of(client.get(address).text)


def test_a_caller_has_its_name_and_a_moment_its_age(client, evaluate, monkeypatch):
    """On the list, and on the page of a decision, in both languages; a key is called as it was named."""
    key = client.post("/v1/keys", json={"name": "gateway", "scopes": ["evaluate", "read"]}).json()["key"]
    client.headers["Authorization"] = f"Bearer {key}"
    id = evaluate(body()).json()["id"]
    for lang, called, since in (("en", "key “gateway”", "just now"), ("zh", "密钥“gateway”", "刚刚")):
        listed = client.get(f"/log?column=caller&lang={lang}").text
        assert f">{called}</span>" in listed
        assert f'since">{since}</span>' in listed
        assert f"<dd>{called}</dd>" in client.get(f"/log/{id}?lang={lang}").text
    assert page_frame.NOW.get() is None, "outside a request there is no present"


@pytest.mark.parametrize(("amount", "said"), [
    ("1234567.50 CNY", "1,234,567.50 CNY"), ("999.12345", "999.12345"), (12000, "12,000"), ("1000 to 20000", "1,000 to 20,000"),
    ("0.00 EUR", "0.00 EUR"), ("12,000", "12,000"),
])  # fmt: skip
def test_digits_are_in_groups(amount, said):
    """Those before the point, of each number."""
    assert pages._digits(amount) == said


@pytest.mark.parametrize(("minutes", "said"), [
    (0.5, "just now"), (1, "1 minute ago"), (59, "59 minutes ago"), (60, "1 hour ago"), (47 * 60, "1 day ago"), (48 * 60, "2 days ago"),
    (32 * 24 * 60, ""), (-5, ""),
])  # fmt: skip
def test_how_long_ago_a_moment_is(minutes, said):
    """In the largest unit that it fills; of what lies ahead, and of what is more than a month ago, nothing is said."""
    now = datetime(2026, 11, 30, 12, tzinfo=UTC)
    token = page_frame.NOW.set(now)
    try:
        assert pages._ago((now - timedelta(minutes=minutes)).isoformat(), wording("en").pages) == said
        assert pages._ago("no moment", wording("en").pages) == ""
    finally:
        page_frame.NOW.reset(token)


def test_the_list_needs_the_scope_read(client, monkeypatch):
    """So do its files, its comparisons and its saved searches."""
    monkeypatch.setattr(entrance, "LOCAL", Caller("x", frozenset({"evaluate"})))
    for path in ("/log", "/log/export?format=csv", "/log/beside"):
        assert client.get(path).status_code == 403, path
    assert client.post("/log/searches", data={"name": "x"}, headers=SAME_ORIGIN).status_code == 403


def test_the_list_is_saved_as_parquet_with_types(client, evaluate, monkeypatch, tmp_path):
    """A number is a number, a moment a moment in UTC, a day a day; what was not sent is null. Without the package it is said."""
    from datetime import UTC, date, datetime

    from arro3.io import read_parquet

    evaluate(sent(exporter=of("clinic-上海")))
    evaluate(sent(exporter={"country": "CN"}))
    answer = client.get("/log/export?format=parquet&column=outcome&column=proceed&column=parties&column=as_of")
    assert answer.status_code == 200
    file = tmp_path / "decisions.parquet"
    file.write_bytes(answer.content)
    found: Any = read_parquet(str(file)).read_all()
    kinds = {field.name: str(field.type).removeprefix("arro3.core.DataType<").removesuffix(">\n") for field in found.schema}
    assert 'Timestamp(µs, "UTC")' in kinds["recorded_at"]
    assert "Date32" in kinds["as_of"]
    assert "Boolean" in kinds["proceed"]
    listed = list(csv.DictReader(StringIO(client.get("/log/export?format=csv").text)))
    columns = {name: [each.as_py() for each in found.column(name)] for name in kinds}
    assert columns["id"] == [row["id"] for row in listed]
    assert columns["exporter"] == [None, "clinic-上海"]
    assert columns["as_of"] == [date(2024, 6, 1)] * 2
    assert columns["proceed"] == [False, False]
    assert all(abs(each - datetime.now(UTC)).total_seconds() < 3600 for each in columns["recorded_at"])
    assert "format=parquet" in client.get("/log").text
    monkeypatch.setattr("service.log.parquet_rows.find_spec", lambda name: None)
    refused = client.get("/log/export?format=parquet")
    assert refused.status_code == 503
    assert "pip install" in refused.text
    assert "format=parquet" not in client.get("/log").text


def test_a_filter_is_read_as_people_write_it(client, evaluate):
    """A country by its title finds what its code finds; what means nothing finds nothing."""
    evaluate(body())
    rows = client.get("/log?exporter_country=CN").text.count('role="row"')
    assert rows == 2
    assert client.get("/log?exporter_country=China").text.count('role="row"') == rows
    assert client.get("/log?exporter_country=Zeppelin").text.count('role="row"') == 0
