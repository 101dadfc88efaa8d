"""The example in colour: what it draws is the same each time, and in the folders that training reads."""

from __future__ import annotations

import pathlib
import runpy

import numpy as np
import pytest
from PIL import Image

EXAMPLE = pathlib.Path(__file__).parent.parent / "examples" / "coloured_shapes.py"
SHAPES = ["circle", "cross", "ring", "square", "star", "triangle"]


def draw(folder: pathlib.Path, *options: str) -> list[bytes]:
    main = runpy.run_path(str(EXAMPLE))["main"]
    assert main([str(folder), "--train", "3", "--test", "2", *options]) == 0
    return [path.read_bytes() for path in sorted(folder.rglob("*.png"))]


def test_pictures_of_each_shape_lie_in_folders_by_name(tmp_path: pathlib.Path) -> None:
    draw(tmp_path / "shapes")
    for part, count in (("train", 3), ("test", 2)):
        found = sorted((tmp_path / "shapes" / part).iterdir())
        assert [folder.name for folder in found] == SHAPES
        assert [len(list(folder.iterdir())) for folder in found] == [count] * 6


def test_a_seed_decides_what_is_drawn(tmp_path: pathlib.Path) -> None:
    one, two = draw(tmp_path / "one"), draw(tmp_path / "two")
    assert one == two
    assert len(set(one)) == 30
    assert not set(one) & set(draw(tmp_path / "other", "--seed", "1"))


def test_shapes_are_in_colour_on_grey(tmp_path: pathlib.Path) -> None:
    draw(tmp_path / "shapes")
    for path in (tmp_path / "shapes").rglob("*.png"):
        with Image.open(path) as image:
            pixels = np.asarray(image, np.int64)
        assert pixels.shape == (32, 32, 3)
        spread = np.ptp(pixels, axis=2)
        assert not spread[[0, 0, -1, -1], [0, -1, 0, -1]].any()
        assert (spread > 100).sum() > 50


def test_a_folder_that_is_there_is_left_alone(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        draw(tmp_path)
    assert ended.value.code == 2
    assert "expected a folder that is not there yet" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
