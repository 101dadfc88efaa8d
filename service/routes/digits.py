"""GET /digits/{digit}: a digit drawn from its class."""

from __future__ import annotations

import secrets
from typing import Annotated

from fastapi import APIRouter, Header, Path, Query, Request, Response

from service.negotiation import choose
from service.routes.answers import OFFERED, SEED_HEADER, answer_pictures
from service.routes.dependencies import Calls, DecoderRoute, Models, unless_gone
from service.routes.openapi import DRAW, pictures
from service.routes.problems import responses
from service.schemas import SEED_LIMIT, DigitAnswer, DigitQuery

router = APIRouter(tags=["pictures"], route_class=DecoderRoute)

DRAWN = pictures("One picture; CVAE-Seed names the seed that draws it again")
DRAWN["headers"] |= {SEED_HEADER: {"description": "The seed used", "schema": {"type": "integer"}}}


@router.get(
    "/digits/{digit}",
    summary="Draw a digit",
    response_model=DigitAnswer,
    responses={200: DRAWN, **responses(*DRAW)},
)
async def draw_digit(
    request: Request,
    digit: Annotated[int, Path(description="The class's label.", examples=[7])],
    query: Annotated[DigitQuery, Query()],
    models: Models,
    call: Calls,
    accept: Annotated[str | None, Header(include_in_schema=False)] = None,
) -> Response:
    """Draws z from where the class lies in latent space and decodes it; the same seed draws the same."""
    media_type = choose(accept, query.format, OFFERED)
    engine = models.get(query.model)
    seed = secrets.randbelow(SEED_LIMIT) if query.seed is None else query.seed
    facts = {"digit": digit, "seed": seed, "temperature": query.temperature}
    rows = engine.space.draw(digit, seed, query.temperature)
    result = await unless_gone(request.receive, engine.decode(rows, call))
    answer = await answer_pictures(engine.manifest, result, media_type, call, dtype=query.dtype, facts=facts)
    answer.headers[SEED_HEADER] = str(seed)
    return answer
