"""GET /health/live and GET /health/ready, for whoever runs the service."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from service.api.schemas.models import Health, Readiness
from service.core.errors import NotReadyError
from service.core.media_types import JSON
from service.http.caching import NEVER
from service.http.dependencies import Models
from service.http.direct_route import DirectRoute
from service.http.model_headers import RawResponse
from service.http.openapi.errors import responses

router = APIRouter(tags=["health"], route_class=DirectRoute)

FIELDS = ((b"cache-control", NEVER.encode()), (b"content-type", JSON.encode()))
# The name under which the application's state holds the function that says how many workers there are.
CENSUS = "census"
COUNTED = b'{"status":"ready","workers":{"ready":%d,"wanted":%d}}'
LIVE, READY = b'{"status":"live"}', b'{"status":"ready"}'


@router.get(
    "/health/live",
    summary="Is the process alive?",
    response_description="It is.",
    response_model=Health,
)
async def check_live() -> Response:
    """Answers as long as the event loop runs; restart the process if it does not."""
    return _answer(LIVE)


@router.get(
    "/health/ready",
    summary="Can it answer?",
    response_description="It can.",
    response_model=Readiness,
    responses=responses(503),
)
async def check_ready(request: Request, models: Models) -> Response:
    """Answers 200 once every model is verified and warmed up, and 503 from the moment it stops.

    Of several workers, it says how many serve; one that has died or stands still is being replaced.
    """
    if not models.ready:
        raise NotReadyError("the service is stopping")
    census = request.app.state._state.get(CENSUS)
    counted = None if census is None else census()
    return _answer(READY if counted is None else COUNTED % counted)


def _answer(content: bytes) -> Response:
    return RawResponse(200, content, [*FIELDS, (b"content-length", b"%d" % len(content))])
