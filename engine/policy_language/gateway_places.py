"""
What a mapping for a gateway (`door: ext_authz`) may read: the method, the path, listed parameters of the query and headers.

A gateway sends its own key in `authorization`, and its client's cookies and keys are nobody's facts: a mapping that names such a header is
a finding, since the record of a decision would keep it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.policy_language.diagnostic import Findings
from engine.policy_language.mapping_text import RequestMappingText
from engine.policy_language.request_operations import operation_places, path_name, pattern, places_of
from engine.policy_language.tree import Node, locate

Steps = tuple[str | int, ...]

METHOD_AND_PATH = ("/method", "/path")
GATEWAY_DOOR = "ext_authz"
_HEADER = re.compile(r"/headers/([a-z0-9][a-z0-9-]{0,63})")
_QUERY = re.compile(r"/query/([A-Za-z0-9._-]{1,64})")
_PARAMETER = re.compile(r"[A-Za-z0-9._-]{1,64}")
_METHOD = re.compile(r"[A-Z]+(?:-[A-Z]+)*")
# Headers that hold what proves who somebody is, and the one in which the gateway tells the decision.
_SECRET = frozenset(("authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key"))
_OURS = "x-fifthfactor-decision"


def check_gateway_places(text: RequestMappingText, node: Node, findings: Findings) -> None:
    """Check a mapping for a gateway, and that no other lists parameters of a query."""
    if text.door != GATEWAY_DOOR:
        for name, operation in text.operations.items():
            if operation.query:
                at = locate(node, ("operations", name, "query"))[0].span
                said = "only a gateway sends a query (`door: ext_authz`)"
                findings.error(at, "no-effect", said, help="leave `query` out")
        return
    if operation_places(text) != METHOD_AND_PATH:
        at = locate(node, ("operation",))[0].span
        said = "a gateway asks for operations by the method and the path"
        findings.error(at, "bad-value", said, help="write `operation: [/method, /path]`")
        return
    for where, place, key in _places(text):
        if problem := _problem(text, where, place):
            found, span = locate(node, where)
            help = "a gateway's request has `path.NAME`, `/headers/NAME` in small letters, and `/query/NAME`"
            findings.error(span if key else found.span, "bad-value", f"`{place}` {problem}", help=help)
    for name, operation in text.operations.items():
        words = pattern(name).words
        if not _METHOD.fullmatch(words[0]):
            at = locate(node, ("operations", name))[1]
            findings.error(at, "bad-value", f"`{words[0]}` is no method", help="write it in capitals, like `GET /reports`")
        if len(words) == 2 and not words[1].startswith("/"):
            at = locate(node, ("operations", name))[1]
            findings.error(at, "bad-value", f"`{words[1]}` is no path", help="a path begins with a slash")
        for number, each in enumerate(operation.query):
            if not _PARAMETER.fullmatch(each):
                at = locate(node, ("operations", name, "query", number))[0].span
                help = "a name has letters, digits and `-._`"
                findings.error(at, "bad-value", f"`{each}` is no name of a parameter", help=help)


def _places(text: RequestMappingText) -> Iterator[tuple[Steps, str, bool]]:
    """Each place that is read, with the path in the document to where it is written, and whether it is a key there."""
    for path, place in places_of(text):
        yield path, place, path[0] == "facts"
    for name, operation in text.operations.items():
        if operation.decided is not None:
            for path, place in places_of(operation.decided):
                yield ("operations", name, "decided", *path), place, path[0] == "facts"


def _problem(text: RequestMappingText, where: Steps, place: str) -> str:
    """What is wrong with a place; empty if nothing is."""
    if path_name(place) or place in METHOD_AND_PATH:
        return ""
    if header := _HEADER.fullmatch(place):
        if header[1] in _SECRET:
            return "proves who somebody is, and a record would keep it"
        return "is the service's own answer" if header[1] == _OURS else ""
    if parameter := _QUERY.fullmatch(place):
        operations = [text.operations[str(where[1])]] if where[0] == "operations" else list(text.operations.values())
        listed = any(parameter[1] in each.query for each in operations)
        return "" if listed else f"is no parameter that the operation takes: list `{parameter[1]}` under its `query`"
    return "is no part of a gateway's request"
