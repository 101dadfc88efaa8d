"""Check that a file is complete: it ends where its format says, and holds as many pictures as requested.

The container is walked and no pixels are decoded: that costs far less, and still finds a truncated file.
"""

from __future__ import annotations

import io
import json
import math
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator

import numpy as np

from service.core.choices import Format

Count = int | None

PNG_START = b"\x89PNG\r\n\x1a\n"
GIF_START_BYTES, GIF_IMAGE_BYTES = 13, 9
GIF_IMAGE, GIF_EXTENSION, GIF_END = b",", b"!", b";"
# The bit that says that a colour table follows, and the bits of its size.
GIF_TABLE, GIF_TABLE_SIZE = 0x80, 0x07
ZIP_END, ZIP_END_BYTES = b"PK\x05\x06", 22
# The JSON fields that hold one entry a picture.
LISTS = (
    "z",
    "images",
    "x",
    "z_mean",
    "z_log_var",
    "neighbours",
    "reconstruction_loss",
    "kl_divergence",
    "mean_squared_error",
)


def check_file(format: Format, content: bytes, pictures: int | None) -> None:  # noqa: A002
    """Check that a file is complete.

    Args:
        format: The expected format.
        content: The file.
        pictures: How many separate pictures it must hold; None: any number. A sheet is one picture.

    Raises:
        ValueError: It is truncated, longer than it should be, or holds another number of pictures.
    """
    found = COUNTERS[format](content)
    if None not in (found, pictures) and found != pictures:
        raise ValueError(f"expected {pictures} pictures, received {found}")


def check_npy(content: bytes) -> tuple[int, ...]:
    """Check that an .npy file has as many numbers as its header says, and return their shape.

    Raises:
        ValueError: It has more or fewer, or is no .npy file.
    """
    file = io.BytesIO(content)
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(file)
    expected, received = math.prod(shape) * dtype.itemsize, len(content) - file.tell()
    if expected != received or dtype.hasobject:
        raise ValueError(f"expected {expected} bytes of {shape}, received {received}")
    return shape


def _count_png(content: bytes) -> Count:
    frames, announced = 0, None
    for kind, body in _read_png(content):
        if kind == b"acTL":
            announced = int.from_bytes(body[:4])
        frames += kind == b"fcTL"
    if announced is not None and announced != frames:
        raise ValueError(f"expected {announced} frames, received {frames}")
    return announced


def _count_apng(content: bytes) -> Count:
    return _count_png(content) or 0


def _read_png(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    if not content.startswith(PNG_START):
        raise ValueError("expected a PNG file, received another")
    offset, kind = len(PNG_START), b""
    while kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", content, offset)
        body = content[offset + 8 : offset + 8 + length]
        (checksum,) = struct.unpack_from(">I", content, offset + 8 + length)
        if checksum != zlib.crc32(kind + body):
            raise ValueError(f"expected the checksum of {kind!r}, received another")
        yield kind, body
        offset += 12 + length
    _check_end(content, offset)


def _count_gif(content: bytes) -> Count:
    if not content.startswith(b"GIF89a"):
        raise ValueError("expected a GIF file, received another")
    offset, frames = GIF_START_BYTES + _measure_table(content[10]), 0
    while (kind := content[offset : offset + 1]) != GIF_END:
        if kind == GIF_IMAGE:
            frames += 1
            # The image descriptor, its colour table, and the byte of the LZW code size.
            offset += 1 + GIF_IMAGE_BYTES + _measure_table(content[offset + GIF_IMAGE_BYTES]) + 1
        elif kind == GIF_EXTENSION:
            offset += 2
        else:
            raise ValueError(f"expected a GIF file's next part, received {kind!r}")
        while length := content[offset]:
            offset += 1 + length
        offset += 1
    _check_end(content, offset + 1)
    return frames


def _measure_table(flags: int) -> int:
    return 3 * 2 ** ((flags & GIF_TABLE_SIZE) + 1) if flags & GIF_TABLE else 0


def _count_webp(content: bytes) -> Count:
    start, length, kind = struct.unpack_from("<4sI4s", content)
    if (start, kind) != (b"RIFF", b"WEBP"):
        raise ValueError("expected a WebP file, received another")
    _check_end(content, 8 + length)
    offset, frames = 12, 0
    while offset < len(content):
        kind, length = struct.unpack_from("<4sI", content, offset)
        frames += kind == b"ANMF"
        offset += 8 + length + length % 2
    _check_end(content, offset)
    # A still picture is one sheet, however many pictures it shows.
    return frames or None


def _count_zip(content: bytes) -> Count:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = archive.infolist()
        # zipfile ignores bytes before and after the archive.
        if entries[0].header_offset or not content[-ZIP_END_BYTES:].startswith(ZIP_END):
            raise ValueError("expected a zip file from its start to its end, received more")
        if damaged := archive.testzip():
            raise ValueError(f"expected the checksum of {damaged}, received another")
        return len(entries)


def _count_npy(content: bytes) -> Count:
    return check_npy(content)[0]


def _count_json(content: bytes) -> Count:
    fields = json.loads(content)
    lengths = {len(fields[name]) for name in LISTS if fields.get(name)}
    if len(lengths) > 1:
        raise ValueError(f"expected lists of one length, received lengths {sorted(lengths)}")
    return lengths.pop() if lengths else None


def _count_lines(content: bytes) -> Count:
    if not content.endswith(b"\n"):
        raise ValueError("expected a line's end, received none")
    indices = [json.loads(line)["index"] for line in content.splitlines()]
    if indices != list(range(len(indices))):
        raise ValueError("expected lines in order, received others")
    return len(indices)


def _check_end(content: bytes, end: int) -> None:
    if len(content) != end:
        raise ValueError(f"expected {end} bytes, received {len(content)}")


COUNTERS: dict[Format, Callable[[bytes], Count]] = {
    "png": _count_png,
    "webp": _count_webp,
    "gif": _count_gif,
    "apng": _count_apng,
    "json": _count_json,
    "npy": _count_npy,
    "zip": _count_zip,
    "ndjson": _count_lines,
}
