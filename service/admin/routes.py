"""POST /admin/reload: serve the bundles of today."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from fastapi import APIRouter, Request, Response

from service.admin.origins import FROM_HERE
from service.admin.schemas import Reloaded, ReloadProblem
from service.core.errors import NotReadyError
from service.core.json.writer import dump
from service.core.media_types import JSON
from service.core.reloads import Outcome
from service.http.caching import NEVER
from service.http.openapi.errors import responses
from service.http.openapi.schemas import REFERENCE
from service.http.problems import MEDIA_TYPE, problem

router = APIRouter(tags=["admin"], prefix="/admin", dependencies=[FROM_HERE])

# What a reload refuses is in conflict with what the folder holds.
REFUSED = 409
# The name under which the application's state holds the function that reloads.
RELOAD = "reload"
PROBLEM = ReloadProblem.model_json_schema(ref_template=REFERENCE + "{model}")
# These are of other answers too.
PROBLEM.pop("$defs")


@router.post(
    "/reload",
    summary="Reload the bundles",
    response_model=Reloaded,
    response_description="What has become of each model.",
    responses={
        REFUSED: {
            "description": "A bundle is refused, and its model goes on as it was; the others are reloaded.",
            "content": {MEDIA_TYPE: {"schema": PROBLEM}},
        },
        **responses(503),
    },
)
async def reload_bundles(request: Request) -> Response:
    """Load what is new beside what is served, verify it, warm it up, then serve it, in all workers at once.

    Requests that run are finished by the model that they began with. Models whose folders are gone are 404.
    Pages of other origins than the service's own and those of the operator's settings are refused with 403.
    """
    reload: Callable[[], Awaitable[Sequence[Outcome]]] | None = getattr(request.app.state, RELOAD, None)
    if reload is None:
        raise NotReadyError("nothing can be reloaded here")
    outcomes = await reload()
    models: list[dict[str, Any]] = [outcome.describe() for outcome in outcomes]
    refused = [str(outcome) for outcome in outcomes if outcome.status == "refused"]
    if refused:
        return problem(request, REFUSED, "; ".join(refused), extra={"models": models})
    return Response(dump({"models": models}), headers={"Cache-Control": NEVER}, media_type=JSON)
