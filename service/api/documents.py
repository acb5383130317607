"""
`POST /v1/documents`, `GET /v1/documents/{sha256}`, and the documents of a decision: attach bytes, confirm them, attach a signed statement
on them, withdraw either.

The bytes of a document come from others. They are sent out only as an attachment, with a type of the service's own and a policy that
lets a browser run nothing of them.
"""

import asyncio
import re
from collections.abc import Callable
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import FastAPI, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from service.api import paging
from service.api.operations import DecisionId, in_path, json_body, operation, schema_of
from service.api.sent import Plain, body
from service.callers.caller import Caller, caller_of
from service.decisions.decider import durable
from service.decisions.idempotency import KeptAnswer, once
from service.documents import attachments, confirmations, document_bytes, document_signatures
from service.documents.attachments import AttachedDocument
from service.documents.confirmations import Confirmation, ConfirmationAsked, WithdrawalAsked
from service.documents.decision_documents import DecisionDocument, asked_by, of_decision, stated_in
from service.documents.document_bytes import ENDINGS, DocumentInfo, Seen
from service.documents.document_signatures import DocumentSignature
from service.documents.signed_statements import MOST_BYTES as MOST_OF_AN_ENVELOPE
from service.documents.signed_statements import MOST_SIGNATURES, PAYLOAD_TYPE
from service.problems import RequestRefused, wrong_members
from service.service import Service
from service.settings import time_zone
from service.telemetry.log_lines import note

MOST_BYTES = 32 * 1024  # in a body that is not a document
MOST_LISTED = 1_000  # documents of a decision on a page
POLICY = "default-src 'none'; sandbox; frame-ancestors 'none'"

BYTES = "application/octet-stream"  # what a browser saves, whatever it is

_SHA256 = re.compile("[0-9a-f]{64}")
_NAME = {"type": "string", "minLength": 1, "maxLength": 160}
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


class AttachmentAsked(BaseModel):
    """Which bytes to attach to which document of a decision."""

    model_config = ConfigDict(frozen=True, extra="forbid", title="DocumentAttachment")

    name: Annotated[str, StringConstraints(min_length=1, max_length=160)] = Field(
        description="the name of the document in the exchange: `evidence.KIND` or `claims.KIND`"
    )
    sha256: confirmations.Sha256 = Field(description="the hash of bytes that are kept; the exchange must state the same")


class DecisionDocuments(BaseModel):
    """The documents and claims that the exchange of a decision presents, by name."""

    model_config = ConfigDict(frozen=True)

    documents: tuple[DecisionDocument, ...] = Field(description="the documents and claims, by name")
    next: str | None = Field(description=paging.NEXT)


def add(app: FastAPI, service: Service) -> None:
    """Put the endpoints on the application."""
    zone = time_zone(service.settings.zone)

    async def keep(request: Request) -> Response:
        """
        Keeps the bytes of a document, and answers with their hash.

        State this hash as the `hash` of the document in an exchange, and attach the bytes to the decision on it. Bytes that belong to no
        decision a day later are erased. The media type is told by the content: a PDF, a PNG or JPEG image, or plain text.
        """
        caller = caller_of(request.scope, "evaluate")
        _check_encoding(request)
        content = await body(request, service.settings.document_limit, None)
        seen = await asyncio.to_thread(document_bytes.see, content)
        now = service.clock()
        await durable(service.store.do(lambda transaction: document_bytes.keep(transaction, seen, now, caller.id)))
        note(request.scope, size=seen.info.size, media_type=seen.info.media_type)
        headers = {"Location": f"/v1/documents/{seen.info.sha256}"}
        return Response(seen.info.model_dump_json(), 201, headers, "application/json")

    app.router.add_api_route(
        "/v1/documents",
        keep,
        methods=["POST"],
        status_code=201,
        response_model=DocumentInfo,
        route_class_override=Plain,
        **operation(
            "keepDocument",
            "reviews",
            "Keep the bytes of a document",
            needs="evaluate",
            body={BYTES: {"schema": {"type": "string", "format": "binary"}}},
            writes=True,
        ),
    )

    @app.get(
        "/v1/documents/{sha256}",
        response_class=Response,
        **operation(
            "readDocument",
            "reviews",
            "The bytes of a document",
            "not-found",
            needs="read",
            answers={
                200: {
                    "description": "the bytes, as an attachment",
                    "content": {BYTES: {"schema": {"type": "string", "format": "binary"}}},
                }
            },
        ),
    )
    def read(sha256: Annotated[str, Path(description="the SHA-256 of the bytes")], request: Request) -> Response:
        """The bytes with this hash, for a program or as a file to save. A browser is told to run nothing of them."""
        caller_of(request.scope, "read")
        return found_document(service, sha256)

    @app.get(
        "/v1/decisions/{id}/documents",
        response_model=DecisionDocuments,
        **operation(
            "listDecisionDocuments",
            "reviews",
            "The documents of a decision",
            "not-found",
            needs="read",
            parameters=paging.parameters(MOST_LISTED, MOST_LISTED, "documents"),
        ),
    )
    def listed(id: DecisionId, request: Request) -> Response:
        """What the exchange presents, the bytes that are attached, what persons confirmed of them, and what is signed."""
        caller_of(request.scope, "read")
        stored, today = service.stored(id), service.clock().astimezone(zone).date()
        bundle, verifier = service.live.bundle, service.verifier
        found = service.read(lambda connection: of_decision(connection, bundle, stored, today, verifier))
        shown, cursor = paging.Asked.of(request, MOST_LISTED, MOST_LISTED).cut(found, lambda each: each.name, id)
        answer = DecisionDocuments(documents=tuple(shown), next=cursor)
        return Response(answer.model_dump_json(), media_type="application/json")

    async def attach(request: Request) -> Response:
        """
        Attaches bytes that are kept to a document of a decision.

        The exchange must state the hash of these bytes. What is attached shows nothing yet: a person who did not ask for the decision
        confirms it, or a signed statement on it is attached too.
        """
        caller = caller_of(request.scope, "evaluate")
        id, raw = request.path_params["id"], await body(request, MOST_BYTES)
        try:
            asked = AttachmentAsked.model_validate_json(raw)
        except ValidationError as refused:
            places = wrong_members(refused, AttachmentAsked)
            raise RequestRefused("bad-request", "the body is not what this address takes", errors=places) from None
        work = attaching(service, id, asked.name, asked.sha256, caller)
        stored, attached = await asyncio.to_thread(work)

        def done(transaction: sa.Connection) -> KeptAnswer:
            told = attached(transaction)
            return _kept(told, range(stored, stored + 1), request, decision_id=id)

        return await once(service, request, caller, raw, done)

    app.router.add_api_route(
        "/v1/decisions/{id}/documents",
        attach,
        methods=["POST"],
        status_code=201,
        response_model=AttachedDocument,
        route_class_override=Plain,
        **operation(
            "attachDocument",
            "reviews",
            "Attach bytes to a document of a decision",
            "not-found",
            "not-attachable",
            needs="evaluate",
            parameters=[in_path("id", "the id of the decision")],
            body=json_body(schema_of(AttachmentAsked)),
            repeatable=True,
        ),
    )

    async def confirm(request: Request) -> Response:
        """
        Confirms a document of a decision: that the caller opened the bytes with this hash, and that they are what the exchange states.

        Only a person may, and not the one who asked for the decision. From then on the document counts as shown in exchanges that
        state it with this hash, the same terms and the same parties, until the last day.
        """
        caller = caller_of(request.scope, "review")
        id, name = request.path_params["id"], request.path_params["name"]
        raw = await body(request, MOST_BYTES)
        asked = confirmations.read_confirmation(raw)
        sequence, work = await asyncio.to_thread(confirming(service, id, name, asked, caller))

        def done(transaction: sa.Connection) -> KeptAnswer:
            return _kept(work(transaction), range(sequence, sequence + 1), request, decision_id=id, verdict="confirm")

        return await once(service, request, caller, raw, done)

    async def withdraw(request: Request) -> Response:
        """
        Withdraws what was confirmed or signed of a document of a decision, whoever did, also for other decisions that state the same.

        What was signed before it never counts again. The next evaluation no longer counts it as shown. Decisions that were made before
        stay as they are.
        """
        caller = caller_of(request.scope, "review")
        id, name = request.path_params["id"], request.path_params["name"]
        raw = await body(request, MOST_BYTES)
        asked = confirmations.read_withdrawal(raw)
        sequence, work = await asyncio.to_thread(withdrawing(service, id, name, asked, caller))

        def done(transaction: sa.Connection) -> KeptAnswer:
            return _kept(work(transaction), range(sequence, sequence + 1), request, decision_id=id, verdict="withdraw")

        return await once(service, request, caller, raw, done)

    async def sign(request: Request) -> Response:
        """
        Attaches a signed statement (a DSSE envelope) to a document of a decision whose bytes are attached.

        The statement must be signed by a signer whom this service trusts, and say all that the exchange states of the document: its
        hash, name and terms, and both parties. From then on the document counts as shown in exchanges that state the same, until the
        last day that is signed, as long as the signer is trusted. Whoever asked for the decision may attach it too.
        """
        caller = caller_of(request.scope, "evaluate")
        id, name = request.path_params["id"], request.path_params["name"]
        raw = await body(request, MOST_OF_AN_ENVELOPE)
        sequence, work = await asyncio.to_thread(signing(service, id, name, raw, caller))

        def done(transaction: sa.Connection) -> KeptAnswer:
            return _kept(work(transaction), range(sequence, sequence + 1), request, decision_id=id, verdict="signed")

        return await once(service, request, caller, raw, done)

    app.router.add_api_route(
        "/v1/decisions/{id}/documents/{name}/signature",
        sign,
        methods=["POST"],
        status_code=201,
        response_model=DocumentSignature,
        route_class_override=Plain,
        **operation(
            "attachDocumentSignature",
            "reviews",
            "Attach a signed statement to a document of a decision",
            "not-found",
            "not-attachable",
            "signature-refused",
            needs="evaluate",
            parameters=[
                in_path("id", "the id of the decision"),
                in_path("name", "the name of the document in the exchange: `evidence.KIND` or `claims.KIND`", _NAME),
            ],
            body=json_body(_ENVELOPE),
            repeatable=True,
        ),
    )

    for verb, function, model, summary in (
        ("confirm", confirm, ConfirmationAsked, "Confirm a document of a decision"),
        ("withdraw", withdraw, WithdrawalAsked, "Withdraw what was confirmed or signed of a document"),
    ):
        app.router.add_api_route(
            f"/v1/decisions/{{id}}/documents/{{name}}/{verb}",
            function,
            methods=["POST"],
            status_code=201,
            response_model=Confirmation,
            route_class_override=Plain,
            **operation(
                f"{verb}Document",
                "reviews",
                summary,
                "not-found",
                "not-attachable",
                "not-confirmable",
                needs="review",
                parameters=[
                    in_path("id", "the id of the decision"),
                    in_path("name", "the name of the document in the exchange: `evidence.KIND` or `claims.KIND`", _NAME),
                ],
                body=json_body(schema_of(model)),
                repeatable=True,
            ),
        )


# --- what the pages do too --------------------------------------------------------------------------------------------


def found_document(service: Service, sha256: str) -> Response:
    """The answer with the bytes of a document, which a browser saves and does not run. It waits. Raises RequestRefused."""
    found: Seen | None = None
    if _SHA256.fullmatch(sha256):
        found = service.read(lambda connection: document_bytes.find(connection, sha256))
    if found is None:
        raise RequestRefused("not-found", "no bytes with this hash are kept")
    headers = {
        "Content-Disposition": f'attachment; filename="{sha256[:16]}.{ENDINGS[found.info.media_type]}"',
        "Content-Security-Policy": POLICY,
        "Cross-Origin-Resource-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-store",
        "ETag": f'"{sha256}"',
    }
    return Response(found.content, headers=headers, media_type=BYTES)


def attaching(
    service: Service, id: str, name: str, sha256: str, caller: Caller
) -> Callable[[], tuple[int, Callable[[sa.Connection], AttachedDocument]]]:
    """To be called in a thread: the number of a decision's record, and the work that attaches bytes to one of its documents."""

    def look() -> tuple[int, Callable[[sa.Connection], AttachedDocument]]:
        stored = service.stored(id)
        stated, now = stated_in(service.live.bundle, stored, name), service.clock()
        return stored.sequence, lambda work: attachments.attach(work, id, stated, sha256, now, caller.id)

    return look


def confirming(
    service: Service, id: str, name: str, asked: ConfirmationAsked, caller: Caller
) -> Callable[[], tuple[int, Callable[[sa.Connection], Confirmation]]]:
    """To be called in a thread: the number of a decision's record, and the work that confirms one of its documents."""

    def look() -> tuple[int, Callable[[sa.Connection], Confirmation]]:
        stored = service.stored(id)
        stated, now = stated_in(service.live.bundle, stored, name), service.clock()
        today, issuer = now.astimezone(time_zone(service.settings.zone)).date(), service.settings.jwt_issuer or None
        who = asked_by(stored)
        return stored.sequence, lambda work: confirmations.confirm(work, id, who, stated, asked, caller, now, today, issuer)

    return look


def signing(
    service: Service, id: str, name: str, raw: bytes, caller: Caller
) -> Callable[[], tuple[int, Callable[[sa.Connection], DocumentSignature]]]:
    """To be called in a thread: the number of a decision's record, and the work that attaches a signed statement to a document of it."""

    def look() -> tuple[int, Callable[[sa.Connection], DocumentSignature]]:
        stored, now = service.stored(id), service.clock()
        stated = stated_in(service.live.bundle, stored, name)
        verified, log = document_signatures.read(service.verifier, raw), service.store.database.log_key().origin
        today = now.astimezone(time_zone(service.settings.zone)).date()
        return stored.sequence, lambda work: document_signatures.attach(work, id, stated, verified, log, caller, now, today)

    return look


def withdrawing(
    service: Service, id: str, name: str, asked: WithdrawalAsked, caller: Caller
) -> Callable[[], tuple[int, Callable[[sa.Connection], Confirmation]]]:
    """To be called in a thread: the number of a decision's record, and the work that withdraws what was confirmed."""

    def look() -> tuple[int, Callable[[sa.Connection], Confirmation]]:
        stored = service.stored(id)
        stated, now = stated_in(service.live.bundle, stored, name), service.clock()
        return stored.sequence, lambda work: confirmations.withdraw(work, id, stated, asked, caller, now)

    return look


def _kept(told: BaseModel, records: range, request: Request, **noted: object) -> KeptAnswer:
    return KeptAnswer(told.model_dump_json().encode(), 201, records=records, after=lambda: note(request.scope, **noted))


def _check_encoding(request: Request) -> None:
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise RequestRefused("unsupported-media-type", "send the bytes without a content encoding: their hash is computed")
