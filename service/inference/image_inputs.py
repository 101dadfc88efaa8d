"""Turn uploaded files and numbers into `x`, the encoder's input, as it was in training."""

from __future__ import annotations

import functools
import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from service.batching.context import RequestContext
from service.bundles.manifest import CentreOfMassFit, ImageSpec
from service.core.arrays import Floats
from service.core.choices import ImagePolarity
from service.core.errors import InvalidValueError, Text
from service.imaging import preprocess
from service.imaging.reading.png_chunks import read_size
from service.inference.upload_threads import SLICE_S, Check, UploadThreads

# Files of at most so many bytes and pixels together, each of the model's size, are read on the event loop: a
# picture of 28 x 28 takes 0.1 ms, and a thread's start and end twice that.
INLINE_BYTES, INLINE_PIXELS = 8192, 4 * 28 * 28


class ImageInputs:
    """Reads pictures for one model. How many a request may have is not checked here."""

    def __init__(self, spec: ImageSpec, max_image_pixels: int, places: UploadThreads) -> None:
        """Store what `read` needs.

        Args:
            spec: The size, colours and polarity of the model's pictures.
            max_image_pixels: Largest width times height of an upload.
            places: Decode the uploads of all models.
        """
        self.spec = spec
        self.max_image_pixels = max_image_pixels
        self.places = places

    async def read(
        self, files: Sequence[tuple[str, bytes]], polarity: ImagePolarity | None, call: RequestContext
    ) -> Floats:
        """Decode uploaded files to the encoder's input.

        Args:
            files: Field names and contents, in any of the formats; at least one.
            polarity: Of the uploads. None: found by each one's border, except in colour.
            call: The request's context. After cancellation or its deadline, no further file is decoded.

        Returns:
            `(batch, height, width, channels)` float32 in [0, 1].

        Raises:
            InvalidValueError: A picture has nothing but background.
            MalformedBodyError: A file is not a whole picture.
            MediaTypeError: A file has a format that this installation cannot decode.
            TooLargeError: A file has too many pixels, or takes too long.
            QueueFullError: Too many uploads wait.
            DeadlineError: The deadline passed.
            NotReadyError: The service is stopping.
        """
        pictures: list[Floats] = []
        work = functools.partial(self._read_some, files, polarity, pictures)
        return await self.places.run(work, sum(len(content) for _, content in files), call)

    def read_small(self, files: Sequence[tuple[str, bytes]], polarity: ImagePolarity | None) -> Floats | None:
        """Do what `read` does at once, if the files take a fraction of a millisecond; else return None."""
        return self._read_some(files, polarity, [], _go_on) if self._is_small(files) else None

    def _is_small(self, files: Sequence[tuple[str, bytes]]) -> bool:
        height, width, _ = self.spec.shape
        return (
            len(files) * height * width <= INLINE_PIXELS
            and sum(len(content) for _, content in files) <= INLINE_BYTES
            and all(read_size(content) == (width, height) for _, content in files)
        )

    def _read_some(
        self,
        files: Sequence[tuple[str, bytes]],
        polarity: ImagePolarity | None,
        pictures: list[Floats],
        check: Check,
    ) -> Floats | None:
        end = time.monotonic() + SLICE_S
        for file in files[len(pictures) :]:
            check()
            pictures.append(self._read_one(*file, polarity, check))
            if time.monotonic() >= end:
                break
        return np.stack(pictures) if len(pictures) == len(files) else None

    def read_pixels(self, field: str, pixels: NDArray[np.float64]) -> Floats:
        """Return numbers as the encoder's input.

        Args:
            field: The name of the field, for errors.
            pixels: One picture or several, with or without the channel axis where that is 1.

        Returns:
            `(batch, height, width, channels)` float32.

        Raises:
            InvalidValueError: Another shape, or a value outside [0, 1].
        """
        self.count_pixels(field, pixels.shape)
        if pixels.min() < 0 or pixels.max() > 1:
            worst = pixels.min() if pixels.min() < 0 else pixels.max()
            raise InvalidValueError(field, "numbers in [0, 1]; divide 8-bit values by 255", float(worst))
        return pixels.reshape(-1, *self.spec.shape).astype(np.float32)

    def count_pixels(self, field: str, shape: tuple[int, ...]) -> int:
        """Return how many pictures an array of numbers holds.

        Args:
            field: The name of the field, for errors.
            shape: Of one picture or several, with or without the channel axis where that is 1.

        Raises:
            InvalidValueError: Another shape.
        """
        whole = self.spec.shape
        one = whole[:2] if whole[2] == 1 else whole
        if shape in (one, whole):
            return 1
        if shape[1:] not in (one, whole):
            expected = f"{one[0]} rows of {one[1]} " + ("numbers" if whole[2] == 1 else "[r, g, b]")
            received = Text(f"an array of shape {shape}")
            raise InvalidValueError(field, f"{expected}, or a list of such", received)
        return shape[0]

    def _read_one(self, field: str, content: bytes, polarity: ImagePolarity | None, check: Check) -> Floats:
        spec = self.spec
        x = preprocess.read_image(content, field, spec.channels, self.max_image_pixels, check)
        check()
        if (polarity or self._find_polarity(x)) == "dark-on-light":
            x = 1 - x
        if x.shape != spec.shape:
            box = spec.fit.box if isinstance(spec.fit, CentreOfMassFit) else None
            x = preprocess.fit(x, spec.height, spec.width, box, field)
        return x if spec.polarity == "light-on-dark" else 1 - x

    def _find_polarity(self, x: Floats) -> ImagePolarity:
        spec = self.spec
        # In colour, a light border need not be paper, and inverting would change all colours.
        if spec.channels == 3 and not isinstance(spec.fit, CentreOfMassFit):
            return spec.polarity
        return preprocess.find_polarity(x)


def _go_on() -> None:
    """Check nothing: what is read at once is read before any deadline passes."""
