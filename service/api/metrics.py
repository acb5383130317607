"""`GET /metrics`: the service's own figures, in the format of Prometheus."""

from fastapi import Response

from service.api.router import Call, Router
from service.callers.context import ReadingAll
from service.telemetry.metrics import CONTENT_TYPE

router = Router("service")


@router.get(
    "/metrics",
    "getMetrics",
    "Figures for Prometheus",
    answers={200: {"description": "Prometheus text", "content": {"text/plain": {"schema": {"type": "string"}}}}},
    response_class=Response,
)
async def metrics(context: ReadingAll, call: Call[None]) -> Response:
    """Counters, histograms and gauges in the text format of Prometheus, over all workers of this service."""
    return Response(call.service.metrics.page(), headers={"Content-Type": CONTENT_TYPE})
