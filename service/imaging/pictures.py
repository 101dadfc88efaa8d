"""Decoded pictures, together with their latent vectors."""

from __future__ import annotations

from collections.abc import Callable
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
        """The same pictures in 8 bits."""
        batch = self.batch
        if batch is None or len(batch) == len(self.image) or not _is_part(self.image, batch):
            return to_bytes(self.image)
        return _levels.find(batch)[self.place : self.place + len(self.image)]

    @property
    def lines(self) -> Bytes:
        """The first picture's rows in 8 bits, each behind a 0: `(height, 1 + width * channels)`."""
        # To round a batch costs little more than to round one picture of it, and all are answered together.
        if self.batch is not None and _is_part(self.image, self.batch):
            lines: Bytes = _lines.find(self.batch)[self.place]
        else:
            lines = write_lines(self.image[:1])[0]
        return lines


class RoundedPictures(Pictures):
    """Pictures to draw, kept in 8 bits alone, a quarter of the memory: `image` is uint8."""

    @property
    def levels(self) -> Bytes:
        """The pictures."""
        return self.image  # type: ignore[return-value]


class _Rounded:
    """Keeps what was made of the batch that came last: its pictures are written one after the other."""

    def __init__(self, round_batch: Callable[[Floats], Bytes]) -> None:
        self._round = round_batch
        self._last: tuple[Floats, Bytes] | None = None

    def find(self, batch: Floats) -> Bytes:
        last = self._last
        if last is None or last[0] is not batch:
            last = self._last = batch, self._round(batch)
        return last[1]


# Called by name, so that a test may count.
_lines = _Rounded(lambda batch: write_lines(batch))
_levels = _Rounded(lambda batch: to_bytes(batch))


def _is_part(image: Floats, batch: Floats) -> bool:
    """Tell whether pictures lie in the memory of a batch."""
    return image.base is not None and (image.base is batch or image.base is batch.base)
