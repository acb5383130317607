"""
`POST /v1/documents`, `GET /v1/documents/{sha256}`, and the documents of a decision: attach bytes, confirm them, attach a signed statement
on them, withdraw either.

The bytes of a document come from others. They are sent out only as an attachment, with a type of the service's own and a policy that
lets a browser run nothing of them.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from fastapi import Response
from pydantic import BaseModel, Field

from service.api import paging
from service.api.operations import in_path, json_body
from service.api.request_bodies import body
from service.api.router import Call, Door, Router, written
from service.callers.context import Context, EvaluatingAll, ReadingAll, Reviewing
from service.decisions.idempotency import KeptAnswer
from service.documents import attachments, confirmations, decision_documents, document_bytes, document_signatures
from service.documents.attachments import AttachedDocument, AttachmentRequest
from service.documents.confirmations import Confirmation, ConfirmationRequest, ConfirmationWithdrawalRequest
from service.documents.decision_documents import DecisionDocument
from service.documents.document_bytes import ENDINGS, DocumentInfo, InspectedBytes
from service.documents.document_signatures import DocumentSignature
from service.documents.signed_statements import MOST_BYTES as MOST_OF_AN_ENVELOPE
from service.documents.signed_statements import MOST_SIGNATURES, PAYLOAD_TYPE
from service.documents.stated_documents import RecordedDocument
from service.log.durable_record import durable
from service.problems import Kind, RequestRefused
from service.telemetry.log_lines import note

MOST_BYTES = 32 * 1024  # in a body that is not a document
POLICY = "default-src 'none'; sandbox; frame-ancestors 'none'"

BYTES = "application/octet-stream"  # what a browser saves, whatever it is

_DOCUMENTS = paging.Listing[DecisionDocument]("documents of a decision", "documents", (str,), 1_000, 1_000)
_CONTENT: dict[str, Any] = {BYTES: {"schema": {"type": "string", "format": "binary"}}}
_ID = in_path("id", "the id of the decision")
_NAME = in_path(
    "name",
    "the name of the document in the exchange: `evidence.KIND` or `claims.KIND`",
    {"type": "string", "minLength": 1, "maxLength": 160},
)
_ATTACHING: tuple[Kind, ...] = ("not-found", "not-attachable")
_BASE64: dict[str, Any] = {"type": "string", "contentEncoding": "base64"}
_ENVELOPE: dict[str, Any] = {
    "title": "SignedDocumentStatement",
    "description": "a DSSE envelope around a statement on the document, at most 32 KiB",
    "type": "object",
    "additionalProperties": False,
    "required": ["payload", "payloadType", "signatures"],
    "properties": {
        "payloadType": {"const": PAYLOAD_TYPE, "description": "the type of what is signed"},
        "payload": {**_BASE64, "description": "the statement `fifthfactor/document-statement/1`, as JSON"},
        "signatures": {
            "type": "array",
            "description": "the signatures; one by a trusted signer is enough",
            "minItems": 1,
            "maxItems": MOST_SIGNATURES,
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["sig"],
                "properties": {
                    "keyid": {"type": "string", "description": "a hint, which is not read"},
                    "sig": {**_BASE64, "description": "the Ed25519 signature over the payload and its type"},
                },
            },
        },
    },
}

router = Router("reviews")


class DecisionDocuments(BaseModel, frozen=True):
    """The documents and claims that the exchange of a decision presents, by name."""

    documents: tuple[DecisionDocument, ...] = Field(description="the documents and claims, by name")
    next: str | None = Field(description=paging.NEXT)


@router.post(
    "/v1/documents",
    "keepDocument",
    "Keep the bytes of a document",
    body=_CONTENT,
    status=201,
    writes=True,
    repeatable=False,
)
async def keep(context: EvaluatingAll, call: Call[None]) -> DocumentInfo | Response:
    """
    Keeps the bytes of a document, and answers with their hash.

    State this hash as the `hash` of the document in an exchange, and attach the bytes to the decision on it. Bytes that belong to no
    decision a day later are erased. The media type is told by the content: a PDF, a PNG or JPEG image, or plain text.
    """
    if call.request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise RequestRefused("unsupported-media-type", "send the bytes without a content encoding: their hash is computed")
    content = await body(call.request, context.settings.document_limit, None)
    seen = await asyncio.to_thread(document_bytes.see, content)
    now, by = call.service.clock(), context.caller.id
    await durable(call.service.store.do(lambda transaction: document_bytes.keep(transaction, seen, now, by)))
    note(call.request.scope, size=seen.info.size, media_type=seen.info.media_type)
    headers = {"Location": f"/v1/documents/{seen.info.sha256}"}
    return Response(written(seen.info), 201, headers, "application/json")


@router.get(
    "/v1/documents/{sha256}",
    "readDocument",
    "The bytes of a document",
    "not-found",
    parameters=[in_path("sha256", "the SHA-256 of the bytes")],
    answers={200: {"description": "the bytes, as an attachment", "content": _CONTENT}},
    response_class=Response,
)
def read(context: ReadingAll, call: Call[None], connection: sa.Connection) -> Response:
    """The bytes with this hash, for a program or as a file to save. A browser is told to run nothing of them."""
    return attachment(document_bytes.read(context, call.path["sha256"], connection))


@router.get(
    "/v1/decisions/{id}/documents",
    "listDecisionDocuments",
    "The documents of a decision",
    "not-found",
    parameters=[_ID, *_DOCUMENTS.parameters],
    nulls=True,
)
def listed(context: ReadingAll, call: Call[None], connection: sa.Connection) -> DecisionDocuments:
    """What the exchange presents, the bytes that are attached, what persons confirmed of them, and what is signed."""
    id, verifier = call.path["id"], call.service.verifier
    found, following = _DOCUMENTS.page(
        call.query,
        lambda after, limit: decision_documents.page(context, id, verifier, after, limit, connection),
        (id,),
    )
    return DecisionDocuments(documents=tuple(found), next=following)


@router.post(
    "/v1/decisions/{id}/documents",
    "attachDocument",
    "Attach bytes to a document of a decision",
    *_ATTACHING,
    parameters=[_ID],
    body=AttachmentRequest,
    limit=MOST_BYTES,
    status=201,
)
async def attach(context: EvaluatingAll, call: Call[AttachmentRequest]) -> AttachedDocument | Response:
    """
    Attaches bytes that are kept to a document of a decision.

    The exchange must state the hash of these bytes. What is attached shows nothing yet: a person who did not ask for the decision
    confirms it, or a signed statement on it is attached too.
    """
    of = await recorded(context, call, call.path["id"], call.sent.name)
    return await _change(
        context, call, of, lambda context, transaction: attachments.attach(context, of, call.sent.sha256, transaction)
    )


@router.post(
    "/v1/decisions/{id}/documents/{name}/signature",
    "attachDocumentSignature",
    "Attach a signed statement to a document of a decision",
    *_ATTACHING,
    "signature-refused",
    parameters=[_ID, _NAME],
    body=json_body(_ENVELOPE),
    status=201,
)
async def sign(context: EvaluatingAll, call: Call[None]) -> DocumentSignature | Response:
    """
    Attaches a signed statement (a DSSE envelope) to a document of a decision whose bytes are attached.

    The statement must be signed by a signer whom this service trusts, and say all that the exchange states of the document: its
    hash, name and terms, and both parties. From then on the document counts as shown in exchanges that state the same, until the
    last day that is signed, as long as the signer is trusted. Whoever asked for the decision may attach it too.
    """
    call.raw = await body(call.request, MOST_OF_AN_ENVELOPE)
    of = await recorded(context, call, call.path["id"], call.path["name"])
    attaching = await signing(call, of, call.raw)
    return await _change(context, call, of, attaching, verdict="signed")


@router.post(
    "/v1/decisions/{id}/documents/{name}/confirm",
    "confirmDocument",
    "Confirm a document of a decision",
    *_ATTACHING,
    "not-confirmable",
    parameters=[_ID, _NAME],
    body=ConfirmationRequest,
    limit=MOST_BYTES,
    status=201,
)
async def confirm(context: Reviewing, call: Call[ConfirmationRequest]) -> Confirmation | Response:
    """
    Confirms a document of a decision: that the caller opened the bytes with this hash, and that they are what the exchange states.

    Only a person may, and not the one who asked for the decision. From then on the document counts as shown in exchanges that
    state it with this hash, the same terms and the same parties, until the last day.
    """
    of = await recorded(context, call, call.path["id"], call.path["name"])
    return await _change(
        context,
        call,
        of,
        lambda context, transaction: confirmations.confirm(context, of, call.sent, transaction),
        verdict="confirm",
    )


@router.post(
    "/v1/decisions/{id}/documents/{name}/withdraw",
    "withdrawDocument",
    "Withdraw what was confirmed or signed of a document",
    *_ATTACHING,
    "not-confirmable",
    parameters=[_ID, _NAME],
    body=ConfirmationWithdrawalRequest,
    limit=MOST_BYTES,
    status=201,
)
async def withdraw(context: Reviewing, call: Call[ConfirmationWithdrawalRequest]) -> Confirmation | Response:
    """
    Withdraws what was confirmed or signed of a document of a decision, whoever did, also for other decisions that state the same.

    What was signed before it never counts again. The next evaluation no longer counts it as shown. Decisions that were made before
    stay as they are.
    """
    of = await recorded(context, call, call.path["id"], call.path["name"])
    return await _change(
        context,
        call,
        of,
        lambda context, transaction: confirmations.withdraw(context, of, call.sent, transaction),
        verdict="withdraw",
    )


# --- what the pages do too --------------------------------------------------------------------------------------------


def attachment(seen: InspectedBytes) -> Response:
    """The answer with the bytes of a document, which a browser saves and does not run."""
    sha256 = seen.info.sha256
    headers = {
        "Content-Disposition": f'attachment; filename="{sha256[:16]}.{ENDINGS[seen.info.media_type]}"',
        "Content-Security-Policy": POLICY,
        "Cross-Origin-Resource-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-store",
        "ETag": f'"{sha256}"',
    }
    return Response(seen.content, headers=headers, media_type=BYTES)


async def recorded(context: Context, call: Call[Any], id: str, name: str) -> RecordedDocument:
    """A document of a decision, read in a thread. Raises RequestRefused."""
    return await asyncio.to_thread(
        call.service.read, lambda connection: decision_documents.recorded(context, id, name, connection)
    )


async def signing(
    call: Call[Any], of: RecordedDocument, raw: bytes
) -> Callable[[EvaluatingAll | Reviewing, sa.Connection], DocumentSignature]:
    """The work that attaches a signed statement to a document; it is verified before, in a thread. Raises RequestRefused."""
    verified = await asyncio.to_thread(document_signatures.read, call.service.verifier, raw)
    log = call.service.store.database.log_key().origin
    return lambda context, transaction: document_signatures.attach(context, of, verified, log, transaction)


async def _change(
    context: Door, call: Call[Any], of: RecordedDocument, work: Callable[[Door, sa.Connection], BaseModel], **noted: object
) -> Response:
    """Do what a call does to a document, once. The answer is erased with the record."""
    records = range(of.sequence, of.sequence + 1)

    def done(transaction: sa.Connection) -> KeptAnswer:
        answer = written(work(call.context(type(context)), transaction), nulls=True)
        noting = {"decision_id": of.decision, **noted}
        return KeptAnswer(answer, 201, records=records, after=lambda: note(call.request.scope, **noting))

    return await call.once(context, done)
