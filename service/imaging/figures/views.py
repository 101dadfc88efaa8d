"""Views of a picture: what is darker and what is lighter than its background, as far as that is known."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np

from service.core.arrays import Floats
from service.core.choices import ImagePolarity
from service.imaging.figures.background import (
    Background,
    enlarge,
    estimate_backgrounds,
    estimate_noise,
    quantile,
)
from service.imaging.figures.components import Mask
from service.imaging.figures.shapes import Relief

# Windows of the background, to each side, as a part of the picture's shorter side: for thick strokes that
# fill a picture, for a sheet on a table, and for the edge of a shadow.
REACHES = (0.5, 0.25, 0.1)
# A pixel stands out if it is so many standard deviations of the noise away, and so many of 255 levels.
DEVIATIONS, LEAST = 4.5, 5.0
# Parts of the strongest strokes' contrast that are tried as thresholds: for the first window, and for the
# others, where 0 as well changed 3 of 1161 pictures, by two pixels of the small copy.
PARTS, LATER_PARTS = (0.35, 0.0), (0.35,)
# More than this part of a picture is no figure on paper, whose level is the median.
MOST = 0.5


@dataclasses.dataclass(frozen=True)
class View:
    """What stands out from one background to one side.

    Attributes:
        polarity: Whether it is darker or lighter.
        background: What it stands out from.
        relief: By how much, and how steep the picture is.
        floor: `(height, width)` float32, by how many levels it must, for noise.
        peak: By how many the strongest of it does.
        parts: Of the peak, as thresholds.
    """

    polarity: ImagePolarity
    background: Background
    relief: Relief
    floor: Floats
    peak: float
    parts: Sequence[float]

    def masks(self) -> Iterator[Mask]:
        """Return what stands out by each threshold, unless it is what did before, or most of the picture."""
        seen, most = 0, self.floor.size if self.background.is_canvas else MOST * self.floor.size
        for part in self.parts:
            mask = self.relief.ink > np.maximum(self.floor, part * self.peak)
            count = int(np.count_nonzero(mask))
            if seen < count <= most:
                seen = count
                yield mask


def find_views(planes: Floats, polarity: ImagePolarity | None) -> Iterator[Iterator[View]]:
    """Return the views in front of one background after another.

    Args:
        planes: `(channels, height, width)` float32 in [0, 255], a few hundred pixels a side.
        polarity: None: both.
    """
    slope, floor = _slope(planes), None
    parts: Sequence[float] = PARTS
    for background in estimate_backgrounds(planes, REACHES):
        if floor is None:
            floor = _estimate_floor(planes, background.is_canvas)
        sides = _stand_out(planes, background)
        yield _view_sides(sides, background, slope, floor, parts, polarity)
        parts = LATER_PARTS


def _view_sides(
    sides: tuple[Floats, Floats],
    background: Background,
    slope: Floats,
    floor: Floats,
    parts: Sequence[float],
    polarity: ImagePolarity | None,
) -> Iterator[View]:
    """Return what is darker and what is lighter, that first of which there is more."""
    dark, light = sides
    kinds: list[tuple[ImagePolarity, Floats, Floats]] = [
        ("dark-on-light", dark, light),
        ("light-on-dark", light, dark),
    ]
    if np.count_nonzero(light > floor) > np.count_nonzero(dark > floor):
        kinds.reverse()
    for kind, ink, other in kinds:
        strong = ink[ink > floor]
        if polarity in (None, kind) and strong.size:
            relief = Relief(ink, other * (other > np.maximum(ink, LEAST)), slope)
            yield View(kind, background, relief, floor, quantile(strong, 0.9), parts)


def _estimate_floor(planes: Floats, is_canvas: bool) -> Floats:
    """Return by how many levels a pixel must stand out: a canvas, which is even, has no noise."""
    if is_canvas:
        return np.full(planes.shape[1:], LEAST, np.float32)
    floor: Floats = np.maximum(estimate_noise(planes) * np.float32(DEVIATIONS), np.float32(LEAST))
    return floor


def _stand_out(planes: Floats, background: Background) -> tuple[Floats, Floats]:
    """Return by how much each pixel is darker, and by how much lighter, in the channel that shows it best."""
    shape = planes.shape[1:]
    dark, light = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    for plane, low, high in zip(planes, background.low, background.high, strict=True):
        ground = enlarge(low, *shape)
        np.maximum(dark, np.subtract(ground, plane, out=ground), out=dark)
        ground = enlarge(high, *shape)
        np.maximum(light, np.subtract(plane, ground, out=ground), out=light)
    return dark, light


def _slope(planes: Floats) -> Floats:
    """Return by how much a picture rises across each pixel, over five pixels."""
    slope = np.zeros(planes.shape[1:], np.float32)
    for plane in planes:
        across, down = np.abs(plane[:, 4:] - plane[:, :-4]), np.abs(plane[4:] - plane[:-4])
        np.maximum(slope[:, 2:-2], across, out=slope[:, 2:-2])
        np.maximum(slope[2:-2], down, out=slope[2:-2])
    return slope
