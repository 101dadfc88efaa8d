"""The choices of options, which are written down again so that `--help` loads no model code."""

from __future__ import annotations

import typing
from typing import Any

from service import colormaps, queries, rendering, schemas
from service.client import looks
from service.commands import encode, interpolate, options


def values(*literals: Any) -> set[str]:
    return {value for literal in literals for value in typing.get_args(literal)}


def test_options_offer_what_the_service_and_the_client_know() -> None:
    for offered, known, client in (
        (options.COLORMAPS, colormaps.Colormap, looks.Colormap),
        (options.RESAMPLES, rendering.Resample, looks.Resample),
        (options.DTYPES, schemas.Dtype, looks.Dtype),
        (interpolate.METHODS, schemas.Method, looks.Method),
        (encode.POLARITIES, schemas.Polarity, looks.Polarity),
        (options.FORMATS, queries.Moving, looks.Format),
    ):
        assert set(offered) == values(known) == values(client)


def test_each_option_of_the_look_is_one_of_the_client() -> None:
    fields = set(queries.SequenceQuery.model_fields) - {"dtype"}
    assert set(looks.Look.__annotations__) == fields
