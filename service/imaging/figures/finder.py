"""Find the figures of a picture: what stands out from its background, and is neither paper nor light."""

from __future__ import annotations

import dataclasses
import functools
import math

import numpy as np

from service.core.arrays import Floats
from service.core.choices import ImagePolarity
from service.imaging.figures.background import Background, quantile
from service.imaging.figures.components import Components, Mask, label_components
from service.imaging.figures.grouping import group
from service.imaging.figures.rules import may_have_rules, remove_rules
from service.imaging.figures.shapes import Shapes, judge
from service.imaging.figures.views import View, find_views

# The quality of a figure that needs no other to be looked for, and of one that needs no other background: it
# moved 14 of 1161 boxes, by a pixel of the small copy.
DECISIVE, ENOUGH = 0.75, 0.85
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

    @functools.cached_property
    def rank(self) -> float:
        """How good that part is beside those of other sights."""
        return float(self.shapes.rank.max())

    @property
    def quality(self) -> float:
        """How good it is by itself, in [0, 1]."""
        return float(self.shapes.quality[self.best])


def look(planes: Floats, polarity: ImagePolarity | None) -> Sight | None:
    """Find the way to see a picture that shows the best figure; None if none shows any.

    Args:
        planes: `(channels, height, width)` float32 in [0, 255], a few hundred pixels a side.
        polarity: None: found.
    """
    best: Sight | None = None
    for views in find_views(planes, polarity):
        for view in views:
            for mask in view.masks():
                sight = _see(view, mask, best)
                if sight is None:
                    continue
                if best is None or sight.rank > best.rank:
                    best = sight
                if _is_decisive(sight) or (view.relief.other is None and _is_alone(sight)):
                    return best
        if best is not None and best.quality > ENOUGH:
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
    return bool(even and sight.quality > DECISIVE)


def _is_alone(sight: Sight) -> bool:
    """Tell whether all that stands out from a canvas is the best figure and its soft edges."""
    parts, best = sight.parts, sight.best
    if not sight.background.is_canvas or sight.quality < ALONE:
        return False
    around = math.ceil(HALO * sight.shapes.size[best])
    outside = sight.ink > sight.floor
    rows = slice(max(parts.top[best] - around, 0), parts.bottom[best] + around)
    outside[rows, max(parts.left[best] - around, 0) : parts.right[best] + around] = False
    return not outside.any()


def _see(view: View, mask: Mask, best: Sight | None) -> Sight | None:
    """Return what a mask shows; None if that is nothing, or nothing better than the best sight."""
    parts, rules = label_components(mask), 0
    if may_have_rules(parts, len(mask)):
        mask, rules = remove_rules(mask)
        if rules:
            parts = label_components(mask)
    if not len(parts.area):
        return None
    shapes = judge(parts, mask, view.relief, view.peak, best.rank if best else 0)
    if shapes is None:
        return None
    sight = Sight(view.polarity, view.background, view.relief.ink, view.floor, parts, shapes, rules)
    return sight if sight.rank > 0 else None


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
