"""A path has one meaning, or the gateway gets no permit."""

import pytest

from service.doors.ext_authz.gateway_path import GatewayTarget, parameter_value, read_target
from service.problems import RequestRefused


def code(path: bytes, query: bytes = b"") -> str:
    """The code of the refusal of an address."""
    with pytest.raises(RequestRefused) as refused:
        read_target(path, query)
    assert refused.value.kind == "bad-request"
    assert refused.value.errors
    return refused.value.errors[0].code


@pytest.mark.parametrize(
    ("sent", "path"),
    [
        (b"/", "/"),
        (b"/datasets/visits-2", "/datasets/visits-2"),
        (b"/parties/did:web:lab.example", "/parties/did:web:lab.example"),
        (b"/parties/did%3Aweb%3Alab.example", "/parties/did:web:lab.example"),
        (b"/a%20b/%E5%8C%BB%E9%99%A2", "/a b/医院"),
        (b"/a%2Bb/c,d=e@f", "/a+b/c,d=e@f"),
        (b"/%7Bcontacts%7D", "/{contacts}"),
    ],
)
def test_an_address_is_read_as_what_it_says(sent: bytes, path: str) -> None:
    """Letters stay, and what must be encoded is decoded once."""
    assert read_target(sent, b"") == GatewayTarget(path, {})


@pytest.mark.parametrize(
    "sent",
    [
        b"",  # nothing
        b"*",  # a request for no resource
        b"a/b",
        b"//a/b",  # an empty step, which many programs leave out
        b"/a//b",
        b"/a/b/",  # the same address as without it, or another
        b"/a/./b",
        b"/a/../b",
        b"/../b",
        b"/a/.../b",  # a parent of a parent, for some file systems
        b"/a/%2e%2e/b",
        b"/a/%2E./b",
        b"/a/.%2e/b",
        b"/a/%252e%252e/b",  # encoded twice
        b"/a%2Fb",  # a slash that is one or is none
        b"/a%2fb",
        b"/a%5Cb",
        b"/a\\b",
        b"/a%3Bx=1/b",
        b"/a;x=1/b",  # a parameter of a step, which some programs leave out
        b"/a%3Fb",
        b"/a%23b",
        b"/a%00b",
        b"/a%0d%0ab",
        b"/a%0Ab",
        b"/a%7Fb",
        b"/a%zz",
        b"/a%",
        b"/a%4",
        b"/%61bc",  # what needs no encoding
        b"/a+b",  # a plus sign or a space
        b"/a%FFb",  # not UTF-8
        b"/a%C0%AFb",  # a slash in a longer form than UTF-8 allows
        b"/a%ED%A0%80b",  # half of a character
        b"/e%CC%81",  # é in two characters
        b"/%E2%85%BCab-5",  # a Roman numeral for the letter l: as an id it is `lab-5`, and to another program it is not
        b"/a%E2%80%AEb",  # turns the direction of writing
        b"/%20a",  # a space that may be cut off
        b"/a b",
        b"/a\tb",
        b"/\xe5\x8c\xbb",
        b"/a<b",
        b'/a"b',
        b"/a[b]",
        b"/a|b",
        b"/a^b",
    ],
)
def test_an_address_that_may_mean_something_else_is_refused(sent: bytes) -> None:
    """Each of these is read in two ways by programs that are in use."""
    assert code(sent) == "two-readings"


@pytest.mark.parametrize("sent", [b"/" + b"a" * 257, b"/a" * 65, b"/a?" + b"b" * 4096, b"/" + b"%20a" * 1500])
def test_an_address_has_a_bound(sent: bytes) -> None:
    """A step, their number and the whole are bounded before they are decoded."""
    path, _, query = sent.partition(b"?")
    assert code(path, query) == "too-large"


def test_a_query_is_read_by_name() -> None:
    """A parameter may have no value; a value stays as it was sent until somebody reads it."""
    assert read_target(b"/a", b"page=2&all&q=a%20b%2Fc").query == {"page": b"2", "all": b"", "q": b"a%20b%2Fc"}
    assert parameter_value(b"a%20b%2Fc", "/query/q") == "a b/c"


@pytest.mark.parametrize(
    "query",
    [b"a=1&a=2", b"a=1;b=2", b"=1", b"&", b"a=1&", b"%61=1", b"a[]=1", b"a=%zz", b"a=1#b", b"a=\xff", b"a b=1", b"a=b\\c"],
)
def test_a_query_that_may_be_read_in_two_ways_is_refused(query: bytes) -> None:
    """A parameter that comes twice, another separator, and what is not encoded."""
    assert code(b"/a", query) == "two-readings"


@pytest.mark.parametrize("value", [b"a+b", b"%00", b"%FF", b"e%CC%81", b"%0A"])
def test_a_value_that_states_a_fact_has_one_meaning(value: bytes) -> None:
    """A plus sign may be a space."""
    with pytest.raises(RequestRefused):
        parameter_value(value, "/query/q")
