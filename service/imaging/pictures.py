"""Decoded pictures, together with their latent vectors."""

from __future__ import annotations

import functools
from typing import NamedTuple

from service.core.arrays import Bytes, Floats
from service.imaging.pixels import to_bytes, write_lines


class Pictures(NamedTuple):
    """Pictures and the vectors that they were made of, in order.

    Attributes:
        z: `(batch, latent_dim)` float32.
        image: `(batch, height, width, channels)` float32 in [0, 1].
        batch: The decoder's results that `image` may be a part of, those of other callers among them.
        place: Of the first of these pictures there.
    """

    z: Floats
    image: Floats
    batch: Floats | None = None
    place: int = 0

    @property
    def levels(self) -> Bytes:
        """The same pictures in 8 bits, contiguous."""
        batch, n = self.batch, len(self.image)
        if batch is None or len(batch) == n or not _is_part(self.image, batch):
            return to_bytes(self.image)
        return _last.round(batch).levels[self.place : self.place + n]

    @property
    def lines(self) -> Bytes:
        """The first picture's rows in 8 bits, each behind a 0: `(height, 1 + width * channels)`."""
        batch = self.batch
        if batch is None or not _is_part(self.image, batch):
            lines: Bytes = write_lines(to_bytes(self.image[:1]))[0]
        else:
            lines = _last.round(batch).lines[self.place]
        return lines


class RoundedPictures(Pictures):
    """Pictures to draw, kept in 8 bits alone, a quarter of the memory: `image` is uint8."""

    @property
    def levels(self) -> Bytes:
        """The pictures."""
        return self.image  # type: ignore[return-value]


class _RoundedBatch:
    """A batch in 8 bits, rounded at once: it costs little more than to round one picture of it."""

    def __init__(self, batch: Floats) -> None:
        self.batch = batch
        self.levels = to_bytes(batch)

    @functools.cached_property
    def lines(self) -> Bytes:
        return write_lines(self.levels)


class _LastBatch:
    """Keeps the batch that came last: its pictures are written one after the other."""

    def __init__(self) -> None:
        self._last: _RoundedBatch | None = None

    def round(self, batch: Floats) -> _RoundedBatch:
        last = self._last
        if last is None or last.batch is not batch:
            last = self._last = _RoundedBatch(batch)
        return last


_last = _LastBatch()


def _is_part(image: Floats, batch: Floats) -> bool:
    """Tell whether pictures lie in the memory of a batch."""
    return image.base is not None and (image.base is batch or image.base is batch.base)
