"""
The documents of a decision on a page: what the exchange presents, what is attached, what was confirmed and signed, and the forms for it.

`members` gives what the template `review_documents.html` needs; any page of a decision may include it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from service.callers.caller import Caller
from service.callers.caller_names import caller_names
from service.console.list_limits import short
from service.console.reader import PageReader, capital
from service.documents import confirmations
from service.documents.attachments import AttachedDocument
from service.documents.decision_documents import DecisionDocument, asked_by, of_decision
from service.documents.document_signatures import DocumentSignature
from service.documents.signed_statements import MOST_BYTES as MOST_OF_AN_ENVELOPE
from service.drafts import form_token
from service.languages.words import text_for
from service.log.store import Stored
from service.service import Service

MOST = 12  # documents on a page
MOST_SUMMED_UP = 6  # on the page of the decision
MOST_GIVEN = 6  # confirmations of a document, the last ones

_STATES = {"shown": "s-met", "attached": "chip-doubt", "stated": "", "no_hash": ""}  # each with the class of its chip


@dataclass(frozen=True, slots=True)
class SignatureLine:
    """A signed statement on a page: who signed and until when it counts, or why it does not, in words."""

    told: str
    of: DocumentSignature


@dataclass(frozen=True, slots=True)
class DocumentLine:
    """A document on a page: its title, its state in words with the class of the chip, its terms in words, and all that is known of it."""

    title: str
    state: str
    chip: str
    terms: str
    of: DecisionDocument
    given: Sequence[confirmations.Confirmation]
    size: str
    signatures: Sequence[SignatureLine] = ()


def first_documents(
    service: Service, connection: sa.Connection, stored: Stored, reader: PageReader
) -> tuple[list[DocumentLine], int]:
    """The first documents of a decision, for its own page, and how many there are in all."""
    found = _documents(service, connection, stored)
    return [_line(each, reader) for each in found[:MOST_SUMMED_UP]], len(found)


def members(
    service: Service, connection: sa.Connection, stored: Stored, caller: Caller, reader: PageReader, first: int = 0
) -> dict[str, Any]:
    """What the template `review_documents.html` needs for a caller: some documents of a decision, from the one numbered `first` on."""
    found = _documents(service, connection, stored)
    reader = replace(reader, callers=caller_names(connection, _named(found)))
    why: str | None = "scope"
    if "review" in caller.scopes:
        why = confirmations.why_not(connection, asked_by(stored), caller, service.settings.jwt_issuer or None)
    return {
        "words": reader.words.documents,
        "called": reader.caller,
        "decision_id": stored.entry.id,
        "document_lines": [_line(each, reader) for each in found[first:][:MOST]],
        "documents_total": len(found),
        "first": first,
        "most_documents": MOST,
        "most_bytes": _bytes(service.settings.document_limit),
        "form_token": form_token.token(service, caller.id),
        "signs": bool(service.verifier.signers) and bool({"evaluate", "review"} & caller.scopes),
        "most_of_envelope": _bytes(MOST_OF_AN_ENVELOPE),
        "attaches": bool({"evaluate", "review"} & caller.scopes),
        "withdraws": "review" in caller.scopes and caller.person is not None,
        "why_not": why,
        "today": service.today.isoformat(),
    }


def _named(found: Iterable[DecisionDocument]) -> Iterator[str]:
    """The callers who attached, confirmed or signed some documents."""
    for each in found:
        yield from (one.by for one in each.confirmations)
        yield from (one.by for one in each.signatures)
        if each.attached:
            yield each.attached.by


def _documents(service: Service, connection: sa.Connection, stored: Stored) -> tuple[DecisionDocument, ...]:
    """Those with a hash first: there is something to do about them."""
    found = of_decision(connection, service.live.bundle, stored, service.today, service.verifier)
    return tuple(sorted(found, key=lambda each: (each.sha256 is None, each.name)))


def _line(document: DecisionDocument, reader: PageReader) -> DocumentLine:
    words = reader.words.documents
    state = "stated" if document.sha256 else "no_hash"
    if document.attached:
        state = "attached"
    if document.shown_until:
        state = "shown"
    told = text_for(words, f"state_{state}").format(document.shown_until)
    terms = {name: value for name, value in document.terms.items() if name != "hash"}
    size = _bytes(document.attached.size) if document.attached else ""
    given = document.confirmations[-MOST_GIVEN:]
    title = capital(reader.title(document.name))
    return DocumentLine(
        title,
        told,
        _STATES[state],
        reader.told(document.name, _readable(terms, reader)),
        document,
        given,
        size,
        tuple(_signed(each, reader) for each in document.signatures[-MOST_GIVEN:]),
    )


def attachment_in_words(file: AttachedDocument, reader: PageReader) -> str:
    """What is attached, when and by whom."""
    words = reader.words.documents
    day = file.at.date().isoformat()
    return words["attached"].format(text_for(words, file.media_type), _bytes(file.size), day, short(reader.caller(file.by), 60))


def _signed(signature: DocumentSignature, reader: PageReader) -> SignatureLine:
    words = reader.words.documents
    if signature.why_not is None:
        who = words["comma"].join(short(each.name, 60) for each in signature.signers)
        return SignatureLine(words["signed_counts"].format(who, signature.counts_until), signature)
    last = max([each.until for each in signature.signers], default=signature.until)
    return SignatureLine(text_for(words, f"signed_{signature.why_not}").format(min(last, signature.until)), signature)


def _readable(terms: dict[str, Any], reader: PageReader) -> dict[str, Any]:
    """The terms without what was erased."""
    return {
        name: reader.words.pages["erased"] if isinstance(value, dict) and set(value) == {"commitment"} else value
        for name, value in terms.items()
    }


def _bytes(size: int) -> str:
    """A number of bytes in short."""
    if size < 1024:
        return f"{size} B"
    return f"{size / 1024:.0f} kB" if size < 1024 * 1024 else f"{size / (1024 * 1024):.1f} MB".replace(".0 ", " ")
