from __future__ import annotations

import contextlib
import io
import re
import time
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from service.core.errors import MalformedBodyError, TooLargeError
from service.imaging import preprocess
from service.imaging.reading.container import read_container
from service.imaging.reading.jpeg_segments import MAX_SCANS, MAX_SEGMENTS
from service.imaging.reading.png_chunks import MAX_CHUNKS
from tests.service import picture_bombs

MAX_PIXELS = 16_000_000
NOISE = np.random.RandomState(0).randint(0, 256, (40, 30, 3), np.uint8)


def behind_pixels(content: bytes) -> bytes:
    """A JPEG with this between its last scan and its end."""
    return picture_bombs.progressive_jpeg(2)[:-2] + content + b"\xff\xd9"


def refuse(content: bytes) -> str:
    """What a file is refused with, without a pixel of it decoded."""
    begun = time.thread_time()
    with pytest.raises((TooLargeError, MalformedBodyError)) as caught:
        read_container(content, "body", MAX_PIXELS)
    assert time.thread_time() - begun < 0.5
    return str(caught.value)


@pytest.mark.parametrize("frame", [0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF])
def test_a_frame_that_hardly_anyone_writes_is_named(frame: int) -> None:
    says = refuse(picture_bombs.sequential_jpeg(1, frame=frame))
    assert "a JPEG that is baseline or progressive" in says
    assert f"one of frame {frame:#x}" in says


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: picture_bombs.progressive_jpeg(5000), "at most 25 scans of 15960000 pixels, received more"),
        (lambda: picture_bombs.progressive_jpeg(26, refine=True), "at most 25 scans"),
        (
            lambda: picture_bombs.progressive_jpeg(MAX_SCANS + 1, 28, 28),
            f"at most {MAX_SCANS} scans of 784 pixels",
        ),
        (lambda: picture_bombs.sequential_jpeg(5000), "at most 25 scans"),
        (
            lambda: picture_bombs.arithmetic_jpeg(scans=5),
            "a JPEG that is baseline or progressive, in Huffman codes",
        ),
        (lambda: picture_bombs.sequential_jpeg(3, frame=0xC3), "a JPEG that is baseline or progressive"),
        (lambda: picture_bombs.jpeg_of_segments(1_000_000, 0xFE, b""), f"at most {MAX_SEGMENTS} segments"),
        (lambda: picture_bombs.jpeg_of_segments(200_000), f"at most {MAX_SEGMENTS} segments"),
        (lambda: picture_bombs.jpeg_of_segments(200, 0xDB, bytes(65_000)), "tables of at most 16384 bytes"),
        (lambda: behind_pixels(b"\xff" * 15_000_000), "a damaged one (with 1024 fill bytes)"),
        (lambda: behind_pixels(picture_bombs.segment(0xFE) * 3_000_000), f"at most {MAX_SEGMENTS} segments"),
        (
            lambda: behind_pixels(picture_bombs.segment(0x02, b"\xff\xda" * 30_000)),
            "a damaged one (with a marker 0x2)",
        ),
        (lambda: picture_bombs.jpeg_of_fill(10_000_000), "has no marker where one must be"),
        (lambda: picture_bombs.png_of_chunks(1_000_000), f"at most {MAX_CHUNKS} chunks"),
        (lambda: picture_bombs.png_of_chunks(1_000_000, b"tEXt", b"k\0v"), f"at most {MAX_CHUNKS} chunks"),
        (lambda: picture_bombs.png(1, 16_000_000), "sides of at most 65535 pixels, received 1 x 16000000"),
        (lambda: picture_bombs.png(16_000_000, 1, interlaced=True), "sides of at most 65535 pixels"),
        (lambda: picture_bombs.png(4001, 4000), "at most 16000000 pixels, received 4001 x 4000"),
        (
            lambda: picture_bombs.progressive_jpeg(1, 16001, 16000),
            "at most 256000000 pixels, received 16001 x 16000",
        ),
        (
            lambda: picture_bombs.progressive_jpeg(1, 9800, 9800),
            "a progressive picture of at most 192000000 bytes of coefficients, received 192080000",
        ),
        (
            lambda: picture_bombs.sequential_jpeg(1, 5660, 5660),
            "a progressive picture of at most 192000000 bytes of coefficients, received 192213600",
        ),
        (lambda: picture_bombs.png(0, 5), "a damaged one"),
        (lambda: picture_bombs.png(5, 5, kind=3, palette=b""), "colours of a palette that is not there"),
        (lambda: picture_bombs.progressive_jpeg(1, 8, 0), "a damaged one"),
        (lambda: picture_bombs.png_of_empty_blocks(100_000), "no more bytes than 28 x 28 pixels take"),
    ],
)
def test_what_would_cost_much_is_refused_before_it_does(make: Callable[[], bytes], says: str) -> None:
    assert says in refuse(make())


@pytest.mark.parametrize(
    "make",
    [
        lambda: picture_bombs.png_of_packed_text(10_000, name=b"iCCP"),
        lambda: picture_bombs.png_of_packed_text(10_000),
        lambda: picture_bombs.png_of_packed_text(10_000, name=b"iTXt"),
        lambda: picture_bombs.png_of_exif(20_000),
        lambda: picture_bombs.jpeg_of_segments(
            200, 0xE1, b"Exif\0\0" + picture_bombs.exif_of_entries(5000, 5000)
        ),
        lambda: picture_bombs.jpeg_of_segments(
            900, 0xE2, b"MPF\0" + picture_bombs.exif_of_entries(5000, 5000)
        ),
    ],
)
def test_what_a_decoder_does_not_need_never_reaches_it(make: Callable[[], bytes]) -> None:
    content = make()
    assert len(content) > 200_000
    begun = time.thread_time()
    assert len(read_container(content, "body", MAX_PIXELS).content) < 1000
    assert preprocess.read_image(content, "body", 1, MAX_PIXELS).shape == (28, 28, 1)
    assert time.thread_time() - begun < 0.5


PNG = {"format": "PNG"}
JPEG = {"format": "JPEG", "quality": 95}


@pytest.mark.parametrize(
    ("mode", "options"),
    [
        *[(mode, PNG) for mode in ("RGB", "RGBA", "L", "LA", "P", "1")],
        ("RGB", PNG | {"optimize": True, "icc_profile": b"profile" * 9000}),
        *[(mode, JPEG) for mode in ("RGB", "L", "CMYK")],
        ("RGB", JPEG | {"progressive": True, "comment": b"a comment", "icc_profile": b"x" * 100_000}),
        ("CMYK", JPEG | {"progressive": True}),
        ("RGB", JPEG | {"subsampling": 0, "restart_marker_blocks": 1}),
        ("RGB", JPEG | {"keep_rgb": True}),
        ("RGB", {"format": "MPO", "save_all": True, "append_images": [Image.fromarray(NOISE[::-1])]}),
    ],
)
def test_the_pixels_stay_the_same(mode: str, options: dict[str, Any]) -> None:
    file = io.BytesIO()
    Image.fromarray(NOISE).convert(mode).save(file, **options)
    kept = read_container(file.getvalue(), "body", MAX_PIXELS)
    with Image.open(file) as plain, Image.open(io.BytesIO(kept.content)) as stripped:
        assert stripped.mode == plain.mode
        np.testing.assert_array_equal(np.asarray(stripped), np.asarray(plain))
    assert kept.orientation == 1


@pytest.mark.parametrize("code", [0xFE, 0xE1])
def test_what_looks_like_a_scan_but_is_none_does_not_count(code: int) -> None:
    content = behind_pixels(picture_bombs.segment(code, b"\xff\xda" * 30_000))
    assert read_container(content, "body", MAX_PIXELS).content.endswith(content[-1000:])


def test_what_stands_behind_the_end_is_not_kept() -> None:
    content = picture_bombs.progressive_jpeg(2)
    assert read_container(content + bytes(10_000_000), "body", MAX_PIXELS).content == content


def test_the_preview_of_a_jpeg_is_not_kept() -> None:
    preview = b"JFIF\0\1\1\0\0\1\0\1\xff\xff" + bytes(60_000)
    kept = read_container(picture_bombs.jpeg_of_segments(1, 0xE0, preview), "body", MAX_PIXELS)
    assert len(kept.content) < 400


def test_a_chunk_that_is_needed_must_have_its_checksum() -> None:
    content = bytearray(picture_bombs.png(8, 8))
    content[content.index(b"IDAT") + 6] ^= 1
    assert "the checksum of b'IDAT' is wrong" in refuse(bytes(content))


@pytest.mark.parametrize("name", [b"tEXt", b"gAMA", b"cHRM", b"eXIf", b"tRNS", b"iCCP"])
@pytest.mark.parametrize("size", [0, 1, 4, 7])
def test_a_fault_in_a_chunk_that_is_not_needed_does_no_harm(name: bytes, size: int) -> None:
    short = picture_bombs.png(8, 8, extra=[picture_bombs.png_chunk(name, b"II*\0\x08\0\0"[:size])])
    wrong = bytearray(short)
    wrong[wrong.index(name) + 4 + size] ^= 1
    for content in (short, bytes(wrong)):
        assert preprocess.read_image(content, "body", 1, MAX_PIXELS).shape == (8, 8, 1)


@pytest.mark.parametrize(("kind", "depth"), [(1, 8), (5, 8), (0, 3), (2, 4), (3, 16), (6, 1)])
def test_colours_that_png_does_not_have_are_named(kind: int, depth: int) -> None:
    content = bytearray(picture_bombs.png(8, 8))
    content[24:26] = depth, kind
    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4, "big")
    assert f"{depth} bits of colour type {kind}" in refuse(bytes(content))


@given(st.data())
def test_damaged_jpegs_are_refused_or_read(data: st.DataObject) -> None:
    content = bytearray(picture_bombs.jpeg_of_segments(2) + b"\xff\xd9")
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(MalformedBodyError, TooLargeError):
        assert np.isfinite(preprocess.read_image(bytes(content), "body", 1, 1_000_000)).all()


@pytest.mark.parametrize(
    "make", [lambda: picture_bombs.png(3000, 3000), lambda: picture_bombs.progressive_jpeg(20)]
)
def test_decoding_looks_up_between_its_pieces(make: Callable[[], bytes]) -> None:
    looks: list[int] = []

    def check() -> None:
        looks.append(1)
        if len(looks) == 8:
            raise InterruptedError("enough")

    with pytest.raises((MalformedBodyError, InterruptedError), match=re.escape("enough")):
        preprocess.read_image(make(), "body", 1, MAX_PIXELS, check)


@pytest.mark.parametrize(
    ("kind", "mode", "options"),
    [
        ("PNG", "L", {}),
        ("JPEG", "RGB", {}),
        ("JPEG", "L", {"progressive": True}),
        ("WEBP", "RGB", {}),
        ("WEBP", "RGBA", {}),
        ("WEBP", "RGB", {"lossless": True}),
        ("WEBP", "RGBA", {"lossless": True}),
        ("GIF", "L", {}),
        ("BMP", "RGB", {}),
        ("TIFF", "L", {}),
    ],
)
def test_the_limit_of_pixels_is_that_of_width_times_height(
    kind: str, mode: str, options: dict[str, Any]
) -> None:
    noise = np.random.RandomState(0).randint(0, 256, (21, 37, 4), np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).convert(mode).save(file, kind, **options)
    read = read_container(file.getvalue(), "body", 37 * 21)
    assert (read.width, read.height) == (37, 21)
    with pytest.raises(TooLargeError, match=r"at most 776 pixels.*37 x 21"):
        read_container(file.getvalue(), "body", 37 * 21 - 1)


HEAD = (37).to_bytes(4, "big") + (21).to_bytes(4, "big") + bytes((8, 0, 0, 0, 0))


@pytest.mark.parametrize(
    "chunks",
    [
        (),
        ((b"IHDR", b""),),
        ((b"IHDR", HEAD[:-1]), (b"IDAT", b"")),
        ((b"IHDR", HEAD + b"\0"), (b"IDAT", b"")),
        ((b"tEXt", HEAD), (b"IHDR", HEAD), (b"IDAT", b"")),
        ((b"IEND", b""),),
    ],
)
def test_a_png_begins_with_its_head(chunks: tuple[tuple[bytes, bytes], ...]) -> None:
    content = b"".join(picture_bombs.png_chunk(*chunk) for chunk in (*chunks, (b"IEND", b"")))
    assert "without a head" in refuse(picture_bombs.PNG_START + (content if chunks else b""))
