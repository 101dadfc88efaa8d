from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image

from service.core.arrays import Bytes
from service.imaging.formats.png import write_png

PICTURES = st.sampled_from([1, 3]).flatmap(
    lambda channels: array_shapes(min_dims=2, max_dims=2, max_side=40).flatmap(
        lambda shape: arrays(np.uint8, (*shape, channels))
    )
)


@given(PICTURES, st.integers(1, 5))
def test_another_decoder_reads_every_pixel_at_any_scale(pixels: Bytes, scale: int) -> None:
    with Image.open(io.BytesIO(write_png(pixels, scale))) as image:
        image.load()
        assert image.mode == {1: "L", 3: "RGB"}[pixels.shape[2]]
        found = np.asarray(image).reshape(*(scale * side for side in pixels.shape[:2]), -1)
    np.testing.assert_array_equal(found, pixels.repeat(scale, axis=0).repeat(scale, axis=1))


@given(PICTURES)
def test_the_file_is_whole(pixels: Bytes) -> None:
    with Image.open(io.BytesIO(write_png(pixels))) as image:
        image.verify()  # every chunk's checksum


def test_equal_pixels_give_equal_bytes_however_they_lie_in_memory() -> None:
    pixels = np.random.RandomState(0).randint(0, 256, (28, 28, 1), np.uint8)
    assert write_png(pixels) == write_png(np.asfortranarray(pixels)) == write_png(pixels[::1])


def test_a_scaled_picture_is_not_much_larger_a_file() -> None:
    pixels = np.random.RandomState(0).randint(0, 256, (28, 28, 1), np.uint8)
    assert len(write_png(pixels, 16)) < 16 * len(write_png(pixels))


def test_another_number_of_channels_is_refused() -> None:
    with pytest.raises(ValueError, match="channels: expected 1 or 3, received 4"):
        write_png(np.zeros((2, 2, 4), np.uint8))
