"""Write pictures as PNG and WebP sheets, sequences, JSON, npy or zip.

Invariant: pictures written in parts give the same bytes as pictures written at once.
"""

from __future__ import annotations

import collections
import dataclasses
from typing import Any, Protocol

from numpy.typing import NDArray

from service.bundles.manifest import ImageSpec, Manifest
from service.core.arrays import Bytes
from service.core.choices import Dtype
from service.core.json.writer import dump, split
from service.core.media_types import APNG, GIF, JSON, NDJSON, NPY, PNG
from service.imaging.formats import apng
from service.imaging.formats.gif import write_gif
from service.imaging.formats.npy import write_npy
from service.imaging.formats.png import join_png, write_png
from service.imaging.formats.webp import write_webp
from service.imaging.formats.zip_stream import zip_entries
from service.imaging.notes import add_note
from service.imaging.pictures import Pictures
from service.imaging.rendering import (
    Look,
    draw_frames,
    draw_lines,
    draw_sheet,
    measure_frame,
    split_scale,
)
from service.imaging.representation import IN_PARTS, NOTE, Representation


def write(wanted: Representation, manifest: Manifest, pictures: Pictures, extra: dict[str, Any]) -> bytes:
    """Write pictures.

    Args:
        wanted: The representation.
        manifest: The manifest of the model that decoded them.
        pictures: At least one.
        extra: Further fields for JSON.

    Returns:
        The content of the file.
    """
    if wanted.is_plain and len(pictures.image) == 1:
        _, height, width, channels = pictures.image.shape
        return join_png(width, height, channels, pictures.lines)
    if wanted.noted and wanted.media_type != APNG:
        plain = dataclasses.replace(wanted, noted=False)
        return add_note(wanted.media_type, write(plain, manifest, pictures, extra), extra[NOTE])
    if wanted.media_type in IN_PARTS:
        writer = open_writer(wanted, manifest, len(pictures.z), extra.get(NOTE))
        return writer.write(pictures) + writer.close()
    if wanted.media_type == JSON:
        return write_json(manifest, {**extra, "z": pictures.z, "images": to_pixels(pictures, wanted.dtype)})
    if wanted.media_type == NPY:
        return write_npy(to_pixels(pictures, wanted.dtype))
    levels = pictures.levels
    if wanted.media_type == PNG:
        return _write_sheet(levels, wanted.look)
    if wanted.is_sheet:
        return write_webp(draw_sheet(levels, wanted.look)[None], wanted.duration_ms, wanted.loops)
    frames = draw_frames(levels, wanted.look)
    return (write_gif if wanted.media_type == GIF else write_webp)(frames, wanted.duration_ms, wanted.loops)


def _write_sheet(levels: Bytes, look: Look) -> bytes:
    drawn, scale = split_scale(look)
    if scale > 1 or len(levels) == 1 or drawn.scale > 1 or drawn.colormap != "grey":
        return write_png(draw_sheet(levels, drawn), scale)
    lines, channels = draw_lines(levels, drawn), levels.shape[3]
    height, row = lines.shape
    return join_png((row - 1) // channels, height, channels, lines)


def to_pixels(pictures: Pictures, dtype: Dtype) -> NDArray[Any]:
    """Return pixels as numbers, grey ones without their channel axis, as /encode accepts them.

    Returns:
        `(batch, height, width)`, or with a last axis of 3, of `dtype`.
    """
    image = pictures.image if dtype == "float32" else pictures.levels
    return image[..., 0] if image.shape[-1] == 1 else image


def write_json(manifest: Manifest, fields: dict[str, Any]) -> bytes:
    """Write a JSON answer: the model's name and version, then the fields; arrays become lists."""
    identity = {"model": manifest.name, "version": manifest.version}
    return dump({name: split(value) for name, value in {**identity, **fields}.items()})


class Writer(Protocol):
    """Writes pictures in parts."""

    def write(self, pictures: Pictures) -> bytes:
        """Return the bytes of the next pictures."""

    def close(self) -> bytes:
        """Return the bytes after the last picture."""


def open_writer(wanted: Representation, manifest: Manifest, n: int, note: bytes | None = None) -> Writer:
    """Return a writer for a representation whose media type is in `IN_PARTS`.

    Args:
        wanted: The representation.
        manifest: The manifest of the model that decodes the pictures.
        n: How many pictures there will be in all.
        note: What made them, for APNG.
    """
    if wanted.media_type == APNG:
        return _AnimationWriter(wanted, manifest.image, n, note)
    return _LineWriter(wanted) if wanted.media_type == NDJSON else _ArchiveWriter(wanted, n)


class _AnimationWriter:
    def __init__(self, wanted: Representation, image: ImageSpec, n: int, note: bytes | None) -> None:
        self._wanted = wanted
        self._note = note
        self._image = image
        self._n = n
        self._index = 0
        self._look, self._scale = split_scale(wanted.look)

    def write(self, pictures: Pictures) -> bytes:
        frames = draw_frames(pictures.levels, self._look)
        parts = [] if self._index else [self._begin(frames.shape[3])]
        for frame in frames:
            parts.append(apng.write_frame(frame, self._index, self._wanted.duration_ms, self._scale))
            self._index += 1
        return b"".join(parts)

    def close(self) -> bytes:
        return apng.end()

    def _begin(self, channels: int) -> bytes:
        height, width = measure_frame(self._image.height, self._image.width, self._wanted.look)
        start = apng.begin(width, height, channels, self._n, self._wanted.loops)
        return start if self._note is None else add_note(APNG, start, self._note)


class _LineWriter:
    def __init__(self, wanted: Representation) -> None:
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
    def __init__(self, wanted: Representation, n: int) -> None:
        self._look, self._scale = split_scale(wanted.look)
        self._digits = len(str(n - 1))
        self._index = 0
        self._entries: collections.deque[tuple[str, bytes]] = collections.deque()
        self._pieces = zip_entries(iter(self._take, None))

    def write(self, pictures: Pictures) -> bytes:
        parts = []
        for frame in draw_frames(pictures.levels, self._look):
            self._entries.append((f"{self._index:0{self._digits}}.png", write_png(frame, self._scale)))
            self._index += 1
            parts.append(next(self._pieces))  # one for each entry
        return b"".join(parts)

    def close(self) -> bytes:
        return b"".join(self._pieces)

    def _take(self) -> tuple[str, bytes] | None:
        return self._entries.popleft() if self._entries else None
