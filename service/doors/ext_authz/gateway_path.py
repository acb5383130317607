"""
The path and the query of a request that a gateway asks about: the bytes as the client sent them in, their one meaning out.

The service and what stands behind the gateway must read one address as the same thing. So whatever two programs may read in two ways is
refused: a step that is empty or goes up, an encoded slash, what is encoded twice or without need, a plus sign that may be a space, a
parameter of a path, a parameter of the query that comes twice. Source: RFC 3986, sections 2.4, 3.3 and 6.2.2.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn
from urllib.parse import unquote_to_bytes

from service.languages.visible_text import is_plain
from service.problems import ProblemPlace, RequestRefused

MOST_BYTES = 4096  # of a path with its query
MOST_STEPS = 64
MOST_OF_A_STEP = 256  # characters, as many as in a fact
MOST_PARAMETERS = 64
TWO_READINGS = "two-readings"

_STEP = re.compile(rb"(?:[A-Za-z0-9._~!$&'()*,=:@-]|%[0-9A-Fa-f]{2})*")
_NAME = re.compile(rb"[A-Za-z0-9._~-]{1,64}")
_VALUE = re.compile(rb"(?:[A-Za-z0-9._~!$&'()*+,=:@/?-]|%[0-9A-Fa-f]{2})*")
_ENCODED = re.compile(rb"%([0-9A-Fa-f]{2})")
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
# What another program may take for a part of the address, once it has decoded a step.
_PARTS = frozenset(b"/\\%;?#")


@dataclass(frozen=True, slots=True)
class GatewayTarget:
    """The path, decoded, of which no step holds a slash; and the parameters of the query by name, with their values as they were sent."""

    path: str
    query: Mapping[str, bytes]


def read_target(path: bytes, query: bytes) -> GatewayTarget:
    """The meaning of a path and a query. Raises RequestRefused where they may have another."""
    if len(path) + len(query) > MOST_BYTES:
        refuse("/path", "too-large", f"a path and its query may have at most {MOST_BYTES} bytes")
    if not path.startswith(b"/"):
        refuse("/path", TWO_READINGS, "a path begins with a slash")
    steps = path[1:].split(b"/") if path != b"/" else []
    if len(steps) > MOST_STEPS:
        refuse("/path", "too-large", f"a path may have at most {MOST_STEPS} steps")
    return GatewayTarget("/" + "/".join(_step(each) for each in steps), _parameters(query))


def parameter_value(sent: bytes, pointer: str) -> str:
    """The text that the value of a parameter stands for. Raises RequestRefused where it may stand for another."""
    if b"+" in sent:
        refuse(pointer, TWO_READINGS, "a plus sign may stand for a space; write `%2B` or `%20`")
    return _decoded(sent, pointer, "a value")


def refuse(pointer: str, code: str, detail: str) -> NoReturn:
    """Raises RequestRefused: there is no answer to the gateway, which denies the request then."""
    raise RequestRefused("bad-request", detail, errors=(ProblemPlace(pointer=pointer, code=code, detail=detail),))


def _step(sent: bytes) -> str:
    if not sent:
        refuse("/path", TWO_READINGS, "the path has an empty step: two slashes, or one at the end")
    if not _STEP.fullmatch(sent):
        detail = "a step of the path has a character that is not written so: use letters, digits, `-._~!$&'()*,=:@` and `%XX`"
        refuse("/path", TWO_READINGS, detail)
    for byte in (int(each, 16) for each in _ENCODED.findall(sent)):
        if byte in _UNRESERVED:
            refuse("/path", TWO_READINGS, f"`%{byte:02X}` in the path needs no encoding; write `{chr(byte)}`")
        if byte in _PARTS:
            refuse("/path", TWO_READINGS, f"`%{byte:02X}` in the path may be read as a part of the address")
    text = _decoded(sent, "/path", "a step of the path")
    if text in (".", "..") or not text.strip("."):
        refuse("/path", TWO_READINGS, f"the step `{text[:8]}` of the path stands for another path")
    if text != text.strip():
        refuse("/path", TWO_READINGS, "a step of the path begins or ends with a space")
    return text


def _decoded(sent: bytes, pointer: str, what: str) -> str:
    try:
        text = unquote_to_bytes(sent).decode("utf-8")
    except UnicodeDecodeError:
        refuse(pointer, TWO_READINGS, f"{what} is not UTF-8")
    if len(text) > MOST_OF_A_STEP:
        refuse(pointer, "too-large", f"{what} may have at most {MOST_OF_A_STEP} characters")
    if not is_plain(text) or "\n" in text or "\t" in text or not unicodedata.is_normalized("NFKC", text):
        refuse(
            pointer, TWO_READINGS, f"{what} has a control character, or one that is written in another way too (Unicode NFKC)"
        )
    return text


def _parameters(query: bytes) -> Mapping[str, bytes]:
    if not query:
        return {}
    pairs = query.split(b"&")
    if len(pairs) > MOST_PARAMETERS:
        refuse("/query", "too-large", f"a query may have at most {MOST_PARAMETERS} parameters")
    found: dict[str, bytes] = {}
    for pair in pairs:
        name, _, value = pair.partition(b"=")
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
            detail = "the query has a part that is not `name=value`: a name has letters, digits and `-._~`, a value no `;`"
            refuse("/query", TWO_READINGS, detail)
        if (key := name.decode("ascii")) in found:
            refuse("/query", TWO_READINGS, f"the parameter `{key}` comes twice")
        found[key] = value
    return found
