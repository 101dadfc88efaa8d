from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from service.client.picture_files import gather, is_point, to_file

GREY = np.repeat(np.array([0, 255], np.uint8), 14)[np.newaxis].repeat(28, axis=0)
NUMBERS: dict[str, Any] = {"I": np.int32, "I;16": np.uint16, "I;16B": ">u2", "F": np.float32}
COLOURS = ("1", "L", "LA", "P", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "LAB", "HSV")
# Modes that another must be converted to first.
FIRST = {"La": "LA", "PA": "P", "RGBa": "RGBA"}


def draw(mode: str) -> Image.Image:
    """A black half and a white half."""
    if mode in NUMBERS:
        return Image.fromarray((GREY.astype(np.int32) * (1 if mode == "F" else 257)).astype(NUMBERS[mode]))
    return Image.fromarray(GREY).convert(FIRST.get(mode, "RGB")).convert(mode)


@pytest.mark.parametrize("mode", [*COLOURS, *FIRST, *NUMBERS])
def test_a_pillow_image_may_have_any_mode(mode: str) -> None:
    image = draw(mode)
    assert image.mode == mode
    with Image.open(io.BytesIO(to_file(image))) as sent:
        wide = sent.mode.startswith("I")
        pixels = np.asarray(sent.convert("I" if wide else "L"), np.float64)
    assert wide == (mode in ("I", "I;16", "I;16B"))
    np.testing.assert_allclose(pixels / (65535 if wide else 255), GREY / 255, atol=0.01)


def test_a_pillow_image_is_sent_upright() -> None:
    photo = Image.new("L", (4, 2))
    photo.getexif()[0x112] = 6
    with Image.open(io.BytesIO(to_file(photo))) as sent:
        assert sent.size == (2, 4)


def test_arrays_of_other_libraries_are_arrays() -> None:
    class Tensor:
        def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
            return np.asarray(GREY, dtype)

    np.testing.assert_array_equal(gather(Tensor()), GREY)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["digit:3", "0.5,-1.0", "-1", ".5", "1e3,2", "+3,4"])
def test_points_are_no_paths(text: str) -> None:
    assert is_point(text)


@pytest.mark.parametrize("text", ["3.png", "a.png", "./3", "/tmp/1,2.png", "-.png", "~/a", "1 2.jpg"])
def test_paths_are_no_points(text: str) -> None:
    assert not is_point(text)
