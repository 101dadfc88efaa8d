from __future__ import annotations

import struct

import pytest

from service.core.errors import MalformedBodyError
from service.imaging.reading.jpeg_segments import _read_frame

PROGRESSIVE = 0xC2


def frame(width: int, height: int, *samplings: int) -> bytes:
    """A frame's head: eight bits, its sides, and of each component its name, samplings and table."""
    parts = b"".join(bytes((i + 1, sampling, 0)) for i, sampling in enumerate(samplings))
    return struct.pack(">BHHB", 8, height, width, len(samplings)) + parts


@pytest.mark.parametrize(
    ("samplings", "coefficient_bytes"),
    [
        ([0x11], 2 * 640 * 480),
        ([0x11, 0x11, 0x11], 2 * 640 * 480 * 3),
        ([0x22, 0x11, 0x11], 2 * 640 * 480 * 3 // 2),
        ([0x11, 0x11, 0x11, 0x41], 2 * 640 * 480 * 7 // 4),
    ],
)
def test_a_frame_takes_two_bytes_a_coefficient(samplings: list[int], coefficient_bytes: int) -> None:
    body = frame(640, 480, *samplings)
    found = _read_frame(PROGRESSIVE, body + b"more", "body", 1_000_000)
    assert found == (640, 480, len(samplings), coefficient_bytes, True)
    assert not _read_frame(0xC0, body, "body", 1_000_000).progressive
    with pytest.raises(MalformedBodyError, match="a frame that ends early"):
        _read_frame(PROGRESSIVE, body[:-1], "body", 1_000_000)
