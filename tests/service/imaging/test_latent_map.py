from __future__ import annotations

import numpy as np

from service.imaging import latent_map


def colours(picture: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> set[tuple[int, ...]]:
    return {tuple(pixel) for pixel in picture.reshape(-1, 3).tolist()}


def test_points_lie_to_the_right_and_upwards() -> None:
    points = np.array([[1.0, 1.0], [-1.0, -1.0]])
    picture = latent_map.draw_map(points, np.array([0, 1]), 2.0, 200)[:, :200]
    for y, x, colour in ((52, 148, 0), (148, 52, 1)):
        assert latent_map.COLOURS[colour] in colours(picture[y - 2 : y + 3, x - 2 : x + 3])


def test_what_lies_outside_is_left_out_but_stays_in_the_legend() -> None:
    points = np.array([[9.0, 9.0], [1.0, 1.0]])
    picture = latent_map.draw_map(points, np.array([3, 5]), 2.0, 200)
    assert latent_map.COLOURS[0] not in colours(picture[:, :200])
    assert {latent_map.COLOURS[0], latent_map.COLOURS[1]} <= colours(picture[:, 200:])


def test_the_extent_holds_all_but_the_farthest() -> None:
    points = np.zeros((10_000, 2))
    points[:, 0] = 1.2
    points[:5] = 50
    assert latent_map.measure_extent(points) == 1.5
    assert latent_map.measure_extent(np.zeros((1, 2))) == 0.5
