"""`GET /livez` and `GET /readyz`: is the process alive, and can it decide and record now."""

import asyncio
from typing import Literal

from fastapi import FastAPI, Request
from pydantic import BaseModel, Field

from service.api.bundles import RefusalShown, shown
from service.api.operations import operation
from service.decisions.readiness import NotReadable, Readiness
from service.log.record import PolicyDigests
from service.problems import RequestRefused
from service.service import Service
from service.store.writer import NotRecorded

PROBE_SECONDS = 5.0

_FOR_READERS = "callers with the scope `read` see the reason, and the service's log has it"


class Alive(BaseModel, frozen=True):
    """The process is alive."""

    status: Literal["alive"] = "alive"


class Log(BaseModel, frozen=True):
    """The decision log."""

    writable: Literal[True] = True
    records: int


class Held(PolicyDigests):
    """The policies that decide. If the last reload was refused, these are the last good ones."""

    refused: RefusalShown | None = None


class Ready(BaseModel, frozen=True):
    """Policies are loaded, what decisions need can be read, and a write to the log has just reached the disk."""

    status: Literal["ready"] = "ready"
    policies: Held
    log: Log
    incidents: int = Field(
        description="exchanges since the start on which engines disagreed or failed; the service's log has a line for each"
    )


def add(app: FastAPI, service: Service) -> None:
    """Put the endpoints on the application."""

    readiness = Readiness(service)
    probing: asyncio.Future[int] | None = None

    async def probed() -> int:
        """The number of records, after a write. Calls at the same time share one probe, since anybody may call as often as they like."""
        nonlocal probing
        if probing is None or probing.done():
            probing = asyncio.ensure_future(readiness.probe())
            # Read the error here, in case no caller waits any more.
            probing.add_done_callback(lambda done: done.cancelled() or done.exception())
        return await asyncio.shield(probing)

    @app.get("/livez", **operation("checkAlive", "service", "Check that the process is alive"))
    async def livez() -> Alive:
        """Answers as long as the process does."""
        return Alive()

    @app.get(
        "/readyz",
        response_model_exclude_none=True,
        **operation("checkReady", "service", "Check that the service can decide and record now", "not-ready", "draining"),
    )
    async def readyz(request: Request) -> Ready:
        """
        Looks up what a decision needs, tries a record, writes to the log and waits for the disk, as a decision does.

        Callers with the scope `read` see what is wrong, with paths and lines. All others see only that something is wrong.
        """
        whole = "caller" in request.scope and request.scope["caller"].reads
        refused = shown(service.policies.refused)
        if refused and not whole:
            refused = RefusalShown(at=refused.at, reason=_FOR_READERS)
        policies = Held(**service.live.digests.model_dump(), refused=refused)
        if service.load.draining and not service.load.replaced:  # the service is ready, if this worker leaves it
            raise RequestRefused("draining", "send requests to another process")
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                records = await probed()
        except (NotRecorded, TimeoutError) as failed:
            reason = str(failed) or f"a write took longer than {PROBE_SECONDS:.0f} seconds"
            reason = reason if whole else _FOR_READERS
            lacks = "readable" if isinstance(failed, NotReadable) else "writable"
            what = "what decisions need cannot be read" if isinstance(failed, NotReadable) else "the log cannot be written"
            raise RequestRefused(
                "not-ready",
                f"{what}, so nothing is decided",
                checks={
                    "policies": {"loaded": True, **policies.model_dump(mode="json", exclude_none=True)},
                    "log": {lacks: False, "reason": reason},
                    "incidents": service.incidents.seen,
                },
                headers={"Retry-After": "1"},
            ) from None
        return Ready(policies=policies, log=Log(records=records), incidents=service.incidents.seen)
