"""
The documents of a draft: those that a person may have go out to be ticked, what she ticks or uploads comes back into the exchange.

Offered are the documents and claims that are stated already, those that ways and remedies need, and those that are asked for next. A file
that is uploaded is kept as bytes, and its hash, which the service computes, is stated in the exchange; recording the decision attaches it.
"""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Any

import sqlalchemy as sa

import engine
from service.documents import attachments, document_bytes
from service.documents.stated_documents import GROUPS, documents_of, documents_with_hash
from service.drafts.answers import with_fact, without_fact
from service.problems import RequestRefused

MOST_OFFERED = 40
PREFIXES = tuple(f"{group}." for group in GROUPS)


def documents_to_tick(answer: Mapping[str, Any], document: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """
    The documents and claims that may be ticked, by name, each with what a way says of it, if one needs it.

    Those that are stated come first, then those that lack least to what is unmet, then those that are asked for next.
    """
    explained = answer.get("explanation") or {}
    needs = [need for part in (answer.get("unmet"), explained.get("ways"), explained.get("remedies")) for need in _needs(part)]
    found: dict[str, Mapping[str, Any]] = {name: {} for name in documents_of(document)}
    for need in needs:
        name = ".".join(need["fact"].split(".")[:2])
        if name.startswith(PREFIXES) and not found.get(name):
            found[name] = need
    for name in (fact for each in answer.get("questions") or () for fact in (each["fact"], *each.get("facts", ()))):
        if name.startswith(PREFIXES):
            found.setdefault(".".join(name.split(".")[:2]), {})
    return dict(islice(found.items(), MOST_OFFERED))


def ticked(
    document: Mapping[str, Any], names: Collection[str], chosen: Collection[str], days: Mapping[str, str]
) -> dict[str, Any]:
    """
    The exchange with those documents that are chosen, each of its day, and without those of `names` that are not.

    What is stated of a document beside its day stays. Raises RequestRefused where a day is left out.
    """
    told = documents_of(document)
    changed = dict(document)
    for name in names:
        if name not in chosen:
            changed = without_fact(changed, name) if name in told else changed
            continue
        if not days.get(name):
            raise RequestRefused("bad-request", f"`{name}`: give the day of the document")
        changed = with_fact(changed, name, {"covers": True, **told.get(name, {}), "dated": days[name]})
    return changed


def with_file(document: Mapping[str, Any], name: str, sha256: str) -> dict[str, Any]:
    """The exchange with the hash of a file stated for a document that it presents. Raises RequestRefused."""
    told = documents_of(document).get(name)
    if told is None:
        raise RequestRefused("bad-request", "tick the document and give its day first; then upload its file")
    return with_fact(document, name, {**told, "hash": sha256})


def attach(
    transaction: sa.Connection, bundle: engine.Bundle, decision: str, document: Mapping[str, Any], now: datetime, by: str
) -> None:
    """Attach to a decision the files of its documents that are kept, in the transaction that records it."""
    for each in documents_with_hash(bundle, document).values():
        if document_bytes.is_kept(transaction, each.sha256):
            attachments.attach_stated(transaction, decision, each, each.sha256, now, by)


def _needs(part: Any) -> Iterator[Mapping[str, Any]]:
    """The needs of the ways in a part of an answer, in order."""
    if isinstance(part, Mapping):
        if isinstance(part.get("fact"), str):
            yield part
        for each in part.values():
            yield from _needs(each)
    elif isinstance(part, list):
        for each in part:
            yield from _needs(each)
