"""GET /digits/{digit} and GET /digits/{digit}.{extension}: a digit drawn from its class."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from service.api.image_urls import ImageUrl, answer_url, choose_seed, note_seed
from service.api.openapi import EXTENSION, URL, cached, seeded
from service.api.responses import PictureJob
from service.api.schemas.query import DigitQuery
from service.api.schemas.requests import LabelText
from service.api.schemas.responses import DigitAnswer
from service.api.schemas.urls import DigitUrl
from service.batching.context import RequestContext
from service.core.choices import ClassName, Still
from service.core.media_types import EXTENSIONS, FORMATS, STILL
from service.http.dependencies import Calls, Models
from service.http.direct_route import DirectRoute
from service.http.header_fields import negotiate
from service.http.openapi.errors import responses
from service.http.problems import Fault
from service.http.query_params import asks
from service.imaging.representation import Representation
from service.inference.registry import Registry

router = APIRouter(tags=["image urls"], route_class=DirectRoute)

DRAWN = cached(seeded("One picture.", STILL))
UNKNOWN = Fault(field="digit", expected="a class of mnist-2d (0, 1, 2, 3, 4, 5, 6, 7, 8, 9)", received="12")
HOT = Fault(field="temperature", expected="less than or equal to 10", received="'11'")
Digit = Annotated[
    LabelText, Path(description="The class's label, or its name where the data has names.", examples=[7])
]


@router.get(
    "/digits/{digit}.{extension}",
    summary="A digit, by its URL",
    response_model=DigitAnswer,
    responses={**DRAWN, **responses(*URL, causes={404: UNKNOWN, 422: HOT})},
)
async def draw_digit_url(
    request: Request,
    digit: Digit,
    extension: Annotated[Still, Path(description=EXTENSION, examples=["png"])],
    query: Annotated[DigitUrl, asks(DigitUrl)],
    models: Models,
    call: Calls,
) -> Response:
    """The same as `/digits/{digit}`, for `<img src>`: `/digits/7.png?seed=3`."""
    wanted = query.represent(FORMATS[extension])
    return await _draw(request, digit, query, wanted, extension, models, call)


@router.get(
    "/digits/{digit}",
    summary="Draw a digit",
    response_model=DigitAnswer,
    responses={**DRAWN, **responses(*URL, 406, causes={404: UNKNOWN, 422: HOT})},
)
async def draw_digit(
    request: Request,
    digit: Digit,
    query: Annotated[DigitQuery, asks(DigitQuery)],
    models: Models,
    call: Calls,
) -> Response:
    """Draws z from where the class lies in latent space and decodes it; the same seed draws the same."""
    media_type = negotiate(request, query.format, STILL)
    extension = EXTENSIONS[media_type]
    wanted = query.represent(media_type)
    return await _draw(request, digit, query, wanted, extension, models, call)


async def _draw(
    request: Request,
    digit: ClassName,
    query: DigitQuery | DigitUrl,
    wanted: Representation,
    extension: str,
    models: Registry,
    call: RequestContext,
) -> Response:
    engine = models.get(query.model)
    seed, chosen = choose_seed(query.seed)
    label = engine.space.classes.find("digit", digit)
    extra = {"digit": label, "seed": seed, "temperature": query.temperature}
    rows = engine.space.draw(label, seed, query.temperature)
    address = ImageUrl(f"{label}-{seed}.{extension}", query.model, query.download, chosen)
    return note_seed(await answer_url(request, PictureJob(engine, rows, wanted, extra), call, address), seed)
