"""GET /health/live and GET /health/ready, for whoever runs the service."""

from __future__ import annotations

from fastapi import APIRouter, Depends

from service.api.schemas.responses import Health
from service.core.errors import NotReadyError
from service.http.dependencies import Models, never_keep
from service.http.openapi.errors import responses

router = APIRouter(tags=["health"], dependencies=[Depends(never_keep)])


@router.get("/health/live", summary="Is the process alive?", response_description="It is.")
async def live() -> Health:
    """Answers as long as the event loop runs; restart the process if it does not."""
    return Health(status="live")


@router.get(
    "/health/ready", summary="Can it answer?", response_description="It can.", responses=responses(503)
)
async def ready(models: Models) -> Health:
    """Answers 200 once every model is verified and warmed up, and 503 from the moment it stops."""
    if not models.ready:
        raise NotReadyError("the service is stopping")
    return Health(status="ready")
