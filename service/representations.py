"""Owns what pictures are written as: PNG and WebP sheets, sequences, JSON, npy, zip. No HTTP.

Invariant: what is written in parts has the same bytes as what is written at once.
"""

from __future__ import annotations

import collections
import dataclasses
from typing import Any, Protocol

from numpy.typing import NDArray

from service import apng, images
from service.archive import zip_entries
from service.bundles.manifest import ImageSpec, Manifest
from service.core.choices import Dtype
from service.core.errors import InvalidValueError, Text
from service.core.json_writer import dump, split
from service.core.media_types import APNG, GIF, JSON, NDJSON, NPY, PNG, WEBP, ZIP
from service.engine import Pictures
from service.npy import write_npy
from service.png import write_png
from service.rendering import (
    Look,
    check_colormap,
    draw_frames,
    draw_sheet,
    measure_frame,
    measure_sheet,
    split_scale,
)
from service.sequences import check_sides, write_gif, write_webp

KINDS = {PNG: "png", APNG: "apng", GIF: "gif", WEBP: "webp", ZIP: "png"}
# What can be written while the last pictures are still being made.
IN_PARTS = (APNG, NDJSON, ZIP)


@dataclasses.dataclass(frozen=True)
class Wanted:
    """A representation.

    Attributes:
        media_type: Of `negotiation`.
        look: How pictures are drawn.
        dtype: Of pixels as numbers.
        sequence: Whether WebP moves; without, it is a sheet.
        duration_ms: Of a frame.
        loops: How often a sequence plays; 0 for ever.
    """

    media_type: str
    look: Look = dataclasses.field(default_factory=Look)
    dtype: Dtype = "float32"
    sequence: bool = False
    duration_ms: int = 100
    loops: int = 0

    @property
    def is_drawn(self) -> bool:
        """Whether it is pixels to look at."""
        return self.media_type in KINDS

    @property
    def is_sheet(self) -> bool:
        """Whether all pictures come as one."""
        return self.media_type == PNG or (self.media_type == WEBP and not self.sequence)


def check_size(wanted: Wanted, n: int, image: ImageSpec, max_pixels: int) -> None:
    """Refuses what would be too large, or cannot be drawn so, before anything runs.

    Args:
        wanted: The representation.
        n: Pictures.
        image: What they are.
        max_pixels: Most pixels of all frames together.

    Raises:
        InvalidValueError: Of `scale` or `colormap`.
    """
    if not wanted.is_drawn:
        return
    check_colormap(wanted.look, image.channels)
    if wanted.is_sheet:
        height, width = measure_sheet(n, image.height, image.width, wanted.look)
        pixels = height * width
    else:
        height, width = measure_frame(image.height, image.width, wanted.look)
        pixels = n * height * width
    if pixels > max_pixels:
        received = Text(f"{pixels}: {height} x {width}" + ("" if wanted.is_sheet else f", {n} times"))
        raise InvalidValueError("scale", f"what makes at most {max_pixels} pixels in all", received)
    check_sides(KINDS[wanted.media_type], height, width)  # type: ignore[arg-type]


def write(wanted: Wanted, manifest: Manifest, pictures: Pictures, facts: dict[str, Any]) -> bytes:
    """Writes pictures.

    Args:
        wanted: The representation.
        manifest: Of the model that made them.
        pictures: At least one.
        facts: Further fields of JSON.

    Returns:
        The content.
    """
    if wanted.media_type in IN_PARTS:
        writer = open_writer(wanted, manifest, len(pictures.z))
        return writer.write(pictures) + writer.close()
    if wanted.media_type == JSON:
        return write_json(manifest, {**facts, "z": pictures.z, "images": to_pixels(pictures, wanted.dtype)})
    if wanted.media_type == NPY:
        return write_npy(to_pixels(pictures, wanted.dtype))
    levels = images.to_bytes(pictures.image)
    if wanted.media_type == PNG:
        look, scale = split_scale(wanted.look)
        return write_png(draw_sheet(levels, look), scale)
    if wanted.is_sheet:
        return write_webp(draw_sheet(levels, wanted.look)[None], wanted.duration_ms, wanted.loops)
    frames = draw_frames(levels, wanted.look)
    return (write_gif if wanted.media_type == GIF else write_webp)(frames, wanted.duration_ms, wanted.loops)


def to_pixels(pictures: Pictures, dtype: Dtype) -> NDArray[Any]:
    """Gives pixels as numbers; grey ones without their channel axis, as /encode takes them.

    Returns:
        `(batch, height, width)`, or with a last axis of 3, of `dtype`.
    """
    image = pictures.image if dtype == "float32" else images.to_bytes(pictures.image)
    return image[..., 0] if image.shape[-1] == 1 else image


def write_json(manifest: Manifest, fields: dict[str, Any]) -> bytes:
    """Writes a JSON answer of a model: its name and version, then the fields; arrays become lists."""
    identity = {"model": manifest.name, "version": manifest.version}
    return dump({name: split(value) for name, value in {**identity, **fields}.items()})


class Writer(Protocol):
    """Writes a representation a part at a time."""

    def write(self, pictures: Pictures) -> bytes:
        """Gives what comes next, of further pictures."""

    def close(self) -> bytes:
        """Gives what comes after the last picture."""


def open_writer(wanted: Wanted, manifest: Manifest, n: int) -> Writer:
    """Begins a representation of `IN_PARTS`.

    Args:
        wanted: The representation.
        manifest: Of the model.
        n: Pictures there will be in all.

    Returns:
        What writes it.
    """
    if wanted.media_type == APNG:
        return _AnimationWriter(wanted, manifest.image, n)
    return _LineWriter(wanted) if wanted.media_type == NDJSON else _ArchiveWriter(wanted, n)


class _AnimationWriter:
    def __init__(self, wanted: Wanted, image: ImageSpec, n: int) -> None:
        self._wanted = wanted
        self._image = image
        self._n = n
        self._index = 0
        self._look, self._scale = split_scale(wanted.look)

    def write(self, pictures: Pictures) -> bytes:
        frames = draw_frames(images.to_bytes(pictures.image), self._look)
        parts = [] if self._index else [self._begin(frames.shape[3])]
        for frame in frames:
            parts.append(apng.write_frame(frame, self._index, self._wanted.duration_ms, self._scale))
            self._index += 1
        return b"".join(parts)

    def close(self) -> bytes:
        return apng.end()

    def _begin(self, channels: int) -> bytes:
        height, width = measure_frame(self._image.height, self._image.width, self._wanted.look)
        return apng.begin(width, height, channels, self._n, self._wanted.loops)


class _LineWriter:
    def __init__(self, wanted: Wanted) -> None:
        self._dtype = wanted.dtype
        self._index = 0

    def write(self, pictures: Pictures) -> bytes:
        lines = []
        for z, image in zip(pictures.z, to_pixels(pictures, self._dtype), strict=True):
            lines.append(dump({"index": self._index, "z": z, "image": image}) + b"\n")
            self._index += 1
        return b"".join(lines)

    def close(self) -> bytes:
        return b""


class _ArchiveWriter:
    def __init__(self, wanted: Wanted, n: int) -> None:
        self._look, self._scale = split_scale(wanted.look)
        self._digits = len(str(n - 1))
        self._index = 0
        self._entries: collections.deque[tuple[str, bytes]] = collections.deque()
        self._pieces = zip_entries(iter(self._take, None))

    def write(self, pictures: Pictures) -> bytes:
        parts = []
        for frame in draw_frames(images.to_bytes(pictures.image), self._look):
            self._entries.append((f"{self._index:0{self._digits}}.png", write_png(frame, self._scale)))
            self._index += 1
            parts.append(next(self._pieces))  # one for each entry
        return b"".join(parts)

    def close(self) -> bytes:
        return b"".join(self._pieces)

    def _take(self) -> tuple[str, bytes] | None:
        return self._entries.popleft() if self._entries else None
