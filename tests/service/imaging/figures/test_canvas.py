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
