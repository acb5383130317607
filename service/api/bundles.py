"""
`GET /v1/bundle`, `POST /v1/bundle/reload` and `GET /v1/bundles…`: the policies that decide, and those that decided.
"""

from datetime import datetime
from typing import Annotated

from fastapi import FastAPI, Path, Request, Response
from pydantic import Field

import engine
from service.api import paging
from service.api.operations import Shown, operation
from service.callers.caller import caller_of
from service.log.record import PolicyDigests
from service.policies import kept, reloading
from service.problems import RequestRefused, detail_of, places_of
from service.service import Service

FINDINGS_SHOWN = 20
LIMIT, MOST = 100, 1_000  # bundles on a page


class Finding(Shown):
    """An error in a file of policies, and its place."""

    file: str
    line: int
    column: int
    code: str
    detail: str


class RefusalShown(Shown):
    """Policies that were refused."""

    at: datetime
    reason: str
    diagnostics: tuple[Finding, ...] = Field(default=(), description=f"at most {FINDINGS_SHOWN}")


class FolderShown(Shown):
    """One folder of the policies that decide."""

    source: str = Field(
        description="digest of its bytes: what the digest of the policies would be if they were this folder alone"
    )
    signed_by: tuple[str, ...] = Field(description="ids of the trusted keys that signed it; empty where no key is set")
    version: int | None = Field(
        description="the version with which it was signed; null where no key is set, or without a version"
    )


class BundleShown(Shown):
    """The policies that decide, and the results of reloading them."""

    meaning: str
    source: str
    folders: dict[str, FolderShown] = Field(description="each folder by its name; a file that was given by itself is one too")
    trust: str
    norms: str
    engine: str
    since: datetime = Field(description="when these policies began to decide")
    signed_by: tuple[str, ...] = Field(
        description="ids of the trusted keys that signed the policies; empty where no key is set"
    )
    reloads: int = Field(description="reloads since the start that succeeded, including those that found the same policies")
    refusals: int = Field(description="reloads since the start that were refused")
    reloaded_at: datetime | None
    refused: RefusalShown | None = Field(
        description="the last reload, if it was refused; these policies are then the last good ones"
    )


class Reloaded(Shown):
    """The result of a reload. `changed` is true where the policies are different now."""

    changed: bool
    before: PolicyDigests
    after: PolicyDigests


class KeptBundle(Shown):
    """Policies that decided and are kept. `engine` and `first_used_at` describe their first use."""

    meaning: str
    source: str
    trust: str
    norms: str
    engine: str
    first_used_at: str
    bytes: int


class KeptBundles(Shown):
    """A page of policies that decided, the latest first."""

    bundles: tuple[KeptBundle, ...] = Field(description="the policies, the latest first")
    next: str | None = Field(description=paging.NEXT)


def shown(refusal: reloading.PoliciesRefusal | None) -> RefusalShown | None:
    """A refusal as the endpoints answer it."""
    if refusal is None:
        return None
    findings = (
        Finding(file=each.at.file, line=each.at.line, column=each.at.column, code=each.code, detail=detail_of(each))
        for each in refusal.diagnostics[:FINDINGS_SHOWN]
    )
    return RefusalShown(at=refusal.at, reason=refusal.reason, diagnostics=tuple(findings))


def add(app: FastAPI, service: Service) -> None:
    """Put the endpoints on the application."""
    held = service.policies

    @app.get("/v1/bundle", **operation("getLiveBundle", "policies", "The policies that decide", needs="read"))
    async def bundle(request: Request) -> BundleShown:
        """The digests and settings of the policies, when they began to decide, and whether a reload was refused."""
        caller_of(request.scope, "read")
        live, signed = service.live, held.signed
        return BundleShown(
            **live.digests.model_dump(),
            folders={
                name: FolderShown(source=digest, signed_by=by.keys if by else (), version=by.version if by else None)
                for name, digest in live.bundle.digests.folders.items()
                for by in [signed.get(name)]
            },
            trust=live.bundle.settings.trust,
            norms=live.bundle.settings.norms,
            engine=engine.__version__,
            since=held.since,
            signed_by=tuple(dict.fromkeys(id for by in signed.values() for id in by.keys)),
            reloads=held.reloads,
            refusals=held.refusals,
            reloaded_at=held.reloaded_at,
            refused=shown(held.refused),
        )

    @app.post(
        "/v1/bundle/reload",
        **operation("reloadBundle", "policies", "Reload the policies", "policies-refused", needs="administer", writes=True),
    )
    async def reload(request: Request) -> Reloaded:
        """Loads all policies or changes nothing. A request under way is decided by the policies that it began with."""
        caller_of(request.scope, "administer")
        if held.reloading:
            raise RequestRefused("busy", "another reload is under way", headers={"Retry-After": "2"})
        before = service.live.digests
        if service.shadow:
            service.shadow.renew()
        try:
            changed = await held.reload()
        except reloading.PoliciesRefused as refused:
            places = places_of(refused.refusal.diagnostics)
            raise RequestRefused("policies-refused", refused.refusal.reason, errors=places or None) from None
        after = service.live.digests
        return Reloaded(changed=changed, before=before, after=after)

    # These are not `async`: reading waits for the disk, so each call runs in a thread.
    @app.get(
        "/v1/bundles",
        **operation(
            "listBundles",
            "policies",
            "The policies that decided",
            needs="read",
            parameters=paging.parameters(LIMIT, MOST, "bundles"),
        ),
    )
    def bundles(request: Request) -> KeptBundles:
        """Every bundle that decided here, the latest first."""
        caller_of(request.scope, "read")
        page = paging.Asked.of(request, LIMIT, MOST)
        found, cursor = page.cut(service.read(kept.listed), lambda each: f"{each.source} {each.meaning}", "bundles")
        return KeptBundles(
            next=cursor,
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
            ),
        )

    @app.get(
        "/v1/bundles/{digest}",
        response_class=Response,
        **operation(
            "getBundle",
            "policies",
            "Policies that decided, as a bundle file",
            "not-found",
            needs="read",
            answers={200: {"description": "A bundle file", "content": {"application/json": {"schema": {"type": "object"}}}}},
        ),
    )
    def archive(
        request: Request,
        digest: Annotated[
            str,
            Path(description="the digest `source` or `meaning`, or at least its first 8 digits", pattern="^[0-9a-f]{8,64}$"),
        ],
    ) -> Response:
        """The same file that `fifthfactor bundle build` makes of these policies."""
        caller_of(request.scope, "read")
        try:
            data = service.read(lambda connection: kept.archived(connection, digest)[1])
        except kept.NotKept:
            raise RequestRefused("not-found", "no policies with this digest decided here") from None
        return Response(data, media_type="application/json")
