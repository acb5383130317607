"""
A request that a gateway asks about, as the gateway sends it on: the head of the call in, what a mapping may read of it out.

A mapping reads one document: `{"method": …, "path": …, "query": {…}, "headers": {…}}`. Only the headers that it names are in it, each once.
Both Envoy and nginx send a header that came twice as one, with a comma: so a comma is refused, whatever it was meant to be.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.types import Scope

from service.callers.entrance import GATEWAYS
from service.doors.ext_authz.gateway_path import TWO_READINGS, GatewayTarget, parameter_value, read_target, refuse

MOST_OF_A_HEADER = 256  # characters, as many as in a fact
HEADERS, QUERY = "/headers/", "/query/"  # what the places of a mapping begin with

# With one of these some programs do something else than the method and the path say, or something after it.
_OTHER_OPERATION = frozenset(
    ("x-http-method-override", "x-http-method", "x-method-override", "x-original-url", "x-rewrite-url", "upgrade")
)
_ADDRESS = GATEWAYS.encode("ascii")
_PLAIN = re.compile(rb"[\x20-\x7e]+")


@dataclass(frozen=True, slots=True)
class GatewayRequest:
    """The request of the gateway's client: its method, its path and query, and every header that came with the call."""

    method: str
    target: GatewayTarget
    headers: Iterable[tuple[bytes, bytes]]

    def document(self, headers: Collection[str], query: Collection[str]) -> dict[str, Any]:
        """What a mapping reads that names these headers and values of these parameters. Raises RequestRefused."""
        parameters = {
            name: parameter_value(value, f"/query/{name}") for name, value in self.target.query.items() if name in query
        }
        return {
            "method": self.method,
            "path": self.target.path,
            "query": parameters,
            "headers": _listed(self.headers, headers),
        }


def address_of(scope: Scope) -> tuple[str, bytes]:
    """The name of the mapping and the path behind it, as the bytes that were sent. Raises RequestRefused."""
    raw: bytes = scope["raw_path"]
    if not raw.startswith(_ADDRESS):
        refuse("/path", TWO_READINGS, f"write `{GATEWAYS}` as it stands here")
    name, slash, rest = raw.removeprefix(_ADDRESS).partition(b"/")
    return name.decode("latin-1"), slash + rest


def read_request(scope: Scope, path: bytes) -> GatewayRequest:
    """The client's request: `path` is what the gateway sent behind the name of the mapping. Raises RequestRefused."""
    return GatewayRequest(scope["method"], read_target(path, scope["query_string"]), scope["headers"])


def _listed(sent: Iterable[tuple[bytes, bytes]], names: Collection[str]) -> Mapping[str, str]:
    """The headers of these names. Raises RequestRefused where one has no single plain value."""
    found: dict[str, str] = {}
    for key, value in sent:
        written = key.decode("latin-1").lower()
        name, value = written.replace("_", "-"), value.strip(b" \t")
        at = HEADERS + name
        if name in _OTHER_OPERATION:
            refuse(at, TWO_READINGS, f"with the header `{name}` the request may be another than its method and path say")
        if name not in names:
            continue
        if name != written:  # some programs take one for the other
            refuse(at, TWO_READINGS, f"the header `{written}` may be read as `{name}`")
        if name in found:
            refuse(at, "sent-twice", f"the header `{name}` comes twice")
        if b"," in value:
            refuse(at, "sent-twice", f"the header `{name}` has a comma, which stands between two values")
        if not _PLAIN.fullmatch(value):
            refuse(at, TWO_READINGS, f"the header `{name}` must have plain characters, and have some")
        if len(value) > MOST_OF_A_HEADER:
            refuse(at, "too-large", f"the header `{name}` may have at most {MOST_OF_A_HEADER} characters")
        found[name] = value.decode("ascii")
    return found
