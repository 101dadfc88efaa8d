from __future__ import annotations

import numpy as np
import pytest

from service.imaging.input_pictures import Target, read_input_pictures
from service.imaging.reading.child import UPLOAD_SIZE
from tests.service.imaging.figures import sheets

DIGITS = Target(28, 28, 1, 20)


@pytest.mark.parametrize("times", [(1, 1), (8, 8), (4, 6)])
def test_the_box_is_in_the_pixels_of_the_upload(times: tuple[int, int]) -> None:
    image = sheets.to_image(sheets.draw())
    image.info[UPLOAD_SIZE] = image.width * times[0], image.height * times[1]
    (picture,) = read_input_pictures(image, DIGITS, None, many=False)
    assert picture.placing == "fitted"
    ink = np.asarray(image) < 128
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    drawn = int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
    # Sought on a copy of half the size.
    for place, edge, scale in zip(picture.box, drawn, times * 2, strict=True):
        assert abs(place - edge * scale) < 2 * scale
