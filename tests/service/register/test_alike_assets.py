"""Assets that may be the same: told at registration, in a list and on a page; never refused; told to readers of the register alone."""

from typing import Any

import pytest

from service.callers import entrance
from service.callers.caller import LOCAL, Caller
from tests.service.conftest import BOTH_DATABASES

pytestmark = pytest.mark.usefixtures("audited")
RAIN = {"title": "Hourly rain, Nairobi", "holder": "met-office"}


def alike(client: Any, id: str) -> dict[str, str]:
    answer = client.get("/v1/assets", params={"like": id})
    assert answer.status_code == 200, answer.text
    assert answer.json()["next"] is None
    return {each["id"]: each["alike"] for each in answer.json()["entities"]}


@BOTH_DATABASES
def test_the_same_hash_and_a_like_title_of_the_same_holder_are_told(client: Any, put: Any) -> None:
    """The hash first, whoever holds it; a title in another spelling, with a letter more, and of a holder that is not stated."""
    put("assets/first", **RAIN, hash="ab" * 32)
    assert "notice" not in put("assets/snow", title="Daily snow, Oslo", holder="met-office")
    assert "notice" not in put("assets/theirs", title="Hourly rain, Nairobi", holder="airline")
    put("assets/unsaid", title="HOURLY  RAIN – NAIROBI")
    put("assets/bytes", title="What we bought", holder="airline", hash="ab" * 32)
    told = put("assets/again", title="Hourly rains, Nairobi", holder="met-office", hash="ab" * 32)
    assert "2 with the same hash, 1 with a like title" in told["notice"]
    assert alike(client, "again") == {"bytes": "hash", "first": "hash", "unsaid": "title"}
    assert [*alike(client, "first").values()] == ["hash", "hash", "title"]
    assert alike(client, "snow") == {}
    assert set(alike(client, "unsaid")) == {"first", "theirs", "again"}
    page = client.get("/register/asset/again").text
    assert page.index("/register/asset/bytes") < page.index("/register/asset/unsaid")
    assert "notice" not in client.get("/v1/assets/again").json()
    client.delete("/v1/assets/bytes")
    client.delete("/v1/assets/first?erase=true")
    assert alike(client, "again") == {"unsaid": "title"}
    put("assets/unsaid", title="Something else")
    assert alike(client, "again") == {}


def test_numbers_and_characters_of_any_script_are_compared(client: Any, put: Any) -> None:
    """A title without a letter is like none; two short ones that share most letters are not alike."""
    put("assets/cn", title="内罗毕逐小时气象数据")
    put("assets/cn-2", title="内罗毕逐小时气象数据集")
    put("assets/signs", title="***")
    put("assets/signs-2", title="***")
    put("assets/cat", title="cat")
    put("assets/car", title="car")
    assert alike(client, "cn") == {"cn-2": "title"}
    assert alike(client, "signs") == alike(client, "cat") == {}


def test_who_may_not_read_the_register_is_told_nothing(client: Any, put: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither in a list nor when it writes."""
    put("assets/first", **RAIN)
    monkeypatch.setattr(entrance, "LOCAL", Caller("writer", LOCAL.scopes - {"read"}))
    assert "notice" not in put("assets/second", **RAIN)
    assert client.get("/v1/assets?like=second").status_code == 403


def test_only_an_asset_has_a_title_and_only_what_is_there_is_compared(client: Any, put: Any) -> None:
    """A hash is sixty-four small hexadecimal digits; `like` takes nothing beside it."""
    for path, sent in (
        ("parties/p", {"title": "x"}),
        ("entities/user/u", {"holder": "x"}),
        ("assets/a", {"hash": "AB" * 32}),
        ("assets/a", {"title": "a\nb"}),
    ):
        assert client.put(f"/v1/{path}", json=sent).status_code == 400, (path, sent)
    assert client.get("/v1/assets?like=nobody").status_code == 404
    put("assets/first", **RAIN)
    assert client.get("/v1/assets?like=first&limit=3").status_code == 400
    assert client.get("/v1/parties?like=first").status_code == 400


@BOTH_DATABASES
def test_a_file_has_them_and_gives_them_back(client: Any, put: Any) -> None:
    """In both forms; a table has their columns only where an asset has them."""
    put("parties/p")
    assert "title" not in client.get("/v1/register/export?format=csv").text
    put("assets/first", **RAIN, hash="ab" * 32)
    for form, kind in (("csv", "text/csv"), ("json", "application/json")):
        file = client.get(f"/v1/register/export?format={form}").text
        assert "Hourly rain, Nairobi" in file
        answer = client.post("/v1/register/import", content=file.encode(), headers={"content-type": kind})
        assert answer.json() == {"created": 0, "changed": 0, "unchanged": 2}
