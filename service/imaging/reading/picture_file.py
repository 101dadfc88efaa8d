"""`PictureFile`: what a decoder needs of an uploaded file, checked and not yet decoded."""

from __future__ import annotations

import struct
from typing import NamedTuple

EXIF = b"Exif\0\0"
# Tag and type of the entry, a 16-bit number (Exif 2.32, section 4.6.4).
ORIENTATION = (0x112, 3)


class PictureFile(NamedTuple):
    """A file whose head has been checked.

    Attributes:
        format: Pillow's name of the format.
        content: The file, with only the parts that a decoder needs.
        width: In pixels, before the picture is turned.
        height: In pixels.
        exif: The Exif data; empty if there is none, or if the decoder turns the picture itself.
        scale: A JPEG is decoded at this fraction of its sides: 1, 2, 4 or 8.
        apart: Whether it must be decoded in a process of its own, as its head does not bound the cost.
        packed: Of a plain PNG, Pillow's mode and the deflated pixels, which are all that a decoder needs.
    """

    format: str
    content: bytes
    width: int
    height: int
    exif: bytes = b""
    scale: int = 1
    apart: bool = False
    packed: tuple[str, bytes] | None = None

    @property
    def orientation(self) -> int:
        """How the picture must be turned, by the value of the Exif tag; 1 if there is none."""
        return find_orientation(self.exif) if self.exif else 1


def find_orientation(exif: bytes) -> int:
    """Return the value of the tag Orientation in Exif data, or 1 if there is none."""
    tiff = exif.removeprefix(EXIF)
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None or len(tiff) < 8:
        return 1
    (start,) = struct.unpack_from(f"{order}I", tiff, 4)
    count = int.from_bytes(tiff[start : start + 2], "little" if order == "<" else "big")
    entries = tiff[start + 2 : start + 2 + 12 * count]
    for tag, kind, _, value in struct.iter_unpack(f"{order}HHIHxx", entries[: len(entries) // 12 * 12]):
        if (tag, kind) == ORIENTATION:
            return int(value)
    return 1
