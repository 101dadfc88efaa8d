"""Small files of every format, as others write them, to be mutated."""

from __future__ import annotations

import functools
import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import pillow_heif
from PIL import ExifTags, Image

from tests.service import picture_bombs

SIZE = (24, 18)
OPTIONS: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "PNG": [(mode, {}) for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")],
    "JPEG": [
        *[(mode, {}) for mode in ("L", "RGB", "CMYK")],
        ("RGB", {"progressive": True}),
        ("RGB", {"subsampling": 0, "restart_marker_blocks": 1}),
    ],
    "WEBP": [
        ("RGB", {"lossless": True}),
        ("RGBA", {"lossless": True}),
        ("RGB", {}),
        ("RGBA", {}),
        ("RGB", {"save_all": True, "append_images": [Image.new("RGB", SIZE)]}),
    ],
    "GIF": [("L", {}), ("P", {"interlace": 1}), ("P", {"transparency": 3, "comment": b"a comment"})],
    "BMP": [(mode, {}) for mode in ("1", "L", "P", "RGB", "RGBA")],
    "TIFF": [
        *[(mode, {}) for mode in ("1", "L", "P", "RGB", "RGBA", "CMYK", "I;16")],
        *[("RGB", {"compression": name}) for name in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg")],
        ("1", {"compression": "group4"}),
    ],
    "AVIF": [("RGB", {"speed": 10}), ("RGBA", {"speed": 10})],
    "HEIF": [("RGB", {}), ("L", {})],
}
# Run lengths, which Pillow reads and does not write: a row of 4 and a row of 2 and 2, an end.
RUNS = bytes((4, 1, 0, 0, 2, 2, 2, 3, 0, 0, 0, 1))


@functools.cache
def make_seeds(kind: str) -> tuple[bytes, ...]:
    """Return files of a format, a key of `OPTIONS`."""
    return tuple(_write(kind))


def _write(kind: str) -> Iterator[bytes]:
    pillow_heif.register_heif_opener()
    noise = np.random.RandomState(0).randint(0, 256, (SIZE[1], SIZE[0], 3), np.uint8)
    noise[4:14, 5:20] //= 4
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    for mode, options in OPTIONS[kind]:
        image = Image.fromarray(noise)
        if mode == "I;16":
            image = Image.fromarray(noise[..., 0].astype(np.uint16) * 257)
        elif mode != "RGB":
            image = image.convert(mode)
        for extra in ({}, {"exif": exif.tobytes()} if kind not in ("GIF", "BMP") else {}):
            file = io.BytesIO()
            image.save(file, kind, **options, **extra)
            yield file.getvalue()
    if kind == "PNG":
        yield picture_bombs.png(20, 20, interlaced=True)
        yield picture_bombs.png(20, 20, depth=16, kind=picture_bombs.COLOUR_ALPHA)
    if kind == "BMP":
        yield from (_write_runs(packing, depth) for packing, depth in ((1, 8), (2, 4)))


def _write_runs(packing: int, depth: int) -> bytes:
    colours = bytes(range(64))
    sides = (4).to_bytes(4, "little") + (2).to_bytes(4, "little")
    head = (40).to_bytes(4, "little") + sides + bytes((1, 0, depth, 0, packing, 0, 0, 0))
    head += bytes(12) + (16).to_bytes(4, "little") + bytes(4)
    start = (14 + len(head) + len(colours)).to_bytes(4, "little")
    return b"BM" + bytes(8) + start + head + colours + RUNS
