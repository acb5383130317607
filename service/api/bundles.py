"""
`GET /v1/bundle`, `POST /v1/bundle/reload` and `GET /v1/bundles…`: which policies decide, and which did.
"""

from datetime import datetime
from typing import Annotated

from fastapi import FastAPI, Path, Request, Response
from pydantic import Field

import engine
from service.api import schemas
from service.api.schemas import Shown
from service.callers.caller import caller_of
from service.log.record import PolicyDigests
from service.policies import kept, reloading
from service.problems import Position, ProblemPlace, RequestRefused
from service.service import Service

FINDINGS_SHOWN = 20
BUNDLES_SHOWN = 1_000


class Finding(Shown):
    """What is wrong in a file of policies, and where."""

    file: str
    line: int
    column: int
    code: str
    detail: str


class RefusalShown(Shown):
    """Policies that were not taken."""

    at: datetime
    reason: str
    diagnostics: tuple[Finding, ...] = Field(default=(), description=f"at most {FINDINGS_SHOWN}")


class BundleShown(Shown):
    """The policies that decide, and what became of loading them anew."""

    meaning: str
    source: str
    trust: str
    norms: str
    engine: str
    since: datetime = Field(description="when they began to decide")
    signed_by: tuple[str, ...] = Field(description="the keys that are trusted and signed them, by id; none where no key is set")
    reloads: int = Field(description="since the start: policies that were loaded anew, and taken or found to be the same")
    refusals: int = Field(description="since the start: policies that were loaded anew, and refused")
    reloaded_at: datetime | None
    refused: RefusalShown | None = Field(
        description="the last reload, where it was refused; these policies are the last good ones"
    )


class Reloaded(Shown):
    """Policies were loaded anew, whole; `changed` tells whether they are others."""

    changed: bool
    before: PolicyDigests
    after: PolicyDigests


class KeptBundle(Shown):
    """Policies that decided, which are kept; `engine` and `first_used_at` are of their first use."""

    meaning: str
    source: str
    trust: str
    norms: str
    engine: str
    first_used_at: str
    bytes: int


class KeptBundles(Shown):
    """Policies that decided, the latest first."""

    bundles: tuple[KeptBundle, ...] = Field(description=f"at most {BUNDLES_SHOWN}")


def shown(refusal: reloading.PoliciesRefusal | None) -> RefusalShown | None:
    """A refusal as it is answered."""
    if refusal is None:
        return None
    findings = (
        Finding(file=each.at.file, line=each.at.line, column=each.at.column, code=each.code, detail=_detail(each))
        for each in refusal.diagnostics[:FINDINGS_SHOWN]
    )
    return RefusalShown(at=refusal.at, reason=refusal.reason, diagnostics=tuple(findings))


def add(app: FastAPI, service: Service) -> None:
    """Put the endpoints on the application."""
    held = service.policies

    @app.get(
        "/v1/bundle", summary="The policies that decide", responses=schemas.problems(403), openapi_extra=schemas.needs("read")
    )
    async def bundle(request: Request) -> BundleShown:
        """Their digests and settings, since when they decide, and whether others were refused."""
        caller_of(request.scope, "read")
        live = service.live
        return BundleShown(
            **live.digests.model_dump(),
            trust=live.bundle.settings.trust,
            norms=live.bundle.settings.norms,
            engine=engine.__version__,
            since=held.since,
            signed_by=held.signers,
            reloads=held.reloads,
            refusals=held.refusals,
            reloaded_at=held.reloaded_at,
            refused=shown(held.refused),
        )

    @app.post(
        "/v1/bundle/reload",
        summary="Load the policies anew",
        responses=schemas.problems(403, 422, 503),
        openapi_extra=schemas.needs("administer"),
    )
    async def reload(request: Request) -> Reloaded:
        """Takes them whole or not at all. What is being decided is decided by the policies it began with."""
        caller_of(request.scope, "administer")
        if held.reloading:
            raise RequestRefused("busy", "policies are being loaded already", headers={"Retry-After": "2"})
        before = service.live.digests
        if service.shadow:
            service.shadow.renew()
        try:
            changed = await held.reload()
        except reloading.PoliciesRefused as refused:
            found = refused.refusal.diagnostics
            places = tuple(
                ProblemPlace(pointer="", code=each.code, detail=_detail(each), position=_position(each)) for each in found
            )
            raise RequestRefused("policies-refused", refused.refusal.reason, errors=places or None) from None
        after = service.live.digests
        return Reloaded(changed=changed, before=before, after=after)

    # Not `async` from here on: reading waits for the disk, so each gets a thread.
    @app.get(
        "/v1/bundles",
        summary="The policies that decided",
        responses=schemas.problems(403, 503),
        openapi_extra=schemas.needs("read"),
    )
    def bundles(request: Request) -> KeptBundles:
        """Every bundle that was live, the latest first."""
        caller_of(request.scope, "read")
        found = service.read(lambda connection: kept.listed(connection, BUNDLES_SHOWN))
        return KeptBundles(
            bundles=tuple(
                KeptBundle(
                    meaning=each.meaning,
                    source=each.source,
                    trust=each.trust,
                    norms=each.norms,
                    engine=each.engine,
                    first_used_at=each.first_used_at,
                    bytes=each.size,
                )
                for each in found
            )
        )

    @app.get(
        "/v1/bundles/{digest}",
        summary="Policies that decided, as a bundle file",
        openapi_extra=schemas.needs("read"),
        response_class=Response,
        responses={
            200: {"description": "A bundle file", "content": {"application/json": {"schema": {"type": "object"}}}},
            **schemas.problems(400, 403, 404, 503),
        },
    )
    def archive(
        request: Request,
        digest: Annotated[str, Path(description="`source` or `meaning`, or 8 of its first digits", pattern="^[0-9a-f]{8,64}$")],
    ) -> Response:
        """The file that `fifthfactor bundle build` made of the policies, or would have made."""
        caller_of(request.scope, "read")
        try:
            data = service.read(lambda connection: kept.archived(connection, digest)[1])
        except kept.NotKept:
            raise RequestRefused("not-found", "no policies of this digest decided here") from None
        return Response(data, media_type="application/json")


def _detail(found: engine.Diagnostic) -> str:
    return f"{found.message}; {found.help}" if found.help else found.message


def _position(found: engine.Diagnostic) -> Position:
    return Position(file=found.at.file, line=found.at.line, column=found.at.column)
