from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from service.imaging.figures.canvas import flatten, to_planes


def canvas(colour: tuple[int, int, int], around: tuple[int, int, int] = (0, 0, 0)) -> Image.Image:
    pixels = np.zeros((40, 40, 4), np.uint8)
    pixels[..., :3] = around
    pixels[10:30, 18:22] = (*colour, 255)
    return Image.fromarray(pixels)


@pytest.mark.parametrize(
    ("colour", "around", "ground"),
    [((255, 255, 255), (255, 255, 255), 0), ((0, 0, 0), (0, 0, 0), 255), ((250, 240, 90), (0, 0, 0), 0)],
)
def test_strokes_alone_lie_on_what_contrasts(
    colour: tuple[int, int, int], around: tuple[int, int, int], ground: int
) -> None:
    flat = np.asarray(flatten(canvas(colour, around)))
    assert (flat[0, 0] == ground).all()
    assert (flat[20, 20] == colour).all()


@pytest.mark.parametrize(("level", "ground"), [(255, 0), (0, 255)])
def test_a_brush_that_covers_little_lies_on_what_contrasts(level: int, ground: int) -> None:
    strokes = canvas((level, level, level))
    strokes.putalpha(strokes.getchannel("A").point(lambda alpha: alpha // 3))
    flat = np.asarray(flatten(strokes))
    assert (flat[0, 0] == ground).all()
    assert (abs(flat[20, 20].astype(int) - ground) > 80).all()


def test_a_sheet_that_was_cut_out_lies_on_its_own_colour() -> None:
    pixels = np.full((40, 40, 4), (230, 230, 220, 255), np.uint8)
    pixels[10:30, 18:22, :3] = 20
    pixels[:5] = 0
    flat = np.asarray(flatten(Image.fromarray(pixels)))
    assert np.abs(flat[0, 0].astype(int) - flat[35, 5]).max() < 12


def test_nothing_but_transparency_is_even() -> None:
    assert np.ptp(np.asarray(flatten(Image.new("RGBA", (9, 9), (10, 20, 30, 0))))) == 0


@pytest.mark.parametrize(
    "mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "LAB", "F", "I", "I;16"]
)
def test_any_mode_becomes_grey_or_colour(mode: str) -> None:
    image = Image.new("L", (9, 9), 200)
    image.putpixel((4, 4), 10)
    converted = image.convert("RGB").convert(mode) if mode in ("CMYK", "YCbCr", "HSV") else image
    if mode == "LAB":
        converted = Image.new("LAB", (9, 9))
    elif mode == "I;16":
        converted = Image.fromarray(np.asarray(image, np.uint16) * 257)
    elif mode not in ("CMYK", "YCbCr", "HSV"):
        converted = image.convert("LA").convert("PA") if mode == "PA" else image.convert(mode)
    assert flatten(converted).mode in ("L", "RGB")


def test_16_bits_of_which_few_are_used_are_stretched() -> None:
    levels = np.full((9, 9), 3000, np.uint16)
    levels[4] = 1000
    flat = np.asarray(flatten(Image.fromarray(levels)))
    assert (flat[0, 0], flat[4, 4]) == (255, 0)


def test_grey_that_is_stored_as_colour_is_one_plane() -> None:
    grey = Image.new("L", (20, 20), 130)
    assert to_planes(grey).shape == (1, 20, 20)
    assert to_planes(grey.convert("RGB")).shape == (1, 20, 20)
    coloured = grey.convert("RGB")
    coloured.paste((130, 60, 60), (0, 0, 20, 5))
    assert to_planes(coloured).shape == (3, 20, 20)


def sheet(opaque: int, level: int, stroke: int, alpha: int = 255) -> Image.Image:
    """A picture of 100 by 10, of which so many columns are a sheet with strokes in every tenth pixel."""
    pixels = np.zeros((10, 100, 4), np.uint8)
    pixels[:, :opaque] = (level, level, level, alpha)
    pixels[0, :opaque, :3] = stroke
    return Image.fromarray(pixels)


@pytest.mark.parametrize(
    ("image", "ground"),
    [
        (sheet(50, 200, 100), 200), (sheet(49, 200, 100), 0), (sheet(50, 100, 200), 100),
        (sheet(50, 100, 124), 100), (sheet(50, 100, 123), 255),
        # Whichever is farther: of the levels, 127 is the last that is nearer to black.
        (sheet(49, 127, 127), 255), (sheet(49, 128, 128), 0),
        # What is half opaque counts, or half as opaque as the most.
        (sheet(50, 200, 100, 128), 200), (sheet(50, 200, 100, 127), 200), (sheet(0, 0, 0), 255),
    ],
)  # fmt: skip
def test_what_is_transparent_takes_the_sheets_level_or_contrasts(image: Image.Image, ground: int) -> None:
    flat = flatten(image)
    assert flat.mode == "RGB"
    assert flat.getpixel((99, 9)) == (ground, ground, ground)


@pytest.mark.parametrize(("apart", "planes"), [(14, 1), (15, 3)])
def test_channels_that_differ_by_little_are_noise_of_grey(apart: int, planes: int) -> None:
    image = Image.new("RGB", (80, 50), (100, 100, 100))
    image.paste((100 + apart, 100, 100), (0, 0, 80, 6))
    assert len(to_planes(image)) == planes


@pytest.mark.parametrize(("pixels", "planes"), [(1, 1), (2, 3)])
def test_a_thousandth_of_the_pixels_may_be_coloured(pixels: int, planes: int) -> None:
    image = Image.new("RGB", (80, 50), (100, 100, 100))
    for i in range(pixels):
        # Every second pixel of every second row is looked at.
        image.putpixel((2 * i, 2), (200, 100, 100))
        image.putpixel((1, 2 * i + 1), (200, 100, 100))
    assert len(to_planes(image)) == planes


def test_planes_are_red_green_and_blue_in_255_levels() -> None:
    planes = to_planes(Image.new("RGB", (3, 2), (10, 200, 90)))
    np.testing.assert_array_equal(planes, np.broadcast_to([[[10]], [[200]], [[90]]], (3, 2, 3)))
    assert planes.dtype == np.float32
    grey = to_planes(Image.new("L", (3, 2), 77))
    np.testing.assert_array_equal(grey, np.full((1, 2, 3), 77))


def test_wide_levels_are_stretched_to_all_that_there_are() -> None:
    levels = np.array([[100, 200, 300, 355]], np.uint16)
    np.testing.assert_array_equal(np.asarray(flatten(Image.fromarray(levels))), [[0, 100, 200, 255]])
    even = np.full((2, 2), 9, np.uint16)
    np.testing.assert_array_equal(np.asarray(flatten(Image.fromarray(even))), np.zeros((2, 2)))
