"""Waiting for a record to be durable: a recording under way goes in; what it recorded comes out, or the refusal that is answered."""

from collections.abc import Awaitable
from time import perf_counter
from typing import TypeVar

from service.problems import RequestRefused
from service.store.writer import LogBusy, NotRecorded
from service.telemetry import tracing

Recorded = TypeVar("Recorded")


async def durable(recording: Awaitable[Recorded]) -> Recorded:
    """Wait until a recording is durable. Raises RequestRefused if it fails, since nothing may be answered then."""
    began = perf_counter()
    failed = ""
    try:
        return await recording
    except LogBusy:
        failed = "busy"
        raise RequestRefused("busy", "try again in a moment", headers={"Retry-After": "1"}) from None
    except NotRecorded:
        failed = "not-recorded"
        raise RequestRefused("not-recorded", "try again in a moment", headers={"Retry-After": "1"}) from None
    finally:
        tracing.done("record", perf_counter() - began, failed)
