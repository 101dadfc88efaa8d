"""Label the connected parts of a mask, by its runs: stretches of pixels along a row.

SciPy and OpenCV do this too, but weigh 143 and 153 MB; the image may grow by 60 MB.
"""

from __future__ import annotations

import dataclasses
import functools
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
Ints = NDArray[np.int64]
L = TypeVar("L", bound=np.generic)


@dataclasses.dataclass(frozen=True)
class Runs:
    """The runs of a mask in reading order; those of one row neither touch nor overlap.

    Attributes:
        row: Of each run.
        start: Its first column.
        stop: The column behind its last.
        width: Of the mask.
    """

    row: Ints
    start: Ints
    stop: Ints
    width: int

    @property
    def length(self) -> Ints:
        """Pixels of each run."""
        return self.stop - self.start

    @functools.cached_property
    def ends(self) -> Ints:
        """Where each run starts and stops, in turn, if the rows of the mask are put in one line."""
        first = self.row * self.width
        ends = np.empty(2 * len(first), np.int64)
        np.add(first, self.start, out=ends[::2])
        np.add(first, self.stop, out=ends[1::2])
        return ends


@dataclasses.dataclass(frozen=True)
class Components:
    """The connected parts of a mask, by label from 0.

    Attributes:
        runs: Of the mask.
        label: Of each run.
        area: Pixels of each component.
        top: First row of each component.
        left: First column.
        bottom: The row behind the last.
        right: The column behind the last.
    """

    runs: Runs
    label: Ints
    area: Ints
    top: Ints
    left: Ints
    bottom: Ints
    right: Ints

    def paint(self, chosen: NDArray[np.bool_], height: int) -> Mask:
        """Return the mask of the components that are chosen by label."""
        return paint(self.runs, chosen[self.label], height)

    def spread(self, values: NDArray[np.floating], height: int) -> NDArray[np.float32]:
        """Return `(height, width)`, each pixel of a component with its value, all others 0."""
        return _lay_out(self.runs.ends, values[self.label].astype(np.float32), height, self.runs.width)

    def sum(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the sum of the pixels of each component: `values` is `(height, width)`."""
        # Sums from each place to the next; every second is of a run.
        places, flat = self.runs.ends, np.ravel(values)
        # The end of the picture is no place in it, and the last sum goes as far anyhow.
        inside = places[:-1] if len(places) and places[-1] == flat.size else places
        sums = np.add.reduceat(flat, inside)[::2] if len(places) else places
        total: NDArray[np.float64] = np.bincount(self.label, sums, len(self.area)).astype(np.float64)
        return total


def find_runs(mask: Mask) -> Runs:
    """Return the runs of a `(height, width)` mask."""
    height, width = mask.shape
    padded = np.zeros((height, width + 2), bool)
    padded[:, 1:-1] = mask
    flat = padded.ravel()
    change = np.flatnonzero(flat[1:] != flat[:-1])
    row, column = np.divmod(change, width + 2)
    return Runs(row[::2], column[::2], column[1::2], width)


def paint(runs: Runs, chosen: NDArray[np.bool_], height: int) -> Mask:
    """Return the `(height, width)` mask of chosen runs."""
    ends = runs.ends.reshape(-1, 2)[chosen].ravel()
    return _lay_out(ends, np.ones(len(ends) // 2, bool), height, runs.width)


def _lay_out(ends: Ints, values: NDArray[L], height: int, width: int) -> NDArray[L]:
    """Return `(height, width)`, with a value from each start to its stop, and 0 elsewhere."""
    places = np.zeros(len(ends) + 2, np.int64)
    places[1:-1], places[-1] = ends, height * width
    levels = np.zeros(len(ends) + 1, values.dtype)
    levels[1::2] = values
    return np.repeat(levels, places[1:] - places[:-1]).reshape(height, width)


def label_components(mask: Mask) -> Components:
    """Find the parts of a mask whose pixels touch, if only by a corner."""
    runs = find_runs(mask)
    n = len(runs.row)
    first = _join(n, *_touching(runs))
    is_first = first == np.arange(n)
    label = (np.cumsum(is_first) - 1)[first]
    # The first run of each is its highest, as runs are in reading order; its last is its lowest.
    top = runs.row[is_first]
    count = len(top)
    left, bottom, right = np.full(count, runs.width), np.zeros(count, np.int64), np.zeros(count, np.int64)
    bottom[label] = runs.row + 1
    np.minimum.at(left, label, runs.start)
    np.maximum.at(right, label, runs.stop)
    area = np.bincount(label, runs.length, count).astype(np.int64)
    return Components(runs, label, area, top, left, bottom, right)


def _touching(runs: Runs) -> tuple[Ints, Ints]:
    """Return pairs of runs that touch, each with one of the row below."""
    # Places in one long line, with room between rows so that no run reaches into another row's.
    stride = runs.width + 3
    start, stop = runs.row * stride + runs.start, runs.row * stride + runs.stop
    first = np.searchsorted(stop, start + stride)
    last = np.searchsorted(start, stop + stride, side="right")
    count = np.maximum(last - first, 0)
    above = np.repeat(np.arange(len(start)), count)
    offset = np.arange(len(above)) - np.repeat(np.cumsum(count) - count, count)
    return above, first[above] + offset


def _join(n: int, above: Ints, below: Ints) -> Ints:
    """Return the smallest run of each run's component."""
    parent = np.arange(n)
    while len(above):
        a, b = parent[above], parent[below]
        apart = a != b
        above, below, a, b = above[apart], below[apart], a[apart], b[apart]
        np.minimum.at(parent, np.maximum(a, b), np.minimum(a, b))
        while ((higher := parent[parent]) != parent).any():
            parent = higher
    return parent
