"""That the fast peers' PNG is one, with the pixels that were given."""

from __future__ import annotations

import io
import zlib

import numpy as np
from PIL import Image

from benchmarks.peers.png import write_png


def test_a_png_holds_the_pixels() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (28, 28), np.uint8)
    with Image.open(io.BytesIO(write_png(pixels, lambda lines: zlib.compress(lines.tobytes())))) as image:
        assert (image.format, image.mode) == ("PNG", "L")
        assert np.array_equal(np.asarray(image), pixels)
