"""`GET /v1/shadow`: what the shadow would decide otherwise."""

import json
from typing import Annotated

from fastapi import FastAPI, Query, Request
from pydantic import Field

from service.api import schemas
from service.api.schemas import Shown
from service.callers.caller import caller_of
from service.log.record import PolicyDigests
from service.policies.shadow import differences, moved
from service.problems import RequestRefused
from service.service import Service

DIFFERENCES_SHOWN = 100


class ShadowDifference(Shown):
    """A decision that the shadow would have made otherwise. Provisions are those that stand on one side only."""

    sequence: int
    id: str
    at: str
    outcome: str
    proceed: bool
    shadow_outcome: str = Field(description="`unreadable` where the shadow's vocabulary refuses the exchange")
    shadow_proceed: bool
    only_live: tuple[str, ...]
    only_shadow: tuple[str, ...]


class Moves(Shown):
    """How many decisions went from one outcome to another."""

    outcome: str
    proceed: bool
    shadow_outcome: str
    shadow_proceed: bool
    decisions: int


class ShadowCounts(Shown):
    """Of this process, since its start."""

    compared: int
    differing: int
    dropped: int = Field(description="decisions that were not looked at, since too many waited")
    failed: int = Field(description="decisions that the shadow failed on")
    refused: int = Field(description="times the shadow was loaded anew, and refused")


class ShadowTold(Shown):
    """What the shadow would have decided otherwise."""

    shadow: PolicyDigests
    refused: str | None = Field(description="why the shadow was not loaded anew, the last time")
    counts: ShadowCounts
    moves: tuple[Moves, ...] = Field(description="of all differences with this shadow that are recorded")
    differences: tuple[ShadowDifference, ...] = Field(description="the latest first")
    next: int | None = Field(description="`before` of the next page; null where this is the last")


def add(app: FastAPI, service: Service) -> None:
    """Put the endpoint on the application."""

    # Not `async`: reading waits for the disk, so it gets a thread.
    @app.get(
        "/v1/shadow",
        summary="What the shadow would decide otherwise",
        responses=schemas.problems(400, 403, 404, 503),
        openapi_extra=schemas.needs("read"),
    )
    def shadow(
        request: Request,
        before: Annotated[int | None, Query(description="differences before this place in the log", ge=0, lt=2**63)] = None,
        limit: Annotated[int, Query(ge=1, le=1_000)] = DIFFERENCES_SHOWN,
    ) -> ShadowTold:
        """Counts, and the latest differences with the shadow that is loaded now."""
        caller_of(request.scope, "read")
        if service.shadow is None:
            raise RequestRefused("not-found", "there is no shadow; `FIFTHFACTOR_SHADOW` names one")
        beside = service.shadow
        digests, counts = beside.digests, beside.counts
        rows, moves = service.read(
            lambda connection: (differences(connection, digests, before, limit + 1), moved(connection, digests))
        )
        return ShadowTold(
            shadow=digests,
            refused=beside.refused,
            counts=ShadowCounts(
                compared=counts.compared,
                differing=counts.differing,
                dropped=counts.dropped,
                failed=counts.failed,
                refused=counts.refused,
            ),
            moves=tuple(
                Moves(outcome=a, proceed=b, shadow_outcome=c, shadow_proceed=d, decisions=count) for a, b, c, d, count in moves
            ),
            differences=tuple(
                ShadowDifference(
                    sequence=sequence,
                    id=id,
                    at=at,
                    outcome=a,
                    proceed=b,
                    shadow_outcome=c,
                    shadow_proceed=d,
                    only_live=json.loads(only_live),
                    only_shadow=json.loads(only_shadow),
                )
                for sequence, id, at, a, b, c, d, only_live, only_shadow in rows[:limit]
            ),
            next=rows[limit - 1].sequence if len(rows) > limit else None,
        )
