"""What became of a graph's requests and batches, as Triton counts them.

All is counted on the event loop, in attributes and lists: a number in a file in memory takes three times as
long. `write` copies what has changed to where other processes read it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from service.core.tally import Cells

# Batches of more rows are counted, but not by their size.
MOST_SIZES = 256


class Totals(NamedTuple):
    """The requests of a graph; times are in seconds.

    Attributes:
        succeeded: Requests that got their results.
        succeeded_s: From when they came until they had them.
        ran_s: That the batches with their rows ran, with `prepared_s`.
        prepared_s: Of these, to put the rows of several requests together.
        failed: Requests that got none: too late, cancelled, refused, or failed with their batch.
        failed_s: From when they came until then.
    """

    succeeded: float
    succeeded_s: float
    ran_s: float
    prepared_s: float
    failed: float
    failed_s: float


class OfSize(NamedTuple):
    """The batches of one size; times are in seconds."""

    rows: int
    batches: float
    prepared_s: float
    ran_s: float


HEAD, EACH = len(Totals._fields), len(OfSize._fields) - 1


class Statistics:
    """Counts requests and batches. Who runs them adds to the attributes: a call takes as long as an addition.

    The attributes that are not listed are those of `Totals`.

    Attributes:
        size: How many cells it takes.
        sizes: Of the batches of each size: how many, and the seconds to put their rows together and to run.
        last_s: When the last batch ended, on the batcher's clock; 0 before the first.
    """

    size = HEAD + EACH * MOST_SIZES
    __slots__ = ("_cells", "_start", "_written", "last_s", "sizes", *Totals._fields)

    def __init__(self) -> None:
        """Start at zero."""
        self.last_s = 0.0
        self._written = [0.0] * self.size
        self._cells: Cells = list(self._written)
        self._start = 0
        self._set(self._written)

    def _set(self, values: Sequence[float]) -> None:
        self.succeeded, self.succeeded_s, self.ran_s, self.prepared_s, self.failed, self.failed_s = values[
            :HEAD
        ]
        self.sizes = [list(values[at : at + EACH]) for at in range(HEAD, self.size, EACH)]

    def fail(self, seconds: float = 0.0) -> None:
        """Count a request that got no results."""
        self.failed += 1.0
        self.failed_s += seconds

    def prepare(self, rows: int, requests: int, seconds: float) -> None:
        """Count the seconds that it took to put the rows of so many requests together."""
        self.prepared_s += requests * seconds
        if rows <= MOST_SIZES:
            self.sizes[rows - 1][1] += seconds

    def values(self) -> list[float]:
        """Return all numbers: those of `Totals`, then those of the sizes."""
        totals = [getattr(self, name) for name in Totals._fields]
        return [*totals, *itertools.chain.from_iterable(self.sizes)]

    def move(self, cells: Cells, start: int) -> None:
        """Have `write` add to other cells, which may be those of a model that was replaced as well."""
        self._cells, self._start = cells, start
        self._written = [0.0] * self.size

    def write(self) -> None:
        """Add what is new since the last time."""
        values = self.values()
        if values == self._written:
            return
        for i, value in enumerate(values):
            if value != self._written[i]:
                self._cells[self._start + i] += value - self._written[i]
        self._written = values


def read_totals(values: Sequence[float]) -> Totals:
    """Return the requests that the numbers of a `Statistics` count."""
    found = Totals(*values[:HEAD])
    # Its batches may have been those of requests that failed, too.
    return found._replace(prepared_s=min(found.prepared_s, found.ran_s))


def read_sizes(values: Sequence[float]) -> Iterator[OfSize]:
    """Return the sizes of batches that the numbers of a `Statistics` count, the smallest first."""
    for i in range(MOST_SIZES):
        found = OfSize(i + 1, *values[HEAD + EACH * i : HEAD + EACH * (i + 1)])
        if found.batches:
            yield found
