"""Photographs on both halves: what training reads is what the service would make of the same files."""

from __future__ import annotations

import pathlib

import numpy as np
import pytest
from click.testing import CliRunner

from service.cli.main import cli
from service.imaging.input_pictures import Target, read_all_figures, read_whole
from service.imaging.reading.decoding import decode
from tests.service.imaging.figures import sheets
from tests.training import noise
from training.data.folders import read_pictures
from training.data.picture import place, read_file

EACH = 4


def test_photographs_are_trained_on_as_they_are_read(tmp_path: pathlib.Path) -> None:
    for label in ("five", "four"):
        for number in range(EACH):
            path = tmp_path / "photos" / label / f"{number}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            sheet = sheets.draw(ink=40 + 8 * number, width=12 + 2 * number)
            sheets.to_image(sheets.noisy(sheet, 5, number)).save(path)
    line = ["prepare", str(tmp_path / "photos"), "-o", str(tmp_path / "data")]
    assert CliRunner().invoke(cli, line).exit_code == 0

    read = read_pictures(tmp_path / "data").arrays
    trained = {image.tobytes() for part in ("x_train", "x_test") for image in read[part]}
    served = set()
    for path in (tmp_path / "photos").rglob("*.jpg"):
        (picture,) = read_all_figures(
            decode(path.read_bytes(), "file", 10**7), Target(28, 28, 1, 20), None, many=False
        )
        served.add(np.rint(picture.x * 255).astype(np.uint8).tobytes())
    assert read["x_train"].shape[1:] == (28, 28, 1)
    assert trained == served


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(3, 7), (5, 5), (40, 30), (31, 90), (1, 300), (300, 1)])
def test_a_size_places_pictures_as_uploads_are(
    size: tuple[int, int], channels: int, tmp_path: pathlib.Path
) -> None:
    # Without black and white, which resampling of bytes swings beyond and cuts between its two passes.
    pixels = noise.picture(0, *size, channels) // 2 + np.uint8(64)
    path = noise.write(tmp_path, {"0.png": pixels}) / "0.png"
    target = Target(12, 9, channels, None)
    served = read_whole(decode(path.read_bytes(), "file", 10**7), target, "light-on-dark").x * 255
    trained = place(read_file(path), target.height, target.width)
    assert trained.shape == served.shape
    np.testing.assert_allclose(trained, served, rtol=0, atol=1.5)
