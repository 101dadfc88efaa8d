"""Turn uploaded files and numbers into `x`, the encoder's input, as it was in training."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import time
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from service.batching.context import RequestContext
from service.bundles.manifest import CentreOfMassFit, ImageSpec
from service.core.arrays import Floats
from service.core.choices import ImagePolarity
from service.core.errors import InvalidValueError, Text
from service.imaging.input_pictures import (
    InputPicture,
    Target,
    keep_picture,
    read_input_pictures,
)
from service.imaging.reading.decoding import decode
from service.imaging.reading.png_chunks import read_size
from service.inference.upload_threads import SLICE_S, Check, UploadThreads

# Files of at most so many bytes and pixels together, each of the model's size, are read on the event loop: a
# picture of 28 x 28 takes 0.1 ms, and a thread's start and end twice that.
INLINE_BYTES, INLINE_PIXELS = 8192, 4 * 28 * 28
# The number of a file among those of a request, from 0, and a picture that it holds.
FilePicture = tuple[int, InputPicture]
# What is looked for in a picture.
FIGURE = (
    "a figure that stands out from its background: strokes with clear edges, more than specks, "
    "that are not part of a frame or of the paper's lines"
)


class ImageInputs:
    """Reads pictures for one model. How many a request may have is not checked here."""

    def __init__(self, spec: ImageSpec, max_image_pixels: int, places: UploadThreads) -> None:
        """Store what `read_pictures` needs.

        Args:
            spec: The size, colours and polarity of the model's pictures.
            max_image_pixels: Largest width times height of an upload.
            places: Decode the uploads of all models.
        """
        self.spec = spec
        self.max_image_pixels = max_image_pixels
        self.places = places

    async def read_pictures(
        self,
        files: Sequence[tuple[str, bytes]],
        polarity: ImagePolarity | None,
        call: RequestContext,
        many: bool = False,
        count: Callable[[int], None] = lambda _: None,
    ) -> list[FilePicture]:
        """Decode uploaded files, and say how each was read.

        Args:
            files: Field names and contents, in any of the formats; at least one.
            polarity: Of the uploads. None: found, except in colour where pictures are scaled whole.
            call: The request's context. After cancellation or its deadline, no further file is decoded.
            many: All figures of each file, else the best one.
            count: Called with the number of pictures so far; it refuses more than there may be.

        Returns:
            The number of the file and the picture, in order; each file has at least one.

        Raises:
            InvalidValueError: No figure is found in a picture.
            MalformedBodyError: A file is not a whole picture.
            MediaTypeError: A file has a format that this installation cannot decode.
            TooLargeError: A file has too many pixels, or takes too long.
            QueueFullError: Too many uploads wait.
            DeadlineError: The deadline passed.
            NotReadyError: The service is stopping.
        """
        read: list[list[FilePicture]] = []
        work = functools.partial(self._read_some, files, polarity, many, count, read)
        return await self.places.run(work, sum(len(content) for _, content in files), call)

    def read_small(
        self, files: Sequence[tuple[str, bytes]], polarity: ImagePolarity | None
    ) -> list[FilePicture] | None:
        """Do what `read_pictures` does at once, if all files can be taken as they are; else return None."""
        if not self._is_small(files):
            return None
        pictures = [self._keep(*file, polarity) for file in files]
        kept = [(place, self._turn(picture)) for place, picture in enumerate(pictures) if picture]
        return kept if len(kept) == len(files) else None

    def _keep(self, field: str, content: bytes, polarity: ImagePolarity | None) -> InputPicture | None:
        image = decode(content, field, self.max_image_pixels)
        target = self._target
        if target.box is not None:
            return keep_picture(image, target, polarity)
        return read_input_pictures(image, target, polarity, many=False, own=self.spec.polarity)[0]

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
        many: bool,
        count: Callable[[int], None],
        read: list[list[FilePicture]],
        check: Check,
    ) -> list[FilePicture] | None:
        end = time.monotonic() + SLICE_S
        for place in range(len(read), len(files)):
            check()
            pictures = self._read_one(*files[place], polarity, many, check)
            read.append([(place, picture) for picture in pictures])
            count(sum(map(len, read)))
            if time.monotonic() >= end:
                break
        return list(itertools.chain.from_iterable(read)) if len(read) == len(files) else None

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

    def _read_one(
        self, field: str, content: bytes, polarity: ImagePolarity | None, many: bool, check: Check
    ) -> list[InputPicture]:
        image = decode(content, field, self.max_image_pixels, check)
        check()
        pictures = read_input_pictures(image, self._target, polarity, many, self.spec.polarity)
        if not pictures:
            raise InvalidValueError(field, FIGURE, Text("an even picture, or nothing of the kind"))
        return [self._turn(picture) for picture in pictures]

    @property
    def _target(self) -> Target:
        fit = self.spec.fit
        return Target(*self.spec.shape, fit.box if isinstance(fit, CentreOfMassFit) else None)

    def _turn(self, picture: InputPicture) -> InputPicture:
        dark = self.spec.polarity == "dark-on-light"
        return dataclasses.replace(picture, x=1 - picture.x) if dark else picture
