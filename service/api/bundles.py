"""
`GET /v1/bundle`, `POST /v1/bundle/reload` and `GET /v1/bundles…`: the policies that decide, and those that decided.
"""

from datetime import datetime

import sqlalchemy as sa
from fastapi import Response
from pydantic import Field

import engine
from service.api import paging
from service.api.operations import Shown, in_path
from service.api.parameters import matching
from service.api.router import Call, Router
from service.callers.context import Administering, ReadingAll
from service.log.record import PolicyDigests
from service.policies import kept_bundles, reloading
from service.problems import RequestRefused, detail_of

FINDINGS_SHOWN = 20
LIMIT, MOST = 100, 1_000  # bundles on a page
DIGEST = matching(
    "digest",
    "the digest `source` or `meaning`, or at least its first 8 digits",
    "^[0-9a-f]{8,64}$",
    "the 8 to 64 hexadecimal digits of a digest",
)

router = Router("policies")


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


@router.get("/v1/bundle", "getLiveBundle", "The policies that decide", nulls=True)
async def bundle(context: ReadingAll, call: Call[None]) -> BundleShown:
    """The digests and settings of the policies, when they began to decide, and whether a reload was refused."""
    live, held = context.live, call.service.policies
    signed = held.signed
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


@router.post(
    "/v1/bundle/reload", "reloadBundle", "Reload the policies", "policies-refused", writes=True, repeatable=False, nulls=True
)
async def reload(context: Administering, call: Call[None]) -> Reloaded:
    """Loads all policies or changes nothing. A request under way is decided by the policies that it began with."""
    held, shadow = call.service.policies, call.service.shadow
    if held.reloading:
        raise RequestRefused("busy", "another reload is under way", headers={"Retry-After": "2"})
    before = context.live.digests
    if shadow:
        shadow.renew()
    return Reloaded(changed=await held.reload(), before=before, after=held.live.digests)


@router.get(
    "/v1/bundles",
    "listBundles",
    "The policies that decided",
    parameters=paging.parameters(LIMIT, MOST, "bundles"),
    nulls=True,
)
def bundles(context: ReadingAll, call: Call[None], connection: sa.Connection) -> KeptBundles:
    """Every bundle that decided here, the latest first."""
    page = paging.Asked.in_query(call.query, LIMIT, MOST)
    found, cursor = page.cut(kept_bundles.list_bundles(connection), lambda each: f"{each.source} {each.meaning}", "bundles")
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


@router.get(
    "/v1/bundles/{digest}",
    "getBundle",
    "Policies that decided, as a bundle file",
    "not-found",
    parameters=[in_path(DIGEST.name, DIGEST.about, DIGEST.schema)],
    answers={200: {"description": "A bundle file", "content": {"application/json": {"schema": {"type": "object"}}}}},
    response_class=Response,
)
def archive(context: ReadingAll, call: Call[None], connection: sa.Connection) -> Response:
    """The same file that `fifthfactor bundle build` makes of these policies."""
    try:
        data = kept_bundles.archive_of(connection, DIGEST.of(call.path) or "")[1]
    except kept_bundles.NotKept:
        raise RequestRefused("not-found", "no policies with this digest decided here") from None
    return Response(data, media_type="application/json")
