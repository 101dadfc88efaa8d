"""Find the figures of a picture: what stands out from its background, and is neither paper nor light."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator

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
from service.imaging.figures.components import Components, Mask, label_components
from service.imaging.figures.grouping import group
from service.imaging.figures.rules import may_have_rules, remove_rules
from service.imaging.figures.shapes import Relief, Shapes, judge

# Windows of the background, to each side, as a part of the picture's shorter side: for thick strokes that
# fill a picture, for a sheet on a table, and for the edge of a shadow.
REACHES = (0.5, 0.25, 0.1)
# A pixel stands out if it is so many standard deviations of the noise away, and so many of 255 levels.
DEVIATIONS, LEAST = 4.5, 5.0
# Parts of the strongest strokes' contrast that are tried as thresholds.
PARTS = (0.35, 0.0)
# The quality of a figure that needs no other to be looked for.
DECISIVE = 0.75
# The quality of one that is alone on a canvas, and how far its soft edges reach, as a part of its size.
ALONE, HALO = 0.3, 0.2
# Its background varies by less than this part of its contrast.
EVEN = 0.6
# The part of its own contrast that belongs to a figure.
OWN_PART = 0.3
# Others are figures too from these parts of the best one's quality, and of its contrast and size, on.
ALSO_GOOD, ALSO = 0.25, 0.4
# More than this many figures of one picture are not taken.
MAX_FIGURES = 256


@dataclasses.dataclass(frozen=True)
class Figure:
    """A figure, in the pixels of the copy that it was found in.

    Attributes:
        mask: `(height, width)`, its pixels.
        box: Left, top, right and bottom.
        threshold: By how much a pixel of it stands out at least, in levels of 255.
        strength: By how much its strokes stand out.
        quality: How good a figure it is by shape, place, contrast and edges, in [0, 1].
    """

    mask: Mask
    box: tuple[int, int, int, int]
    threshold: float
    strength: float
    quality: float


@dataclasses.dataclass(frozen=True)
class Sight:
    """One way to see a picture: what stands out from one background, by one threshold.

    Attributes:
        polarity: Whether it is darker than that background.
        background: What it stands out from.
        ink: `(height, width)` float32, by how many of 255 levels.
        floor: By how many it must, for noise.
        parts: The connected parts of it.
        shapes: What they are like.
        rules: How many lines of the paper were taken out.
    """

    polarity: ImagePolarity
    background: Background
    ink: Floats
    floor: Floats
    parts: Components
    shapes: Shapes
    rules: int

    @property
    def best(self) -> int:
        """The part that is likeliest a figure."""
        return int(self.shapes.rank.argmax())


def look(planes: Floats, polarity: ImagePolarity | None) -> Sight | None:
    """Find the way to see a picture that shows the best figure; None if none shows any.

    Args:
        planes: `(channels, height, width)` float32 in [0, 255], a few hundred pixels a side.
        polarity: None: found.
    """
    best: Sight | None = None
    slope, floor = _slope(planes), None
    for background in estimate_backgrounds(planes, REACHES):
        if floor is None:
            floor = _estimate_floor(planes, background.is_canvas)
        for sight in _try(planes, slope, floor, background, polarity):
            if best is None or sight.shapes.rank.max() > best.shapes.rank.max():
                best = sight
            if _is_decisive(sight):
                return best
    return best


def take_figures(sight: Sight, many: bool) -> list[Figure]:
    """Return the best figure, or all that are like it, from top to bottom and left to right."""
    shapes, best = sight.shapes, sight.best
    if not many:
        return [_take(sight, group(sight.parts, shapes, best))]
    like = (
        (shapes.quality > ALSO_GOOD * shapes.quality[best])
        & (shapes.strength > ALSO * shapes.strength[best])
        & (shapes.size > ALSO * shapes.size[best])
    )
    figures: list[Figure] = []
    free = np.ones(len(like), bool)
    for label in np.argsort(-shapes.rank):
        if like[label] and free[label] and len(figures) < MAX_FIGURES:
            chosen = group(sight.parts, shapes, int(label)) & free
            free &= ~chosen
            figures.append(_take(sight, chosen, int(label)))
    return _in_reading_order(figures)


def _try(
    planes: Floats, slope: Floats, floor: Floats, background: Background, polarity: ImagePolarity | None
) -> Iterator[Sight]:
    dark, light = _stand_out(planes, background)
    kinds: tuple[tuple[ImagePolarity, Floats, Floats], ...] = (
        ("dark-on-light", dark, light),
        ("light-on-dark", light, dark),
    )
    if np.count_nonzero(light > floor) > np.count_nonzero(dark > floor):
        kinds = kinds[::-1]
    for kind, ink, other in kinds:
        strong = ink[ink > floor]
        if polarity in (None, kind) and strong.size:
            peak = quantile(strong, 0.9)
            relief = Relief(ink, np.where(other > np.maximum(ink, LEAST), other, np.float32(0)), slope)
            for part in PARTS:
                sight = _see(kind, background, relief, floor, peak, part)
                if sight is not None:
                    yield sight
                    if relief.near_other is None and _is_alone(sight):
                        return


def _estimate_floor(planes: Floats, is_canvas: bool) -> Floats:
    """Return by how many levels a pixel must stand out: a canvas, which is even, has no noise."""
    if is_canvas:
        return np.full(planes.shape[1:], LEAST, np.float32)
    noise = np.maximum.reduce([estimate_noise(plane) for plane in planes])
    floor: Floats = np.maximum(noise * DEVIATIONS, LEAST)
    return floor


def _stand_out(planes: Floats, background: Background) -> tuple[Floats, Floats]:
    """Return by how much each pixel is darker, and by how much lighter, in the channel that shows it best."""
    shape = planes.shape[1:]
    dark, light = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    for plane, low, high in zip(planes, background.low, background.high, strict=True):
        np.maximum(dark, enlarge(low, *shape) - plane, out=dark)
        np.maximum(light, plane - enlarge(high, *shape), out=light)
    return dark, light


def _is_decisive(sight: Sight) -> bool:
    """Tell whether the best figure is good, and all of it lies on one background."""
    parts, best = sight.parts, sight.best
    high, wide = sight.ink.shape
    rows, columns = sight.background.low.shape[1:]
    cells = np.s_[
        :,
        parts.top[best] * rows // high : -(-parts.bottom[best] * rows // high),
        parts.left[best] * columns // wide : -(-parts.right[best] * columns // wide),
    ]
    spread = sight.background.high[cells].max(axis=(1, 2)) - sight.background.low[cells].min(axis=(1, 2))
    even = spread.max() < EVEN * sight.shapes.strength[best]
    return bool(even and sight.shapes.quality[best] > DECISIVE)


def _is_alone(sight: Sight) -> bool:
    """Tell whether all that stands out from a canvas is the best figure and its soft edges."""
    parts, best = sight.parts, sight.best
    if not sight.background.is_canvas or sight.shapes.quality[best] < ALONE:
        return False
    around = math.ceil(HALO * sight.shapes.size[best])
    outside = sight.ink > sight.floor
    rows = slice(max(parts.top[best] - around, 0), parts.bottom[best] + around)
    outside[rows, max(parts.left[best] - around, 0) : parts.right[best] + around] = False
    return not outside.any()


def _see(
    kind: ImagePolarity, background: Background, relief: Relief, floor: Floats, peak: float, part: float
) -> Sight | None:
    ink = relief.ink
    mask, rules = ink > np.maximum(floor, part * peak), 0
    parts = label_components(mask)
    if may_have_rules(parts, len(mask)):
        mask, rules = remove_rules(mask)
        if rules:
            parts = label_components(mask)
    if not len(parts.area):
        return None
    shapes = judge(parts, mask, relief, peak)
    if not shapes.rank.max() > 0:
        return None
    return Sight(kind, background, ink, floor, parts, shapes, rules)


def _take(sight: Sight, chosen: Mask, label: int | None = None) -> Figure:
    mask = sight.parts.paint(chosen, len(sight.ink))
    strength = quantile(sight.ink[mask], 0.75)
    own = mask & (sight.ink > OWN_PART * strength)
    rows, columns = np.flatnonzero(own.any(axis=1)), np.flatnonzero(own.any(axis=0))
    box = int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
    quality = float(sight.shapes.quality[sight.best if label is None else label])
    return Figure(own, box, OWN_PART * strength, strength, quality)


def _in_reading_order(figures: list[Figure]) -> list[Figure]:
    """Sort by lines: figures whose middle lies within the height of a line's first are on it."""
    lines: list[list[Figure]] = []
    for figure in sorted(figures, key=lambda figure: figure.box[1] + figure.box[3]):
        middle = (figure.box[1] + figure.box[3]) / 2
        if lines and any(other.box[1] <= middle < other.box[3] for other in lines[-1]):
            lines[-1].append(figure)
        else:
            lines.append([figure])
    return [figure for line in lines for figure in sorted(line, key=lambda figure: figure.box[0])]


def _slope(planes: Floats) -> Floats:
    """Return by how much a picture rises across each pixel, over five pixels."""
    slope = np.zeros(planes.shape[1:], np.float32)
    for plane in planes:
        across, down = np.abs(plane[:, 4:] - plane[:, :-4]), np.abs(plane[4:] - plane[:-4])
        np.maximum(slope[:, 2:-2], across, out=slope[:, 2:-2])
        np.maximum(slope[2:-2], down, out=slope[2:-2])
    return slope
