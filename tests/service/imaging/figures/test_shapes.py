from __future__ import annotations

import numpy as np
import pytest

from service.imaging.figures.components import label_components
from service.imaging.figures.shapes import _measure_strokes


@pytest.mark.parametrize("width", [3, 5])
def test_a_stroke_is_as_thick_upright_as_lying(width: int) -> None:
    mask = np.zeros((60, 120), bool)
    mask[5:45, 10 : 10 + width] = True
    mask[50 : 50 + width, 30:110] = True
    upright, lying = _measure_strokes(label_components(mask), mask)
    # Area by the length of the diagonal of such a box, which is as long as its stroke but for little.
    assert upright == pytest.approx(width * 40 / np.hypot(40, width))
    assert lying == pytest.approx(width * 80 / np.hypot(80, width))
