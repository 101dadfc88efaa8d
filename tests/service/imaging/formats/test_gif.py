"""The bytes of a GIF around its pixels, as GIF89a has them."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from PIL import Image

from service.imaging.formats import gif
from service.imaging.formats.gif import write_gif

GREY = np.arange(12, dtype=np.uint8).reshape(2, 2, 3, 1)
# A table of 256 colours for the whole file, no sort, background 0, square pixels.
HEAD = b"GIF89a" + struct.pack("<HHBBB", 3, 2, 0xF7, 0, 0)
REPEAT = b"\x21\xff\x0bNETSCAPE2.0\x03\x01"


def frame(duration_cs: int) -> bytes:
    """What stands before a frame's pixels: how long it is shown, where it lies, and the bits of a pixel."""
    control = b"\x21\xf9\x04\x00" + struct.pack("<H", duration_cs) + b"\0\0"
    return control + b"\x2c" + struct.pack("<HHHHBB", 0, 0, 3, 2, 0, 8)


@pytest.mark.parametrize(
    ("loops", "repeat"),
    [(0, REPEAT + b"\0\0\0"), (1, b""), (2, REPEAT + b"\1\0\0"), (300, REPEAT + b"\x2b\1\0")],
)
def test_the_parts_of_a_file_follow_each_other(loops: int, repeat: bytes) -> None:
    content = write_gif(GREY, 70, loops)
    palette = bytes(level for level in range(256) for _ in range(3))
    assert content.startswith(HEAD + palette + repeat + frame(7))
    assert content.count(frame(7)) == 2
    assert content.endswith(b"\0;")


def test_a_single_frame_repeats_nothing() -> None:
    assert REPEAT not in write_gif(GREY[:1], 70, 0)


def test_colours_that_are_not_there_are_black() -> None:
    frames = np.array([[[[1, 2, 3], [200, 100, 50], [1, 2, 4]]]], np.uint8)
    content = write_gif(frames, 70, 0)
    palette = bytes((1, 2, 3, 1, 2, 4, 200, 100, 50)) + bytes(253 * 3)
    assert content[13 : 13 + 768] == palette
    np.testing.assert_array_equal(gif._index(frames)[0], [[[0, 2, 1]]])


def test_a_frame_larger_than_a_piece_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    frames = np.random.RandomState(0).randint(0, 256, (2, 40, 50, 1), np.uint8)
    monkeypatch.setattr(gif, "PIECE_BYTES", 700)
    with Image.open(io.BytesIO(write_gif(frames, 70, 0))) as image:
        for index, frame in enumerate(frames):
            image.seek(index)
            np.testing.assert_array_equal(np.asarray(image.convert("L")), frame[..., 0])
