"""Write pictures as sixels, the graphics of DEC's VT300 terminals, which xterm, foot and others show."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

# A sixel is six pixels, one below the other; the lowest bit is the topmost.
HEIGHT = 6
FIRST = ord("?")
# As many as a VT340's successors have.
COLOURS = 256
# Three equal sixels are as short as a repetition of three.
SHORTEST_RUN = 4


def write_sixel(image: Image.Image) -> bytes:
    """Return the escape sequence that shows a picture where the cursor is.

    Args:
        image: Grey or in colour; more than 256 colours become as many.
    """
    reduced = image.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    index, palette = np.asarray(reduced), np.array(reduced.getpalette()).reshape(-1, 3)
    width, height = image.size
    start = b'\x1bPq"1;1;%d;%d' % (width, height)
    percents = np.rint(palette / 255 * 100).astype(int).tolist()
    colours = [b"#%d;2;%d;%d;%d" % (i, *percents[i]) for i in np.unique(index).tolist()]
    bands = (_write_band(index[top : top + HEIGHT]) for top in range(0, height, HEIGHT))
    return start + b"".join(colours) + b"-".join(bands) + b"\x1b\\\n"


def _write_band(index: NDArray[np.uint8]) -> bytes:
    bits = 1 << np.arange(len(index))[:, np.newaxis]
    # Each colour of the band is drawn over the whole width, then the cursor goes back to its start.
    lines = (
        b"#%d%b" % (colour, _write_line(((index == colour) * bits).sum(axis=0)))
        for colour in np.unique(index).tolist()
    )
    return b"$".join(lines)


def _write_line(sixels: NDArray[np.int64]) -> bytes:
    return b"".join(_write_runs(sixels.tolist()))


def _write_runs(sixels: list[int]) -> Iterator[bytes]:
    for sixel, run in itertools.groupby(sixels):
        length, character = len(list(run)), bytes([FIRST + sixel])
        yield character * length if length < SHORTEST_RUN else b"!%d%b" % (length, character)
