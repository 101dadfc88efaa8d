"""Owns the names of formats, and the options of how pictures are drawn."""

from __future__ import annotations

from typing import TypedDict

from service.core.choices import Colormap, Resample

Value = str | int | float | bool | None
Params = tuple[tuple[str, Value], ...]


class Look(TypedDict, total=False):
    """How pictures are drawn; what is left out is as the service has it.

    Attributes:
        scale: Makes each pixel so many pixels a side.
        resample: "nearest" makes pixels squares, "smooth" interpolates between them.
        invert: Turns dark and light over.
        padding: Pixels of background around each picture, before scaling.
        columns: Pictures in a row of a sheet.
        colormap: Colours for the levels of grey pictures.
        duration_ms: Of a frame; of interpolations alone.
        loops: How often they play, 0 for ever; of interpolations alone.
    """

    scale: int
    resample: Resample
    invert: bool
    padding: int
    columns: int | None
    colormap: Colormap
    duration_ms: int
    loops: int


def to_params(**values: Value) -> Params:
    """Gives query parameters; those that are None are left out, and booleans are written as JSON has them."""
    return tuple(
        (name, str(value).lower() if isinstance(value, bool) else value)
        for name, value in values.items()
        if value is not None
    )
