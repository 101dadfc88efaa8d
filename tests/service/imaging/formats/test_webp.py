"""The bytes of a WebP animation around its pixels, as RFC 9649 has them."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from service.imaging.formats.webp import write_webp

FRAMES = np.random.RandomState(0).randint(0, 256, (3, 5, 300, 1), np.uint8)


def chunks(content: bytes, start: int) -> list[tuple[bytes, bytes]]:
    found = []
    while start < len(content):
        kind, size = struct.unpack_from("<4sI", content, start)
        found.append((kind, content[start + 8 : start + 8 + size]))
        start += 8 + size + size % 2
    assert start == len(content)
    return found


@pytest.mark.parametrize("loops", [0, 1, 65_535])
def test_the_parts_of_an_animation_follow_each_other(loops: int) -> None:
    content = write_webp(FRAMES, 70_000 % 65_536, loops)
    assert content[:4] == b"RIFF"
    assert content[8:12] == b"WEBP"
    assert int.from_bytes(content[4:8], "little") == len(content) - 8
    (head, size), (control, repeats), *frames = chunks(content, 12)
    sides = (299).to_bytes(3, "little") + (4).to_bytes(3, "little")
    # Animated, and nothing else; no background.
    assert (head, size) == (b"VP8X", b"\x02\0\0\0" + sides)
    assert (control, repeats) == (b"ANIM", bytes(4) + struct.pack("<H", loops))
    assert [kind for kind, _ in frames] == [b"ANMF"] * 3
    for _, body in frames:
        # At the corner, of the whole size, in place of the frame before.
        assert body[:16] == bytes(6) + sides + (4464).to_bytes(3, "little") + b"\x02"
        ((kind, pixels),) = chunks(body, 16)
        assert kind == b"VP8L"
        assert pixels[0] == 0x2F


def test_a_frame_is_the_still_picture_of_it() -> None:
    stills = [write_webp(FRAMES[i : i + 1], 40, 0) for i in range(3)]
    frames = chunks(write_webp(FRAMES, 40, 0), 12)[2:]
    assert [body[16:] for _, body in frames] == [still[12:] for still in stills]
