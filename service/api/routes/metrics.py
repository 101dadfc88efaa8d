"""GET /metrics, for Prometheus."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse

from service.http.caching import NEVER
from service.http.header_fields import read_field

router = APIRouter(tags=["health"])


@router.get(
    "/metrics",
    summary="What was answered, for Prometheus",
    response_class=PlainTextResponse,
    response_description="Prometheus' text format.",
)
async def read_metrics(request: Request) -> Response:
    """What was asked, how long it took and where the time went, and how things are; of all workers together.

    OpenMetrics if `Accept` lists `application/openmetrics-text`.
    """
    metrics = request.app.state.metrics
    metrics.sample()
    # With many routes and statuses it takes 20 ms.
    content, media_type = await asyncio.to_thread(metrics.render, read_field(request, "Accept") or "")
    headers = {"Cache-Control": NEVER, "Content-Type": media_type, "Vary": "Accept"}
    return Response(content, headers=headers)
