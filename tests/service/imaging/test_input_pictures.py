from __future__ import annotations

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
    for place, expected, scale in zip(picture.box, sheets.BOX, times * 2, strict=True):
        assert abs(place - expected * scale) <= 4 * scale
