"""Signing in: what must be as it is before somebody counts as a person, and what is refused. The provider of these tests can lie."""

import base64
import hashlib
import hmac
import http.server
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit

import jwt
import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric import rsa
from fastapi import FastAPI
from jwt.algorithms import RSAAlgorithm
from starlette.testclient import TestClient

from service.callers import openid_provider, roles, sign_in
from service.callers.caller import SCOPES
from service.callers.entrance import is_page_path
from service.service import Service
from service.settings import SettingRefused, Settings
from service.settings.setting_values import _SCOPES, scopes_of_roles
from service.settings.settings_sources import settings_from
from service.store.tables import person, session
from tests.service.callers.test_callers import bearer, make, opened, problem
from tests.service.callers.test_tokens import ALGORITHMS, KEYS, forged, jwks
from tests.service.conftest import ROOT, Lines

CLIENT, SECRET = "console", "a b+c%/é"
PAGE = {"accept": "text/html"}
TODAY = datetime.now(UTC)


class LyingProvider:
    """A provider that says what a test wants. `lies` changes its metadata, `claims` its ID tokens, `answer` its answer to a code."""

    def __init__(self) -> None:
        self.reset()
        provider = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path.endswith("/keys"):
                    self._send(200, provider.jwks)
                elif self.path.endswith("/userinfo"):
                    self._send(200, json.dumps(provider.userinfo).encode())
                else:
                    self._send(200, json.dumps(provider.metadata()).encode())

            def do_POST(self) -> None:
                sent = dict(parse_qsl(self.rfile.read(int(self.headers["content-length"])).decode()))
                provider.asked.append(sent)
                provider.basic.append(base64.b64decode(self.headers["authorization"].partition(" ")[2]).decode())
                made = hashlib.sha256(sent["code_verifier"].encode()).digest()
                fits = base64.urlsafe_b64encode(made).rstrip(b"=").decode() == provider.challenge and sent["code"] == "good"
                good = {"access_token": "access", "token_type": "Bearer", "expires_in": 60, "id_token": provider.token()}
                if not fits:
                    self._send(400, b'{"error": "invalid_grant"}')
                else:
                    self._send(provider.status, json.dumps(good if provider.answer is None else provider.answer).encode())

            def _send(self, status: int, content: bytes) -> None:
                self.send_response(status)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self.server.server_port}/realm"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def reset(self) -> None:
        """Speak the truth."""
        self.lies: dict[str, Any] = {}
        self.claims: dict[str, Any] = {}
        self.header: dict[str, Any] = {}
        self.key = "rsa"
        self.jwks = jwks(*KEYS)
        self.answer: Any = None
        self.status = 200
        self.userinfo: dict[str, Any] | None = None
        self.token: Callable[[], str] = self.signed
        self.nonce = self.challenge = ""
        self.asked: list[dict[str, str]] = []
        self.basic: list[str] = []

    def metadata(self) -> dict[str, Any]:
        """What it says of itself."""
        said = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "response_types_supported": ["code"],
            "authorization_response_iss_parameter_supported": True,
            **({} if self.userinfo is None else {"userinfo_endpoint": f"{self.issuer}/userinfo"}),
            **self.lies,
        }
        return {name: value for name, value in said.items() if value != "left out"}

    def said(self) -> dict[str, Any]:
        """The claims of its ID tokens."""
        now = int(time.time())
        found = {
            "iss": self.issuer,
            "aud": CLIENT,
            "sub": "lin-7",
            "exp": now + 300,
            "iat": now,
            "nonce": self.nonce,
            "name": "Lin Yue",
            "roles": ["fifthfactor:read", "fifthfactor:evaluate"],
            **self.claims,
        }
        return {name: value for name, value in found.items() if value != "left out"}

    def signed(self) -> str:
        """A good ID token, but for the claims and the header that a test changes."""
        header = {"kid": self.key, **self.header}
        return jwt.PyJWS().encode(json.dumps(self.said()).encode(), KEYS[self.key], ALGORITHMS[self.key], header)


@pytest.fixture(scope="module")
def one_provider() -> Iterator[LyingProvider]:
    """One for all tests of this module."""
    found = LyingProvider()
    yield found
    found.server.shutdown()
    found.server.server_close()


@pytest.fixture
def provider(one_provider: LyingProvider) -> LyingProvider:
    """It speaks the truth until a test lets it lie."""
    one_provider.reset()
    return one_provider


@contextmanager
def service_of(provider: LyingProvider, url: str, lines: Lines, **changes: Any) -> Iterator[TestClient]:
    """A service at which persons sign in by the provider."""
    given = {"oidc_issuer": provider.issuer, "oidc_client_id": CLIENT, "oidc_client_secret": SECRET, **changes}
    with opened(url, lines, **{"clock": lambda: datetime.now(UTC), **given}) as client:
        client.follow_redirects = False
        yield client


class Browser(TestClient):
    """A browser at one service. `sessions_before` is the number of sessions when the test began."""

    service: Service
    lines: Lines
    sessions_before: int

    def sessions(self) -> int:
        """The number of sessions that ever began."""
        with self.service.store.database.reading.connect() as connection:
            return int(connection.execute(sa.select(sa.func.count()).select_from(session)).scalar_one())


@pytest.fixture(scope="module")
def one_service(tmp_path_factory, one_provider: LyingProvider) -> Iterator[tuple[FastAPI, Lines]]:
    """One for all tests of this module that need none of their own."""
    lines = Lines()
    url = str(tmp_path_factory.mktemp("sign-in") / "log.db")
    with service_of(one_provider, url, lines, failure_burst=10_000) as client:
        yield client.app, lines  # type: ignore[misc]


@pytest.fixture
def client(one_service: tuple[FastAPI, Lines], provider: LyingProvider) -> Browser:
    """A new browser at the service, which knows neither the provider's metadata nor its keys yet."""
    app, lines = one_service
    client = Browser(app, base_url="http://127.0.0.1:8080", follow_redirects=False)
    client.service, client.lines = app.state.service, lines
    known = client.service.provider
    assert known
    known._good_until = known._quiet_until = 0.0
    known._signed = None
    client.sessions_before = client.sessions()
    return client


def begun(client: TestClient, provider: LyingProvider, next: str = "/log") -> dict[str, str]:
    """What the browser sends to the provider."""
    answer = client.get("/sign-in/start", params={"next": next})
    assert answer.status_code == 303, answer.text
    assert answer.headers["location"].startswith(f"{provider.issuer}/authorize?")
    sent = dict(parse_qsl(urlsplit(answer.headers["location"]).query))
    provider.nonce, provider.challenge = sent["nonce"], sent["code_challenge"]
    return sent


def back(client: TestClient, provider: LyingProvider, state: str, **changes: Any) -> Any:
    """The browser comes back from the provider."""
    sent = {"code": "good", "state": state, "iss": provider.issuer, **changes}
    return client.get("/sign-in/return", params={name: value for name, value in sent.items() if value is not None})


def signed_in(client: TestClient, provider: LyingProvider, next: str = "/log") -> Any:
    """The answer that begins a session."""
    return back(client, provider, begun(client, provider, next)["state"])


def refused(client: Browser, answer: Any, says: str) -> None:
    """The answer is a page that says why nobody was signed in, and nobody was."""
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert says in answer.text
    assert answer.status_code >= 400
    assert "fifthfactor-session" not in answer.headers.get("set-cookie", "")
    assert client.get("/log", headers=PAGE).status_code == 303
    assert client.sessions() == client.sessions_before


# --- what is as it must be -------------------------------------------------------------------------------------------


def test_a_person_signs_in_and_is_who_the_provider_says(client, provider):
    """With state, nonce and PKCE; her cookie is for this host, no script and no other site; her roles are her scopes."""
    sent = begun(client, provider, "/log?lang=zh")
    assert (sent["response_type"], sent["client_id"], sent["code_challenge_method"]) == ("code", CLIENT, "S256")
    assert (sent["scope"], sent["redirect_uri"]) == ("openid profile", "http://127.0.0.1:8080/sign-in/return")
    answer = back(client, provider, sent["state"])
    assert (answer.status_code, answer.headers["location"], answer.headers["cache-control"]) == (
        303,
        "/log?lang=zh",
        "no-store",
    )
    own = next(each for each in answer.headers.get_list("set-cookie") if each.startswith("fifthfactor-session="))
    assert {"HttpOnly", "Path=/", "SameSite=lax", "Max-Age=28800"} <= set(own.split("; "))
    assert provider.asked[0]["redirect_uri"] == sent["redirect_uri"]
    assert [unquote(each) for each in provider.basic[0].split(":")] == [CLIENT, SECRET]
    page = client.get("/log", headers=PAGE)
    assert page.status_code == 200
    assert "Lin Yue" in page.text
    assert "You may ask for decisions, read." in page.text
    assert page.headers["cache-control"] == "no-store"
    line = client.lines.events("request")[-1]
    assert line["caller"].startswith("person:")
    with client.service.store.database.reading.connect() as connection:
        (row,) = connection.execute(sa.select(person))
        assert (row.issuer, row.subject, row.name) == (provider.issuer, "lin-7", "Lin Yue")
    written = client.lines.getvalue()
    assert not any(
        each in written for each in (client.cookies["fifthfactor-session"], sent["state"], SECRET, "Lin Yue", "lin-7")
    )


def test_a_session_opens_pages_and_nothing_else(client, provider):
    """No program's address takes it, so that no other site can make a browser call one."""
    signed_in(client, provider)
    assert client.get("/log", headers=PAGE).status_code == 200
    assert client.get("/", headers=PAGE).status_code == 200
    for path in ("/v1/decisions", "/v1/facts", "/v1/keys", "/metrics", "/tile/entries/0"):
        problem(client.get(path), 401, "unauthenticated")


@pytest.mark.parametrize("said", [{"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}, {"origin": "null"}])
def test_another_site_does_nothing_in_the_name_of_who_is_signed_in(client, provider, said):
    """Neither a form of hers, nor signing her out, nor signing her in with a key of its own."""
    signed_in(client, provider)
    form = {"content-type": "application/x-www-form-urlencoded", **said}
    for path in ("/ask", "/sign-out", "/sign-in"):
        problem(client.post(path, content=b"from=json", headers=form), 403, "forbidden")
    assert client.get("/log", headers=PAGE).status_code == 200


def test_a_form_without_its_token_does_nothing(client, provider):
    """Also where a browser does not say from which site it comes."""
    signed_in(client, provider)
    for path in ("/ask", "/sign-out"):
        assert client.post(path, data={"token": "0" * 64}).status_code == 403
    assert client.get("/log", headers=PAGE).status_code == 200


def test_each_sign_in_makes_a_new_session_and_ends_the_one_before(client, provider):
    """No session that somebody else put into the browser goes on."""
    planted = "0" * 12 + "_" + "x" * 43
    client.cookies.set("fifthfactor-session", planted, domain="127.0.0.1")
    signed_in(client, provider)
    first = client.cookies.get("fifthfactor-session", domain="127.0.0.1", path="/")
    assert first != planted
    client.cookies.clear()
    signed_in(client, provider)
    once = client.cookies["fifthfactor-session"]
    signed_in(client, provider)
    assert client.cookies["fifthfactor-session"] != once
    client.cookies.clear()
    assert client.get("/log", headers={**PAGE, "cookie": f"fifthfactor-session={once}"}).status_code == 303


def test_over_tls_a_cookie_is_for_this_host_and_tls_only(tmp_path, lines, provider):
    """Its name says so, and a cookie of the plain name is not read."""
    public = "https://pdp.example.com"
    with service_of(provider, str(tmp_path / "log.db"), lines, public_url=public, hosts="pdp.example.com") as client:
        client.base_url = public
        sent = begun(client, provider)
        assert sent["redirect_uri"] == f"{public}/sign-in/return"
        answer = back(client, provider, sent["state"])
        own = next(each for each in answer.headers.get_list("set-cookie") if "session=" in each)
        assert own.startswith("__Host-fifthfactor-session=")
        assert {"Secure", "HttpOnly", "Path=/"} <= set(own.split("; "))
        assert "Domain" not in own
        assert client.get("/log", headers=PAGE).status_code == 200
        value = client.cookies["__Host-fifthfactor-session"]
        client.cookies.clear()
        assert client.get("/log", headers={**PAGE, "cookie": f"fifthfactor-session={value}"}).status_code == 303


# --- what is refused -------------------------------------------------------------------------------------------------

NOT_TRUSTED = "cannot be trusted"


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"},
        {"nonce": "left out"},
        {"aud": "another-client"},
        {"aud": ["another-client"]},
        {"aud": [CLIENT, "another-client"]},
        {"aud": [CLIENT, "another-client"], "azp": "another-client"},
        {"azp": "another-client"},
        {"aud": "left out"},
        {"iss": "https://evil.example"},
        {"iss": "left out"},
        {"exp": int(TODAY.timestamp()) - 3600},
        {"exp": "left out"},
        {"iat": "left out"},
        {"iat": int(TODAY.timestamp()) + 7200},
        {"sub": "left out"},
        {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
    ],
)
def test_a_token_that_says_anything_wrong_signs_nobody_in(client, provider, claims):
    """Replayed, for another client, of another issuer, too old, from the future, or beside another access token."""
    provider.claims = claims
    refused(client, signed_in(client, provider), NOT_TRUSTED)


@pytest.mark.parametrize("how", ["alg none", "HS256 with the public key", "HS256 with the secret", "another key", "no kid"])
def test_a_token_that_the_provider_did_not_sign_signs_nobody_in(client, provider, how):
    """Neither one without a signature, nor one by a key that is public, shared, or of somebody else."""
    public = provider.jwks
    shared = {"HS256 with the public key": public, "HS256 with the secret": SECRET.encode()}
    if how == "alg none":
        provider.token = lambda: forged({"alg": "none", "kid": "rsa"}, lambda _: b"", **provider.said())
    elif how in shared:
        sign = lambda text: hmac.digest(shared[how], text, "sha256")  # noqa: E731
        provider.token = lambda: forged({"alg": "HS256", "kid": "rsa"}, sign, **provider.said())
    elif how == "another key":
        theirs = rsa.generate_private_key(65537, 2048).public_key()
        provider.jwks = json.dumps({"keys": [{**json.loads(RSAAlgorithm.to_jwk(theirs)), "kid": "rsa", "use": "sig"}]}).encode()
    else:
        provider.token = lambda: forged({"alg": "RS256"}, lambda _: b"x" * 256, **provider.said())
    refused(client, signed_in(client, provider), NOT_TRUSTED)


def test_a_code_of_another_attempt_signs_nobody_in(client, provider):
    """Its verifier does not fit (PKCE): a stolen code is worth nothing in another browser."""
    begun(client, provider)
    stolen = provider.challenge
    state = begun(client, provider)["state"]
    provider.challenge = stolen
    refused(client, back(client, provider, state), "does not accept its own answer")


@pytest.mark.parametrize("issuer", ["https://evil.example", None, ""])
def test_an_answer_of_another_issuer_signs_nobody_in(client, provider, issuer):
    """Mix-up (RFC 9207): before the code is sent anywhere."""
    state = begun(client, provider)["state"]
    refused(client, back(client, provider, state, iss=issuer), "not from the sign-in page")
    assert provider.asked == []


def test_a_provider_that_does_not_name_itself_need_not(client, provider):
    """But what it names must be right."""
    provider.lies = {"authorization_response_iss_parameter_supported": "left out"}
    assert back(client, provider, begun(client, provider)["state"], iss=None).status_code == 303
    client.cookies.clear()
    assert back(client, provider, begun(client, provider)["state"], iss="https://evil.example").status_code == 400


def test_a_state_belongs_to_one_browser_one_time_and_ten_minutes(tmp_path, lines, provider):
    """A browser that did not ask, a second use, and one that comes back late are refused."""
    now = [datetime.now(UTC)]
    with service_of(provider, str(tmp_path / "log.db"), lines, clock=lambda: now[0]) as client:
        state = begun(client, provider)["state"]
        client.cookies.clear()
        assert "did not begin to sign in" in back(client, provider, state).text
        begun(client, provider)
        assert "does not belong" in back(client, provider, state).text
        state = begun(client, provider)["state"]
        now[0] += timedelta(minutes=sign_in.MINUTES, seconds=5)
        assert "did not begin to sign in" in back(client, provider, state).text
        assert client.get("/log", headers=PAGE).status_code == 303
        assert provider.asked == []
        state = begun(client, provider)["state"]
        attempt = client.cookies["fifthfactor-sign-in"]
        assert back(client, provider, state).status_code == 303
        assert "fifthfactor-sign-in" not in client.cookies
        client.cookies.clear()
        again = client.get(
            "/sign-in/return",
            params={"code": "good", "state": state, "iss": provider.issuer},
            headers={"cookie": f"fifthfactor-sign-in={attempt}"},
        )
        assert again.status_code == 400
        assert "already" in again.text


@pytest.mark.parametrize(
    "query", ["code=good&code=good&state={}", "code=good&state={}&state={}", "state={}&iss={iss}", "code=good&iss={iss}"]
)
def test_an_answer_that_cannot_be_read_signs_nobody_in(client, provider, query):
    """A parameter twice, no code, no state."""
    state = begun(client, provider)["state"]
    refused(client, client.get("/sign-in/return?" + query.format(state, state, iss=provider.issuer)), "Please begin again")


def test_a_changed_cookie_of_an_attempt_is_none(client, provider):
    """Nobody can write one that leads elsewhere, or lasts longer."""
    state = begun(client, provider)["state"]
    random, at, page, seal = client.cookies["fifthfactor-sign-in"].split(".")
    for wrong in (
        f"{random}.{int(at) + 1}.{page}.{seal}",
        f"{random}.999999999999.{page}.{seal}",
        f"{random}.{at}.{base64.urlsafe_b64encode(b'//evil.example').decode()}.{seal}",
        f"{random}.{at}.{page}.{seal[:-1]}{'0' if seal[-1] != '0' else '1'}",
        "x",
    ):
        client.cookies.clear()
        sent = {"cookie": f"fifthfactor-sign-in={wrong}"}
        answer = client.get("/sign-in/return", params={"code": "good", "state": state, "iss": provider.issuer}, headers=sent)
        assert answer.status_code == 400
    assert provider.asked == []


@pytest.mark.parametrize(
    ("error", "says"),
    [
        ("access_denied", "access was refused"),
        ("login_required", "says: login_required"),
        ("<b>Call 555</b>", "cannot be read"),
        ("Your password has expired", "cannot be read"),
    ],
)
def test_a_refusal_of_the_provider_is_a_plain_page(client, provider, error, says):
    """With its code and no sentence of its own: anybody can send an address with one."""
    state = begun(client, provider)["state"]
    answer = back(client, provider, state, code=None, error=error, error_description="Call 555")
    refused(client, answer, says)
    assert "Call 555" not in answer.text


@pytest.mark.parametrize(
    "lies",
    [
        {"issuer": "https://evil.example"},
        {"token_endpoint": "http://evil.example/token"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"jwks_uri": "left out"},
        {"jwks_uri": "file:///etc/passwd"},
        {"token_endpoint": "https://user@evil.example/"},
        {"code_challenge_methods_supported": ["plain"]},
        {"response_types_supported": ["id_token"]},
        {"token_endpoint_auth_methods_supported": "basic"},
    ],
)
def test_a_provider_that_says_something_unsafe_of_itself_is_not_used(client, provider, lies):
    """Its name must be that of the setting, its addresses must be by TLS, and it must know PKCE."""
    provider.lies = lies
    answer = client.get("/sign-in/start")
    assert (answer.status_code, "location" in answer.headers) == (502, False)
    assert "not set up" in answer.text


def test_a_provider_that_is_away_is_said_to_be(client, provider):
    """Not asked at once again, and without holding up who is signed in already."""
    signed_in(client, provider)
    known = client.service.provider
    known._good_until, issuer = 0.0, known.issuer
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        known.issuer = f"http://127.0.0.1:{silent.getsockname()[1]}"
        for _ in range(2):
            assert client.get("/sign-in/start").status_code == 503
    assert client.get("/sign-in", headers={"cookie": ""}).status_code in (200, 303)
    known.issuer, known._quiet_until = issuer, time.monotonic() + 60
    assert client.get("/sign-in/start").status_code == 503
    assert client.get("/log", headers=PAGE).status_code == 200


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ({}, 200),
        ({"id_token": 7, "access_token": "a", "token_type": "Bearer"}, 200),
        ({"error": "invalid_client"}, 401),
        ([], 200),
        ("text", 500),
        ({"access_token": "a", "token_type": "Bearer"}, 200),
    ],
)
def test_whatever_a_provider_answers_to_a_code_is_no_failure_of_the_service(client, provider, answer, status):
    """A page says that nobody was signed in."""
    provider.answer, provider.status = answer, status
    refused(client, signed_in(client, provider), "sign")
    assert not client.lines.events("internal")


# --- who she is ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claims", "status", "says"),
    [
        ({"roles": []}, 403, "no role here yet"),
        ({"roles": "left out"}, 403, "no role here yet"),
        ({"roles": ["read", "administer", "other:read"]}, 403, "no role here yet"),
        ({"roles": {"fifthfactor:read": True}}, 403, "no role here yet"),
        ({"sub": "a b"}, 400, "did not name you"),
        ({"sub": "x" * 256}, 400, "did not name you"),
        ({"fifthfactor_party": ""}, 400, "named your party"),
        ({"fifthfactor_party": ["lab"]}, 400, "named your party"),
    ],
)
def test_who_has_no_role_or_no_name_is_not_signed_in(client, provider, claims, status, says):
    """And no row of her is made."""
    provider.claims = claims
    answer = signed_in(client, provider)
    refused(client, answer, says)
    assert answer.status_code == status


def test_her_name_is_the_one_that_the_provider_says_last(client, provider):
    """A name that cannot be shown is none; then it is the one to log in with, or her subject. She stays the same person."""
    shown = [
        ({"name": "Lin"}, "Lin"),
        ({"name": "王\u3000芳"}, "王 芳"),
        ({"name": "Lin\u202eYue", "preferred_username": "lin"}, "lin"),
        ({"name": "x" * 500, "preferred_username": "Lin <b>"}, "Lin &lt;b&gt;"),
    ]
    for claims, name in shown:
        provider.claims = claims
        signed_in(client, provider)
        assert f"<span>{name}</span>" in client.get("/log", headers=PAGE).text
    with client.service.store.database.reading.connect() as connection:
        assert [row.name for row in connection.execute(sa.select(person))] == ["Lin <b>"]


def test_what_the_provider_says_beside_the_token_counts_for_the_same_person_only(client, provider):
    """Claims of the UserInfo endpoint fill what the token lacks, and never replace it."""
    provider.claims = {"name": "left out", "roles": "left out"}
    provider.userinfo = {"sub": "another", "name": "Lin", "roles": ["fifthfactor:read"]}
    refused(client, signed_in(client, provider), NOT_TRUSTED)
    client.service.provider._good_until = 0.0
    provider.userinfo = {"sub": "lin-7", "name": "Lin", "roles": ["fifthfactor:read"], "iss": "x", "nonce": "x"}
    assert signed_in(client, provider).status_code == 303
    assert "Lin" in client.get("/log", headers=PAGE).text


def test_a_page_has_no_form_for_what_she_may_not_do(client, provider):
    """Who may only read sees drafts, and nothing to begin one with."""
    provider.claims = {"roles": ["fifthfactor:read"]}
    signed_in(client, provider)
    page = client.get("/ask", headers=PAGE).text
    assert "You may read here." in page
    assert page.count("<form") == 1  # to sign out
    provider.claims = {}
    signed_in(client, provider)
    assert client.get("/ask", headers=PAGE).text.count("<form") > 2


def test_who_belongs_to_a_party_sees_no_page(client, provider):
    """The pages show all parties; the page that says so is hers to read."""
    provider.claims = {"fifthfactor_party": "lab", "roles": [f"fifthfactor:{each}" for each in SCOPES]}
    assert signed_in(client, provider).status_code == 303
    answer = client.get("/log", headers=PAGE)
    assert (answer.status_code, answer.headers["content-type"]) == (403, "text/html; charset=utf-8")
    assert "Lin Yue" in answer.text
    assert "administer" not in answer.text


def test_roles_may_lie_in_a_claim_of_any_name():
    """A claim whose name has dots is found as well as one inside another."""
    assert set(roles.held({"realm_access": {"roles": ["a"]}}, "realm_access.roles") or ()) == {"a"}
    assert set(roles.held({"https://id.example/roles": ["a", 7]}, "https://id.example/roles") or ()) == {"a"}
    assert set(roles.held({"roles": "a b"}, "roles") or ()) == {"a", "b"}
    assert set(roles.held({"roles": ["a"] * 3000}, "roles") or ()) == set()
    assert roles.held({"realm_access": ["roles"]}, "realm_access.roles") is None
    given = scopes_of_roles("Data Protection=read review; platform=administer ;")
    assert roles.scopes(frozenset({"Data Protection", "fifthfactor:commit", "fifthfactor:all"}), given) == {
        "read",
        "review",
        "commit",
    }
    assert _SCOPES == SCOPES


# --- where she goes --------------------------------------------------------------------------------------------------

ELSEWHERE = [
    "//evil.example", "///evil.example", "https://evil.example", "http:evil.example", "/\\evil.example", "\\\\evil.example", "/log\\..",
    "/\tevil", "/log\r\nLocation: https://evil.example", "javascript:alert(1)", "/log/../v1/keys", "/log/%2e%2e/v1", "/%2f/evil.example",
    "/log/%5cevil", "/log//evil.example", "/v1/keys", "/sign-in", "/sign-in/start", "/logs", "log", "", "/log#x", "/log /x", "/lo\u0261",
    "/log?" + "x" * 2000, "/docs",
]  # fmt: skip


@pytest.mark.parametrize("address", ELSEWHERE)
def test_no_address_leads_away_from_the_pages(client, provider, address):
    """Whatever `next` says: after signing in one is at a page here."""
    assert sign_in.local_page(address, is_page_path) is None
    assert signed_in(client, provider, address).headers["location"] == "/"
    client.cookies.clear()
    assert client.get("/sign-in", params={"next": address}, headers=PAGE).text.count('name="next" value="/"') == 1


@pytest.mark.parametrize(
    "address", ["/", "/log", "/log?outcome=review&lang=zh", "/ask/x-y", "/log/rights?asset=a%20b", "/?days=7"]
)
def test_she_comes_back_to_the_page_that_she_asked_for(client, provider, address):
    """Through the page to sign in; a browser that brings nothing is sent there, a program is told."""
    answer = client.get(address, headers=PAGE)
    assert answer.status_code == 303
    asked = parse_qs(urlsplit(answer.headers["location"]).query)
    assert urlsplit(answer.headers["location"]).path == "/sign-in"
    assert asked.get("next", ["/"]) == [address]
    assert signed_in(client, provider, address).headers["location"] == address
    assert client.get(address, headers=PAGE).status_code != 303


def test_a_form_is_never_sent_again_after_signing_in(client):
    """She comes to the start, and a program gets the challenge as before."""
    answer = client.post("/ask", data={"from": "json"}, headers=PAGE)
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    answer = client.get("/log")
    assert answer.headers["www-authenticate"].startswith("Basic")
    problem(answer, 401, "unauthenticated")


# --- a session of a key ----------------------------------------------------------------------------------------------


def form_of(client: TestClient, **fields: str) -> Any:
    """Send the form with the key."""
    page = client.get("/sign-in", headers=PAGE).text
    return client.post("/sign-in", data={"token": page.partition('name="token" value="')[2][:64], **fields})


def test_a_key_opens_a_session_that_ends_with_it(tmp_path, lines):
    """Without a provider too; the key is in no cookie and no line."""
    url = str(tmp_path / "log.db")
    told, boss = make(url, "read"), make(url, "administer")
    with opened(url, lines, clock=lambda: datetime.now(UTC)) as client:
        client.follow_redirects = False
        page = client.get("/sign-in", headers=PAGE)
        assert page.status_code == 200
        assert "/sign-in/start" not in page.text
        answer = form_of(client, key=told, next="/log?lang=zh")
        assert (answer.status_code, answer.headers["location"]) == (303, "/log?lang=zh")
        id = told.split("_")[1]
        shown = client.get("/log", headers=PAGE).text
        assert "You are signed in as a test." in shown, "the key is called by its name"
        assert f"key:{id}" not in shown
        assert lines.events("request")[-1]["caller"] == f"key:{id}"
        assert told.split("_", 2)[2] not in lines.getvalue() + str(dict(client.cookies))
        cookie = {"cookie": f"fifthfactor-session={client.cookies['fifthfactor-session']}"}
        client.cookies.clear()
        assert client.post(f"/v1/keys/{id}/revoke", headers=bearer(boss)).status_code == 200
        assert client.get("/log", headers={**PAGE, **cookie}).status_code == 303


def test_a_wrong_key_a_wrong_form_and_too_many_of_them_are_refused(tmp_path, lines):
    """Each is a failed call of its address."""
    url = str(tmp_path / "log.db")
    told = make(url, "read")
    with opened(url, lines, clock=lambda: datetime.now(UTC), failure_burst=3) as client:
        client.follow_redirects = False
        assert client.post("/sign-in", data={"key": told, "token": "0" * 64}).status_code == 403
        for _ in range(3):
            assert form_of(client, key=told[:-1] + "x").status_code == 401
        problem(form_of(client, key=told[:-1] + "x"), 429, "rate-limited")
        assert form_of(client, key=told).status_code == 303
        assert {each["reason"] for each in lines.events("audit") if each["action"] == "sign-in-refused"} == {"wrong_key"}


def test_where_no_key_is_needed_nobody_has_to_sign_in(client_of_nobody):
    """The page says so."""
    assert "Signing in is not needed" in client_of_nobody.get("/sign-in", headers=PAGE).text


@pytest.fixture
def client_of_nobody(tmp_path, lines) -> Iterator[TestClient]:
    """A service without keys."""
    with opened(str(tmp_path / "log.db"), lines) as client:
        yield client


# --- settings --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"OIDC_ISSUER": "https://id.example"}, "set both FIFTHFACTOR_OIDC_ISSUER"),
        ({"OIDC_ISSUER": "http://id.example", "OIDC_CLIENT_ID": "x"}, "give an https:// address"),
        ({"OIDC_ISSUER": "https://u:p@id.example", "OIDC_CLIENT_ID": "x"}, "without a user"),
        ({"OIDC_ISSUER": "https://id.example?x", "OIDC_CLIENT_ID": "x"}, "without a user"),
        ({"OIDC_SCOPES": "profile"}, "with `openid` among them"),
        ({"OIDC_ROLES": "desk"}, "give each role once"),
        ({"OIDC_ROLES": "desk=read;desk=review"}, "give each role once"),
        ({"OIDC_ROLES": "desk=reed"}, "there is no scope `reed`"),
        ({"SESSION_HOURS": "0"}, "greater than or equal to 0.25"),
        ({"SESSION_IDLE_MINUTES": "1"}, "greater than or equal to 5"),
        ({"OIDC_CLIENT_SECRET": "a", "OIDC_CLIENT_SECRET_FILE": "/b"}, "set one of"),
        (
            {"OIDC_ISSUER": "https://id.example", "OIDC_CLIENT_ID": "x", "HOSTS": "pdp.example"},
            "set FIFTHFACTOR_PUBLIC_URL",
        ),
    ],
)
def test_a_wrong_setting_stops_the_start_with_a_sentence(given, why):
    """It says what to do."""
    with pytest.raises(SettingRefused, match=why):
        settings_from({f"FIFTHFACTOR_{name}": value for name, value in given.items()})


def test_the_settings_on_the_page_are_settings(tmp_path):
    """They can be copied."""
    shown = (ROOT / "service/docs/sign-in.md").read_text("utf-8").partition("```text\n")[2].partition("```")[0]
    file = tmp_path / "settings.toml"
    file.write_text(shown, "utf-8")
    settings = settings_from({}, settings=file)
    assert settings.oidc_client_secret_file == Path("/run/secrets/oidc")
    assert scopes_of_roles(settings.oidc_roles)["privacy-desk"] == {"read", "review"}


def test_the_secret_is_shown_nowhere(tmp_path):
    """Neither by the settings, nor in what the log records, nor by the sentence about a wrong one; a file may hold it."""
    given = {"oidc_issuer": "https://id.example", "oidc_client_id": "x"}
    settings = Settings(**given, oidc_client_secret="s3cret")
    assert settings.oidc_secret() == "s3cret"
    assert "s3cret" not in repr(settings) + json.dumps(settings.recorded(())) + settings.model_dump_json()
    with pytest.raises(SettingRefused) as refused:
        settings_from({"FIFTHFACTOR_OIDC_CLIENT_SECRET": "s3cret"}, oidc_client_secret=["s3cret"])
    assert "s3cret" not in str(refused.value)
    file = tmp_path / "secret"
    file.write_text("s3cret\n")
    assert Settings(**given, oidc_client_secret_file=file).oidc_secret() == "s3cret"
    file.write_text("two\nlines")
    with pytest.raises(SettingRefused):
        Settings(**given, oidc_client_secret_file=file).oidc_secret()


def test_a_returned_code_is_not_in_what_is_printed_of_it():
    """It could sign somebody in."""
    assert "a code" not in repr(openid_provider.Returned("a code"))
