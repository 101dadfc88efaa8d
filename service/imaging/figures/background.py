"""Estimate what a picture would be without its figures: its paper, in any light."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from service.core.arrays import Floats

L = TypeVar("L", bound=np.generic)

# Cells along the longer side of the coarse copy that the background is estimated on.
GRID = 32
# Steps of grey that medians are sought among; their means then are exact.
LEVELS = 16
# From two below the first, so that a level always has neighbours.
STEPS = np.arange(-2, LEVELS, dtype=np.int16)
# The part of a pixel's surroundings that has the noise of its sheet: the rest may be a figure, or a table.
CALM = 0.25
# The parts of a border that may differ where a program filled it: by more than a level, as the soft edges of
# an enlarged picture do, and by more than `FAINT` levels, unless only on one side, which a figure may touch.
SOFT, ODD, FAINT = 0.1, 0.02, 4
# The part of a canvas that is as the program filled it.
FILLED = 0.4
# How many pixels away the others are that a pixel is compared with for its noise.
NEAR = 3


@dataclasses.dataclass(frozen=True)
class Background:
    """The background of each cell of a coarse grid, one plane a channel.

    Attributes:
        level: `(channels, rows, columns)` float32, the likeliest.
        low: The lowest of the neighbouring cells.
        high: The highest of them. Between these two a pixel stands out from nothing: so edges of paper and
            of shadows are background.
    """

    level: Floats
    low: Floats
    high: Floats

    @property
    def is_canvas(self) -> bool:
        """Whether a program filled it with one level: then no paper has lines."""
        return bool(self.level[0].size == 1)


def estimate_backgrounds(planes: Floats, reaches: Sequence[float]) -> Iterator[Background]:
    """Take the median of a wide window around each cell, of several widths: figures are less than half of it.

    A window is as wide as the picture allows on both sides of its middle, so that light that falls from one
    side to the other is background everywhere, and so is a rim. A canvas that a program filled has one
    background, however wide the window.

    Args:
        planes: `(channels, height, width)` float32.
        reaches: Of each window to each side, as a part of the picture's shorter side.
    """
    drawn = _find_canvas(planes)
    if drawn is not None:
        yield Background(drawn, drawn, drawn)
        return
    grid = np.stack([shrink(plane, GRID) for plane in planes])
    for reach in reaches:
        side = max(1, round(reach * min(grid.shape[1:])))
        level = np.stack([_windowed_quantile(plane, side, 0.5) for plane in grid])
        yield Background(level, spread(level, np.minimum), spread(level, np.maximum))


def _find_canvas(planes: Floats) -> Floats | None:
    """Return the one level of a canvas that a program filled, as a grid of one cell, if it is such."""
    sides = planes[:, 0], planes[:, -1], planes[:, :, 0], planes[:, :, -1]
    level = sides[0][:, :1]
    apart = [np.abs(side - level) for side in sides]
    odd = [np.count_nonzero(side > FAINT) for side in apart]
    soft = sum(np.count_nonzero(side > 1) for side in apart)
    size = sum(side.size for side in sides)
    if soft > SOFT * size or (sum(odd) > ODD * size and sum(odd) > max(odd)):
        return None
    near = np.count_nonzero(np.abs(planes - level[..., None]) <= 1)
    return level[..., None] if near > FILLED * planes.size else None


def shrink(plane: Floats, side: int) -> Floats:
    """Average a plane into cells, at most `side` along its longer side."""
    height, width = plane.shape
    factor = max(1.0, max(height, width) / side)
    size = max(1, round(width / factor)), max(1, round(height / factor))
    return np.asarray(Image.fromarray(plane).resize(size, Image.Resampling.BOX))


def enlarge(
    grid: Floats, height: int, width: int, box: tuple[float, float, float, float] | None = None
) -> Floats:
    """Interpolate a grid's plane between the middles of its cells; `box` is a part of it, in cells."""
    if grid.size == 1:
        return np.full((height, width), grid[0, 0])
    return np.asarray(Image.fromarray(grid).resize((width, height), Image.Resampling.BILINEAR, box))


def quantile(values: Floats, part: float) -> float:
    """Return the value that so large a part of the values does not exceed."""
    place = int(part * (values.size - 1))
    return float(np.partition(values, place, axis=None)[place])


def estimate_noise(plane: Floats) -> Floats:
    """Return the standard deviation of each pixel's surroundings, without the figures in them.

    Args:
        plane: `(height, width)` float32. How far a pixel is from four others near it is noise or an edge, and
            in most places there is no edge.
    """
    height, width = plane.shape
    if min(height, width) <= 4 * NEAR:
        return np.zeros_like(plane)
    n = NEAR
    around = plane[: -2 * n, n:-n] + plane[2 * n :, n:-n] + plane[n:-n, : -2 * n] + plane[n:-n, 2 * n :]
    apart = np.abs(plane[n:-n, n:-n] - around / 4)
    if np.count_nonzero(apart > 1) < CALM * apart.size / 2:  # drawn by a program
        return np.zeros_like(plane)
    cells = shrink(apart, GRID)
    usual = _windowed_quantile(cells, max(2, min(cells.shape) // 4), CALM)
    # The mean of |r| is 0.8 standard deviations for normal noise, and four pixels add a quarter of theirs.
    return enlarge(usual * np.float32(1.12), height, width)


def _windowed_quantile(grid: Floats, reach: int, part: float) -> Floats:
    low, high = float(grid.min()), float(grid.max())
    if high - low < 1e-6:
        return grid.copy()
    index = ((grid - low) * ((LEVELS - 1e-3) / (high - low))).astype(np.int16)
    below = (index <= STEPS[:, None, None]).astype(np.float32)
    counts = _window_sums(below, reach)
    sums = _window_sums(below * (grid - low), reach)
    middle = (counts >= part * counts[-1]).argmax(axis=0)
    # The mean of its level and its neighbours, for levels are coarse.
    rows, columns = np.arange(grid.shape[0])[:, None], np.arange(grid.shape[1])
    upper, lower = np.minimum(middle + 1, len(STEPS) - 1), middle - 2
    weight = counts[upper, rows, columns] - counts[lower, rows, columns]
    value = sums[upper, rows, columns] - sums[lower, rows, columns]
    found: Floats = (value / weight + np.float32(low)).astype(np.float32)
    return found


def _window_sums(planes: Floats, reach: int) -> Floats:
    """Return the sums over windows that reach as far to one side as to the other."""
    rows, columns = _windows(planes.shape[1], reach), _windows(planes.shape[2], reach)
    return np.asarray(rows @ planes @ columns.T, np.float32)


@functools.lru_cache(256)
def _windows(n: int, reach: int) -> Floats:
    """Return a row for each of n places: 1 where its window is."""
    places = np.arange(n)
    side = np.minimum(np.minimum(places, n - 1 - places), reach)
    windows: Floats = (np.abs(places - places[:, None]) <= side[:, None]).astype(np.float32)
    return windows


def spread(levels: NDArray[L], choose: np.ufunc, reach: int = 1) -> NDArray[L]:
    """Give each place the highest or lowest level of the square around it.

    Args:
        levels: `(..., height, width)`, of any dtype.
        choose: `np.maximum` or `np.minimum`.
        reach: How far the square goes to each side: 1 for three by three.
    """
    down = _spread_down(levels, choose, reach)
    return _spread_down(down.swapaxes(-1, -2), choose, reach).swapaxes(-1, -2)


def _spread_down(levels: NDArray[L], choose: np.ufunc, reach: int) -> NDArray[L]:
    # From row to row: that is many times as fast as Pillow's filters, which sort nine levels for each pixel.
    wide = levels.copy("K")  # the order in memory stays: to transpose it would take as long again
    for step in range(1, reach + 1):
        choose(wide[..., step:, :], levels[..., :-step, :], out=wide[..., step:, :])
        choose(wide[..., :-step, :], levels[..., step:, :], out=wide[..., :-step, :])
    return wide
