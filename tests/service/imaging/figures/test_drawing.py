"""Filters of figures, compared with Pillow's, which sort all nine levels around each pixel."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image, ImageFilter

from service.core.arrays import Floats
from service.imaging.figures.drawing import GROW, SHRINK, _filter

covers = arrays(
    np.float32, array_shapes(min_dims=2, max_dims=2, max_side=12), elements=st.floats(0, 1, width=32)
)


@given(covers, st.lists(st.booleans(), max_size=4))
def test_growing_and_shrinking_take_the_extremes_of_nine(cover: Floats, grows: list[bool]) -> None:
    expected = Image.fromarray((cover * 255).astype(np.uint8))
    for grow in grows:
        expected = expected.filter(ImageFilter.MaxFilter(3) if grow else ImageFilter.MinFilter(3))
    found = _filter(cover, [GROW if grow else SHRINK for grow in grows])
    np.testing.assert_array_equal(np.round(found * 255), np.asarray(expected))
