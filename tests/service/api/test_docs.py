"""The page of the operations in a real browser: it works under its content policy, and what it shows can be tried."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import expect
from starlette.testclient import TestClient

from service.api.docs import POLICY
from service.server.app import create_app
from service.service import Service
from tests.service.callers.test_callers import make
from tests.service.conftest import running
from tests.service.console.browser import Site, launched


def test_an_operation_is_tried_and_nothing_is_complained_of(tmp_path: Path) -> None:
    """With a key that is typed in, a fact is looked up and an exchange decided, with the example as it stands; all from the service."""
    asked: list[str] = []
    key = make(str(tmp_path / "log.db"), "evaluate", now=datetime.now(UTC))
    with running(tmp_path / "log.db") as server, launched() as browser:
        site = Site(server.address, browser)
        page = site.open("/docs", height=900)
        page.on("request", lambda each: asked.append(each.url))
        loaded = site.loaded
        assert loaded
        assert loaded.headers["content-security-policy"] == POLICY
        assert "unsafe" not in POLICY
        page.get_by_role("button", name="Authorize").click()
        page.locator(".auth-container input").fill(key)
        page.locator(".auth-btn-wrapper .authorize").click()
        page.locator(".auth-btn-wrapper .btn-done").click()
        for operation, parameters in (("facts-listFacts", {"prefix": "exporter."}), ("decisions-evaluate", {})):
            found = page.locator(f"#operations-{operation}")
            found.locator(".opblock-summary-control").click()
            found.get_by_role("button", name="Try it out").click()
            for name, value in parameters.items():
                found.locator(f"tr[data-param-name={name}] input").fill(value)
            found.get_by_role("button", name="Execute").click()
            expect(found.locator(".live-responses-table tr.response .response-col_status")).to_have_text("200", timeout=30_000)
        assert any("/v1/facts?" in each and "prefix=exporter." in each for each in asked)
        assert site.complaints == []
        assert [line["outcome"] for line in server.events("request") if line["route"] == "/v1/evaluate"]


@pytest.mark.parametrize("address", ["/docs", "/docs/swagger-ui.css", "/docs/swagger-ui-bundle.js", "/docs/start.js"])
def test_its_files_need_no_key(in_file: Service, address: str) -> None:
    """The page shows what anybody may read; a key is typed in to try an operation."""
    with TestClient(create_app(in_file.settings, in_file), base_url="http://127.0.0.1") as client:
        assert client.post("/v1/keys", json={"name": "gateway", "scopes": ["read"]}).status_code == 201
        assert client.get("/v1/facts").status_code == 401
        answer = client.get(address)
        assert answer.status_code == 200
        assert len(answer.content) > 100
        if "etag" in answer.headers:  # a browser that has the file is not sent it again
            again = client.get(address, headers={"If-None-Match": answer.headers["etag"]})
            assert (again.status_code, again.content) == (304, b"")
