"""`cvae prepare`: training images that are what the service would make of the same files."""

from __future__ import annotations

import io
import pathlib

import numpy as np
import pytest
from PIL import Image

from tests.service.cli.commands import Cvae
from tests.service.imaging.figures import sheets


@pytest.fixture
def photos(tmp_path: pathlib.Path) -> pathlib.Path:
    """Two classes: a figure on a large sheet in each, a folder further down, an empty sheet, and a text."""
    folder = tmp_path / "photos"
    for place, seed in (("four/a.jpg", 1), ("other/deep/b.png", 2)):
        path = folder / place
        path.parent.mkdir(parents=True)
        sheets.to_image(sheets.noisy(sheets.draw(), 4, seed)).save(path)
    Image.new("L", (60, 60), 200).save(folder / "four" / "empty.png")
    (folder / "four" / "notes.txt").write_text("no picture")
    (folder / "four" / ".hidden").write_bytes(b"")
    return folder


def run(cvae: Cvae, *line: object) -> tuple[int, str, str]:
    result = cvae.run(*map(str, line))
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture
def prepare(local: Cvae) -> Cvae:
    local.options = []
    return local


def test_figures_are_cut_out_as_the_service_does(
    prepare: Cvae, photos: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    status, said, left = run(prepare, "prepare", photos, "-o", tmp_path / "out")
    assert (status, said) == (0, f"2 of 4 pictures written to {tmp_path / 'out'}\n"), left
    assert "empty.png: expected a figure" in left
    assert "notes.txt: expected" in left
    assert ".hidden" not in left
    found = sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.png"))
    assert found == ["four/a.jpg.png", "other/deep/b.png.png"]
    with Image.open(tmp_path / "out" / found[0]) as image:
        assert (image.size, image.mode) == ((28, 28), "L")
        assert sheets.is_four(np.asarray(image, np.float32)[..., np.newaxis] / np.float32(255))


def test_pictures_may_be_scaled_whole_and_keep_their_colours(
    prepare: Cvae, photos: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    Image.new("RGB", (40, 20), (10, 200, 30)).save(photos / "four" / "green.png")
    status, said, _ = run(
        prepare, "prepare", photos, "-o", tmp_path / "out", "--size", "32x16", "--whole", "--colour"
    )
    assert (status, said.split()[0]) == (0, "4")
    with Image.open(tmp_path / "out" / "four" / "green.png.png") as image:
        assert (image.size, image.mode, image.getpixel((16, 8))) == ((32, 16), "RGB", (10, 200, 30))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--size", "0"], "--size: expected a number such as 28"),
        (["--size", "20x"], "--size: expected a number such as 28"),
        (["--size", "20x24", "--box", "21"], "--box: expected at most 20"),
        (["--box", "20", "--whole"], "expected one of --box and --whole"),
        (["--colour"], "--colour: expected --whole"),
    ],
)
def test_what_does_not_go_together_is_refused(
    prepare: Cvae, photos: pathlib.Path, tmp_path: pathlib.Path, options: list[str], says: str
) -> None:
    assert says in prepare.refuse(2, "prepare", str(photos), "-o", str(tmp_path / "out"), *options)
    assert not (tmp_path / "out").exists()


def test_nothing_is_written_over(prepare: Cvae, photos: pathlib.Path) -> None:
    assert "expected a new or an empty folder" in prepare.refuse(1, "prepare", str(photos), "-o", str(photos))


def test_a_folder_without_pictures_is_said(prepare: Cvae, tmp_path: pathlib.Path) -> None:
    (tmp_path / "none").mkdir()
    status, _, left = run(prepare, "prepare", tmp_path / "none", "-o", tmp_path / "out")
    assert (status, "expected pictures, found none" in left) == (1, True)


def test_a_picture_that_is_kept_stays_as_it_is(prepare: Cvae, tmp_path: pathlib.Path) -> None:
    """What is already an image of the set, light on dark and in the middle, is not scaled again."""
    pixels = np.zeros((28, 28), np.uint8)
    pixels[8:20, 13:15] = 255
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "one.png").write_bytes(content.getvalue())
    assert run(prepare, "prepare", tmp_path / "in", "-o", tmp_path / "out")[0] == 0
    with Image.open(tmp_path / "out" / "one.png.png") as image:
        assert (np.asarray(image) == pixels).all()
