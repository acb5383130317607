"""`GET /`: a browser gets the overview, a program is told the addresses; whoever asks."""

from starlette.testclient import TestClient

import engine


def test_a_program_is_told_where_things_are(client: TestClient) -> None:
    """Without a key; each address answers."""
    assert client.post("/v1/keys", json={"name": "reader", "scopes": ["read", "evaluate"]}).status_code == 201
    told = client.get("/").json()
    assert (told["service"], told["version"]) == ("Fifth Factor", engine.__version__)
    for name, address in told["links"].items():
        found = client.get(address)
        assert found.status_code == {"evaluate": 405, "facts": 401, "pages": 401}.get(name, 200) or name == "evaluate"


def test_a_browser_gets_the_overview(client: TestClient) -> None:
    """A browser without a key is led to the page to sign in, and may send one as a password; any other program gets the addresses."""
    browser = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    answer = client.get("/", headers=browser)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert answer.headers["vary"].split(", ")[0] == "Accept"
    assert client.get("/", headers={"Accept": "*/*"}).headers["content-type"] == "application/json"
    made = client.post("/v1/keys", json={"name": "reader", "scopes": ["read", "administer"]}).json()["key"]
    led = client.get("/?days=7", headers=browser, follow_redirects=False)
    assert (led.status_code, led.headers["location"]) == (303, "/sign-in?next=%2F%3Fdays%3D7")
    assert client.get("/", headers=browser, auth=("me", made)).status_code == 200
    for more in ({"scopes": ["evaluate"]}, {"scopes": ["read"], "party": "clinic"}):
        other = client.post("/v1/keys", json={"name": "other", **more}, headers={"Authorization": f"Bearer {made}"}).json()[
            "key"
        ]
        assert client.get("/", headers=browser, auth=("me", other)).status_code == 403
    assert client.get("/").json()["service"] == "Fifth Factor"
