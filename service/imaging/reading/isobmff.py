"""The head of an AVIF or HEIC file (ISO base media file format): its brand and its size."""

from __future__ import annotations

import functools
import importlib.util
import struct

from PIL import features

from service.core.errors import MediaTypeError, Text
from service.imaging.reading.limits import check_size, damaged
from service.imaging.reading.picture_file import PictureFile

AVIF_BRANDS = {b"avif", b"avis"}
HEIC_BRANDS = {b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"}
# Of the brands: a file lists about six.
MAX_BRAND_BYTES = 256
# The property that says the size of an item; the picture is the largest, the others are its tiles and
# previews. Of the boxes before the pixels, these many bytes are searched.
SIZE, MAX_META_BYTES = b"ispe", 2**20
# Times the pixels that are allowed elsewhere: a process of its own bounds the memory. Today's phones take
# pictures of 24 and 48 megapixels.
APART_TIMES = 4
WAY_OUT = "a PNG, JPEG or WebP file"


def is_isobmff(content: bytes) -> bool:
    """Return whether a content begins as an AVIF or HEIC file does."""
    return content[4:8] == b"ftyp" and bool(_read_brands(content) & (AVIF_BRANDS | HEIC_BRANDS))


def read_isobmff(content: bytes, field: str, max_pixels: int) -> PictureFile:
    """Check an AVIF or HEIC file before any of its pixels is decoded.

    Args:
        content: The file.
        field: The name of the field, for errors.
        max_pixels: A quarter of the largest width times height.

    Returns:
        The same file, which needs a process of its own: its head does not bound what decoding takes.

    Raises:
        MalformedBodyError: It says no size.
        MediaTypeError: The decoder is not installed.
        TooLargeError: Too many pixels.
    """
    avif = bool(_read_brands(content) & AVIF_BRANDS)
    _check_installed(avif, field)
    sizes = _find_sizes(content[:MAX_META_BYTES])
    if not sizes:
        raise damaged(field, "without a size")
    width, height = max(sizes, key=lambda size: size[0] * size[1])
    check_size(field, width, height, max_pixels * APART_TIMES)
    return PictureFile("AVIF" if avif else "HEIF", content, width, height, apart=True)


@functools.cache
def has_heic() -> bool:
    """Return whether HEIC can be decoded here."""
    return importlib.util.find_spec("pillow_heif") is not None


def _check_installed(avif: bool, field: str) -> None:
    if avif and not features.check("avif"):
        raise MediaTypeError(field, f"{WAY_OUT}; this Pillow reads no AVIF", Text("an AVIF file"))
    if not avif and not has_heic():
        expected = f"{WAY_OUT}; HEIC is read where the service is installed with its extra heic"
        raise MediaTypeError(field, expected, Text("a HEIC file"))


def _read_brands(content: bytes) -> set[bytes]:
    size = min(int.from_bytes(content[:4], "big"), MAX_BRAND_BYTES)
    listed = content[8:12] + content[16:size]
    return {listed[i : i + 4] for i in range(0, len(listed), 4)}


def _find_sizes(content: bytes) -> list[tuple[int, int]]:
    sizes: list[tuple[int, int]] = []
    start = content.find(SIZE)
    while start >= 0 and start + 16 <= len(content):
        sizes.append(struct.unpack_from(">II", content, start + 8))
        start = content.find(SIZE, start + 16)
    return sizes
