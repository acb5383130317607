"""The register over HTTP: written, read, listed, withdrawn, erased; what cannot enter it, and who may."""

import json
from urllib.parse import quote

import pytest
import sqlalchemy as sa

from service.store.tables import idempotency
from tests.service.callers.test_callers import bearer, make
from tests.service.conftest import BOTH_DATABASES
from tests.service.register.conftest import CONTRACT

pytestmark = pytest.mark.usefixtures("audited")


def places(answer):
    """The pointers and codes of a refusal."""
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:fifthfactor:problem:register-refused"), answer.text
    return [(each["pointer"], each["code"]) for each in answer.json()["errors"]]


def test_a_party_is_created_changed_and_read_back(client):
    """201 once, 200 then; the ETag is the version, and saying the same again makes none."""
    content = {"aliases": ["c7"], "facts": {"country": "CN"}, "evidence": {"report": "none"}, "attested_by": "Wang Fang"}
    created = client.put("/v1/parties/clinic-7", json=content)
    assert (created.status_code, created.headers["etag"]) == (201, '"1"')
    told = created.json()
    assert {name: told[name] for name in content} == content
    assert (told["kind"], told["id"], told["version"], told["state"], told["recorded_by"]) == (
        "party",
        "clinic-7",
        1,
        "held",
        "local",
    )
    assert client.put("/v1/parties/clinic-7", json=content).json() == told
    changed = client.put("/v1/parties/clinic-7", json={"facts": {"country": "US"}})
    assert (changed.status_code, changed.headers["etag"]) == (200, '"2"')
    assert client.get("/v1/parties/clinic-7").json() == changed.json()
    versions = client.get("/v1/parties/clinic-7/history").json()["versions"]
    assert versions == [changed.json(), told]


def test_any_id_that_fits_an_address_works(client):
    """With spaces, Chinese, percent signs and what else a key may have."""
    for id in ("诊所 七号", "100%", "alice@example.org", "=1+1", "a?b#c"):
        assert client.put(f"/v1/parties/{quote(id, safe='')}", json={}).status_code == 201
        assert client.get(f"/v1/parties/{quote(id, safe='')}").json()["id"] == id
    for id in ("%20a", "a%0Ab", "%2E", "x" * 257, "%00"):
        assert client.put(f"/v1/parties/{id}", json={}).status_code in (400, 404)


def test_conditions_keep_two_writers_apart(client):
    """If-Match of another version, If-None-Match of what is there: 412, and nothing is written."""
    assert client.put("/v1/parties/lab", json={}, headers={"If-Match": "*"}).status_code == 412
    assert client.put("/v1/parties/lab", json={}, headers={"If-None-Match": "*"}).status_code == 201
    assert client.put("/v1/parties/lab", json={}, headers={"If-None-Match": "*"}).status_code == 412
    new = {"facts": {"country": "US"}}
    for tag in ('"2"', 'W/"1"', '"x", "7"'):
        assert client.put("/v1/parties/lab", json=new, headers={"If-Match": tag}).status_code == 412
    assert client.delete("/v1/parties/lab", headers={"If-Match": '"2"'}).status_code == 412
    assert client.put("/v1/parties/lab", json=new, headers={"If-Match": '"1"'}).headers["etag"] == '"2"'
    for headers in ({"If-Match": "1"}, {"If-None-Match": '"1"'}, {"If-Match": "*", "If-None-Match": "*"}):
        assert client.put("/v1/parties/lab", json=new, headers=headers).status_code == 400


@pytest.mark.parametrize(
    ("path", "content", "expected"),
    [
        ("parties", {"facts": {"contry": "CN"}}, [("/facts/contry", "unknown-fact")]),
        ("parties", {"facts": {"country": "Atlantis"}}, [("/facts/country", "wrong-value")]),
        (
            "parties",
            {"facts": {"operator": True, "country": "KE"}},
            [("/facts/operator", "incoherent"), ("/facts/country", "incoherent")],
        ),
        ("parties", {"facts": {"country": None}}, [("/facts/country", "wrong-value")]),
        ("parties", {"facts": {"id": "other"}}, [("/facts/id", "own-id")]),
        (
            "parties",
            {"facts": {"lists": "red", "operator": "x"}},
            [("/facts/operator", "wrong-value"), ("/facts/lists", "wrong-value")],
        ),
        ("parties", {"travels": [{"provision": "cn.test/art-2", "from": "x"}]}, [("/travels", "wrong-value")]),
        ("parties", {"evidence": {"raport": "none"}}, [("/evidence/raport", "unknown-fact")]),
        ("parties", {"evidence": {"report": {"dated": "yesterday"}}}, [("/evidence/report/dated", "wrong-value")]),
        ("parties", {"valid_from": "2024-02-30"}, [("/valid_from", "wrong-value")]),
        ("parties", {"valid_from": "2024-02-02", "valid_until": "2024-02-01"}, [("", "wrong-value")]),
        ("parties", {"aliases": ["a", "a/../b"]}, [("/aliases/1", "wrong-value")]),
        ("parties", {"aliases": ["a/history"]}, [("/aliases/0", "wrong-value")]),
        ("parties", {"aliases": ["x" * 257]}, [("/aliases/0", "wrong-value")]),
        ("parties", {"fact": {}}, [("/fact", "unknown-key")]),
        ("assets", {"facts": {"exporter": {"country": "CN"}}}, [("/facts/exporter", "unknown-fact")]),
        ("assets", {"facts": {"purpose": {"is": "care"}}}, [("/facts/purpose", "unknown-fact")]),
        ("assets", {"facts": {"data": {"id": "a"}}}, [("/facts/data/id", "own-id")]),
        ("assets", {"facts": {"data": 5}}, [("/facts/data", "wrong-type")]),
        ("assets", {"facts": {"data": {"people": {"ordinary": -1}}}}, [("/facts/data/people/ordinary", "wrong-value")]),
        ("assets", {"facts": {"terms": {"first_sold": "2024-13-01"}}}, [("/facts/terms/first_sold", "wrong-value")]),
        ("assets", {"travels": [{"provision": "cn.test/art-1", "from": "x"}]}, [("/travels/0/provision", "unknown-provision")]),
        ("assets", {"travels": [{"provision": "cn.test/art-2"}]}, [("/travels/0/from", "wrong-value")]),
        ("entities/user", {"evidence": {"report": "none"}}, [("/evidence", "wrong-value")]),
    ],
)
def test_what_cannot_enter_is_refused_at_its_place(client, path, content, expected):
    """By the loaded vocabulary, like an exchange; nothing is written."""
    assert places(client.put(f"/v1/{path}/it", json=content)) == expected
    assert client.get(f"/v1/{path}/it").status_code == 404


@BOTH_DATABASES
def test_bodies_are_read_strictly(client):
    """No JSON, a key twice, another type, too much."""
    send = {"content-type": "application/json"}
    for content in (b"{", b'{"facts": {}, "facts": {}}', b"[]", b"\xff", b'{"note": "\\ud800"}'):
        assert places(client.put("/v1/parties/it", content=content, headers=send)) == [("", "not-json")]
    assert client.put("/v1/parties/it", content=b"{}", headers={"content-type": "text/csv"}).status_code == 415
    assert client.put("/v1/parties/it", json={"note": "x" * 70_000}).status_code == 413


@pytest.mark.parametrize("value", ["1e999", r'{"a": ["\ud800"]}', r'{"\udfff": 1}'])
def test_what_json_cannot_carry_is_refused(client, value):
    """A number beyond all others and half a character, in JSON and in a table."""
    send = {"content-type": "application/json"}
    assert places(client.put("/v1/entities/user/alice", content=f'{{"facts": {{"x": {value}}}}}', headers=send))
    cell = value.replace('"', '""')
    table = f'kind,id,facts.x\nuser,alice,"json:{cell}"\n'
    assert places(client.post("/v1/register/import", content=table, headers={"content-type": "text/csv"}))
    assert client.get("/v1/entities/user/alice").status_code == 404


def test_entities_of_other_kinds_have_properties_of_any_name(client):
    """As access requests know them; parties and assets are not among them."""
    properties = {"clearance": 3, "roles": ["a", {"b": None}], "Name": "李娜"}
    assert client.put("/v1/entities/user/li", json={"facts": properties}).status_code == 201
    assert client.get("/v1/entities/user/li").json()["facts"] == properties
    assert client.get("/v1/entities/user").json()["entities"][0]["id"] == "li"
    assert client.get("/v1/entities/party").status_code == 404
    assert client.put("/v1/entities/User/li", json={}).status_code == 404


@pytest.mark.parametrize("id", ["/todos/{todoId}", "todos/1", "https://example.org/a?b#c", "a/histories", "x" * 256, "李/娜"])
def test_an_id_may_have_slashes_and_as_many_characters_as_an_exchange_may_state(client, id):
    """In an address they may be encoded or not; the entity is written, read, changed, searched, imported and erased like any other."""
    url = f"/v1/entities/route/{quote(id, safe='')}"
    assert client.put(url, json={"facts": {"owner": "li"}, "aliases": [f"b/{id[:200]}"]}).status_code == 201
    assert client.get(url).json()["id"] == id
    assert client.get(f"/v1/entities/route/{quote(id, safe='/')}").json()["facts"] == {"owner": "li"}
    assert client.get(f"/v1/entities/route/{quote(f'b/{id[:200]}', safe='')}").json()["id"] == id
    assert client.put(url, json={"facts": {"owner": "bo"}}).json()["version"] == 2
    assert [each["version"] for each in client.get(f"{url}/history").json()["versions"]] == [2, 1]
    assert [each["id"] for each in client.get("/v1/entities/route").json()["entities"]] == [id]
    for form in ("json", "csv"):
        exported = client.get(f"/v1/register/export?format={form}")
        kind = {"content-type": exported.headers["content-type"].partition(";")[0]}
        assert client.post("/v1/register/import", content=exported.content, headers=kind).json()["unchanged"] == 1
    assert client.delete(f"{url}?erase=true").status_code == 200
    assert client.get(url).status_code == 404


def test_an_id_that_an_address_would_change_is_refused(client):
    """A step that is lost, or too many characters."""
    for id in ("a/../b", "./a", "x" * 257):
        answer = client.put(f"/v1/entities/route/{quote(id, safe='')}", json={})
        assert (answer.status_code, answer.json()["type"]) == (400, "urn:fifthfactor:problem:bad-request"), id


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("path", ["parties/a", "entities/route/a", "entities/route/a%2Fb", "assets/a/history"])
def test_a_history_is_only_read(client, method, path):
    """Its address is never that of an entity whose id ends like it."""
    for history in ("/history", "%2Fhistory"):
        answer = client.request(method, f"/v1/{path}{history}")
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET")


def test_an_encoded_slash_belongs_to_an_id(client, put):
    """What a proxy reads as one step is one step here; only what the id may hold is reached by it."""
    put("parties/a/b")
    assert client.get("/v1/parties/a%2Fb").json()["id"] == client.get("/v1/parties/a/b").json()["id"] == "a/b"
    assert client.get("/v1/parties/a%2fb/history").status_code == 200
    for address in (
        "/v1%2Fparties",
        "/v1%2fparties/a/b",
        "/v1/parties%2Fa",
        "/v1/parties/a%2Fb%2Fhistory",
        "/v1/parties/a%2Frights",
    ):
        answer = client.get(address)
        assert (answer.status_code, answer.json()["type"]) == (404, "urn:fifthfactor:problem:not-found"), address
        assert "an encoded slash" in answer.json()["detail"], address


def test_lists_come_in_pages(client, put):
    """In the order of their ids; on a day, those that may be named on it."""
    for number in range(5):
        put(f"parties/p{number}", valid_from=f"202{number}-01-01")
    put("assets/p9")
    first = client.get("/v1/parties?limit=3").json()
    assert [each["id"] for each in first["entities"]] == ["p0", "p1", "p2"]
    second = client.get(f"/v1/parties?limit=3&cursor={first['next']}").json()
    assert ([each["id"] for each in second["entities"]], second["next"]) == (["p3", "p4"], None)
    on = client.get("/v1/parties?as_of=2022-06-01").json()["entities"]
    assert [each["id"] for each in on] == ["p0", "p1", "p2"]
    for query in (
        "limit=0",
        "limit=1001",
        "limit=a",
        "as_of=2024-1-1",
        "as_of=",
        "as_of=2024-W12-5",
        "cursor=a/..",
        "page=2",
        "limit=1&limit=2",
        "limit",
    ):
        assert client.get(f"/v1/parties?{query}").status_code == 400, query


def test_a_day_has_the_version_that_speaks_for_it(client, put):
    """As it was said of that day, whatever it says now."""
    put("parties/lab", valid_from="2024-01-01", facts={"country": "US"})
    put("parties/lab", valid_from="2025-01-01", facts={"country": "KE"})
    assert client.get("/v1/parties/lab?as_of=2024-06-01").json()["version"] == 1
    assert client.get("/v1/parties/lab?as_of=2025-06-01").json()["version"] == 2
    assert client.get("/v1/parties/lab?as_of=2023-06-01").status_code == 404


def test_a_withdrawal_keeps_the_history(client, put):
    """It is a version of its own, and cannot be done twice."""
    put("parties/lab", facts={"country": "US"})
    versions = client.delete("/v1/parties/lab").json()["versions"]
    assert [(each["version"], each["state"]) for each in versions] == [(2, "withdrawn"), (1, "held")]
    assert versions[1]["facts"] == {"country": "US"}
    assert client.delete("/v1/parties/lab").status_code == 404
    assert client.get("/v1/parties").json()["entities"] == []
    assert client.put("/v1/parties/lab", json={}).json()["version"] == 3


def test_an_erasure_leaves_nothing_that_was_said(client, put, decide):
    """Not even the id; the records that used it stay, and say which version it was."""
    put("parties/practice-of-dr-li-na", aliases=["li-na"], facts={"country": "US"}, note="her practice")
    kept = decide(named={"recipient": "li-na"})
    left = client.delete("/v1/parties/li-na?erase=true").json()["versions"]
    assert [each["state"] for each in left] == ["erased"]
    assert left[0]["id"].startswith("erased-")
    assert "facts" not in left[0]
    for name in ("li-na", "practice-of-dr-li-na"):
        assert client.get(f"/v1/parties/{name}").status_code == 404
        assert client.delete(f"/v1/parties/{name}?erase=true").status_code == 404
    assert client.delete(f"/v1/parties/{left[0]['id']}?erase=true").status_code == 404
    assert client.delete("/v1/parties/li-na?erase=yes").status_code == 400
    assert client.get(f"/v1/decisions/{kept['record']['id']}").json() == kept


def test_names_that_are_taken_are_refused(client, put):
    """At the alias, or at the id."""
    put("parties/clinic", aliases=["c"])
    assert places(client.put("/v1/parties/lab", json={"aliases": ["x", "c"]})) == [("/aliases/1", "id-taken")]
    assert places(client.put("/v1/parties/c", json={})) == [("/id", "id-taken")]


def test_what_is_exported_can_be_imported(client, put):
    """As JSON and as CSV; importing it again changes nothing, and withdrawn ones are not in it."""
    put(
        "parties/clinic",
        aliases=["c", "d"],
        facts={"country": "CN", "lists": ["red", "blue"], "share": "0.5"},
        evidence={"report": CONTRACT},
    )
    put(
        "assets/a",
        facts={"data": {"people": {"ordinary": {"at_least": 5}, "rest": 0}}},
        travels=[{"provision": "cn.test/art-2", "from": "x"}],
    )
    put("entities/user/li", facts={"clearance": 3, "name": "=1+1", "n": "3"})
    put("parties/gone")
    client.delete("/v1/parties/gone")
    for form, kind in (("json", "application/json"), ("csv", "text/csv")):
        exported = client.get(f"/v1/register/export?format={form}")
        assert exported.headers["content-type"].startswith(kind)
        send = {"content-type": kind}
        answer = client.post("/v1/register/import", content=exported.content, headers=send)
        assert answer.json() == {"created": 0, "changed": 0, "unchanged": 3}, exported.text
        for path in ("parties/clinic", "assets/a", "entities/user/li"):
            client.delete(f"/v1/{path}?erase=true")
        answer = client.post("/v1/register/import", content=exported.content, headers=send)
        assert answer.json() == {"created": 3, "changed": 0, "unchanged": 0}
        assert client.get(f"/v1/register/export?format={form}").content == exported.content
    assert [each["kind"] for each in client.get("/v1/register/export?kind=asset").json()["entities"]] == ["asset"]
    assert client.get("/v1/register/export?format=xml").status_code == 400


@BOTH_DATABASES
def test_an_import_is_taken_whole_or_not_at_all(client):
    """Every place that is wrong is told, with the line or the place in the list."""
    table = b"kind,id,facts.country\nparty,a,CN\nparty,b,XX\nparty,c/../d,CN\n"
    send = {"content-type": "text/csv; charset=utf-8"}
    assert places(client.post("/v1/register/import", content=table, headers=send)) == [
        ("/3/facts/country", "wrong-value"),
        ("/4/id", "wrong-value"),
    ]
    entities = [
        {"kind": "party", "id": "a"},
        {"kind": "party", "id": "b", "facts": {"contry": 1}},
        {"kind": "party", "id": "a"},
        5,
    ]
    answer = client.post("/v1/register/import", json={"entities": entities})
    assert places(answer) == [("/entities/1/facts/contry", "unknown-fact"), ("/entities/3", "wrong-type")]
    answer = client.post("/v1/register/import", json={"entities": [entities[0], entities[2]]})
    assert places(answer) == [("/entities/1/id", "id-taken")]
    assert places(client.post("/v1/register/import", json={"entity": []})) == [
        ("/entity", "unknown-key"),
        ("/entities", "wrong-type"),
    ]
    assert client.get("/v1/parties").json()["entities"] == []


def test_who_may(database, request):
    """Reading wants `read`, writing `administer`; a version says whose key wrote it."""
    reader, writer = bearer(make(database, "read", "evaluate")), bearer(make(database, "administer"))
    client = request.getfixturevalue("client")  # opened when there are keys
    assert client.put("/v1/parties/a", json={}, headers=reader).status_code == 403
    assert client.delete("/v1/parties/a", headers=reader).status_code == 403
    assert client.post("/v1/register/import", json={"entities": []}, headers=reader).status_code == 403
    written = client.put("/v1/parties/a", json={}, headers=writer).json()
    assert written["recorded_by"].removeprefix("key:") in writer["authorization"]
    for path in ("parties/a", "parties/a/history", "parties", "register/export"):
        assert client.get(f"/v1/{path}", headers=reader).status_code == 200
        assert client.get(f"/v1/{path}", headers=writer).status_code == 403


def test_a_repeated_call_is_one_call(client, service):
    """With the same key, a retry gets the answer of the first; once the entity is erased, it is gone from what is kept."""
    once = {"Idempotency-Key": "k-1", "If-None-Match": "*"}
    content = {"aliases": ["l"], "facts": {"country": "KE"}}
    first = client.put("/v1/parties/lab", json=content, headers=once)
    again = client.put("/v1/parties/lab", json=content, headers=once)
    assert (again.status_code, again.headers["etag"], again.headers["idempotency-replayed"]) == (
        201,
        first.headers["etag"],
        "true",
    )
    assert again.json() == first.json()
    gone = {"Idempotency-Key": "k-2"}
    assert [client.delete("/v1/parties/lab", headers=gone).status_code for _ in range(2)] == [200, 200]
    assert len(client.get("/v1/parties/lab/history").json()["versions"]) == 2
    sent = {"entities": [{"kind": "party", "id": "clinic"}]}
    told = [client.post("/v1/register/import", json=sent, headers={"Idempotency-Key": "k-3"}).json() for _ in range(2)]
    assert told == [{"created": 1, "changed": 0, "unchanged": 0}] * 2
    client.delete("/v1/parties/l?erase=true")
    after = client.put("/v1/parties/lab", json=content, headers=once)
    assert after.status_code >= 400
    with service.store.database.reading.connect() as connection:
        for row in connection.execute(sa.select(idempotency)):
            assert "KE" not in str(row)


def test_an_address_tells_all_its_methods(client):
    """Whichever of its routes comes first."""
    answer = client.post("/v1/parties/a")
    assert (answer.status_code, answer.headers["allow"]) == (405, "DELETE, GET, PUT")


def test_log_lines_hold_nothing_of_it(client, put, lines):
    """Neither an id nor a fact."""
    put("parties/practice-of-dr-li-na", facts={"country": "KE"}, note="her practice")
    client.get("/v1/parties/practice-of-dr-li-na")
    client.post(
        "/v1/evaluate",
        content=json.dumps({"named": {"exporter": "practice-of-dr-li-na"}}),
        headers={"content-type": "application/json"},
    )
    for word in ("li-na", "KE", "her practice"):
        assert word not in lines.getvalue()
