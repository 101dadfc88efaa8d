"""The chunks of a PNG file: which a decoder needs, and how many there may be."""

from __future__ import annotations

import struct
import zlib
from typing import NamedTuple

from service.core.errors import Text, TooLargeError
from service.imaging.reading.limits import check_size, damaged
from service.imaging.reading.picture_file import PictureFile

PNG_START = b"\x89PNG\r\n\x1a\n"
# Behind the signature, the head's length and its name come the width and the height.
SIZE_END = 24
# A picture with a chunk for each row has a few thousand. Each costs a microsecond here.
MAX_CHUNKS = 20_000
# Compressed pixels exceed plain ones by at most 5 bytes in 16 KB; the rest is room for unusual encoders.
PACKING_ROOM_BYTES = 65_536
# The bit of a chunk's name that says that a picture can be read without the chunk.
ANCILLARY = 0x20
# The colour type whose pixels are indices into `PLTE`.
PALETTE = 3
MAX_PALETTE_BYTES = 768


class _Colour(NamedTuple):
    samples: int
    depths: tuple[int, ...]
    transparency_bytes: int
    mode: str = ""


# By colour type: the samples of a pixel, their bits, the bytes of `tRNS` that a decoder reads (PNG
# specification, table 11.1 and section 11.3.1.1), and Pillow's mode of 8 bits where samples are the colour.
COLOURS = {
    0: _Colour(1, (1, 2, 4, 8, 16), 2, "L"),
    2: _Colour(3, (8, 16), 6, "RGB"),
    PALETTE: _Colour(1, (1, 2, 4, 8), 1),
    4: _Colour(2, (8, 16), 0, "LA"),
    6: _Colour(4, (8, 16), 0, "RGBA"),
}


def read_size(content: bytes) -> tuple[int, int] | None:
    """Return the width and height that the head of a PNG declares; None if it is no PNG."""
    if not content.startswith(PNG_START) or len(content) < SIZE_END:
        return None
    width, height = struct.unpack_from(">II", content, SIZE_END - 8)
    return width, height


def read_png(content: bytes, field: str, max_pixels: int) -> PictureFile:
    """Check a PNG before any of its pixels is decoded.

    Args:
        content: The file.
        field: The name of the field, for errors.
        max_pixels: Largest width times height.

    Returns:
        A PNG with only the chunks that a decoder needs, the compressed pixels in one.

    Raises:
        MalformedBodyError: Not a whole PNG.
        TooLargeError: Too many pixels, chunks or compressed bytes.
    """
    view = memoryview(content)
    head = _read_chunk(view, len(PNG_START), field)
    if head is None or head[0] != b"IHDR" or len(head[1]) != 13:
        raise damaged(field, "without a head")
    width, height, depth, kind, *methods = struct.unpack(">IIBBBBB", head[1])
    check_size(field, width, height, max_pixels)
    if kind not in COLOURS or depth not in COLOURS[kind].depths:
        raise damaged(field, f"{depth} bits of colour type {kind}")
    kept, packed = _read_chunks(view, head[2], field)
    row_bytes = width * COLOURS[kind].samples * depth // 8 + 9
    if len(packed) > row_bytes * height + PACKING_ROOM_BYTES:
        received = Text(f"{len(packed)} packed bytes")
        raise TooLargeError(field, f"no more bytes than {width} x {height} pixels take", received)
    colours = _keep_colours(kept, kind, field)
    chunks = [(b"IHDR", bytes(head[1])), *colours, (b"IDAT", packed), (b"IEND", b"")]
    written = PNG_START + b"".join(_write_chunk(*chunk) for chunk in chunks)
    # Neither interlaced nor of a method that may come one day.
    mode = COLOURS[kind].mode if depth == 8 and not colours and not any(methods) else ""
    exif = bytes(kept.get(b"eXIf", b""))
    return PictureFile("PNG", written, width, height, exif, packed=(mode, packed) if mode else None)


def _keep_colours(kept: dict[bytes, memoryview], kind: int, field: str) -> list[tuple[bytes, bytes]]:
    colours = []
    if kind == PALETTE:
        palette = bytes(kept.get(b"PLTE", b"")[:MAX_PALETTE_BYTES])
        if len(palette) < 3:
            raise damaged(field, "colours of a palette that is not there")
        colours.append((b"PLTE", palette[: len(palette) // 3 * 3]))
    needed = COLOURS[kind].transparency_bytes
    transparency = kept.get(b"tRNS", b"")
    if needed and len(transparency) >= needed:
        colours.append((b"tRNS", bytes(transparency)))
    return colours


def _read_chunks(view: memoryview, offset: int, field: str) -> tuple[dict[bytes, memoryview], bytes]:
    kept: dict[bytes, memoryview] = {}
    data: list[memoryview] = []
    for _ in range(MAX_CHUNKS):
        chunk = _read_chunk(view, offset, field)
        if chunk is None or chunk[0] == b"IEND":
            return kept, b"".join(data)
        name, body, offset = chunk
        if name == b"IDAT":
            data.append(body)
        else:
            kept.setdefault(name, body)
    raise TooLargeError(field, f"at most {MAX_CHUNKS} chunks", Text("more"))


def _read_chunk(view: memoryview, offset: int, field: str) -> tuple[bytes, memoryview, int] | None:
    if len(view) - offset < 12:  # many pictures lack their last chunk
        return None
    length, name = struct.unpack_from(">I4s", view, offset)
    start, end = offset + 8, offset + 8 + length
    if end + 4 > len(view):
        raise damaged(field, "it ends early")
    if zlib.crc32(view[offset + 4 : end]) != struct.unpack_from(">I", view, end)[0]:
        if not name[0] & ANCILLARY:
            raise damaged(field, f"the checksum of {name!r} is wrong")
        return name, view[end:end], end + 4
    return name, view[start:end], end + 4


def _write_chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(body, zlib.crc32(name)))
