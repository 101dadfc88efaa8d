"""Estimate what a picture would be without its figures: its paper, in any light."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeVar

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
    cells = _sort_cells(np.stack([shrink(plane, GRID) for plane in planes]))
    for reach in reaches:
        level = _windowed_quantile(cells, max(1, round(reach * min(cells.below.shape[2:]))), 0.5)
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
    """Interpolate a grid between the middles of its cells, in less time than Pillow takes.

    Args:
        grid: `(..., rows, columns)` float32.
        height: Of the result.
        width: Of the result.
        box: Left, top, right and bottom of a part of the grid, in cells; None: all of it.
    """
    rows, columns = grid.shape[-2:]
    left, top, right, bottom = box or (0, 0, columns, rows)
    # The few rows of the grid are widened first; what is left is to copy and add whole rows.
    wide = _interpolate(grid.swapaxes(-1, -2), width, left, right).swapaxes(-1, -2)
    return _interpolate(np.ascontiguousarray(wide), height, top, bottom)


def _interpolate(grid: Floats, size: int, start: float, stop: float) -> Floats:
    """Interpolate along the rows of `(..., rows, columns)`."""
    first, weight = _places(grid.shape[-2], size, start, stop)
    rise = np.zeros_like(grid)
    np.subtract(grid[..., 1:, :], grid[..., :-1, :], out=rise[..., :-1, :])
    levels: Floats = np.take(rise, first, axis=-2)
    levels *= weight
    levels += np.take(grid, first, axis=-2)
    return levels


@functools.lru_cache(64)
def _places(n: int, size: int, start: float, stop: float) -> tuple[NDArray[np.intp], Floats]:
    """Return between which of n cells places lie: the first one, and how far on to the next."""
    places = np.clip(start + (np.arange(size) + 0.5) * ((stop - start) / size) - 0.5, 0, n - 1)
    first = places.astype(np.intp)
    return first, (places - first).astype(np.float32)[:, None]


def quantile(values: Floats, part: float) -> float:
    """Return the value that so large a part of the values does not exceed."""
    place = int(part * (values.size - 1))
    return float(np.partition(values, place, axis=None)[place])


def estimate_noise(planes: Floats) -> Floats:
    """Return the standard deviation of each pixel's surroundings, without the figures in them.

    Args:
        planes: `(channels, height, width)` float32, of which the noisiest counts. How far a pixel is from
            four others near it is noise or an edge, and in most places there is no edge.
    """
    height, width = planes.shape[1:]
    noisy = [] if min(height, width) <= 4 * NEAR else list(map(_compare, planes))
    # Where hardly any differ, a program drew.
    noisy = [apart for apart in noisy if np.count_nonzero(apart > 1) >= CALM * apart.size / 2]
    if not noisy:
        return np.zeros((height, width), np.float32)
    cells = np.stack([shrink(apart, GRID) for apart in noisy])
    usual = _windowed_quantile(_sort_cells(cells), max(2, min(cells.shape[1:]) // 4), CALM).max(axis=0)
    # The mean of |r| is 0.8 standard deviations for normal noise, and four pixels add a quarter of theirs.
    return enlarge(usual * np.float32(1.12), height, width)


def _compare(plane: Floats) -> Floats:
    """Return how far each pixel is from the mean of four others near it."""
    n = NEAR
    apart = plane[: -2 * n, n:-n] + plane[2 * n :, n:-n]
    apart += plane[n:-n, : -2 * n]
    apart += plane[n:-n, 2 * n :]
    apart *= np.float32(-0.25)
    apart += plane[n:-n, n:-n]
    distance: Floats = np.abs(apart, out=apart)
    return distance


class _Cells(NamedTuple):
    """The cells of coarse planes, sorted into levels.

    Attributes:
        low: `(channels, 1, 1)`, the lowest of each plane.
        below: `(channels, levels, rows, columns)` float32, 1 where a cell is on a level or below it.
        apart: How far these are from the lowest.
    """

    low: Floats
    below: Floats
    apart: Floats


def _sort_cells(grid: Floats) -> _Cells:
    low = grid.min(axis=(1, 2), keepdims=True)
    apart = grid - low
    steps = (LEVELS - 1e-3) / np.maximum(apart.max(axis=(1, 2), keepdims=True), 1e-6)
    below = ((apart * steps).astype(np.int16)[:, None] <= STEPS[:, None, None]).astype(np.float32)
    return _Cells(low, below, below * apart[:, None])


def _windowed_quantile(cells: _Cells, reach: int, part: float) -> Floats:
    """Return of each cell what so large a part of its window does not exceed: `(channels, rows, columns)`."""
    counts, sums = _window_sums(cells.below, reach), _window_sums(cells.apart, reach)
    middle = (counts >= part * counts[:, -1:]).argmax(axis=1)[:, None]
    # The mean of its level and its neighbours, for levels are coarse.
    upper, lower = np.minimum(middle + 1, len(STEPS) - 1), middle - 2
    value = np.take_along_axis(sums, upper, 1) - np.take_along_axis(sums, lower, 1)
    weight = np.take_along_axis(counts, upper, 1) - np.take_along_axis(counts, lower, 1)
    found: Floats = (value / weight)[:, 0] + cells.low
    return found


def _window_sums(planes: Floats, reach: int) -> Floats:
    """Return the sums over windows that reach as far to one side as to the other."""
    rows, columns = _windows(planes.shape[-2], reach), _windows(planes.shape[-1], reach)
    # Plane by plane: one large product would be spread over threads, which takes twice the processor's time.
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
