"""`GET /v1/shadow`: the decisions on which the shadow differs."""

import json

from fastapi import FastAPI, Request
from pydantic import Field

from service.api import paging
from service.api.operations import Shown, operation
from service.callers.caller import caller_of
from service.log.record import PolicyDigests
from service.policies.shadow import differences, moved
from service.problems import RequestRefused
from service.service import Service

LIMIT, MOST = 100, 1_000


class ShadowDifference(Shown):
    """A decision on which the shadow differs. Each list of provisions has those that apply on one side only."""

    sequence: int
    id: str
    at: str
    outcome: str
    proceed: bool
    shadow_outcome: str = Field(description="the shadow's outcome; `unreadable` where its vocabulary refuses the exchange")
    shadow_proceed: bool
    only_live: tuple[str, ...]
    only_shadow: tuple[str, ...]


class Moves(Shown):
    """The number of decisions that the shadow moves from one outcome to another."""

    outcome: str
    proceed: bool
    shadow_outcome: str
    shadow_proceed: bool
    decisions: int


class ShadowCounts(Shown):
    """The counts of this process since its start."""

    compared: int
    differing: int
    dropped: int = Field(description="decisions that were not compared, because too many waited")
    failed: int = Field(description="decisions that the shadow failed on")
    refused: int = Field(description="reloads of the shadow that were refused")


class ShadowTold(Shown):
    """The decisions on which the shadow differs."""

    shadow: PolicyDigests
    refused: str | None = Field(description="why the last reload of the shadow was refused; null where it was not")
    counts: ShadowCounts
    moves: tuple[Moves, ...] = Field(description="over all recorded differences with this shadow")
    differences: tuple[ShadowDifference, ...] = Field(description="the latest first")
    next: str | None = Field(description=paging.NEXT)


def add(app: FastAPI, service: Service) -> None:
    """Put the endpoint on the application."""

    # Not `async`: reading waits for the disk, so it gets a thread.
    @app.get(
        "/v1/shadow",
        **operation(
            "getShadow",
            "policies",
            "The decisions on which the shadow differs",
            "not-found",
            needs="read",
            parameters=paging.parameters(LIMIT, MOST, "differences"),
        ),
    )
    def shadow(request: Request) -> ShadowTold:
        """Counts of the comparisons, and the latest differences from the shadow that is loaded now."""
        caller_of(request.scope, "read")
        if service.shadow is None:
            raise RequestRefused("not-found", "there is no shadow; set `FIFTHFACTOR_SHADOW` to its policies")
        beside, page = service.shadow, paging.Asked.of(request, LIMIT, MOST)
        before, limit = page.after("shadow", int) or [None], page.limit
        digests, counts = beside.digests, beside.counts
        rows, moves = service.read(
            lambda connection: (differences(connection, digests, before[0], limit + 1), moved(connection, digests))
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
            next=paging.written("shadow", rows[limit - 1].sequence) if len(rows) > limit else None,
        )
