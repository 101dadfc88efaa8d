"""A tally: how many values there were, in which range, and their sum. To add one takes 0.2 microseconds."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import Protocol

SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)
# Down to 50 microseconds, where batches and PNGs are.
SHORT_SECONDS = (0.00005, 0.0001, 0.0002, *SECONDS)
ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)


class Cells(Protocol):
    """Numbers in a row: a list, or a file in memory that other processes read."""

    def __getitem__(self, index: int, /) -> float:
        """Return a number."""

    def __setitem__(self, index: int, value: float, /) -> None:
        """Set a number."""


class Tally:
    """Counts values by ranges. For one thread at a time.

    Attributes:
        bounds: The upper end of each range but the last, which has none; the end itself belongs to the range.
        size: How many cells it takes: one a range, then the sum.
        add: Counts a value. Another function after each move.
    """

    __slots__ = ("_cells", "_start", "add", "bounds", "size")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.size = len(bounds) + 2
        self._use([0.0] * self.size, 0)

    def move(self, cells: Cells, start: int) -> None:
        """Count in other cells from now on, on top of what they hold.

        Args:
            cells: Where to count.
            start: The first of `size` cells.
        """
        for i in range(self.size):
            cells[start + i] += self._cells[self._start + i]
        self._use(cells, start)

    def _use(self, cells: Cells, start: int) -> None:
        self._cells, self._start = cells, start
        bounds, last = self.bounds, start + self.size - 1

        # A function with its variables at hand takes half the time of a method.
        def add(value: float) -> None:
            cells[start + bisect_left(bounds, value)] += 1.0
            cells[last] += value

        self.add: Callable[[float], None] = add
