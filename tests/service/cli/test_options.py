"""The options of commands beside those of the service and the client."""

from __future__ import annotations

from typing import get_args

import click

from service.api.schemas.look import SequenceQuery
from service.cli import options
from service.cli.pictures.interpolate import interpolate
from service.client import render_options
from service.core.choices import Moving


def test_each_render_option_is_one_of_the_client_and_of_the_service() -> None:
    fields = set(SequenceQuery.model_fields) - {"dtype"}
    assert set(render_options.Look.__annotations__) == fields
    assert {parameter.name for parameter in interpolate.params} >= fields


def test_interpolate_writes_every_format_of_the_service() -> None:
    (option,) = (parameter for parameter in interpolate.params if parameter.name == "format")
    assert isinstance(option.type, click.Choice)
    assert set(option.type.choices) == set(options.FORMATS) == set(get_args(Moving))
