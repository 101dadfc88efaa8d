"""How a client wants pictures written, and whether that is within limits."""

from __future__ import annotations

import dataclasses
import functools

import orjson

from service.bundles.manifest import ImageSpec
from service.core.choices import Dtype
from service.core.errors import InvalidValueError, Text
from service.core.media_types import APNG, GIF, NDJSON, PNG, WEBP, ZIP
from service.imaging.formats.limits import check_sides
from service.imaging.rendering import (
    Look,
    check_colormap,
    measure_frame,
    measure_sheet,
)

KINDS = {PNG: "png", APNG: "apng", GIF: "gif", WEBP: "webp", ZIP: "png"}
# Formats that can be sent while further pictures are still being decoded.
IN_PARTS = (APNG, NDJSON, ZIP)
# The further field of an answer that holds the note for the file.
NOTE = "note"
# Sizes that a representation keeps as fitting.
KEPT = 256


@dataclasses.dataclass(frozen=True)
class Representation:
    """A format for pictures, and how they look in it.

    Attributes:
        media_type: One of `core.media_types`.
        look: How pictures are drawn.
        dtype: Of pixels in JSON and npy.
        sequence: Whether WebP is an animation; otherwise it is a sheet.
        duration_ms: How long a frame is shown.
        loops: How often a sequence plays; 0 for ever.
        noted: Whether the file says what made it; the writer is handed the note as the further field `NOTE`.
    """

    media_type: str
    look: Look = dataclasses.field(default_factory=Look)
    dtype: Dtype = "float32"
    sequence: bool = False
    duration_ms: int = 100
    loops: int = 0
    noted: bool = False

    @functools.cached_property
    def digest_text(self) -> bytes:
        """The same for the same, for tags."""
        fields = dataclasses.asdict(self)
        # Pictures without a note keep the tags that they had before there were notes.
        if not self.noted:
            del fields["noted"]
        return orjson.dumps(fields, option=orjson.OPT_SORT_KEYS)

    @functools.cached_property
    def is_plain(self) -> bool:
        """Whether one picture as PNG is just its pixels, without a note."""
        look = self.look
        plain = look.scale == 1 and not (look.invert or look.padding) and look.colormap == "grey"
        return self.media_type == PNG and not self.noted and plain and look.columns in (None, 1)

    @functools.cached_property
    def fitting(self) -> set[tuple[int, ...]]:
        """What was found to be within limits; see `check_size`."""
        return set()

    @property
    def is_drawn(self) -> bool:
        """Whether the format is an image, not numbers."""
        return self.media_type in KINDS

    @property
    def is_sheet(self) -> bool:
        """Whether all pictures are drawn side by side in one."""
        return self.media_type == PNG or (self.media_type == WEBP and not self.sequence)


def count_fitting(wanted: Representation, image: ImageSpec, max_pixels: int) -> int:
    """Return how many pictures at most one picture of them all may hold; 0 where none is drawn.

    Args:
        wanted: The representation.
        image: Their size.
        max_pixels: Most pixels of it.
    """
    return max_pixels // (image.height * image.width) if wanted.is_sheet else 0


def check_size(wanted: Representation, n: int, image: ImageSpec, max_pixels: int) -> None:
    """Check that pictures can be drawn as wanted and are not too large, before anything runs.

    Args:
        wanted: The representation.
        n: How many pictures.
        image: Their size and colours.
        max_pixels: Most pixels of all frames together.

    Raises:
        InvalidValueError: They cannot; the error names `scale` or `colormap`.
    """
    case = n, image.height, image.width, image.channels, max_pixels
    if case in wanted.fitting or not wanted.is_drawn:
        return
    check_colormap(wanted.look, image.channels)
    if wanted.is_sheet:
        height, width = measure_sheet(n, image.height, image.width, wanted.look)
        pixels = height * width
    else:
        height, width = measure_frame(image.height, image.width, wanted.look)
        pixels = n * height * width
    if pixels > max_pixels:
        received = Text(f"{pixels}: {height} x {width}" + ("" if wanted.is_sheet else f", {n} times"))
        raise InvalidValueError("scale", f"what makes at most {max_pixels} pixels in all", received)
    check_sides(KINDS[wanted.media_type], height, width)  # type: ignore[arg-type]
    if len(wanted.fitting) < KEPT:
        wanted.fitting.add(case)
