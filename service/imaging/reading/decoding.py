"""Decode uploads of any format to pictures that are upright, within bounds of memory and time."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable

from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    WebPImagePlugin,
)

from service.imaging.reading.apart import ProcessDecoder
from service.imaging.reading.child import UPLOAD_SIZE, reduce
from service.imaging.reading.container import read_container
from service.imaging.reading.limits import damaged
from service.imaging.reading.picture_file import PictureFile

Open = Callable[[io.BytesIO], ImageFile.ImageFile]
OPENERS: dict[str, Open] = {
    "PNG": PngImagePlugin.PngImageFile,
    "JPEG": JpegImagePlugin.JpegImageFile,
    "WEBP": WebPImagePlugin.WebPImageFile,
    "GIF": GifImagePlugin.GifImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
}
APART = ProcessDecoder()
# Bytes that are read between two checks whether to go on; in a black picture, a million pixels.
PIECE_BYTES = 1024
# Plain pictures of at most so many pixels are unpacked at once; to open a small one as a file takes twice as
# long.
AT_ONCE_PIXELS = 2**18
# How to turn a photo, by its tag Orientation (Exif 2.32); 1 is upright.
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class _Watched(io.BytesIO):
    """A file in memory that calls `check` before each read."""

    def __init__(self, content: bytes, check: Callable[[], None]) -> None:
        super().__init__(content)
        self.check = check

    def read(self, size: int | None = -1, /) -> bytes:
        self.check()
        return super().read(size)


def decode(
    content: bytes, field: str, max_pixels: int, check: Callable[[], None] = lambda: None
) -> Image.Image:
    """Decode an uploaded picture of any format, size and colour.

    The cost is bounded before any pixel is decoded; see `container`.

    Args:
        content: The file.
        field: The name of the field, for errors.
        max_pixels: Largest width times height once decoded.
        check: Called again and again; it stops the work by raising.

    Returns:
        The picture, turned as its camera says, and reduced to less than 2048 pixels a side.

    Raises:
        MalformedBodyError: Not a whole file of any of the formats.
        MediaTypeError: A format that this installation cannot decode.
        TooLargeError: More than `max_pixels`, or a file that would take far longer than others of its size.
        QueueFullError: The system has no room for a process to decode it in.
    """
    file = read_container(content, field, max_pixels)
    picture = _unpack(file)
    if picture is None:
        picture = APART.decode(file, field, check) if file.apart else _decode_here(file, field, check)
    return _turn(picture, file.orientation)


def upload_size(image: Image.Image) -> tuple[int, int]:
    """Return the width and height that a decoded picture had before it was reduced, once upright."""
    size: tuple[int, int] = image.info[UPLOAD_SIZE]
    return size


def _turn(picture: Image.Image, orientation: int) -> Image.Image:
    turn = TURNS.get(orientation)
    if turn is None:
        return picture
    size = upload_size(picture)
    turned = picture.transpose(turn)
    turned.info[UPLOAD_SIZE] = size if turned.size == picture.size else size[::-1]
    return turned


def _unpack(file: PictureFile) -> Image.Image | None:
    """Do what `_decode_here` does with a small plain picture; return None for others, also if damaged."""
    if file.packed is None or file.width * file.height > AT_ONCE_PIXELS:
        return None
    mode, pixels = file.packed
    try:
        picture = Image.frombytes(mode, (file.width, file.height), pixels, "zip", mode)
    except (OSError, ValueError):
        return None
    reduced = reduce(picture)
    reduced.info[UPLOAD_SIZE] = (file.width, file.height)
    return reduced


def _decode_here(file: PictureFile, field: str, check: Callable[[], None]) -> Image.Image:
    try:
        with OPENERS[file.format](_Watched(file.content, check)) as image:
            image.decodermaxblock = PIECE_BYTES
            if file.scale > 1:
                sides = (max(1, file.width // file.scale), max(1, file.height // file.scale))
                image.draft(None, sides)
            image.load()
            reduced = reduce(image)
    except (OSError, SyntaxError, ValueError, EOFError, struct.error) as error:
        # Pillow raises these for damaged files, with no common base of its own.
        raise damaged(field, str(error)) from error
    reduced.info[UPLOAD_SIZE] = (file.width, file.height)
    return reduced
