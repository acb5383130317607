"""
The documents that an exchange states with a hash: the JSON of an exchange goes in, their hashes and what they are bound to come out.

A document is stated by the sender, or by the register for an entity that the exchange names; the sender's counts (semantics 1.8).

A confirmation or a signature is bound to the hash, to the name under which the document is stated, to its terms as they are stated
(dates, what it covers, who attested it), and to both parties. If the exchange does not name both by id, a confirmation is bound to all
facts instead, as a sign-off is, and nothing can be signed. So a document that was confirmed for one recipient says nothing of another.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import engine

GROUPS = ("evidence", "claims")

_HASH = re.compile(r"(?:sha-?256:)?([0-9a-f]{64})", re.IGNORECASE)
_DOMAIN = "fifthfactor/shown/1"
_PARTIES = ("exporter", "recipient")
_OF_A_PARTY = ("id", "country")


@dataclass(frozen=True)
class StatedDocument:
    """
    A document that an exchange states with a hash.

    `name` is `evidence.KIND` or `claims.KIND`, `sha256` the hash of its bytes in hexadecimal digits, `terms` are all its fields as JSON.
    """

    name: str
    sha256: str
    terms: Mapping[str, Any]
    bundle: engine.Bundle
    exchange: Mapping[str, Any]

    @cached_property
    def binding(self) -> str:
        """What a confirmation of the document is bound to, as a hexadecimal SHA-256."""
        both = parties(self.exchange)
        scope: Any = both if all(each["id"] for each in both) else engine.facts_digest(self.bundle, self.exchange)
        return bound(self.name, self.sha256, self.terms, scope)


@dataclass(frozen=True, slots=True)
class RecordedDocument:
    """A document with a hash that the exchange of a recorded decision states. `asked_by` is the caller, None if the record names nobody."""

    decision: str
    sequence: int
    asked_by: str | None
    stated: StatedDocument


def bound(name: str, sha256: str, terms: Mapping[str, Any], scope: Any) -> str:
    """
    The digest of what a confirmation or a signature is bound to, in hexadecimal digits.

    `scope` are both parties, each with its id and its country, or else a digest of all facts.
    """
    told = [_DOMAIN, name, {**terms, "hash": sha256}, scope]
    return hashlib.sha256(json.dumps(told, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def parties(exchange: Mapping[str, Any]) -> list[dict[str, str | None]]:
    """The exporter and the recipient of an exchange, each with its id and its country as they are stated."""
    return [_party(exchange, role) for role in _PARTIES]


def documents_with_hash(bundle: engine.Bundle, exchange: Mapping[str, Any]) -> dict[str, StatedDocument]:
    """The documents with a hash in an exchange, by name; `exchange` is its JSON object, with what the register says."""
    found: dict[str, StatedDocument] = {}
    for name, terms in _presented(exchange):
        if name not in found and (sha256 := sha256_of(terms.get("hash"))) is not None:
            found[name] = StatedDocument(name, sha256, terms, bundle, exchange)
    return found


def documents_of(exchange: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Every document that an exchange presents, with a hash or without, by name; each with its fields."""
    found: dict[str, Mapping[str, Any]] = {}
    for name, terms in _presented(exchange):
        found.setdefault(name, terms)
    return found


def states_a_hash(exchange: Mapping[str, Any]) -> bool:
    """Whether an exchange states a document with a hash. Every decision asks it."""
    if engine.REGISTER not in exchange and all(_plainly_without_hash(exchange.get(group)) for group in GROUPS):
        return False
    return any(sha256_of(terms.get("hash")) is not None for _, terms in _presented(exchange))


def _plainly_without_hash(documents: object) -> bool:
    """Whether a quick look shows that documents have no hash. Where it does not, each of them is looked at."""
    if type(documents) is not dict:
        return documents is None
    return all(type(terms) is str or (type(terms) is dict and "hash" not in terms) for terms in documents.values())


def sha256_of(text: Any) -> str | None:
    """The SHA-256 that a text states, in lower case; None if it is none. It may stand after `sha256:`."""
    found = _HASH.fullmatch(text) if isinstance(text, str) else None
    return None if found is None else found[1].lower()


def _presented(exchange: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Those of the sender first, then those of the register where the sender says nothing of them."""
    told = set()
    for group in GROUPS:
        own = exchange.get(group)
        for kind, terms in own.items() if isinstance(own, Mapping) else ():
            if terms != "unknown":
                told.add(f"{group}.{kind}")
            if isinstance(terms, Mapping):
                yield f"{group}.{kind}", terms
    register = exchange.get(engine.REGISTER)
    for entity in register.values() if isinstance(register, Mapping) else ():
        states = entity.get("states") if isinstance(entity, Mapping) else None
        of_groups = {group: states.get(group) for group in GROUPS} if isinstance(states, Mapping) else {}
        for group, of_group in of_groups.items():
            for kind, terms in of_group.items() if isinstance(of_group, Mapping) else ():
                if f"{group}.{kind}" not in told and isinstance(terms, Mapping):
                    yield f"{group}.{kind}", terms


def _party(exchange: Mapping[str, Any], role: str) -> dict[str, str | None]:
    """The id and the country of a party as the sender states them; None where a text is not stated."""
    party = exchange.get(role)
    told = party if isinstance(party, Mapping) else {}
    found = {name: told.get(name) for name in _OF_A_PARTY}
    return {name: value if isinstance(value, str) and value != "unknown" else None for name, value in found.items()}
