"""The pages of the operations: one for each operation of the OpenAPI document, light, and readable without a key or a script."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from service.console.operation_pages import MOST_EXAMPLE, operations_of
from service.languages.words import wording
from service.server.app import create_app
from service.service import Service
from service.settings import Settings
from tests.service.conftest import POLICIES, copied, running
from tests.service.console.browser import Site, faults, launched


@pytest.fixture(scope="module")
def client(tables: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """One application for all that is only read: its document is made once."""
    settings = Settings(watch=False, policies=POLICIES, database=copied(tables, tmp_path_factory.mktemp("docs")))
    with TestClient(create_app(settings, Service.open(settings)), base_url="http://127.0.0.1:8080") as client:
        yield client


def test_every_operation_has_a_page(client):
    """The list leads to each, and to the document; a page has the path, the parameters, and the example of the document."""
    document = client.get("/openapi.json").json()
    listed = client.get("/docs").text
    assert 'href="/openapi.json"' in listed
    for path, methods in document["paths"].items():
        for method, written in methods.items():
            address = f"/docs/{written['operationId']}"
            assert f'href="{address}"' in listed, path
            page = client.get(address)
            assert page.status_code == 200, address
            assert f'{method.upper()}</span> <span class="id">{path}</span>' in page.text
            for each in written.get("parameters", ()):
                shared = document["components"]["parameters"].get(each.get("$ref", "").rpartition("/")[2], {})
                assert f'<span class="id">{ {**shared, **each}["name"] }</span>' in page.text
            for scheme in written.get("security", ()):
                assert all(f"<code>{scope}</code>" in page.text for scope in scheme["bearer"])


def test_the_pages_are_light_and_have_no_scripts(client):
    """They were two megabytes of script: now the list, and the largest page with its style, are small."""
    names = re.findall(r'href="/docs/(\w+)"', client.get("/docs").text)
    assert len(names) > 90
    for name in ("", "/evaluate", "/evaluateBatch", "/putParty"):
        page = client.get(f"/docs{name}")
        assert len(page.content) < 60_000
        assert "<script" not in page.text
        assert "script-src" not in page.headers["content-security-policy"]


def test_an_operation_is_shown_with_the_command_that_calls_it(client):
    """The command has the address of this service, the key where one is needed, and the type of the body."""
    page = client.get("/docs/evaluate").text
    assert "/v1/evaluate&#39;" in page
    assert "-X POST" in page
    assert "Bearer $KEY" in page
    assert "Content-Type: application/json" in page
    assert "&#34;exporter&#34;: {" in page, "the example"
    assert '<span class="id">503</span> <p><code>' in page, "what refusals are called"
    assert "Bearer" not in client.get("/docs/getOpenApi").text


def test_the_list_is_there_in_both_languages(client):
    """The frame and the labels are in the language of the reader; what operations say is marked as English."""
    for lang in ("en", "zh"):
        words = wording(lang).operations
        page = client.get(f"/docs?lang={lang}").text
        assert f"<h1>{words['title']}</h1>" in page
        assert 'aria-current="page"' in page
        assert '<section aria-labelledby="decisions" lang="en">' in page


@pytest.mark.parametrize("address", ["/docs", "/docs/evaluate"])
def test_the_pages_need_no_key(in_file: Service, address: str) -> None:
    """They show what anybody may read."""
    with TestClient(create_app(in_file.settings, in_file), base_url="http://127.0.0.1") as client:
        assert client.post("/v1/keys", json={"name": "gateway", "scopes": ["read"]}).status_code == 201
        assert client.get("/v1/facts").status_code == 401
        assert client.get(address).status_code == 200


def test_a_body_is_told_by_its_members():
    """References are followed; a type is in a few words; a long example is cut, and says so."""
    document = {
        "info": {},
        "tags": [{"name": "all"}],
        "components": {
            "schemas": {
                "Sent": {
                    "required": ["name"],
                    "properties": {
                        "name": {"$ref": "#/components/schemas/Name"},
                        "kinds": {"type": "array", "items": {"enum": ["a", "b"]}, "description": "which"},
                        "day": {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]},
                    },
                },
                "Name": {"type": "string", "description": "a name"},
            }
        },
        "paths": {
            "/x": {
                "post": {
                    "operationId": "x",
                    "tags": ["all"],
                    "requestBody": {
                        "content": {
                            "application/json": {
                                "schema": {"$ref": "#/components/schemas/Sent"},
                                "example": {"name": "n" * 9_000},
                            }
                        }
                    },
                    "responses": {"204": {"description": "Successful Response"}, "400": {"description": "wrong"}},
                }
            }
        },
    }
    shown = operations_of(document).by_name["x"]
    assert shown.body is not None
    assert [(each.name, each.type, each.about, each.required) for each in shown.body.members] == [
        ("name", "string", "a name", True), ("kinds", "list of a, b", "which", False), ("day", "string, date", "", False),
    ]  # fmt: skip
    assert (len(shown.body.example), shown.body.long) == (MOST_EXAMPLE, True)
    assert [(each.status, each.about) for each in shown.results] == [("204", "")]
    assert [(each.status, each.about) for each in shown.refusals] == [("400", "wrong")]


def test_a_browser_complains_of_nothing_and_nothing_is_cut_off(tmp_path: Path) -> None:
    """At a desk and on a phone in the dark."""
    with running(tmp_path / "log.db") as server, launched() as browser:
        site = Site(server.address, browser)
        for path in ("/docs", "/docs/evaluate", "/docs/searchDecisions?lang=zh"):
            for width, scheme in ((1280, "light"), (390, "dark")):
                page = site.open(path, width=width, scheme=scheme)
                assert page.evaluate("document.documentElement.scrollWidth") == width, path
                assert faults(page) == [], path
                page.close()
        assert site.complaints == []
