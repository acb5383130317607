"""`GET /`: a browser is sent to the pages, a program is told the addresses; whoever asks."""

from starlette.testclient import TestClient

import engine
from tests.service.conftest import ONE_DATABASE


@ONE_DATABASE
def test_a_program_is_told_where_things_are(client: TestClient) -> None:
    """Without a key; each address answers."""
    assert client.post("/v1/keys", json={"name": "reader", "scopes": ["read", "evaluate"]}).status_code == 201
    told = client.get("/").json()
    assert (told["service"], told["version"]) == ("Fifth Factor", engine.__version__)
    for name, address in told["links"].items():
        found = client.get(address)
        assert found.status_code == {"evaluate": 405, "facts": 401, "pages": 401}.get(name, 200) or name == "evaluate"


@ONE_DATABASE
def test_a_browser_is_sent_to_the_pages(client: TestClient) -> None:
    """Which ask for a key where one is needed."""
    answer = client.get("/", headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"], answer.headers["vary"]) == (303, "/log", "Accept")
    assert client.get("/", headers={"Accept": "text/html"}).headers["content-type"].startswith("text/html")
    assert client.get("/", headers={"Accept": "*/*"}).headers["content-type"] == "application/json"
