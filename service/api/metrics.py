"""`GET /metrics`: the service's own figures, in the format of Prometheus or in OpenMetrics."""

from fastapi import Response

from service.api.router import Call, Router
from service.callers.context import ReadingAll

router = Router("service")


@router.get(
    "/metrics",
    "getMetrics",
    "Figures for Prometheus",
    answers={
        200: {
            "description": "Prometheus text, or OpenMetrics text if the header `Accept` asks for it",
            "content": {each: {"schema": {"type": "string"}} for each in ("text/plain", "application/openmetrics-text")},
        }
    },
    response_class=Response,
)
async def metrics(context: ReadingAll, call: Call[None]) -> Response:
    """Counters, histograms and gauges in the text format of Prometheus, over all workers of this service."""
    page, media_type = await call.service.metrics.page(", ".join(call.request.headers.getlist("accept")))
    return Response(page, headers={"Content-Type": media_type})
