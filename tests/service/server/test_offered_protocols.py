"""Requests that offer another protocol (`Upgrade`), as clients of HTTP/2 without TLS do: they are read like any other."""

import json
import socket

import pytest

from tests.service.conftest import body, running

OFFERS = [b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n", b"Connection: upgrade\r\nUpgrade: websocket\r\n"]
HEAD = b"POST /v1/evaluate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
NEXT = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"
ALIVE = b'{"status":"alive"}'


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """One server for all."""
    with running(tmp_path_factory.mktemp("offers") / "log.db") as server:
        yield server
        assert server.stop() == 0
    assert not server.events("internal")


def chunked(content: bytes) -> bytes:
    """A body in two chunks."""
    parts = (content[:10], content[10:])
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def answers(server, first: bytes, then: bytes = b"", last: bytes = ALIVE, count: int = 1) -> bytes:
    """What comes back for some bytes, until `last` came so often. `then` leaves once the service has asked for it (100 Continue)."""
    received = b""
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        connection.sendall(first)
        if then:
            assert connection.recv(65_536) == b"HTTP/1.1 100 Continue\r\n\r\n"
            connection.sendall(then)
        while received.count(last) < count:
            more = connection.recv(65_536)
            assert more, received
            received += more
    return received


@pytest.mark.parametrize("offer", OFFERS)
@pytest.mark.parametrize("framed", ["length", "chunked"])
def test_an_exchange_is_decided_whatever_protocol_its_caller_offers(shared, offer, framed):
    """Its body is read, and the next request on the connection is answered after it."""
    content = body()
    framing = b"Content-Length: %d\r\n\r\n%b" % (len(content), content)
    if framed == "chunked":
        framing = b"Transfer-Encoding: chunked\r\n\r\n" + chunked(content)
    received = answers(shared, HEAD + offer + framing + NEXT)
    assert received.startswith(b"HTTP/1.1 200")
    assert received.count(b"HTTP/1.1 ") == 2
    decision = received.split(b"\r\n\r\n")[1].partition(b"HTTP/1.1")[0]
    assert json.loads(decision)["schema"] == "fifthfactor/decision/2"


@pytest.mark.parametrize("offer", OFFERS)
def test_the_body_of_an_offer_is_never_the_next_request(shared, offer):
    """Though it arrives by itself, after the head, and reads like one: it is what somebody else sent through the same proxy."""
    inner = b"GET /v1/caller HTTP/1.1\r\nHost: localhost\r\n\r\n"
    head = HEAD + offer + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(inner)
    received = answers(shared, head, inner + NEXT)
    assert received.startswith(b"HTTP/1.1 400")
    assert received.count(b"HTTP/1.1 ") == 2
    assert b'"scopes"' not in received


@pytest.mark.parametrize("offer", OFFERS)
@pytest.mark.parametrize("framing", [b"", b"Content-Length: 0\r\n"])
def test_an_offer_without_a_body_is_followed_by_other_requests(shared, offer, framing):
    """Several on one connection, in one piece."""
    asked = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n" + offer + framing + b"\r\n"
    received = answers(shared, asked + asked + NEXT, count=3)
    assert received.count(b"HTTP/1.1 200") == 3


def test_the_body_of_an_offer_has_the_limit_of_any_body(shared):
    """It is refused once it is passed."""
    content = b" " * 300_000
    received = answers(shared, HEAD + OFFERS[0] + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(content), last=b"}")
    assert received.startswith(b"HTTP/1.1 413")
