"""Photographs on both halves: what training reads is what the service would make of the same files."""

from __future__ import annotations

import pathlib

import numpy as np
from click.testing import CliRunner

from service.cli.main import cli
from service.imaging.input_pictures import Target, read_all_figures
from service.imaging.reading.decoding import decode
from tests.service.imaging.figures import sheets
from training.data.folders import read_pictures

EACH = 4


def test_photographs_are_trained_on_as_they_are_read(tmp_path: pathlib.Path) -> None:
    for label in ("five", "four"):
        for place in range(EACH):
            path = tmp_path / "photos" / label / f"{place}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            sheet = sheets.draw(ink=40 + 8 * place, width=12 + 2 * place)
            sheets.to_image(sheets.noisy(sheet, 5, place)).save(path)
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
