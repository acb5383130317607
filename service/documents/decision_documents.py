"""
The documents of one decision, as they are shown: what the exchange presents, the bytes that are attached, what was confirmed and signed.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa
from pydantic import BaseModel, Field

import engine
from service.callers.context import Context, ReadingAll
from service.documents import attachments, confirmations, document_signatures
from service.documents.attachments import AttachedDocument
from service.documents.confirmations import Confirmation
from service.documents.document_signatures import DocumentSignature
from service.documents.shown_documents import shown_on
from service.documents.signed_statements import Verifier
from service.documents.stated_documents import RecordedDocument, StatedDocument, documents_of, documents_with_hash
from service.log.leaf import with_personal_values
from service.log.store import Stored, record_of
from service.problems import RequestRefused


class DecisionDocument(BaseModel, frozen=True):
    """A document or claim that the exchange of a decision presents."""

    name: str = Field(description="`evidence.KIND` or `claims.KIND`")
    sha256: str | None = Field(description="the hash that the exchange states for it; null if it states none that is a SHA-256")
    terms: dict[str, Any] = Field(description="what the exchange states of it")
    attached: AttachedDocument | None = Field(description="the bytes that are attached; null if there are none")
    shown_until: date | None = Field(
        description="until when a confirmation or a signature stands that is bound to this; null if none stands today"
    )
    confirmations: tuple[Confirmation, ...] = Field(
        description="what was confirmed and withdrawn of it for this decision, in order"
    )
    signatures: tuple[DocumentSignature, ...] = Field(
        description="the signed statements that were attached to it for this decision, in order"
    )


def page(
    context: ReadingAll, id: str, verifier: Verifier, after: str | None, limit: int, connection: sa.Connection
) -> tuple[Sequence[DecisionDocument], str | None]:
    """At most `limit` documents of a decision, after a name; and the name to go on after, None at the end. Raises RequestRefused."""
    every = of_decision(connection, context.live.bundle, record_of(connection, id), context.today, verifier)
    found = [each for each in every if after is None or each.name > after]
    return found[:limit], found[limit - 1].name if len(found) > limit else None


def recorded(context: Context, id: str, name: str, connection: sa.Connection) -> RecordedDocument:
    """A document with a hash of a decision. Raises RequestRefused if there is no such decision, or its exchange states none such."""
    stored = record_of(connection, id)
    return RecordedDocument(id, stored.sequence, asked_by(stored), stated_in(context.live.bundle, stored, name))


def of_decision(
    connection: sa.Connection, bundle: engine.Bundle, stored: Stored, today: date, verifier: Verifier
) -> tuple[DecisionDocument, ...]:
    """The documents of a decision, in the order of their names."""
    request = with_personal_values(stored.entry.leaf, stored.entry.openings).get("request", {})
    hashed = documents_with_hash(bundle, request)
    attached = attachments.of_decision(connection, stored.entry.id)
    shown = shown_on(connection, hashed.values(), today, None, verifier)
    given: dict[str, list[Confirmation]] = {}
    for each in confirmations.confirmations_of(connection, stored.entry.id):
        given.setdefault(each.name, []).append(each)
    signed: dict[str, list[DocumentSignature]] = {}
    for signature in document_signatures.signatures_of(connection, stored.entry.id, verifier, today):
        signed.setdefault(signature.name, []).append(signature)
    return tuple(
        DecisionDocument(
            name=name,
            sha256=hashed[name].sha256 if name in hashed else None,
            terms=dict(terms),
            attached=attached[name].shown if name in attached else None,
            shown_until=shown[name].until if name in shown else None,
            confirmations=tuple(given.get(name, ())),
            signatures=tuple(signed.get(name, ())),
        )
        for name, terms in sorted(documents_of(request).items())
    )


def stated_in(bundle: engine.Bundle, stored: Stored, name: str) -> StatedDocument:
    """A document with a hash of the exchange of a decision, by its name. Raises RequestRefused if the exchange states none such."""
    record: Mapping[str, Any] = with_personal_values(stored.entry.leaf, stored.entry.openings)
    found = documents_with_hash(bundle, record.get("request", {}))
    if name in found:
        return found[name]
    known = documents_of(record.get("request", {}))
    if name in known:
        raise attachments.not_attachable(
            f"the exchange states no SHA-256 for `{name[:120]}`: evaluate it again with the `hash` of the document"
        )
    raise RequestRefused("not-found", f"the exchange of this decision presents no `{name[:120]}`")


def asked_by(stored: Stored) -> str | None:
    """Who asked for a decision, as its record names the caller; None if it names nobody."""
    found: str | None = with_personal_values(stored.entry.leaf, stored.entry.openings).get("asked_by")
    return found
