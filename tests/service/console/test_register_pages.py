"""The pages of the register: what they list, how an entity reads, and what they refuse."""

import json
import re
from functools import partial
from typing import Any

import pytest

from service.callers import entrance
from service.callers.caller import LOCAL, Caller
from service.callers.context import ReadingAll
from service.languages.words import wording
from service.register import entity_search
from service.register.entity_search import EntityFilter
from tests.service.conftest import BOTH_DATABASES

SCRIPT = "<script>alert(1)</script>"


def put(client: Any, path: str, **stated: Any) -> None:
    """State an entity."""
    answer = client.put(path, content=json.dumps(stated).encode(), headers={"content-type": "application/json"})
    assert answer.status_code in (200, 201), answer.text


def names(page: str) -> list[str]:
    """The ids of a list, by its links."""
    return re.findall(r'<a href="/register/[a-z]+/([^"?]+)(?:\?[^"]*)?">', page)


@BOTH_DATABASES
def test_the_list_finds_entities_by_kind_text_and_state(client):
    """On both databases: by an id, by another id of an entity, whatever the letters; a withdrawn one only where it is asked for."""
    put(client, "/v1/parties/clinic-7", facts={"country": "CN"}, aliases=["Old-Name"])
    put(client, "/v1/parties/lab-2", facts={"country": "US"})
    put(client, "/v1/entities/user/alice", facts={"department": "research"})
    assert client.delete("/v1/parties/lab-2").status_code == 200
    for query, found in (
        ("", ["clinic-7", "alice"]),
        ("?kind=party", ["clinic-7"]),
        ("?text=old-name", ["clinic-7"]),
        ("?text=CLINIC+7", ["clinic-7"]),
        ("?text=100%25", []),
        ("?state=withdrawn", ["lab-2"]),
        ("?state=any&kind=party", ["clinic-7", "lab-2"]),
    ):
        assert names(client.get(f"/register{query}").text) == found, query


@BOTH_DATABASES
def test_a_page_leads_to_the_next(client, service):
    """Fifty entities stand on a page; together the pages have each entity once, also those of another kind."""
    for number in range(53):
        put(client, f"/v1/parties/party-{number:02}", facts={"country": "CN"})
    put(client, "/v1/entities/user/alice", facts={})
    found, path = [], "/register?state=any"
    while path:
        page = client.get(path).text
        found += names(page)
        following = re.search(r'href="([^"]*)" rel="next"', page)
        path = following[1].replace("&amp;", "&") if following else ""
    assert found == [*(f"party-{number:02}" for number in range(53)), "alice"]
    assert service.read(partial(entity_search.kinds, service.context(ReadingAll, LOCAL, ""))) == ["party", "user"]


@BOTH_DATABASES
def test_a_text_is_looked_for_part_by_part(client, monkeypatch):
    """A page looks in so many versions only; those that go on find all, and each once."""
    for number in range(9):
        put(client, f"/v1/parties/party-{number}", facts={}, note="a")
        put(client, f"/v1/parties/party-{number}", facts={}, note="b")
    monkeypatch.setattr(entity_search, "WALKED", 4)
    found: list[str] = []
    pages, path = 0, "/register?text=PARTY"
    while path:
        page = client.get(path).text
        found, pages = [*found, *names(page)], pages + 1
        following = re.search(r'href="([^"]*)" rel="next"', page)
        path = following[1].replace("&amp;", "&") if following else ""
    assert found == [f"party-{number}" for number in range(9)]
    assert pages > 2
    assert wording("en").register["text_goes_on"] in client.get("/register?text=nothing").text


@BOTH_DATABASES
def test_the_versions_of_an_entity_say_what_changed(client):
    """In words, against the version before, also where that stands on the next page; an older version has an address of its own."""
    put(client, "/v1/parties/clinic-7", facts={"country": "CN"})
    for number in range(2, 13):
        put(client, "/v1/parties/clinic-7", facts={"country": "US"}, note=f"note {number}")
    page = client.get("/register/party/clinic-7").text
    assert page.count("<h3>") == 10
    assert "<del>note 11</del>" in page
    assert "<ins>note 12</ins>" in page
    assert "<del>note 2</del>" in page
    older = client.get("/register/party/clinic-7?before=3").text
    assert older.count("<h3>") == 2
    assert "<del>China</del>" in older
    assert "<ins>United States</ins>" in older
    first = client.get("/register/party/clinic-7?version=1").text
    assert "This is version 1. The newest is 12:" in first
    assert ">China<" in first


def test_an_entity_leads_to_where_it_is_named(client):
    """A party by its id and by its other ids; an id may have slashes and whatever HTML means."""
    put(client, "/v1/parties/a/b", facts={"country": "CN"}, aliases=["c d"])
    page = client.get("/register/party/a/b").text
    for address in ("/log?exporter=a%2Fb", "/log?recipient=c+d", "/ledger?recipient=a%2Fb", "/ledger/rights?party=a%2Fb"):
        assert f'href="{address}"' in page
    put(client, f"/v1/entities/user/{SCRIPT.replace('<', '%3C').replace('>', '%3E')}", facts={SCRIPT: SCRIPT})
    [id] = names(client.get("/register?kind=user").text)
    for path in ("/register", f"/register/user/{id}"):
        text = client.get(path).text
        assert "<script" not in text
        assert "&lt;script&gt;" in text


def test_an_erased_entity_has_nothing_left_to_read(client):
    """Its page says that it was erased, and names nothing of it."""
    put(client, "/v1/parties/dr-li", facts={"country": "CN"}, note="her practice", aliases=["li-na"])
    assert client.delete("/v1/parties/dr-li?erase=true").status_code == 200
    assert client.get("/register/party/dr-li").status_code == 404
    [id] = names(client.get("/register?state=erased").text)
    page = client.get(f"/register/party/{id}").text
    assert wording("en").register["named_none"] in page
    assert not any(word in page for word in ("dr-li", "li-na", "her practice", "China"))


@pytest.mark.parametrize(
    "path",
    ["?nothing=1", "?kind=PARTY", "?state=gone", "?cursor=x", "?text=a&text=b", f"?text={'x' * 301}", "/party/a?version=0",
     "/party/a?before=x"],
)  # fmt: skip
def test_a_wrong_address_is_refused_as_a_page(client, path):
    """As wrong, and not as if nothing had been asked."""
    answer = client.get(f"/register{path}")
    assert (answer.status_code, answer.headers["content-type"]) == (400, "text/html; charset=utf-8")


@pytest.mark.parametrize("path", ["/party/nobody", "/PARTY/a", "/party/a%0ab", "/party/%00"])
def test_what_is_not_there_is_said_to_be_not_there(client, path):
    """A kind or an id that cannot be one is not there either."""
    assert client.get(f"/register{path}").status_code == 404


def test_who_may_not_read_sees_no_register(client, monkeypatch):
    """The pages need the scope `read`; a party's key opens none."""
    for caller in (
        Caller("gateway", frozenset({"evaluate"})),
        Caller("partner", frozenset({"read"}), party="clinic-7"),
    ):
        monkeypatch.setattr(entrance, "LOCAL", caller)
        for path in ("/register", "/register/party/clinic-7"):
            assert client.get(path).status_code == 403


def test_a_text_has_few_words(service):
    """More words than are looked for change nothing, and take no longer."""
    wanted = EntityFilter(text=" ".join(["x"] * 5_000))
    context = service.context(ReadingAll, LOCAL, "")
    assert service.read(lambda connection: entity_search.find(context, wanted, None, 5, connection)) == ([], None)
