"""The segments of a JPEG file: which a decoder needs, which are refused, and how many there may be."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import NamedTuple

from service.core.errors import MalformedBodyError, Text, TooLargeError
from service.imaging.reading.limits import check_size, damaged
from service.imaging.reading.picture_file import EXIF, PictureFile

JPEG_START = b"\xff\xd8\xff"
# Colour profiles and notes come in segments of 64 KB; a scan may have tables of its own.
MAX_SEGMENTS = 1000
# Bytes of tables: four of 129 bytes for quantization, eight of at most 273 for Huffman codes.
MAX_HEAD_BYTES = 16_384
# Encoders write ten scans, some twelve. An empty scan costs 10 ms in a picture of 16 million pixels.
MAX_SCANS, USUAL_SCANS, MAX_SCANNED_PIXELS = 100, 12, 400_000_000
PIECE_BYTES = 2**20
# Decoding at a fraction costs an eighth of the memory and half of the time of the whole. A figure is still
# far larger than a model's input in a picture whose longer side has this many pixels.
FRACTION_SIDE = 1000
FRACTIONS = (8, 4, 2)
# Times the pixels that are allowed once decoded: 256 million for 16, which 200 megapixels of a phone are
# below. To decode so many from the shortest codes takes 0.8 s.
FRACTION_TIMES = 16
# Bytes for each of those pixels that a decoder holds as coefficients until the last scan has come: 192 MB
# for 16 million; 48 megapixels with colours at half the resolution take 146 MB.
COEFFICIENT_TIMES = 12

# A marker, with a few bytes before it; and a marker that ends compressed pixels.
MARKER = re.compile(rb"[^\xff]{0,256}\xff{1,256}([\x01-\xfe])")
MARKER_IN_PIXELS = re.compile(rb"\xff([\x02-\xcf\xd8-\xfe])")
FILL = b"\xff" * 1024
TABLES = {0xC4, 0xDB, 0xDD}
FRAMES = {0xC0, 0xC1, 0xC2}
OTHER_FRAMES = {0xC3, *range(0xC5, 0xD0)} - {0xC8}
SCAN, END = 0xDA, 0xD9
# Application segments, comments, and DNL, a number of lines that comes late.
SKIPPED = {*range(0xE0, 0xF0), 0xFE, 0xDC}
# The application segments that say how colours are stored; what follows in them is a preview.
COLOUR_NOTES, COLOUR_NOTE_BYTES = {0xE0: b"JFIF\0", 0xEE: b"Adobe"}, 14
EXIF_CODE = 0xE1
PROGRESSIVE = 0xC2


class _Frame(NamedTuple):
    width: int
    height: int
    components: int
    coefficient_bytes: int
    progressive: bool


def read_jpeg(content: bytes, field: str, max_pixels: int) -> PictureFile:
    """Check a JPEG before any of its pixels is decoded.

    Args:
        content: The file.
        field: The name of the field, for errors.
        max_pixels: Largest width times height once decoded.

    Returns:
        A JPEG with only the segments that a decoder needs.

    Raises:
        MalformedBodyError: Not a whole JPEG, or neither baseline nor progressive Huffman.
        TooLargeError: Too many pixels, coefficients, segments, tables or scans.
    """
    kept, exif, frame, scans, first, last = [b"\xff\xd8"], b"", None, 0, 0, 0
    for code, body, start, end in _walk(content, field):
        last = end
        if code in FRAMES:
            frame = _read_frame(code, body, field, max_pixels)
        if code == SCAN:
            scans, first = scans + 1, first or start
            _check_scan(frame, body, scans, max_pixels, field)
        elif code == EXIF_CODE and body.startswith(EXIF):
            exif = exif or body
        if not first:
            kept.append(_keep(code, body))
    if sum(map(len, kept)) > MAX_HEAD_BYTES:
        raise TooLargeError(field, f"tables of at most {MAX_HEAD_BYTES} bytes", Text("more"))
    if frame is None:
        raise damaged(field, "without a frame")
    _check_fill(content, first, last, field)
    needed = b"".join((*kept, memoryview(content)[first:last]))
    return PictureFile(
        "JPEG", needed, frame.width, frame.height, exif, _choose_scale(frame.width, frame.height)
    )


def _choose_scale(width: int, height: int) -> int:
    return next((scale for scale in FRACTIONS if max(width, height) >= scale * FRACTION_SIDE), 1)


def _walk(content: bytes, field: str) -> Iterator[tuple[int, bytes, int, int]]:
    """Yield code, body, start and end of each segment, the end of the picture last."""
    end, scanned = 2, False
    for _ in range(MAX_SEGMENTS):
        start = end
        code, end = _find_marker(content, start, field) if not scanned else _find_next(content, start)
        if code == END:
            yield code, b"", start, end
            return
        _check_code(code, field)
        length = int.from_bytes(content[end : end + 2], "big")
        if length < 2 or end + length > len(content):
            raise damaged(field, "it ends early")
        body, end = content[end + 2 : end + length], end + length
        yield code, body, start, end
        scanned = scanned or code == SCAN
    raise TooLargeError(field, f"at most {MAX_SEGMENTS} segments", Text("more"))


def _find_marker(content: bytes, start: int, field: str) -> tuple[int, int]:
    found = MARKER.match(content, start)
    if found is None or found[1][0] == END:
        raise damaged(field, "it ends early, or has no marker where one must be")
    return found[1][0], found.end()


def _find_next(content: bytes, start: int) -> tuple[int, int]:
    # In pieces: a search through a large file would hold up the other threads.
    for begin in range(start, len(content), PIECE_BYTES):
        if found := MARKER_IN_PIXELS.search(content, begin, begin + PIECE_BYTES + 1):
            return found[1][0], found.end()
    # Many pictures lack their end marker.
    return END, len(content)


def _check_code(code: int, field: str) -> None:
    if code in OTHER_FRAMES:
        raise MalformedBodyError(
            field, "a JPEG that is baseline or progressive, in Huffman codes", Text(f"one of frame {code:#x}")
        )
    # A segment that a decoder reads otherwise than this module could hide the rest of the file.
    if not (code in FRAMES or code in TABLES or code in SKIPPED or code == SCAN):
        raise damaged(field, f"with a marker {code:#x}")


def _check_fill(content: bytes, start: int, end: int, field: str) -> None:
    # A decoder that is fed in pieces starts again with each piece until it sees the end of a run of fill
    # bytes.
    for begin in range(start, end, PIECE_BYTES):
        if content.find(FILL, begin, min(end, begin + PIECE_BYTES + len(FILL))) >= 0:
            raise damaged(field, f"with {len(FILL)} fill bytes")


def _keep(code: int, body: bytes) -> bytes:
    if code in COLOUR_NOTES:
        body = body[:COLOUR_NOTE_BYTES] if body.startswith(COLOUR_NOTES[code]) else b""
    elif code not in FRAMES and code not in TABLES:
        body = b""
    return struct.pack(">BBH", 0xFF, code, len(body) + 2) + body if body else b""


def _read_frame(code: int, body: bytes, field: str, max_pixels: int) -> _Frame:
    if len(body) < 6 or len(body) < 6 + 3 * body[5]:
        raise damaged(field, "a frame that ends early")
    height, width = struct.unpack_from(">HH", body, 1)
    scale = _choose_scale(width, height)
    check_size(field, width, height, max_pixels * min(scale * scale, FRACTION_TIMES))
    samplings = [((value >> 4), value & 15) for value in body[7 : 6 + 3 * body[5] : 3]]
    most = max((x for x, _ in samplings), default=0) * max((y for _, y in samplings), default=0)
    if not most:
        raise damaged(field, "a frame without components")
    # Two bytes a coefficient.
    coefficient_bytes = 2 * width * height * sum(x * y for x, y in samplings) // most
    return _Frame(width, height, len(samplings), coefficient_bytes, code == PROGRESSIVE)


def _check_scan(frame: _Frame | None, body: bytes, scans: int, max_pixels: int, field: str) -> None:
    if frame is None:
        raise damaged(field, "pixels without a frame")
    pixels = frame.width * frame.height
    allowed = min(MAX_SCANS, max(USUAL_SCANS, MAX_SCANNED_PIXELS // pixels))
    if scans > allowed:
        raise TooLargeError(field, f"at most {allowed} scans of {pixels} pixels", Text("more"))
    several = frame.progressive or body[:1] != bytes((frame.components,))
    if several and frame.coefficient_bytes > max_pixels * COEFFICIENT_TIMES:
        raise TooLargeError(
            field,
            f"a progressive picture of at most {max_pixels * COEFFICIENT_TIMES} bytes of coefficients",
            Text(f"{frame.coefficient_bytes}"),
        )
