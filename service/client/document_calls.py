"""The calls about documents that both clients share: for each the request, and the reading of its answer."""

from datetime import date
from hashlib import sha256
from typing import Any

from .attempts import BYTES, Call, Came
from .calls import as_json, part
from .documents import AttachedDocument, DecisionDocument, DocumentConfirmation, DocumentSignature, KeptDocument
from .errors import Malformed
from .pages import Pages
from .shapes import read as shaped


def keep(content: bytes) -> Call[KeptDocument]:
    """Keep the bytes of a document."""

    def read(came: Came) -> KeptDocument:
        found = shaped(KeptDocument, came.document())
        if (found.sha256, found.size) != (sha256(content).hexdigest(), len(content)):
            raise Malformed("the answer is about other bytes than those that were sent")
        return found

    return Call("POST", "/v1/documents", read, content, sends=BYTES)


def content_of(hash: str) -> Call[bytes]:
    """Read the bytes with a hash."""

    def read(came: Came) -> bytes:
        if sha256(came.body).hexdigest() != hash:
            raise Malformed("the answer has other bytes than those of this hash")
        return came.body

    return Call("GET", f"/v1/documents/{part(hash)}", read, takes=BYTES)


def documents(decision: str) -> Pages[DecisionDocument]:
    """Read every page of the documents of a decision."""
    return Pages(f"/v1/decisions/{part(decision)}/documents", "documents", DecisionDocument)


def attach(decision: str, name: str, hash: str) -> Call[AttachedDocument]:
    """Attach bytes that are kept to a document of a decision."""

    def read(came: Came) -> AttachedDocument:
        found = shaped(AttachedDocument, came.document())
        if (found.name, found.sha256) != (name, hash):
            raise Malformed("the answer is about another document")
        return found

    return Call("POST", f"/v1/decisions/{part(decision)}/documents", read, as_json({"name": name, "sha256": hash}))


def confirm(decision: str, name: str, hash: str, reason: str, until: date) -> Call[DocumentConfirmation]:
    """Confirm a document of a decision."""

    def read(came: Came) -> DocumentConfirmation:
        found = shaped(DocumentConfirmation, came.document())
        if (found.decision, found.name, found.verdict, found.until) != (decision, name, "confirm", until):
            raise Malformed("the answer is another confirmation than the one that was sent")
        return found

    body: dict[str, Any] = {"sha256": hash, "reason": reason, "until": until.isoformat()}
    return Call("POST", _of(decision, name, "confirm"), read, as_json(body))


def withdraw(decision: str, name: str, reason: str) -> Call[DocumentConfirmation]:
    """Withdraw what was confirmed and signed of a document."""

    def read(came: Came) -> DocumentConfirmation:
        found = shaped(DocumentConfirmation, came.document())
        if (found.name, found.verdict) != (name, "withdraw"):  # it may be for another decision that states the same
            raise Malformed("the answer is not the withdrawal that was sent")
        return found

    return Call("POST", _of(decision, name, "withdraw"), read, as_json({"reason": reason}))


def sign(decision: str, name: str, envelope: bytes) -> Call[DocumentSignature]:
    """Attach a signed statement to a document of a decision."""

    def read(came: Came) -> DocumentSignature:
        found = shaped(DocumentSignature, came.document())
        if (found.decision, found.name) != (decision, name) or not found.signers:
            raise Malformed("the answer is about another document, or names no signer")
        return found

    return Call("POST", _of(decision, name, "signature"), read, envelope)


def _of(decision: str, name: str, do: str) -> str:
    return f"/v1/decisions/{part(decision)}/documents/{part(name)}/{do}"
