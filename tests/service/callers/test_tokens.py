"""Tokens of an issuer: which are good, which are not, and what happens while the issuer is away. With a real server of keys."""

import base64
import hashlib
import hmac
import http.server
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from starlette.testclient import TestClient

from service.callers import issuer_keys, tokens
from service.callers.caller import SCOPES
from tests.service.callers.test_callers import basic, bearer, evaluate, make, opened, problem
from tests.service.conftest import Lines

ISSUER = "https://issuer.example/"
AUDIENCE = "fifthfactor"
KEYS: dict[str, Any] = {
    "rsa": rsa.generate_private_key(65537, 2048),
    "ec": ec.generate_private_key(ec.SECP256R1()),
    "ed": ed25519.Ed25519PrivateKey.generate(),
}
ALGORITHMS = {"rsa": "RS256", "ec": "ES256", "ed": "EdDSA"}
WRITERS: dict[str, Any] = {"rsa": RSAAlgorithm, "ec": ECAlgorithm, "ed": OKPAlgorithm}


class Issuer:
    """A server of public keys. `answer` is what it sends, `asked` how often it was asked."""

    def __init__(self) -> None:
        self.answer: bytes | None = jwks(*KEYS)
        self.asked = 0
        self.pause = 0.0  # seconds before each ten bytes
        self.redirect = ""
        issuer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.asked += 1
                content = issuer.answer
                self.send_response(302 if issuer.redirect else 500 if content is None else 200)
                if issuer.redirect:
                    self.send_header("Location", issuer.redirect)
                self.end_headers()
                with suppress(OSError):  # a reader that has enough goes away
                    for at in range(0, len(content or b""), 10 if issuer.pause else 1 << 20):
                        time.sleep(issuer.pause)
                        self.wfile.write((content or b"")[at : at + (10 if issuer.pause else 1 << 20)])

            def log_message(self, *_: Any) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/keys"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()


def jwks(*names: str, **changes: Any) -> bytes:
    """The public keys of these names, as an issuer publishes them."""
    found = [
        {**json.loads(WRITERS[name].to_jwk(KEYS[name].public_key())), "kid": name, "use": "sig", **changes} for name in names
    ]
    return json.dumps({"keys": found}).encode()


def token(name: str = "ec", *, headers: dict[str, Any] | None = None, without: str = "", **claims: Any) -> str:
    """A good token, with some of it changed."""
    now = int(time.time())
    said = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "gateway",
        "exp": now + 300,
        "iat": now,
        "scope": "openid fifthfactor:evaluate fifthfactor:read",
        **claims,
    }
    said.pop(without, None)
    # Signed as bytes: the library's own encoder refuses some of what others sign.
    return jwt.PyJWS().encode(json.dumps(said).encode(), KEYS[name], ALGORITHMS[name], {"kid": name, **(headers or {})})


def forged(header: dict[str, Any], sign: Any, **claims: Any) -> str:
    """A token put together by hand, as no library would."""
    said = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "x",
        "exp": int(time.time()) + 300,
        "scope": "fifthfactor:evaluate",
        **claims,
    }
    parts = [base64.urlsafe_b64encode(json.dumps(each).encode()).rstrip(b"=") for each in (header, said)]
    signature = sign(b".".join(parts))
    return b".".join([*parts, base64.urlsafe_b64encode(signature).rstrip(b"=")]).decode()


@contextmanager
def issuing() -> Iterator[Issuer]:
    """An issuer, which is gone afterwards."""
    found = Issuer()
    yield found
    found.server.shutdown()
    found.server.server_close()


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    """An issuer of its own for each test."""
    with issuing() as found:
        yield found


@pytest.fixture
def client(tmp_path, lines: Lines, issuer: Issuer) -> Iterator[TestClient]:
    """The application, which takes the tokens of the issuer."""
    given: dict[str, Any] = {"jwks_url": issuer.url, "jwt_issuer": ISSUER, "jwt_audience": AUDIENCE}
    with opened(str(tmp_path / "log.db"), lines, clock=lambda: datetime.now(UTC), **given) as client:
        yield client


@pytest.mark.parametrize("name", KEYS)
def test_a_token_of_the_issuer_is_as_good_as_a_key(client, name):
    """Signed by RSA, on a curve, or by EdDSA; who asked is its subject."""
    answer = evaluate(client, **bearer(token(name)))
    assert answer.status_code == 200
    record = client.get(f"/v1/decisions/{answer.json()['id']}", headers=bearer(token(name))).json()["record"]
    assert record["asked_by"] == "sub:gateway"


def test_with_an_issuer_nothing_is_answered_without_a_token(client):
    """Though no key was ever made."""
    problem(evaluate(client), 401, "unauthenticated")


def test_keys_are_good_beside_tokens(client):
    """Both come as Bearer."""
    url = str(client.app.state.service.store.database.path)
    assert evaluate(client, **bearer(make(url, "evaluate"))).status_code == 200


def test_scopes_are_those_of_this_service(client):
    """Only with its prefix; others are another service's, and without any there is nothing to be done."""
    for scope in ("evaluate read", "fifthfactor:read", "fifthfactor:", "fifthfactor:root", "FIFTHFACTOR:evaluate", ""):
        problem(evaluate(client, **bearer(token(scope=scope))), 403, "forbidden")
    problem(evaluate(client, **bearer(token(without="scope"))), 403, "forbidden")
    for scope in SCOPES:
        status = client.get("/v1/keys", headers=bearer(token(scope=f"fifthfactor:{scope}"))).status_code
        assert status == (200 if scope == "administer" else 403)


PUBLIC_PEM = KEYS["rsa"].public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize(
    ("wrong", "detail"),
    [
        (lambda: token(exp=int(time.time()) - 60), "has expired"),
        (lambda: token(nbf=int(time.time()) + 60), "not valid yet"),
        (lambda: token(aud="another"), "another audience"),
        (lambda: token(aud=["another"]), "another audience"),
        (lambda: token(iss="https://another.example/"), "another issuer"),
        (lambda: token(iss=[ISSUER]), ""),
        (lambda: token(without="exp"), "lacks one of the claims"),
        (lambda: token(without="iss"), "lacks one of the claims"),
        (lambda: token(without="aud"), ""),
        (lambda: token(without="sub"), "lacks one of the claims"),
        (lambda: token(sub=""), "`sub`"),
        (lambda: token(sub="a b"), "`sub`"),
        (lambda: token(sub="x" * 129), "`sub`"),
        (lambda: token(scope=["fifthfactor:evaluate"]), "`scope`"),
        (lambda: token(exp="soon"), ""),
        (lambda: token("ec", headers={"kid": "ed"}), "not signed by the issuer"),
        (lambda: token("ec", headers={"kid": "rsa"}), "not signed by the issuer"),
        (lambda: token(headers={"kid": "nobody"}), "a key that the issuer does not have"),
        (lambda: forged({"alg": "ES256", "kid": None}, lambda signed: b"\0" * 64), ""),
        (lambda: forged({"alg": "ES256"}, lambda signed: b"\0" * 64), "must name its key"),
        (lambda: token(headers={"crit": ["exp"]}), ""),
        (lambda: token() + "A", ""),
        (lambda: token()[:-4] + "AAAA", "not signed by the issuer"),
        (
            lambda: ".".join([token().split(".")[0], token(sub="admin").split(".")[1], token().split(".")[2]]),
            "not signed by the issuer",
        ),
        (lambda: token(padding="x" * 9000), ""),
        (lambda: forged({"alg": "none", "kid": "ec"}, lambda signed: b""), "signed by RS, PS, ES or EdDSA"),
        (lambda: forged({"alg": "None", "kid": "ec"}, lambda signed: b""), "signed by RS, PS, ES or EdDSA"),
        (lambda: forged({"kid": "ec"}, lambda signed: b""), "signed by RS, PS, ES or EdDSA"),
        (
            lambda: forged(
                {"alg": "HS256", "kid": "rsa"}, lambda signed: hmac.new(PUBLIC_PEM, signed, hashlib.sha256).digest()
            ),
            "signed by RS, PS, ES or EdDSA",
        ),
        (lambda: forged({"alg": "RS256", "kid": "rsa"}, lambda signed: b"\0" * 256), "not signed by the issuer"),
        (lambda: forged({"alg": "ES256", "kid": "ec"}, lambda signed: b"\0" * 64), "not signed by the issuer"),
        (lambda: forged({"alg": "PS256", "kid": "rsa"}, lambda signed: b"\0" * 256), "not signed by the issuer"),
        (lambda: "a.b.c", "neither a key nor a token"),
        (lambda: "…", ""),
        (lambda: "..", "neither a key nor a token"),
        (lambda: base64.b64encode(b"[" * 3_000).decode() + ".e30.AA", ""),
    ],
)
def test_what_is_nearly_a_good_token_is_none(client, wrong, detail):
    """401, whatever is wrong with it; with the reason where it can be told."""
    sent = wrong()
    answer = client.get("/v1/facts", headers=[(b"authorization", b"Bearer " + sent.encode())])
    found = problem(answer, 401, "unauthenticated")
    assert detail in found.detail
    assert sent not in found.detail


def test_a_token_just_over_is_let_pass(client):
    """Clocks may differ by half a minute."""
    assert evaluate(client, **bearer(token(exp=int(time.time()) - 10))).status_code == 200


def test_a_weak_key_of_the_issuer_opens_nothing(client, issuer):
    """RSA of 1024 bits is refused, though the issuer published it."""
    KEYS["weak"], ALGORITHMS["weak"], WRITERS["weak"] = rsa.generate_private_key(65537, 1024), "RS256", RSAAlgorithm
    issuer.answer = jwks("weak")
    with pytest.warns(jwt.InsecureKeyLengthWarning):
        sent = token("weak")
    del KEYS["weak"]
    problem(evaluate(client, **bearer(sent)), 401, "unauthenticated")


def test_a_token_is_not_a_password(client):
    """Basic takes keys only."""
    problem(client.get("/log/x", headers=basic(token())), 401, "unauthenticated")


def test_the_issuer_is_asked_once_for_its_keys(client, issuer):
    """Not for each token, nor for each unknown key: a flood of those does not become a flood at the issuer's."""
    for _ in range(5):
        assert evaluate(client, **bearer(token())).status_code == 200
        problem(evaluate(client, **bearer(token(headers={"kid": "nobody"}))), 401, "unauthenticated")
    assert issuer.asked == 1


def test_a_new_key_of_the_issuer_is_fetched(client, issuer, lines, monkeypatch):
    """When a token names it, and the last time was not just now. A line says how many there are, and how many are new."""
    issuer.answer = jwks("rsa")
    assert evaluate(client, **bearer(token("rsa"))).status_code == 200
    issuer.answer = jwks("rsa", "ec")
    problem(evaluate(client, **bearer(token("ec"))), 401, "unauthenticated")
    monkeypatch.setattr(client.app.state.service.tokens._signed._keys, "cooldown_duration", 0)
    assert evaluate(client, **bearer(token("ec"))).status_code == 200
    told = [(each["keys"], each["new"], each["gone"]) for each in lines.events("issuer_keys_reloaded")]
    assert told == [(1, 1, 0), (2, 1, 0)]


@pytest.mark.parametrize(
    "sent", [None, b"no JSON", b"[]", b"{}", b'{"keys": []}', b'{"keys": [{"kty": "oct", "k": "AA", "kid": "ec"}]}']
)
def test_while_the_issuer_is_away_nobody_gets_in(client, issuer, sent, lines, monkeypatch):
    """503, not 401, for it is not the token's fault; asked again after a moment, it may be back. One line says what is wrong."""
    issuer.answer = sent
    monkeypatch.setattr(tokens, "QUIET_SECONDS", 300)
    for _ in range(3):
        answer = evaluate(client, **bearer(token()))
        assert answer.status_code in ((503,) if sent != b'{"keys": [{"kty": "oct", "k": "AA", "kid": "ec"}]}' else (401, 503))
    assert issuer.asked == 1
    assert client.app.state.service.store.records == 0
    assert len(lines.events("issuer_keys_refused")) + len(lines.events("issuer_keys_reloaded")) == 1
    issuer.answer = jwks("ec")
    client.app.state.service.tokens._signed._quiet_until = 0
    monkeypatch.setattr(
        client.app.state.service.tokens._signed._keys, "jwk_set_cache", jwt.PyJWKClient(issuer.url).jwk_set_cache
    )
    assert evaluate(client, **bearer(token())).status_code == 200


@pytest.mark.parametrize(
    "marked",
    [{"use": "enc"}, {"use": ["sig"]}, {"key_ops": ["encrypt"]}, {"key_ops": "verify"}, {"key_ops": []}, {"alg": "ECDH-ES"}],
)
def test_a_key_that_is_not_for_signatures_verifies_none(client, issuer, marked):
    """Though it signed the token: neither when it is fetched, nor once it was fetched together with a good one."""
    good, other = json.loads(jwks("ed"))["keys"], json.loads(jwks("ec", **marked))["keys"]
    issuer.answer = json.dumps({"keys": [*good, *other]}).encode()
    for _ in range(2):
        problem(evaluate(client, **bearer(token("ec"))), 401, "unauthenticated")
        assert evaluate(client, **bearer(token("ed"))).status_code == 200
    assert issuer.asked == 1


@pytest.mark.parametrize("marked", [{"use": "sig"}, {"key_ops": ["sign", "verify"]}])
def test_a_key_that_is_for_signatures_verifies_them(client, issuer, marked):
    """Whether `use` or `key_ops` says so."""
    (key,) = json.loads(jwks("ec"))["keys"]
    del key["use"]
    issuer.answer = json.dumps({"keys": [{**key, **marked}]}).encode()
    assert evaluate(client, **bearer(token("ec"))).status_code == 200


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        (lambda: jwks("ec") + b" " * issuer_keys.MOST_BYTES, "more than 256 KiB"),
        (lambda: json.dumps({"keys": [{}] * 101}).encode(), "at most 100 keys"),
        (lambda: b'{"keys":' + b"[" * 100_000, "not JSON"),
        (lambda: b'{"keys": 7}', "at most 100 keys"),
        (lambda: jwks("ec", use="enc"), "no key in the answer verifies"),
    ],
)
def test_an_answer_with_keys_is_bounded(client, issuer, sent, why):
    """What is too long, too many or nonsense is no answer: 503, and the reason is the issuer's."""
    issuer.answer = sent()
    with pytest.raises(issuer_keys.KeysRefused, match=why):
        issuer_keys.fetch(issuer.url, 60)
    problem(evaluate(client, **bearer(token())), 503, "not-ready")


def test_keys_that_arrive_too_slowly_are_refused(issuer):
    """Each piece comes soon enough, and all of them together do not."""
    issuer.answer, issuer.pause = jwks("ec") + b" " * 20_000, 0.05  # for a hundred seconds
    began = time.monotonic()
    with pytest.raises(issuer_keys.KeysRefused, match=r"takes more than 0\.5 seconds"):
        issuer_keys.fetch(issuer.url, 0.5)
    assert time.monotonic() - began < 60


def test_a_caller_waits_for_the_issuer_no_longer_than_told(client, issuer, monkeypatch):
    """Also where an issuer answers more slowly than any bound of the fetch would see."""
    monkeypatch.setattr(tokens, "WAIT_SECONDS", 0.1)
    answered, fetched = threading.Event(), threading.Event()

    def fetch(url: str, seconds: float) -> list[dict[str, Any]]:
        answered.wait(30)
        fetched.set()
        return []

    monkeypatch.setattr(issuer_keys, "fetch", fetch)
    problem(evaluate(client, **bearer(token())), 503, "not-ready")
    assert not fetched.is_set()
    answered.set()
    assert fetched.wait(30)


@pytest.mark.parametrize("to", ["file:///etc/hostname", "ftp://127.0.0.1/keys", "{url}", "https://127.0.0.1:1/keys"])
def test_no_redirect_of_the_issuer_is_followed(issuer, to):
    """Neither to another scheme nor to the same one."""
    issuer.redirect = to.format(url=issuer.url.replace("/keys", "/other"))
    with pytest.raises(issuer_keys.KeysRefused, match="cannot be fetched: HTTPError"):
        issuer_keys.fetch(issuer.url, 60)
    assert issuer.asked == 1


def test_an_issuer_that_does_not_answer_holds_nobody_else_up(tmp_path, lines, monkeypatch):
    """Fetching waits in a thread of its own, for a bounded time; for a moment after it nobody waits for it again."""
    asked: list[float] = []
    fetch = issuer_keys.fetch

    def counted(url: str, seconds: float) -> list[dict[str, Any]]:
        asked.append(seconds)
        return fetch(url, seconds)

    monkeypatch.setattr(issuer_keys, "fetch", counted)
    monkeypatch.setattr(tokens, "QUIET_SECONDS", 300)
    silent = http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)  # it listens, and never answers
    given: dict[str, Any] = {
        "jwks_url": f"http://127.0.0.1:{silent.server_port}/keys",
        "jwt_issuer": ISSUER,
        "jwt_audience": AUDIENCE,
    }
    url = str(tmp_path / "log.db")
    key = make(url, "evaluate")
    with opened(url, lines, **given) as client:
        answers: list[int] = []
        waiting = threading.Thread(target=lambda: answers.append(evaluate(client, **bearer(token())).status_code))
        waiting.start()
        connection, _ = silent.get_request()  # it has asked
        assert evaluate(client, **bearer(key)).status_code == 200
        assert not answers  # it still waits
        connection.close()
        waiting.join()
        assert answers == [503]
        app: Any = client.app
        signed = app.state.service.tokens._signed
        monkeypatch.setattr(signed._keys, "timeout", 0.3)
        signed._quiet_until = 0.0
        for _ in range(2):  # a fetch that waits for a third of a second, and none
            problem(evaluate(client, **bearer(token())), 503, "not-ready")
    assert asked == [30, 0.3]
    silent.server_close()


def test_no_line_holds_a_token(client, lines):
    """Good or bad, nor what it says."""
    good = token(secret="a claim of some weight")
    for each in (good, good[:-5], token(exp=1), token(headers={"kid": "some-odd-kid"})):
        evaluate(client, **bearer(each))
    assert lines.events("audit")
    for part in (*good.split("."), "some weight", "some-odd-kid"):
        assert part not in lines.getvalue()
