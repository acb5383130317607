"""
Malformed and hostile requests, sent byte for byte to a real server as a gateway might pass them on: each is a denial, and none is a crash.

The same request without its one fault is permitted, so that it is the fault that denies it.
"""

import socket
from contextlib import suppress

import pytest

from tests.service.conftest import Server

HOST = b"host: 127.0.0.1"
FEW = b"x-people: 5"
GOOD = b"/ext_authz/small/datasets/d-1/to/CN"


def sent(
    server: Server, target: bytes, *headers: bytes, method: bytes = b"GET", version: bytes = b"HTTP/1.1"
) -> tuple[int, bytes]:
    """The status and the whole answer of a request; 0 where the connection is closed without one."""
    head = b"\r\n".join([b" ".join((method, target, version)), *headers, b"connection: close", b"", b""])
    answer = b""
    # Who is refused before all was read may be cut off behind the answer.
    with socket.create_connection(("127.0.0.1", server.port), 60) as connection:
        with suppress(ConnectionError):
            connection.sendall(head)
        with suppress(ConnectionError):
            while piece := connection.recv(65_536):
                answer += piece
    return (int(answer.split()[1]) if answer else 0), answer


def test_the_request_without_a_fault_is_permitted(listening: Server) -> None:
    """With its header, also written otherwise, with blanks around its value, and with others that nobody listed."""
    for header in (FEW, b"X-PEOPLE: 5", b"x-people:   5  "):
        assert sent(listening, GOOD, HOST, header)[0] == 200
    others = (
        b"cookie: a=b",
        b"x-other: 1",
        b"x-other: 2",
        b"accept: text/html",
        b"forwarded: for=1.2.3.4",
    )
    assert sent(listening, GOOD, HOST, FEW, *others)[0] == 200
    assert sent(listening, b"http://127.0.0.1" + GOOD, HOST, FEW)[0] == 200  # the whole address, as to a proxy


@pytest.mark.parametrize(
    ("target", "status"),
    [
        (b"/ext_authz", 404),
        (b"/ext_authz/", 404),
        (b"/ext_authz/small", 404),
        (b"/ext_authz/small*", 404),  # what Envoy asks for `OPTIONS *`
        (b"/ext_authz//health", 404),
        (b"/ext_authz/./small/health", 404),
        (b"/ext_authz/../livez", 404),
        (b"/ext_authz/small/../../livez", 400),
        (b"/ext_authz/small/..;/health", 400),
        (b"/%65xt_authz/small/health", 400),
        (b"/ext_authz/smal%6C/health", 404),
        (b"/ext_authz/small%2Fhealth", 404),
        (b"/ext_authz/small/%2Fhealth", 400),
        (b"/ext_authz/small//health", 400),
        (b"/ext_authz/small/health/", 400),
        (b"/ext_authz/small/health/.", 400),
        (b"/ext_authz/small/x/../health", 400),
        (b"/ext_authz/small/x/%2e%2E/health", 400),
        (b"/ext_authz/small/%68ealth", 400),
        (b"/ext_authz/small/health%00", 400),
        (b"/ext_authz/small/health%0d%0aX-People:5", 404),
        (b"/ext_authz/small/health;v=1", 400),
        (b"/ext_authz/small/health#x", 400),
        (b"/ext_authz/small/health%23x", 400),
        (b"/ext_authz/small/health%3Fx", 400),
        (b"/ext_authz/small/health\\", 400),
        (b"/ext_authz/small/health%5C", 400),
        (b"/ext_authz/small/health%", 400),
        (b"/ext_authz/small/health%FF", 400),
        (b"/ext_authz/small/\xc3\xa4", 400),
        (b"/ext_authz/small/health?x", 403),
        (b"/ext_authz/small/health?_method=DELETE", 403),
        (b"/ext_authz/small/HEALTH", 403),
        (b"/ext_authz/small/datasets/d-1/to/CN?page=1&page=2", 400),
        (b"/ext_authz/small/datasets/d-1/to/CN?page=1;x=2", 400),
        (b"/ext_authz/small/datasets/d-1/to/CN?page=%", 400),
        (b"/ext_authz/small/datasets/d-1/to/CN?%70age=1", 400),
        (b"/ext_authz/small/datasets/d-1/to/cn", 400),  # no country
        (b"/ext_authz/small/datasets/d-1/to/CN%20", 400),
        (b"/ext_authz/small/datasets/d-1%2Fto%2FUS/to/CN", 400),
        (b"/ext_authz/small/datasets/" + b"d" * 257 + b"/to/CN", 400),
        (b"/ext_authz/small/" + b"a/" * 1000, 400),
        (b"/ext_authz/small/" + b"a" * 70_000, 400),
        (b"/ext_authz/small/people?people=5+0", 400),
        (b"/ext_authz/small/people?people=-1", 400),
        (b"/ext_authz/small/people?people=1e3", 400),
        (b"/ext_authz/" + b"n" * 5000 + b"/health", 404),
    ],
)  # fmt: skip
def test_an_address_with_a_fault_is_denied(listening: Server, target: bytes, status: int) -> None:
    """Whatever another program would make of it."""
    found, answer = sent(listening, target, HOST, FEW)
    assert found == status, answer
    assert b"Traceback" not in answer
    assert listening.events("internal") == []


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ((FEW, FEW), 400),
        ((FEW, b"X-People: 10000"), 400),
        ((FEW, b"x_people: 10000"), 400),  # some programs take both for one
        ((b"x_people: 5",), 400),
        ((b"x-people: 5,5",), 400),
        ((b"x-people: 5, 10000",), 400),
        ((b"x-people:",), 400),
        ((b"x-people: \xd9\xa5",), 400),
        ((b"x-people: 5\x00",), 400),
        ((b"x-people: 5\x01",), 400),
        ((b"x-people: five",), 400),
        ((b"x-people: -5",), 400),
        ((b"x-people: 5.0",), 400),
        ((b"x-people: " + b"5" * 257,), 400),
        ((b"x-people: " + b"9" * 40,), 400),
        ((b"x-people: 5\r\n 0",), 400),  # a value on two lines
        ((b"x-people : 5",), 400),
        ((b"x-people: 10000",), 403),
        ((FEW, b"x-http-method-override: DELETE"), 400),
        ((FEW, b"x-method-override: GET"), 400),
        ((FEW, b"X-Original-URL: /health"), 400),
        ((FEW, b"x_rewrite_url: /health"), 400),
        ((FEW, b"connection: upgrade", b"upgrade: websocket"), 400),
        ((FEW, b"host: other.example"), 400),
        ((FEW, b"authorization: Bearer ff_none"), 401),
        ((FEW, b"authorization: Basic eDp5"), 401),
        ((FEW, b"cookie: __Host-fifthfactor-session=x", b"authorization: Bearer x"), 401),
        ((FEW, b"content-length: 5", b"content-length: 6"), 400),
        ((FEW, b"content-length: 5", b"transfer-encoding: chunked"), 400),
    ],
)  # fmt: skip
def test_a_header_with_a_fault_is_denied(listening: Server, headers: tuple[bytes, ...], status: int) -> None:
    """A header that came twice, in whichever way it came, and a value that states nothing."""
    found, answer = sent(listening, GOOD, HOST, *headers)
    assert found == status, answer
    assert listening.events("internal") == []


@pytest.mark.parametrize(
    ("method", "version", "status"),
    [
        (b"get", b"HTTP/1.1", 400),
        (b"FOO", b"HTTP/1.1", 400),
        (b"CONNECT", b"HTTP/1.1", 403),
        (b"TRACE", b"HTTP/1.1", 403),
        (b"DELETE", b"HTTP/1.1", 403),
        (b"HEAD", b"HTTP/1.1", 403),
        (b"GET", b"HTTP/3.0", 400),
    ],
)
def test_a_method_that_is_not_listed_is_denied(listening: Server, method: bytes, version: bytes, status: int) -> None:
    """Also one that the server does not know."""
    found, answer = sent(listening, GOOD, HOST, FEW, method=method, version=version)
    assert found == status, answer
