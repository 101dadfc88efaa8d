"""The choices of options, which are written down again so that `--help` loads no model code."""

from __future__ import annotations

import typing
from typing import Any

from service.api.schemas import query
from service.cli import encode, interpolate, options
from service.client import render_options
from service.core.choices import Colormap, Dtype, Format, Method, Moving, Polarity, Resample


def values(*literals: Any) -> set[str]:
    return {value for literal in literals for value in typing.get_args(literal)}


def test_options_offer_what_the_service_and_the_client_know() -> None:
    for offered, known, client in (
        (options.COLORMAPS, Colormap, Colormap),
        (options.RESAMPLES, Resample, Resample),
        (options.DTYPES, Dtype, Dtype),
        (interpolate.METHODS, Method, Method),
        (encode.POLARITIES, Polarity, Polarity),
        (options.FORMATS, Moving, Format),
    ):
        assert set(offered) == values(known) == values(client)


def test_each_option_of_the_look_is_one_of_the_client() -> None:
    fields = set(query.SequenceQuery.model_fields) - {"dtype"}
    assert set(render_options.Look.__annotations__) == fields
