"""Read the figures of a decoded picture as a model was trained on them."""

from __future__ import annotations

import dataclasses

from PIL import Image

from service.core.arrays import Floats
from service.core.choices import ImagePolarity
from service.imaging.figures.canvas import flatten, to_planes
from service.imaging.figures.drawing import cut_figure
from service.imaging.figures.finder import Figure, Sight, look, take_figures

# The longer side of the copy that figures are found in.
SIDE = 256
# Below this nothing was found.
LEAST_FOUND = 0.03


@dataclasses.dataclass(frozen=True)
class Reading:
    """A figure and what was done to find it.

    Attributes:
        cover: `(height, width, 1)` float32 in [0, 1], how much of each pixel of its box is ink.
        polarity: Of the picture.
        threshold: By how much of the way from black to white a pixel of it stands out at least.
        box: Left, top, right and bottom, in pixels of the picture that was given.
        ignored: How much else stood out, by kind.
        found: How sure it is that this is the figure, in [0, 1].
    """

    cover: Floats
    polarity: ImagePolarity
    threshold: float
    box: tuple[int, int, int, int]
    ignored: dict[str, int]
    found: float


def read_figures(image: Image.Image, polarity: ImagePolarity | None, many: bool) -> list[Reading]:
    """Find the figure of a picture, or all that are like it.

    Args:
        image: Decoded and upright, of any mode.
        polarity: None: found.
        many: All, line by line from left to right; else the best one alone.

    Returns:
        None if nothing stands out from its background as figures do.
    """
    image = flatten(image)
    factor = -(-max(image.size) // SIDE)
    small = image.reduce(factor) if factor > 1 else image
    planes = to_planes(small)
    sight = look(planes, polarity)
    if sight is None:
        return []
    if len(planes) == 1:
        image = image.convert("L")
    figures = take_figures(sight, many)
    readings = [_read(image, sight, figure, factor, len(figures)) for figure in figures]
    return [reading for reading in readings if reading.found >= LEAST_FOUND]


def _read(image: Image.Image, sight: Sight, figure: Figure, factor: int, count: int) -> Reading:
    left, top, right, bottom = (side * factor for side in figure.box)
    others = int((sight.shapes.quality > 0).sum()) - count
    ignored = {
        "rules": sight.rules,
        "specks": len(sight.parts.area) - count - max(others, 0),
        "others": max(others, 0),
    }
    return Reading(
        cut_figure(image, sight, figure)[..., None],
        sight.polarity,
        round(figure.threshold / 255, 4),
        (left, top, min(right, image.width), min(bottom, image.height)),
        ignored,
        _sureness(sight, figure),
    )


def _sureness(sight: Sight, figure: Figure) -> float:
    """Return a figure's quality, less where it hardly stands out from noise."""
    floor = float(sight.floor[figure.mask].mean())
    return round(min(1.0, figure.quality) * min(1.0, figure.strength / (3 * floor)), 4)
