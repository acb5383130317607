"""Every link on every page, followed by a person who has signed in: a session opens pages only, so no page may lead anywhere else."""

import asyncio
import html
import json
import re
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from functools import partial, reduce
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urljoin, urlsplit

import pytest
import sqlalchemy as sa
from starlette.routing import Match
from starlette.testclient import TestClient

from service.api.page_data import ADDRESSES
from service.callers import keys
from service.callers.caller import SCOPES
from service.callers.entrance import is_page_path, is_public
from service.server.app import create_app
from service.service import Service
from service.settings import Settings
from service.store.tables import tree_leaf
from service.telemetry import log_lines
from tests.service.audit.test_deep_verification import filled
from tests.service.conftest import ROOT, Lines
from tests.service.ledger import desk as ledger_desk

__all__ = ["filled"]
BEGIN = (
    *("/", "/ask", "/log", "/review", "/register?state=any", "/ledger", "/policies", "/reports", "/?lang=zh&days=90"),
    *("/register/user/alice", "/register/party/lab", "/register/asset/weather"),
)
MOST = 3  # addresses of one kind that are followed: the same route with the same names in its query
PAGE = {"accept": "text/html"}
_LINK = re.compile(r'<a [^>]*?href="([^"]*)"|<form(?=[^>]*method="get")[^>]*?action="([^"]*)"')


@pytest.fixture(scope="module")
def service(filled: Path) -> Iterator[Service]:
    """A service whose database has rows of every kind."""
    settings = Settings(watch=False, policies=ledger_desk.POLICIES, database=str(filled), mode="bitset")
    opened = Service.open(settings, say=log_lines.logger(Lines()), clock=lambda: ledger_desk.NOON)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def keys_of(service: Service) -> dict[str, str]:
    """The keys of somebody with all scopes, of somebody with none, and of a party."""

    def key(name: str, scopes: Sequence[str], party: str | None = None) -> str:
        making = partial(keys.create, name=name, scopes=scopes, expires_on=None, by="boss", now=ledger_desk.NOON, party=party)
        return str(asyncio.run(service.store.do(making))[1])

    return {"Ada": key("Ada", SCOPES), "nobody": key("nobody", ()), "mill": key("mill", ["read"], "mill")}


@pytest.fixture(scope="module")
def browser(service: Service, keys_of: dict[str, str]) -> Iterator[TestClient]:
    """A browser in which somebody with all scopes has signed in."""
    app = create_app(service.settings, service)
    with TestClient(app, base_url="http://127.0.0.1:8080", follow_redirects=False) as client:
        token = client.get("/sign-in", headers=PAGE).text.partition('name="token" value="')[2][:64]
        assert client.post("/sign-in", data={"token": token, "key": keys_of["Ada"]}, headers=PAGE).status_code == 303
        for path in ("assets/weather", "entities/user/alice"):
            assert client.put(
                f"/v1/{path}", json={"facts": {}}, headers={"authorization": f"Bearer {keys_of['Ada']}"}
            ).is_success
        yield client


def route_of(client: TestClient, path: str) -> str:
    """The path of the route that answers an address."""
    scope = {"type": "http", "method": "GET", "path": path, "root_path": "", "headers": []}
    for each in client.app.router.routes:  # type: ignore[attr-defined]
        if each.matches(scope)[0] is Match.FULL:
            return str(each.path)
    return "none"


def test_every_link_on_every_page_opens_for_whoever_has_signed_in(browser: TestClient) -> None:
    """Pages, files and forms that read: none leads to `/v1`, and none is refused or missing."""
    seen, followed, wrong = set(BEGIN), Counter[tuple[str, ...]](), []
    left = deque((address, "nowhere") for address in BEGIN)
    while left:
        address, on = left.popleft()
        path, query = urlsplit(address).path, urlsplit(address).query
        kind = (route_of(browser, unquote(path)), *sorted(name for name, _ in parse_qsl(query, keep_blank_values=True)))
        followed[kind] += 1
        if followed[kind] > MOST:
            continue
        if not (is_page_path(path) or is_public(path)):
            wrong.append(f"{address} on {on}: no session opens it")
        answer = browser.get(address, headers=PAGE)
        if answer.status_code in (401, 403, 404, 405) or answer.status_code >= 500:
            wrong.append(f"{address} on {on}: {answer.status_code}")
        if answer.is_redirect:
            links = [answer.headers["location"]]
        elif answer.headers["content-type"].startswith("text/html"):
            links = [html.unescape(link or form) for link, form in _LINK.findall(answer.text)]
        else:
            links = []
        for link in (urljoin(f"http://127.0.0.1:8080{address}", each) for each in links):
            at = urlsplit(link)
            inside = at._replace(scheme="", netloc="", fragment="").geturl()
            if at.netloc == "127.0.0.1:8080" and inside not in seen:
                seen.add(inside)
                left.append((inside, address))
    assert wrong == []
    # The sign-offs have a link only where a decision has very many.
    assert {kind[0] for kind in followed} >= ADDRESSES.keys() - {"/log/{id}/sign-offs"}


def test_the_address_of_a_page_gives_what_the_operation_gives(browser: TestClient, keys_of: dict[str, str]) -> None:
    """Byte for byte, to the same callers: with the same scope, the same query and the same limits of a party; it only reads."""
    ada, other = ({"authorization": f"Bearer {keys_of[name]}"} for name in ("Ada", "nobody"))
    first = browser.get("/v1/commitments", headers=ada).json()["commitments"][0]
    named = {"{id}": first["decision"], "{kind}": "user", "{name}": "scc-annexes"}
    named["{digest}"] = browser.get("/v1/bundle", headers=ada).json()["source"]
    entities = {"parties": "lab", "assets": "weather", "entities": "alice"}
    for address, path in ADDRESSES.items():
        ids = {**named, "{id}": first["id"]} if "commitments" in address else named
        ids |= {"{id:entity}": next((id for kind, id in entities.items() if f"/{kind}/" in address), "")}
        here, there = (reduce(lambda text, each: text.replace(*each), ids.items(), each) for each in (address, path))
        query = "?by=month" if "statistics" in path else ""
        expected = browser.get(there + query, headers=ada)
        assert expected.status_code == 200, (there, expected.text)
        for headers in ({}, ada):
            answer = browser.get(here + query, headers=headers)
            assert (answer.status_code, answer.content) == (200, expected.content), here
            assert answer.headers["content-type"] == expected.headers["content-type"]
        assert browser.get(there + query).status_code == 401
        assert browser.get(here, headers=other).status_code == 403
        assert browser.post(here, headers=ada).status_code == 405
        wrong = browser.get(f"{here}?nothing=1", headers=ada)
        assert (wrong.status_code, wrong.json()["parameter"]) == (400, "nothing")
        statuses = [
            browser.get(each + query, headers={"authorization": f"Bearer {keys_of['mill']}"}).status_code
            for each in (here, there)
        ]
        assert statuses[0] == statuses[1], here


def receipts(service: Service, decision: str) -> int:
    """How many receipts of a decision are leaves of the log, to which the service adds others meanwhile."""
    with service.store.database.reading.connect() as connection:
        leaves = connection.execute(sa.select(tree_leaf.c.leaf).where(tree_leaf.c.kind == "receipt")).scalars()
        return sum(json.loads(each)["decision"] == decision for each in leaves)


def test_another_site_makes_no_browser_add_a_receipt(service: Service, browser: TestClient, keys_of: dict[str, str]) -> None:
    """The first receipt of a decision is a leaf of the log. A link from elsewhere opens the decision, and not its receipt."""
    ada = {"authorization": f"Bearer {keys_of['Ada']}"}
    id = browser.get("/v1/commitments", headers=ada).json()["commitments"][-1]["decision"]
    before = receipts(service, id)
    for site in ("cross-site", "same-site"):
        answer = browser.get(f"/log/{id}/receipt", headers={**PAGE, "sec-fetch-site": site})
        assert answer.status_code == 403
        assert browser.get(f"/log/{id}", headers={**PAGE, "sec-fetch-site": site}).status_code == 200
    assert receipts(service, id) == before
    for site in ("same-origin", "none"):
        assert browser.get(f"/log/{id}/receipt", headers={**PAGE, "sec-fetch-site": site}).status_code == 200
    for program in (f"/log/{id}/receipt", f"/v1/decisions/{id}/receipt"):
        assert browser.get(program, headers={**ada, "sec-fetch-site": "cross-site"}).status_code == 200


def test_the_documentation_lists_the_addresses() -> None:
    """Each with its operation, as the code has them."""
    listed = [f"| `{here}` | `GET {there}` |".replace(":entity", "") for here, there in ADDRESSES.items()]
    text = (ROOT / "service" / "docs" / "browsing.md").read_text(encoding="utf-8")
    assert "\n".join(listed) in text
