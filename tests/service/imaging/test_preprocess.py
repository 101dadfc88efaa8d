from __future__ import annotations

import contextlib
import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ExifTags, Image, ImageOps

from service.core.arrays import Floats
from service.core.errors import MalformedBodyError, TooLargeError
from service.imaging import pixels, preprocess


def write(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def read(content: bytes, channels: int = 1) -> Floats:
    return preprocess.read_image(content, "body", channels, 1_000_000)


def test_floats_round_to_the_nearest_byte() -> None:
    x = np.array([0, 1, 0.5 / 255 - 1e-4, 0.5 / 255 + 1e-4, 127.4 / 255], np.float32)
    np.testing.assert_array_equal(pixels.to_bytes(x), [0, 255, 0, 1, 127])


@given(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=20))
def test_a_median_is_that_of_numpy_to_the_bit(levels: list[float]) -> None:
    x = np.array(levels, np.float32).reshape(-1, 1)
    assert preprocess.find_median(x) == float(np.median(x))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_png_mode_reads_as_grey(mode: str) -> None:
    grey = np.zeros((6, 4), np.uint8)
    grey[2:] = 255
    image = Image.fromarray(grey)
    if mode.startswith("I"):
        image = Image.fromarray(grey.astype(np.uint16) * 257)
    elif mode != "L":
        image = image.convert(mode)
    np.testing.assert_allclose(read(write(image))[..., 0], grey / 255, atol=1e-3)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_a_large_picture_is_worked_on_at_a_smaller_size(mode: str) -> None:
    grey = np.zeros((2500, 3100), np.uint8)
    grey[:, 1500:] = 255
    image = Image.fromarray(grey.astype(np.uint16) * 257) if mode == "I;16" else Image.fromarray(grey)
    x = preprocess.read_image(write(image.convert(mode)), "body", 1, 10_000_000)
    assert x.shape == (834, 1034, 1)
    np.testing.assert_allclose(x[:, [0, 1033], 0], [[0, 1]] * 834, atol=1e-3)


def test_transparency_is_laid_over_white() -> None:
    image = Image.new("RGBA", (4, 4), (0, 0, 0, 0))
    assert read(write(image)).min() == 1


def test_colour_is_kept_for_three_channels() -> None:
    x = read(write(Image.new("RGB", (4, 4), (255, 128, 0))), channels=3)
    np.testing.assert_allclose(x[0, 0], [1, 128 / 255, 0], atol=1e-6)


@pytest.mark.parametrize("mark", range(10))
def test_a_picture_is_turned_as_its_camera_says(mark: int) -> None:
    image = Image.fromarray(np.arange(12, dtype=np.uint8).reshape(3, 4))
    image.getexif()[ExifTags.Base.Orientation] = mark
    expected = np.asarray(ImageOps.exif_transpose(image), np.float32) / np.float32(255)
    np.testing.assert_array_equal(read(write(image, exif=image.getexif()))[..., 0], expected)


def test_marks_of_a_camera_that_make_no_sense_do_no_harm() -> None:
    # A width that is a text, and a turn to the right.
    entries = struct.pack("<HHI4sHHII", 256, 2, 4, b"abc", 274, 3, 1, 6)
    marks = struct.pack("<2sHIH", b"II", 42, 8, 2) + entries + bytes(4)
    content = write(Image.new("L", (20, 10)), exif=b"Exif\0\0" + marks)
    assert read(content).shape == (20, 10, 1)


def test_a_file_of_another_kind_is_refused() -> None:
    for content in (b"", b"junk", b"BM, a text", write(Image.new("L", (4, 4)), "PPM")):
        with pytest.raises(MalformedBodyError, match="a PNG, JPEG, WebP, GIF, BMP, TIFF, AVIF or HEIC file"):
            read(content)


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_file_cut_anywhere_is_refused(kind: str) -> None:
    noise = Image.fromarray(np.random.RandomState(0).randint(0, 256, (32, 32), np.uint8))
    content = write(noise, kind)
    for length in range(0, len(content) - 12, max(1, len(content) // 40)):
        with pytest.raises(MalformedBodyError):
            read(content[:length])


@given(st.data())
def test_a_damaged_file_is_refused_or_read(data: st.DataObject) -> None:
    content = bytearray(write(Image.fromarray(np.random.RandomState(0).randint(0, 256, (9, 9), np.uint8))))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(MalformedBodyError, TooLargeError):
        assert np.isfinite(read(bytes(content))).all()


def bomb(width: int, height: int) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b""))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("size", [(1001, 1000), (20_000, 20_000), (2**31 - 1, 2**31 - 1)])
def test_too_many_pixels_are_refused_by_the_header_alone(size: tuple[int, int]) -> None:
    with pytest.raises(TooLargeError, match="at most 1000000 pixels"):
        read(bomb(*size))


def test_the_border_tells_the_polarity() -> None:
    paper = np.ones((10, 10, 1), np.float32)
    paper[3:7, 4:6] = 0
    assert preprocess.find_polarity(paper) == "dark-on-light"
    assert preprocess.find_polarity(1 - paper) == "light-on-dark"


@pytest.mark.parametrize("side", range(4))
def test_each_side_of_the_border_counts(side: int) -> None:
    # Long sides, of which a single one is more than half of the border.
    strip = np.zeros((100, 4, 1), np.float32)
    strip[:, -1] = 1
    strip[:6] = strip[-6:] = 1
    assert preprocess.find_polarity(np.rot90(strip, side)) == "dark-on-light"
    strip[:, -1] = 0
    assert preprocess.find_polarity(np.rot90(strip, side)) == "light-on-dark"
