"""`Look`: the options of how pictures are rendered, and how query parameters are written."""

from __future__ import annotations

from typing import TypedDict

from service.core.choices import Colormap, Resample

Value = str | int | float | bool | None
Params = tuple[tuple[str, Value], ...]


class Look(TypedDict, total=False):
    """How pictures are rendered; what is left out takes the service's default.

    Attributes:
        scale: Pixels a side that each pixel becomes.
        resample: "nearest" draws pixels as squares, "smooth" interpolates between them.
        invert: Whether to swap dark and light.
        padding: Pixels of background around each picture, before scaling.
        columns: Pictures in a row of a sheet.
        colormap: Colours for the levels of grey pictures.
        metadata: Whether PNG, WebP and APNG say what made them, as JSON in a text.
        duration_ms: Of a frame; for interpolations only.
        loops: How often they play, 0 for ever; for interpolations only.
    """

    scale: int
    resample: Resample
    invert: bool
    padding: int
    columns: int | None
    colormap: Colormap
    metadata: bool
    duration_ms: int
    loops: int


def to_params(**values: Value) -> Params:
    """Return query parameters without those that are None; booleans are written as in JSON."""
    return tuple(
        (name, str(value).lower() if isinstance(value, bool) else value)
        for name, value in values.items()
        if value is not None
    )
