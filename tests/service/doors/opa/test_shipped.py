"""The shipped mappings: APISIX, Kong, Trino and Kafka ask with the requests that their own documentation shows."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

import engine
from tests.service.doors.opa.conftest import PROGRAMS, Ask, record

# From the documentation of each program; what it shows as a word in its place is filled in.
APISIX: dict[str, Any] = {
    "type": "http",
    "request": {
        "scheme": "http",
        "path": "/get",
        "headers": {"user-agent": "curl/7.68.0", "accept": "*/*", "host": "127.0.0.1:9080"},
        "query": {},
        "port": 9080,
        "method": "GET",
        "host": "127.0.0.1",
    },
    "var": {
        "timestamp": 1701234567,
        "server_addr": "127.0.0.1",
        "server_port": "9080",
        "remote_port": "33012",
        "remote_addr": "127.0.0.1",
    },
    "route": {"id": "route-contacts", "uri": "/get", "plugins": {"opa": {"policy": "apisix"}}},
    "service": {},
    "consumer": {"username": "alice"},
}
KONG: dict[str, Any] = {
    "request": {
        "http": {
            "host": "example.org",
            "port": "8000",
            "tls": {},
            "method": "GET",
            "scheme": "http",
            "path": "/anything",
            "querystring": {"q": "a"},
            "headers": {"accept": "*/*", "x-consumer": "bo"},
        }
    },
    "client_ip": "127.0.0.1",
    "service": {"host": "httpbin.org", "id": "2b0a0c0c-2b7a-4a6e-8f3e-2c8d7c5b1e7a", "name": "example-service"},
    "route": {"id": "4a1b6c1e-7f55-4d4f-9d0a-8a8d6d1c6a55", "name": "route-contacts", "paths": ["/anything"]},
    "consumer": {"id": "c8871b73-5a04-4a33-9a9b-2e8ab0e7a1c9", "username": "alice"},
}
TRINO: dict[str, Any] = {
    "context": {"identity": {"user": "alice", "groups": ["some-group"]}, "softwareStack": {"trinoVersion": "434"}},
    "action": {
        "operation": "SelectFromColumns",
        "resource": {
            "table": {
                "catalogName": "hive",
                "schemaName": "clinic",
                "tableName": "contacts",
                "columns": ["column1", "column2"],
            }
        },
    },
}
KAFKA: dict[str, Any] = {
    "action": {
        "logIfAllowed": True,
        "logIfDenied": True,
        "operation": "READ",
        "resourcePattern": {"name": "contacts", "patternType": "LITERAL", "resourceType": "TOPIC", "unknown": False},
        "resourceReferenceCount": 1,
    },
    "requestContext": {
        "clientAddress": "192.168.64.1",
        "clientInformation": {"softwareName": "unknown", "softwareVersion": "unknown"},
        "connectionId": "192.168.64.4:9092-192.168.64.1:58864-0",
        "header": {
            "data": {"clientId": "rdkafka", "correlationId": 5, "requestApiKey": 3, "requestApiVersion": 2},
            "headerVersion": 1,
        },
        "listenerName": "SASL_PLAINTEXT",
        "principal": {"name": "alice", "principalType": "User"},
        "securityProtocol": "SASL_PLAINTEXT",
    },
}
DOCUMENTED = {"apisix": APISIX, "kong": KONG, "trino": TRINO, "kafka": KAFKA}
WHO = {
    "apisix": "/consumer/username",
    "kong": "/consumer/username",
    "trino": "/context/identity/user",
    "kafka": "/requestContext/principal/name",
}
WHAT = {
    "apisix": "/route/id",
    "kong": "/route/name",
    "trino": "/action/resource/table/tableName",
    "kafka": "/action/resourcePattern/name",
}
# What each program can send, from its source or its documentation, and what of it the mapping leaves out, so that it is refused.
TRINO_SENDS = [
    "ImpersonateUser", "ExecuteQuery", "ViewQueryOwnedBy", "FilterViewQueryOwnedBy", "KillQueryOwnedBy",
    "ReadSystemInformation", "WriteSystemInformation", "SetSystemSessionProperty", "AccessCatalog", "CreateCatalog",
    "DropCatalog", "FilterCatalogs", "CreateSchema", "DropSchema", "RenameSchema", "SetSchemaAuthorization", "ShowSchemas",
    "FilterSchemas", "ShowCreateSchema", "ShowCreateTable", "CreateTable", "DropTable", "RenameTable", "SetTableProperties",
    "SetTableComment", "SetViewComment", "SetColumnComment", "ShowTables", "FilterTables", "ShowColumns", "FilterColumns",
    "AddColumn", "AlterColumn", "DropColumn", "SetTableAuthorization", "RenameColumn", "SelectFromColumns", "InsertIntoTable",
    "DeleteFromTable", "TruncateTable", "UpdateTableColumns", "CreateView", "RenameView", "SetViewAuthorization", "DropView",
    "CreateViewWithSelectFromColumns", "CreateMaterializedView", "RefreshMaterializedView", "SetMaterializedViewProperties",
    "DropMaterializedView", "RenameMaterializedView", "SetCatalogSessionProperty", "ShowFunctions", "FilterFunctions",
    "ExecuteProcedure", "ExecuteFunction", "CreateViewWithExecuteFunction", "ExecuteTableProcedure", "CreateFunction",
    "DropFunction", "ShowCreateFunction",
]  # fmt: skip
TRINO_REFUSED = {
    "SetSchemaAuthorization", "SetTableAuthorization", "SetViewAuthorization", "FilterViewQueryOwnedBy", "ShowCreateTable",
    "ShowCreateFunction",
    "ImpersonateUser", "ViewQueryOwnedBy", "WriteSystemInformation", "CreateCatalog", "DropCatalog", "RenameSchema", "RenameTable",
    "RenameView", "RenameMaterializedView", "ExecuteProcedure", "ExecuteTableProcedure", "ExecuteFunction", "CreateFunction",
    "CreateViewWithExecuteFunction",
}  # fmt: skip
KAFKA_SENDS = {
    "CLUSTER": "ALTER ALTER_CONFIGS CLUSTER_ACTION CREATE DESCRIBE DESCRIBE_CONFIGS IDEMPOTENT_WRITE",
    "GROUP": "DELETE DESCRIBE READ",
    "TOPIC": "ALTER ALTER_CONFIGS CREATE DELETE DESCRIBE DESCRIBE_CONFIGS READ WRITE",
    "TRANSACTIONAL_ID": "DESCRIBE WRITE",
    "DELEGATION_TOKEN": "DESCRIBE",
}
KAFKA_REFUSED = {
    "CLUSTER_ACTION CLUSTER", "ALTER CLUSTER", "ALTER_CONFIGS CLUSTER", "CREATE CLUSTER", "ALTER TOPIC", "ALTER_CONFIGS TOPIC",
    "CREATE TOPIC", "DELETE TOPIC",
}  # fmt: skip


def changed(document: Any, pointer: str, value: Any) -> Any:
    """A document with another value at a place, or without it (`...`)."""
    step, _, rest = pointer[1:].partition("/")
    inner = changed(document[step], f"/{rest}", value) if rest else value
    return {name: inner if name == step else each for name, each in document.items() if (name, inner) != (step, ...)}


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_documented_request_gets_a_permit(ask: Ask, client: TestClient, program: str) -> None:
    """With the register filled in: who runs the program, what is so of its requests, and which party its user belongs to."""
    answer = ask(program, DOCUMENTED[program]).json()
    assert answer["result"]["allow"] is True
    found = record(client, answer["decision_id"])
    assert found["mapping"]["name"] == program
    register = found["request"]["register"]
    assert register["exporter.id"]["states"]["exporter"]["country"] == "IN"
    assert register["recipient.id"]["states"]["recipient"]["country"] == "AE"
    assert register["data.id"]["kind"] == "asset"
    assert "from_client" not in found["mapping"] or found["mapping"]["from_client"] == []
    assert ask(program, DOCUMENTED[program], "/allow").json()["result"] is True


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("who", ["carol", "nobody", ...])
def test_a_user_of_no_known_party_gets_no_permit(ask: Ask, program: str, who: Any) -> None:
    """Nobody whom the register does not have, and no user without a party, stands for a recipient."""
    answer = ask(program, changed(DOCUMENTED[program], WHO[program], who))
    assert (answer.status_code, answer.json()["result"]["allow"]) == (200, False)


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("what", ["another", ...])
def test_what_is_no_asset_of_the_register_gets_no_permit(ask: Ask, program: str, what: Any) -> None:
    """A route, a table or a topic that nobody described is unknown."""
    answer = ask(program, changed(DOCUMENTED[program], WHAT[program], what))
    assert (answer.status_code, answer.json()["result"]["allow"]) == (200, False)


def test_a_user_in_another_country_is_another_recipient(ask: Ask, client: TestClient) -> None:
    """The party decides, and the register says whose user it is."""
    answer = ask("trino", changed(TRINO, "/context/identity/user", "bo")).json()
    states = record(client, answer["decision_id"])["request"]["register"]["recipient.id"]["states"]
    assert states["recipient"]["country"] == "CN"


def test_writing_goes_the_other_way(ask: Ask, client: TestClient) -> None:
    """Who writes is the exporter, and who runs the brokers or the tables receives."""
    writes = changed(KAFKA, "/action/operation", "WRITE"), changed(TRINO, "/action/operation", "InsertIntoTable")
    for program, sent in zip(("kafka", "trino"), writes, strict=True):
        request = record(client, ask(program, sent).json()["decision_id"])["request"]
        assert request["register"]["exporter.id"]["states"]["exporter"]["country"] == "AE"
        assert request["register"]["recipient.id"]["states"]["recipient"]["country"] == "IN"


def test_a_table_has_one_name(ask: Ask) -> None:
    """A dot in a part of it would make two tables one, so such a name is refused."""
    sent = changed(TRINO, "/action/resource/table", {"catalogName": "hive", "schemaName": "clinic.contacts", "tableName": "x"})
    answer = ask("trino", sent)
    assert answer.status_code == 400
    (place,) = answer.json()["errors"]
    assert (place["pointer"], place["code"]) == ("/input/action/resource/table/schemaName", "wrong-value")
    assert "cut in two ways" in place["detail"]


def operations(bundle: engine.Bundle, name: str) -> dict[str, engine.ProgramOperationText]:
    text = bundle.mappings[name].text
    assert isinstance(text, engine.RequestMappingText)
    return dict(text.operations)


def test_each_operation_that_trino_sends_is_decided_moves_no_data_or_is_refused(client: TestClient, ask: Ask) -> None:
    """The mapping names all of its source but those that its own head says it refuses; none is left to a default."""
    named = operations(client.app.state.service.live.bundle, "trino")  # type: ignore[attr-defined]
    assert set(named) == set(TRINO_SENDS) - TRINO_REFUSED
    for each in TRINO_SENDS:
        answer = ask("trino", changed(TRINO, "/action/operation", each), "/allow")
        if each in TRINO_REFUSED:
            assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "unknown-operation"), each
        elif named[each].moves_no_data is not None:
            assert answer.json() == {"result": True}, each
        else:
            assert "decision_id" in answer.json(), each


def test_each_operation_that_kafka_sends_is_decided_moves_no_data_or_is_refused(client: TestClient, ask: Ask) -> None:
    """Of the resources and operations of Kafka's authoriser none is left to a default; a pattern of names is none of them."""
    named = operations(client.app.state.service.live.bundle, "kafka")  # type: ignore[attr-defined]
    sends = {f"{each} {kind}" for kind, words in KAFKA_SENDS.items() for each in words.split()}
    assert {each.removesuffix(" LITERAL") for each in named} == sends - KAFKA_REFUSED
    for each in sends:
        operation, kind = each.split()
        for pattern in ("LITERAL", "PREFIXED"):
            resource = {"name": "contacts", "patternType": pattern, "resourceType": kind, "unknown": False}
            sent = {"action": {"operation": operation, "resourcePattern": resource}, "requestContext": KAFKA["requestContext"]}
            answer = ask("kafka", sent, "/allow")
            if each in KAFKA_REFUSED or pattern == "PREFIXED":
                assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "unknown-operation"), each
            else:
                assert answer.status_code == 200, each


@pytest.mark.parametrize("program", ["apisix", "kong"])
def test_a_gateway_that_takes_data_in_is_refused(ask: Ask, program: str) -> None:
    """Only the service behind a route knows which way a POST goes; a preflight of a browser moves nothing."""
    place = {"apisix": "/request/method", "kong": "/request/http/method"}[program]
    for method in ("POST", "PUT", "PATCH", "DELETE", "CONNECT", "get", "QUERY"):
        assert ask(program, changed(DOCUMENTED[program], place, method)).status_code == 400, method
    assert ask(program, changed(DOCUMENTED[program], place, "OPTIONS"), "/allow").json() == {"result": True}
    assert ask(program, changed(DOCUMENTED[program], place, "HEAD"), "/allow").json()["result"] is True


def test_nothing_of_the_shipped_mappings_can_be_set_by_a_client(client: TestClient) -> None:
    """They read what the program itself says: its route, its table, and whom it let in."""
    for name in PROGRAMS:
        text = client.app.state.service.live.bundle.mappings[name].text  # type: ignore[attr-defined]
        assert text.from_client == []
        assert not any("headers" in str(each) or "query" in str(each) for each in (*text.facts, *text.entities.values()))
