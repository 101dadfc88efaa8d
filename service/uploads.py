"""Owns what comes to an encoder: uploaded files and plain numbers become `x`, as it was trained on."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from service import images
from service.errors import InvalidValueError, Text
from service.manifest import CentreOfMassFit, ImageSpec

Floats = NDArray[np.float32]

# Each may hold a decoded picture of `max_image_pixels` in memory.
UPLOADS_AT_ONCE = 2


class Uploads:
    """Reads pictures for one model; how many a request may have is checked elsewhere."""

    def __init__(self, spec: ImageSpec, max_image_pixels: int) -> None:
        """Stores what the model's pictures are, and the largest width times height of an upload."""
        self.spec = spec
        self.max_image_pixels = max_image_pixels
        self._reading = asyncio.Semaphore(UPLOADS_AT_ONCE)

    async def read(self, files: Sequence[tuple[str, bytes]], polarity: images.Polarity | None) -> Floats:
        """Turns uploaded files into what the encoder takes.

        Args:
            files: Field names and contents, PNG or JPEG; at least one.
            polarity: Of the uploads; None looks at each one's border, but takes colours as they are.

        Returns:
            `(batch, height, width, channels)` float32 in [0, 1].

        Raises:
            InvalidValueError: An even picture.
            MalformedBodyError: A file is not a whole PNG or JPEG.
            TooLargeError: A file has too many pixels.
        """
        async with self._reading:
            pictures = [await asyncio.to_thread(self._read_one, *file, polarity) for file in files]
        return np.stack(pictures)

    def read_pixels(self, field: str, pixels: NDArray[np.float64]) -> Floats:
        """Turns numbers into what the encoder takes.

        Args:
            field: What errors name.
            pixels: One picture or several, with or without the channel axis where that is 1.

        Returns:
            `(batch, height, width, channels)` float32.

        Raises:
            InvalidValueError: Another shape, or a value outside [0, 1].
        """
        shape = self.spec.shape
        one = shape[:2] if shape[2] == 1 else shape
        if pixels.shape in (one, shape):
            pixels = pixels[np.newaxis]
        if pixels.shape[1:] not in (one, shape):
            expected = f"{one[0]} rows of {one[1]} " + ("numbers" if shape[2] == 1 else "[r, g, b]")
            received = Text(f"an array of shape {pixels.shape}")
            raise InvalidValueError(field, f"{expected}, or a list of such", received)
        if pixels.min() < 0 or pixels.max() > 1:
            worst = pixels.min() if pixels.min() < 0 else pixels.max()
            raise InvalidValueError(field, "numbers in [0, 1]; divide 8-bit values by 255", float(worst))
        return pixels.reshape(-1, *shape).astype(np.float32)

    def _read_one(self, field: str, content: bytes, polarity: images.Polarity | None) -> Floats:
        spec = self.spec
        x = images.read_image(content, field, spec.channels, self.max_image_pixels)
        if (polarity or self._find_polarity(x)) == "dark-on-light":
            x = 1 - x
        if x.shape != spec.shape:
            box = spec.fit.box if isinstance(spec.fit, CentreOfMassFit) else None
            x = images.fit(x, spec.height, spec.width, box, field)
        return x if spec.polarity == "light-on-dark" else 1 - x

    def _find_polarity(self, x: Floats) -> images.Polarity:
        spec = self.spec
        # A light border of a picture in colour need not be paper; turned over, all its colours are others.
        if spec.channels == 3 and not isinstance(spec.fit, CentreOfMassFit):
            return spec.polarity
        return images.find_polarity(x)
