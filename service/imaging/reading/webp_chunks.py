"""The chunks of a WebP file: those of its first frame, and what they may cost."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from service.core.errors import Text, TooLargeError
from service.imaging.reading.limits import check_size, damaged
from service.imaging.reading.picture_file import PictureFile

RIFF_START, WEBP = b"RIFF", b"WEBP"
HEAD_BYTES = 12
# A file has about six, and one for each frame.
MAX_CHUNKS = 10_000
LOSSY, LOSSLESS, ALPHA, FRAME, EXIF = b"VP8 ", b"VP8L", b"ALPH", b"ANMF", b"EXIF"
LOSSY_START, LOSSLESS_START = b"\x9d\x01\x2a", 0x2F
FRAME_HEAD_BYTES = 16
HAS_ALPHA = 0x10
# A lossless picture may have a set of codes for each block of 4 x 4 pixels, of which each takes at least 20
# bits of the file and 9.2 KB of memory. Encoders write at most 2,600 sets; where more than this are possible,
# the decoder needs a process of its own.
SET_SIDE, SET_BITS, MAX_SETS = 4, 20, 8192
# Decoding goes on without a look at the clock, and takes 16 bytes a pixel: a million take 14 ms and 16 MB.
MAX_PIXELS_HERE = 1_000_000


def is_webp(content: bytes) -> bool:
    """Return whether a content begins as a WebP does."""
    return content.startswith(RIFF_START) and content[8:12] == WEBP


def read_webp(content: bytes, field: str, max_pixels: int) -> PictureFile:
    """Check a WebP before any of its pixels is decoded.

    Args:
        content: The file.
        field: The name of the field, for errors.
        max_pixels: Largest width times height.

    Returns:
        A WebP with only the first frame.

    Raises:
        MalformedBodyError: Not a whole first frame.
        TooLargeError: Too many pixels or chunks.
    """
    frame: dict[bytes, bytes] = {}
    for name, body in _walk(content, HEAD_BYTES, field):
        if name == FRAME and not frame.keys() & {LOSSY, LOSSLESS}:
            frame |= dict(_walk(body, FRAME_HEAD_BYTES, field))
        else:
            frame.setdefault(name, body)
    exif = frame.get(EXIF, b"")
    if LOSSLESS in frame:
        coded = frame[LOSSLESS]
        width, height = _read_lossless(coded, field)
        chunks = [(LOSSLESS, coded)]
    elif LOSSY in frame:
        coded = frame.get(ALPHA, b"")
        width, height = _read_lossy(frame[LOSSY], field)
        head = [(b"VP8X", _write_head(width, height)), (ALPHA, coded)] if coded else []
        chunks = [*head, (LOSSY, frame[LOSSY])]
    else:
        raise damaged(field, "without a frame")
    check_size(field, width, height, max_pixels)
    sets = min(8 * len(coded) // SET_BITS, -(-width // SET_SIDE) * -(-height // SET_SIDE))
    apart = width * height > MAX_PIXELS_HERE or sets > MAX_SETS
    return PictureFile("WEBP", _write(chunks), width, height, exif, apart=apart)


def _walk(content: bytes, start: int, field: str) -> Iterator[tuple[bytes, bytes]]:
    for _ in range(MAX_CHUNKS):
        if len(content) - start < 8:
            return
        name, size = struct.unpack_from("<4sI", content, start)
        if start + 8 + size > len(content):
            raise damaged(field, "it ends early")
        yield name, content[start + 8 : start + 8 + size]
        start += 8 + size + size % 2
    raise TooLargeError(field, f"at most {MAX_CHUNKS} chunks", Text("more"))


def _read_lossy(body: bytes, field: str) -> tuple[int, int]:
    if len(body) < 10 or body[3:6] != LOSSY_START:
        raise damaged(field, "without the head of a frame")
    width, height = struct.unpack_from("<HH", body, 6)
    return width & 0x3FFF, height & 0x3FFF


def _read_lossless(body: bytes, field: str) -> tuple[int, int]:
    if len(body) < 5 or body[0] != LOSSLESS_START:
        raise damaged(field, "without the head of a frame")
    (bits,) = struct.unpack_from("<I", body, 1)
    return (bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1


def _write_head(width: int, height: int) -> bytes:
    # A side of 0 is refused once it is known; it must only be written here.
    sides = b"".join(max(0, side - 1).to_bytes(3, "little") for side in (width, height))
    return bytes((HAS_ALPHA, 0, 0, 0)) + sides


def _write(chunks: list[tuple[bytes, bytes]]) -> bytes:
    parts = [struct.pack("<4sI", name, len(body)) + body + bytes(len(body) % 2) for name, body in chunks]
    content = WEBP + b"".join(parts)
    return RIFF_START + struct.pack("<I", len(content)) + content
