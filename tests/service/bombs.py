"""Bodies that cost far more than their size says: packed ones, forms, and pictures (`picture_bombs`)."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from typing import NamedTuple

from tests.service import picture_bombs


def gzip_of_empty_members(count: int) -> bytes:
    """Return a gzip body of so many members with nothing in them, 20 bytes each."""
    return gzip.compress(b"", mtime=0) * count


def gzip_of_zeros(count: int) -> bytes:
    """Return a gzip body that unpacks to so many bytes."""
    packer = zlib.compressobj(9, wbits=31)
    parts = [packer.compress(bytes(min(2**20, count - start))) for start in range(0, count, 2**20)]
    return b"".join(parts) + packer.flush()


def form_of_parts(
    count: int, boundary: bytes = b"b", name: bytes = b"file", content: bytes = b"", headers: bytes = b""
) -> bytes:
    """Return a multipart body of so many parts."""
    part = b'--%b\r\nContent-Disposition: form-data; name="%b"; filename="f"\r\n%b\r\n%b\r\n' % (
        boundary,
        name,
        headers,
        content,
    )
    return part * count + b"--" + boundary + b"--\r\n"


def form_of_text(name: bytes, count: int) -> bytes:
    """Return a form with both ends of a path, one of which is a vector of so many numbers."""
    parts = ((name, b"0," * count), (b"from" if name == b"to" else b"to", b"digit:3"))
    part = b'--b\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n'
    return b"".join(part % each for each in parts) + b"--b--\r\n"


def gzip_of_empty_blocks(count: int) -> bytes:
    """Return a gzip member of so many blocks with nothing in them, which has no end."""
    return b"\x1f\x8b\x08" + bytes(6) + b"\xff" + picture_bombs.deflate_of_empty_blocks(count)[2:]


class Bomb(NamedTuple):
    """A request that costs far more than its size says, if nobody looks.

    Attributes:
        path: That it is sent to, by POST.
        headers: Its own.
        make: Gives its body.
        statuses: What it may be answered with.
    """

    path: str
    headers: dict[str, str]
    make: Callable[[], bytes]
    statuses: frozenset[int]


def _bomb(
    path: str, media_type: str, make: Callable[[], bytes], *statuses: int, packed: bool = False
) -> Bomb:
    encoding = {"content-encoding": "gzip"} if packed else {}
    return Bomb(path, {"content-type": media_type} | encoding, make, frozenset(statuses))


_PNG, _JPEG, _FORM, _JSON = "image/png", "image/jpeg", "multipart/form-data; boundary=b", "application/json"
# Of no more than 16 MiB each, the usual limit of a body. Those with 200 are read past, at no cost.
BOMBS = {
    "progressive jpeg": _bomb("/encode", _JPEG, lambda: picture_bombs.progressive_jpeg(5000), 413),
    "refined jpeg": _bomb(
        "/reconstruct", _JPEG, lambda: picture_bombs.progressive_jpeg(5000, refine=True), 413
    ),
    "sequential jpeg": _bomb("/encode", _JPEG, lambda: picture_bombs.sequential_jpeg(300_000), 413),
    "arithmetic jpeg": _bomb("/encode", _JPEG, lambda: picture_bombs.arithmetic_jpeg(scans=500), 400),
    "jpeg of segments": _bomb("/encode", _JPEG, lambda: picture_bombs.jpeg_of_segments(1_000_000), 413),
    "jpeg of fill": _bomb("/encode", _JPEG, lambda: picture_bombs.jpeg_of_fill(16_000_000), 400),
    "jpeg of late fill": _bomb("/encode", _JPEG, lambda: picture_bombs.jpeg_of_late_fill(16_000_000), 400),
    "png of chunks": _bomb("/encode", _PNG, lambda: picture_bombs.png_of_chunks(1_000_000), 413),
    "png of texts": _bomb("/encode", _PNG, lambda: picture_bombs.png_of_packed_text(10_000), 200),
    "png of profiles": _bomb(
        "/encode", _PNG, lambda: picture_bombs.png_of_packed_text(10_000, name=b"iCCP"), 200
    ),
    "png of exif": _bomb("/encode", _PNG, lambda: picture_bombs.png_of_exif(60_000, 1_000_000), 200),
    "png of empty blocks": _bomb("/encode", _PNG, lambda: picture_bombs.png_of_empty_blocks(1_400_000), 413),
    "tall png": _bomb("/encode", _PNG, lambda: picture_bombs.png(1, 16_000_000), 413),
    "wide png": _bomb("/encode", _PNG, lambda: picture_bombs.png(16_000_000, 1, interlaced=True), 413),
    "large jpeg": _bomb("/encode", _JPEG, lambda: picture_bombs.plain_jpeg(16_000, 16_000), 200),
    "larger jpeg": _bomb("/encode", _JPEG, lambda: picture_bombs.plain_jpeg(16_000, 16_001), 413),
    "large progressive jpeg": _bomb(
        "/encode", _JPEG, lambda: picture_bombs.progressive_jpeg(13, 9700, 9800, refine=True), 413
    ),
    "gif of blocks": _bomb("/encode", _PNG, lambda: picture_bombs.gif_of_blocks(5_000_000), 413),
    "bmp of run lengths": _bomb("/encode", _PNG, lambda: picture_bombs.bmp_of_runs(200_000), 400),
    "large png": _bomb("/encode", _PNG, lambda: picture_bombs.png(20_000, 20_000, depth=1), 413),
    "form of parts": _bomb("/encode", _FORM, lambda: form_of_parts(200_000), 413),
    "form of heads": _bomb("/encode", _FORM, lambda: form_of_parts(1, headers=b"a: b\r\n" * 2_000_000), 413),
    "form of text": _bomb("/interpolate", _FORM, lambda: form_of_text(b"from", 8_000_000), 413),
    "gzip of members": _bomb("/decode", _JSON, lambda: gzip_of_empty_members(800_000), 413, packed=True),
    "gzip of zeros": _bomb("/decode", _JSON, lambda: gzip_of_zeros(10**8), 413, packed=True),
    "gzip of tensors": _bomb(
        "/v2/repository/index", _JSON, lambda: gzip_of_empty_members(800_000), 413, packed=True
    ),
}
