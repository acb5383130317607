"""
A mapping as a gateway's door needs it: which operation a method and a path are, and which headers and parameters are read.

An operation that the mapping does not name is a denial: it is not known whether data move.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import engine
from service.doors.ext_authz.gateway_request import HEADERS, GatewayRequest


@dataclass(frozen=True, slots=True)
class GatewayMapping:
    """One mapping. `patterns` are its operations, in the order in which they are tried; `headers` are those that it reads."""

    mapping: engine.RequestMapping
    patterns: tuple[engine.OperationPattern, ...]
    headers: frozenset[str]

    @classmethod
    def of(cls, mapping: engine.RequestMapping) -> Self:
        """A mapping, made ready."""
        text = mapping.text
        patterns = sorted(map(engine.pattern, text.operations), key=lambda each: each.order)
        places = {place for reading in _readings(text) for _, place in engine.places_of(reading)}
        headers = frozenset(place.removeprefix(HEADERS) for place in places if place.startswith(HEADERS))
        return cls(mapping, tuple(patterns), headers)

    def query(self, asked: GatewayRequest) -> tuple[str, ...] | None:
        """The parameters of the query that the operation takes; None where the mapping names no such operation."""
        words = (asked.method, asked.target.path)
        found = next((each for each in self.patterns if each.match(words) is not None), None)
        return None if found is None else tuple(self.mapping.text.operations[found.name].query)


def _readings(text: engine.RequestMappingText) -> Iterator[engine.RequestReadingText]:
    yield text
    for operation in text.operations.values():
        if operation.decided is not None:
            yield operation.decided
