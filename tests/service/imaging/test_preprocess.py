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
from service.core.errors import InvalidValueError, MalformedBodyError, TooLargeError
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


@pytest.mark.parametrize(("h", "w"), [(28, 28), (100, 50), (50, 100), (7, 300), (1, 1)])
def test_a_whole_fit_keeps_proportions_and_bars(h: int, w: int) -> None:
    x = preprocess.fit_whole(np.ones((h, w, 1), np.float32), 28, 28)
    assert x.shape == (28, 28, 1)
    rows, columns = (int((x[..., 0].max(axis=axis) > 0.5).sum()) for axis in (1, 0))
    assert max(rows, columns) == 28
    assert abs(rows / columns - h / w) <= max(h / w, 1) / min(rows, columns)


@pytest.mark.parametrize(("h", "w"), [(14, 28), (28, 14), (6, 28), (28, 6)])
def test_a_whole_fit_lies_in_the_middle(h: int, w: int) -> None:
    x = preprocess.fit_whole(np.ones((h, w, 1), np.float32), 28, 28)
    expected = np.zeros((28, 28, 1))
    expected[(28 - h) // 2 : (28 + h) // 2, (28 - w) // 2 : (28 + w) // 2] = 1
    np.testing.assert_allclose(x, expected, atol=1e-6)


def test_what_is_scaled_keeps_its_channels_and_its_range() -> None:
    # An edge, beside which Lanczos would swing below 0 and above 1; of other strength in each channel.
    x = np.zeros((40, 40, 3), np.float32)
    x[:, 20:] = [1, 0.5, 0.25]
    scaled = preprocess.scale_into(x, 100, 100)
    assert (scaled.min(), scaled.max()) == (0, 1)
    np.testing.assert_allclose(scaled[50, 90], [1, 0.5, 0.25], atol=1e-3)
    np.testing.assert_allclose(scaled[50, 10], 0, atol=1e-3)


def test_ink_is_cut_scaled_and_centred_by_mass() -> None:
    drawing = np.zeros((280, 280, 1), np.float32)
    drawing[10:110, 200:210] = 1  # a stroke near the corner
    drawing[100:110, 150:210] = 1  # and a foot to its left, so that the mass is not in the box's middle
    x = preprocess.fit_ink(drawing, 28, 28, 20, "body")[..., 0]
    rows, columns = np.nonzero(x.max(axis=1) > 0.3)[0], np.nonzero(x.max(axis=0) > 0.3)[0]
    assert rows[-1] - rows[0] + 1 == 20
    assert columns[-1] - columns[0] + 1 == 12
    centre = [(x.sum(axis=1 - a) * np.arange(28)).sum() / x.sum() for a in (0, 1)]
    np.testing.assert_allclose(centre, 14, atol=0.6)


@pytest.mark.parametrize(("rows", "columns"), [(20, 4), (20, 6), (4, 20), (10, 20)])
def test_the_centre_is_where_that_of_mnist_is(rows: int, columns: int) -> None:
    # Of an even number of pixels a side, so that the middle lies half a pixel beside one.
    drawing = np.zeros((60, 60, 1), np.float32)
    drawing[20 : 20 + rows, 20 : 20 + columns] = 1
    x = preprocess.fit_ink(drawing, 28, 28, 20, "body")[..., 0]
    found = [np.nonzero(x.max(axis=axis) > 0.5)[0][0] for axis in (1, 0)]
    assert found == [round(14 - (side - 1) / 2) for side in (rows, columns)]


def test_ink_stays_within_a_picture_narrower_than_its_box() -> None:
    drawing = np.zeros((50, 100, 1), np.float32)
    drawing[20:30, 10:90] = 1
    x = preprocess.fit_ink(drawing, 20, 16, 18, "body")[..., 0]
    assert x.shape == (20, 16)
    assert (x.max(axis=0) > 0.5).all()
    assert (x.max(axis=1) > 0.5).sum() == 2


def test_grey_paper_is_ground() -> None:
    drawing = np.full((100, 100, 1), 0.2, np.float32) + np.random.RandomState(0).normal(
        0, 0.01, (100, 100, 1)
    )
    drawing[30:70, 48:52] = 0.9
    x = preprocess.fit_ink(drawing.astype(np.float32), 28, 28, 20, "body")
    assert x.max() > 0.9
    assert x[0].max() == 0


def test_an_even_picture_has_no_ink() -> None:
    for level in (0.0, 0.5, 1.0):
        with pytest.raises(InvalidValueError, match="an even picture"):
            preprocess.fit_ink(np.full((50, 50, 1), level, np.float32), 28, 28, 20, "body")
