"""`GET /v1/shadow`: the decisions on which the shadow differs."""

import json
from typing import Any

import sqlalchemy as sa
from pydantic import Field

from service.api import paging
from service.api.operations import Shown
from service.api.router import Call, Router
from service.callers.context import ReadingAll
from service.log.record import PolicyDigests
from service.policies.shadow import differences, outcome_moves
from service.problems import RequestRefused

_DIFFERENCES = paging.Listing[Any]("shadow", "differences", (int,), 100, 1_000)

router = Router("policies")


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


@router.get(
    "/v1/shadow",
    "getShadow",
    "The decisions on which the shadow differs",
    "not-found",
    parameters=_DIFFERENCES.parameters,
    nulls=True,
)
def shadow(context: ReadingAll, call: Call[None], connection: sa.Connection) -> ShadowTold:
    """Counts of the comparisons, and the latest differences from the shadow that is loaded now."""
    beside = call.service.shadow
    if beside is None:
        raise RequestRefused("not-found", "there is no shadow; set `FIFTHFACTOR_SHADOW` to its policies")
    digests = beside.digests
    rows, following = _DIFFERENCES.page(call.query, lambda before, limit: differences(connection, digests, before, limit))
    return ShadowTold(
        shadow=digests,
        refused=beside.refused,
        counts=ShadowCounts.model_validate(beside.counts, from_attributes=True),
        moves=tuple(
            Moves(outcome=a, proceed=b, shadow_outcome=c, shadow_proceed=d, decisions=count)
            for a, b, c, d, count in outcome_moves(connection, digests)
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
            for sequence, id, at, a, b, c, d, only_live, only_shadow in rows
        ),
        next=following,
    )
