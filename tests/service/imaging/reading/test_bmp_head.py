from __future__ import annotations

import struct

import pytest

from service.core.errors import MalformedBodyError, TooLargeError
from service.imaging.reading.bmp_head import is_bmp, read_bmp

WINDOWS = [40, 52, 56, 64, 108, 124]


def bmp(width: int, height: int, *, head: int = 40, depth: int = 24, packing: int = 0) -> bytes:
    if head == 12:
        fields = struct.pack("<IHHHH", head, width, height, 1, depth)
    else:
        fields = struct.pack("<IIiHHI", head, width, height, 1, depth, packing)
    return b"BM" + bytes(12) + fields + bytes(head - len(fields))


@pytest.mark.parametrize("head", [12, *WINDOWS])
def test_each_head_that_there_was_is_read(head: int) -> None:
    content = bmp(37, 21, head=head)
    assert is_bmp(content)
    file = read_bmp(content, "body", 777)
    assert (file.format, file.content, file.width, file.height) == ("BMP", content, 37, 21)
    assert not file.apart
    with pytest.raises(TooLargeError, match="at most 776 pixels, received 37 x 21"):
        read_bmp(content, "body", 776)
    with pytest.raises(MalformedBodyError, match="it ends early"):
        read_bmp(content[:-1], "body", 777)


@pytest.mark.parametrize("head", [0, 11, 13, 39, 41, 53, 57, 65, 107, 109, 123, 125])
def test_heads_that_there_were_not_are_no_bmp(head: int) -> None:
    assert not is_bmp(b"BM" + bytes(12) + struct.pack("<I", head) + bytes(200))


def test_a_bmp_is_told_by_18_bytes() -> None:
    assert is_bmp(bmp(1, 1)[:18])
    assert not is_bmp(bmp(1, 1)[:17])
    assert not is_bmp(b"MB" + bmp(1, 1)[2:])


def test_rows_from_the_top_have_a_negative_height() -> None:
    assert read_bmp(bmp(37, -21), "body", 777).height == 21
    with pytest.raises(TooLargeError, match="received 37 x 21"):
        read_bmp(bmp(37, -21), "body", 776)


@pytest.mark.parametrize("head", [12, 40])
def test_depths_that_there_are_not_are_named(head: int) -> None:
    for depth in range(40):
        content = bmp(3, 2, head=head, depth=depth)
        if depth in (1, 4, 8, 16, 24, 32):
            assert read_bmp(content, "body", 6).width == 3
        else:
            with pytest.raises(MalformedBodyError, match=rf"\({depth} bits a pixel\)"):
                read_bmp(content, "body", 6)


@pytest.mark.parametrize(("packing", "bounded"), [(0, False), (1, True), (2, True), (3, False)])
def test_run_lengths_may_take_half_a_megabyte(packing: int, bounded: bool) -> None:
    content = bmp(3, 2, packing=packing)
    content += bytes(524_288 - len(content))
    read_bmp(content, "body", 6)
    if bounded:
        with pytest.raises(TooLargeError, match="at most 524288 bytes of run lengths, received 524289"):
            read_bmp(content + b"\0", "body", 6)
    else:
        read_bmp(content + b"\0", "body", 6)
