"""Pass on only what a decoder needs of an uploaded file, and refuse files that cost far more than others.

The rest (texts, colour profiles, notes of cameras) could cost seconds and gigabytes: as packed blocks, blocks
that refer to each other, or millions of them.
"""

from __future__ import annotations

from collections.abc import Callable

from service.core.errors import MalformedBodyError, Text
from service.imaging.reading.bmp_head import is_bmp, read_bmp
from service.imaging.reading.gif_blocks import GIF_STARTS, read_gif
from service.imaging.reading.isobmff import is_isobmff, read_isobmff
from service.imaging.reading.jpeg_segments import JPEG_START, read_jpeg
from service.imaging.reading.picture_file import PictureFile
from service.imaging.reading.png_chunks import PNG_START, read_png
from service.imaging.reading.tiff_head import TIFF_STARTS, read_tiff
from service.imaging.reading.webp_chunks import is_webp, read_webp

Read = Callable[[bytes, str, int], PictureFile]
# The formats that are read everywhere, for errors; AVIF and HEIC depend on what is installed.
KINDS = "a PNG, JPEG, WebP, GIF, BMP, TIFF, AVIF or HEIC file"
READERS: dict[bytes, Read] = {
    PNG_START: read_png,
    JPEG_START: read_jpeg,
    **dict.fromkeys(GIF_STARTS, read_gif),
    **dict.fromkeys(TIFF_STARTS, read_tiff),
}
# The formats that two bytes do not tell.
TESTS: tuple[tuple[Callable[[bytes], bool], Read], ...] = (
    (is_webp, read_webp),
    (is_isobmff, read_isobmff),
    (is_bmp, read_bmp),
)


def is_picture(content: bytes) -> bool:
    """Return whether a content begins as the files of a format do that is read here."""
    return _find_reader(content) is not None


def read_container(content: bytes, field: str, max_pixels: int) -> PictureFile:
    """Check a file before any of its pixels is decoded.

    Args:
        content: The file.
        field: The name of the field, for errors.
        max_pixels: Largest width times height once decoded.

    Raises:
        MalformedBodyError: Not a whole file of any of the formats, or a JPEG in a rare coding (neither
            baseline nor progressive Huffman).
        MediaTypeError: A format that this installation cannot decode.
        TooLargeError: Too many pixels, or parts of the file.
    """
    reader = _find_reader(content)
    if reader is None:
        received = Text(f"{len(content)} bytes starting {content[:8]!r}")
        raise MalformedBodyError(field, KINDS, received)
    return reader(content, field, max_pixels)


def _find_reader(content: bytes) -> Read | None:
    for start, reader in READERS.items():
        if content.startswith(start):
            return reader
    return next((reader for test, reader in TESTS if test(content)), None)
