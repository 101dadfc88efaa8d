"""The query parameters that say how pictures are drawn, and the look that they make."""

from __future__ import annotations

import dataclasses
import functools
from typing import Annotated, Any

from pydantic import Field

from service.core.choices import Colormap, Dtype, Resample
from service.http.query_params import Query
from service.imaging.formats.limits import MAX_DURATION_MS, MAX_LOOPS
from service.imaging.notes import NOTED
from service.imaging.rendering import Look
from service.imaging.representation import Representation

# Four times the pictures that a request may have unless the operator allows more.
MAX_COLUMNS = 4096


class LookQuery(Query):
    """How pictures are drawn."""

    dtype: Annotated[
        Dtype, Field(description="Of pixels in JSON and npy: float32 in [0, 1], or uint8 in [0, 255].")
    ] = "float32"
    scale: Annotated[
        int, Field(ge=1, le=64, description="Makes each pixel so many pixels a side.", examples=[4])
    ] = 1
    resample: Annotated[
        Resample, Field(description="nearest makes pixels squares, smooth interpolates between them.")
    ] = "nearest"
    invert: Annotated[bool, Field(description="Turns dark and light over.")] = False
    padding: Annotated[
        int, Field(ge=0, le=64, description="Pixels of background around each picture, before scaling.")
    ] = 0
    columns: Annotated[
        int | None,
        Field(ge=1, le=MAX_COLUMNS, description="Pictures in a row of a sheet; unset: about square."),
    ] = None
    colormap: Annotated[Colormap, Field(description="Colours for the levels of grey pictures.")] = "grey"
    metadata: Annotated[
        bool,
        Field(description="Has PNG, WebP and APNG say what made them: model, z, seed, as JSON in a text."),
    ] = False

    def represent(self, media_type: str, columns: int | None = None) -> Representation:
        """Return how pictures are to be written; `columns` are those of a sheet if the query names none."""
        return _represent(media_type, self._look(columns), self.metadata, self.dtype)

    def _look(self, columns: int | None) -> tuple[Any, ...]:
        columns = self.columns or columns
        return self.scale, self.resample, self.invert, self.padding, columns, self.colormap


class SequenceQuery(LookQuery):
    """How sequences are drawn."""

    duration_ms: Annotated[
        int,
        Field(ge=20, le=MAX_DURATION_MS, description="Of a frame of GIF, WebP or APNG, in milliseconds."),
    ] = 100
    loops: Annotated[int, Field(ge=0, le=MAX_LOOPS, description="How often it plays; 0 for ever.")] = 0

    def represent(self, media_type: str, columns: int | None = None) -> Representation:
        """Return how a sequence is to be written; see `LookQuery.represent`."""
        motion = True, self.duration_ms, self.loops
        return _represent(media_type, self._look(columns), self.metadata, self.dtype, *motion)


@functools.lru_cache(1024)
def _represent(media_type: str, look: tuple[Any, ...], metadata: bool, *further: Any) -> Representation:
    """Return the same object for all requests that ask for the same: it caches what is computed from it."""
    made = Representation(media_type, Look(*look), *further)
    return dataclasses.replace(made, noted=True) if metadata and media_type in NOTED else made
