from __future__ import annotations

import struct

import pytest

from service.core.errors import MalformedBodyError, TooLargeError
from service.imaging.reading.picture_file import PictureFile
from service.imaging.reading.webp_chunks import is_webp, read_webp


def chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)


def webp(*chunks: bytes) -> bytes:
    content = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(content)) + content


def lossy(width: int, height: int, more: bytes = b"") -> bytes:
    """A frame's head and no pixels; the upper two bits of each side are a scale, which decoders ignore."""
    sides = struct.pack("<HH", width | 0x4000, height | 0x8000)
    return chunk(b"VP8 ", b"\x10\0\0" + b"\x9d\x01\x2a" + sides + more)


def lossless(width: int, height: int, size: int = 5, version: int = 0) -> bytes:
    bits = (width - 1) | (height - 1) << 14 | 1 << 28 | version << 29
    return chunk(b"VP8L", b"\x2f" + struct.pack("<I", bits) + bytes(size - 5))


def read(content: bytes, max_pixels: int = 2**28) -> PictureFile:
    return read_webp(content, "body", max_pixels)


def test_a_webp_is_told_by_its_start() -> None:
    content = webp(lossy(4, 4))
    assert is_webp(content[:12])
    assert not is_webp(content[:11])
    assert not is_webp(b"RIFX" + content[4:])
    assert not is_webp(content[:8] + b"WAVE" + content[12:])


@pytest.mark.parametrize("frame", [lossy, lossless])
@pytest.mark.parametrize("size", [(1, 1), (37, 21), (16383, 16383), (16383, 1), (2, 16383)])
def test_a_side_has_14_bits(frame: type, size: tuple[int, int]) -> None:
    file = read(webp(frame(*size)))
    assert (file.format, file.width, file.height) == ("WEBP", *size)
    assert file.content == webp(frame(*size))


@pytest.mark.parametrize("size", [(0, 5), (5, 0)])
def test_a_lossy_side_of_0_is_damaged(size: tuple[int, int]) -> None:
    for chunks in ((lossy(*size),), (chunk(b"ALPH", b"a"), lossy(*size))):
        with pytest.raises(MalformedBodyError, match=f"of {size[0]} x {size[1]} pixels"):
            read(webp(*chunks))


def test_a_frame_has_its_head() -> None:
    short = [lossy(4, 4)[8:17], lossless(4, 4)[8:12]]
    for name, body in zip((b"VP8 ", b"VP8L"), short, strict=True):
        with pytest.raises(MalformedBodyError, match="without the head of a frame"):
            read(webp(chunk(name, body)))
    for name, body in ((b"VP8 ", b"\x10\0\0\x9d\x01\x2b\4\0\4\0"), (b"VP8L", b"\x2e\3\xc0\0\0")):
        with pytest.raises(MalformedBodyError, match="without the head of a frame"):
            read(webp(chunk(name, body)))


def test_alpha_comes_with_the_size_of_the_whole() -> None:
    alpha, exif = chunk(b"ALPH", b"\1ab"), chunk(b"EXIF", b"II*\0")
    file = read(webp(chunk(b"VP8X", bytes(10)), alpha, lossy(300, 7), exif, chunk(b"XMP ", b"note")))
    head = bytes((0x10, 0, 0, 0)) + (299).to_bytes(3, "little") + (6).to_bytes(3, "little")
    assert file.content == webp(chunk(b"VP8X", head), alpha, lossy(300, 7))
    assert file.exif == b"II*\0"
    assert read(webp(chunk(b"ALPH", b""), lossy(300, 7))).content == webp(lossy(300, 7))


def test_the_first_frame_counts() -> None:
    first, second = (chunk(b"ANMF", bytes(16) + frame) for frame in (lossy(5, 6), lossless(7, 8)))
    assert read(webp(chunk(b"VP8X", bytes(10)), first, second)).content == webp(lossy(5, 6))
    assert read(webp(chunk(b"VP8X", bytes(10)), second, first)).content == webp(lossless(7, 8))
    assert read(webp(lossy(1, 2), first, second)).content == webp(lossy(1, 2))
    assert read(webp(lossless(1, 2), first)).content == webp(lossless(1, 2))


@pytest.mark.parametrize(("width", "apart"), [(1000, False), (1001, True)])
def test_more_than_a_million_pixels_are_decoded_apart(width: int, apart: bool) -> None:
    assert read(webp(lossy(width, 1000))).apart == apart
    assert read(webp(lossless(width, 1000))).apart == apart


# 8192 sets of codes of 20 bits, or 512 by 256 pixels in blocks of 4 by 4.
@pytest.mark.parametrize(
    ("size", "coded", "apart"),
    [
        ((512, 256), 30_000, False),
        ((513, 256), 30_000, True),
        ((512, 257), 30_000, True),
        ((600, 600), 20_482, False),
        ((600, 600), 20_483, True),
    ],
)
def test_room_for_many_sets_of_codes_is_decoded_apart(size: tuple[int, int], coded: int, apart: bool) -> None:
    assert read(webp(lossless(*size, size=coded))).apart == apart
    assert read(webp(chunk(b"ALPH", bytes(coded)), lossy(*size))).apart == apart
    assert not read(webp(lossy(*size, more=bytes(coded)))).apart


def test_a_file_may_have_ten_thousand_chunks() -> None:
    # The look that finds no other is one of them.
    note = chunk(b"note", b"")
    assert read(webp(*[note] * 9998, lossy(4, 4))).content == webp(lossy(4, 4))
    with pytest.raises(TooLargeError, match="at most 10000 chunks, received more"):
        read(webp(*[note] * 9999, lossy(4, 4)))


def test_a_chunk_ends_within_the_file_and_odd_ones_are_padded() -> None:
    content = webp(chunk(b"note", b"odd"), lossy(4, 4))
    assert read(content).content == webp(lossy(4, 4))
    assert read(content + b"1234567").width == 4
    with pytest.raises(MalformedBodyError, match="it ends early"):
        read(content[:-1])
