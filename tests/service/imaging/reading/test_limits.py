from __future__ import annotations

import pytest

from service.core.errors import MalformedBodyError, TooLargeError
from service.imaging.reading.limits import MAX_SIDE, check_size


@pytest.mark.parametrize(("width", "height"), [(10, 10), (100, 1), (1, 100)])
def test_as_many_pixels_as_there_may_be(width: int, height: int) -> None:
    check_size("file", width, height, 100)
    with pytest.raises(
        TooLargeError, match=rf"^file: expected at most 99 pixels, received {width} x {height}$"
    ):
        check_size("file", width, height, 99)


def test_a_side_has_a_limit_of_its_own() -> None:
    check_size("file", MAX_SIDE, 1, 10**9)
    check_size("file", 1, MAX_SIDE, 10**9)
    for size in ((MAX_SIDE + 1, 1), (1, MAX_SIDE + 1)):
        with pytest.raises(TooLargeError, match=f"sides of at most {MAX_SIDE} pixels"):
            check_size("file", *size, 10**9)


@pytest.mark.parametrize(("width", "height"), [(0, 5), (5, 0), (0, 0)])
def test_a_picture_of_no_pixels_is_damaged(width: int, height: int) -> None:
    with pytest.raises(MalformedBodyError, match="damaged"):
        check_size("file", width, height, 100)
