from __future__ import annotations

import io
import json
import pathlib
import wsgiref.util
from typing import Any

import numpy as np
import pytest
from PIL import Image

from training.reports import projector
from training.reports.projector import ProjectorError, write_projection

FILES = ["metadata.tsv", "projector_config.pbtxt", "sprite.png", "tensors.tsv"]


def images(n: int, shape: tuple[int, int, int] = (4, 6, 1)) -> projector.Bytes:
    return np.random.default_rng(0).integers(0, 256, (n, *shape), np.uint8)


def write(folder: pathlib.Path, x: projector.Bytes, names: tuple[str, ...] = ()) -> int:
    """Vectors and labels that number their images: z_mean (i / 3, -i), label i modulo 3."""
    numbers = np.arange(len(x))
    z_mean = np.stack([numbers / 3, -numbers], axis=1).astype(np.float32)
    return write_projection(folder, z_mean, x, numbers % 3, names)


def read_sprite(folder: pathlib.Path) -> projector.Bytes:
    with Image.open(folder / "sprite.png") as image:
        return np.asarray(image)


def test_the_folder_has_four_files_and_is_written_again(tmp_path: pathlib.Path) -> None:
    folder = tmp_path / "new" / "folder"
    assert write(folder, images(5)) == 5
    assert write(folder, images(3)) == 3
    assert sorted(path.name for path in folder.iterdir()) == FILES
    assert len((folder / "tensors.tsv").read_text().splitlines()) == 3


def test_vectors_are_exact_and_have_no_header(tmp_path: pathlib.Path) -> None:
    write(tmp_path, images(200))
    found = np.loadtxt(tmp_path / "tensors.tsv", np.float32, delimiter="\t")
    expected = np.stack([np.arange(200) / 3, -np.arange(200)], axis=1).astype(np.float32)
    assert np.array_equal(found[:, :2], expected)


@pytest.mark.parametrize(("latent_dim", "columns"), [(1, 3), (2, 3), (3, 3), (4, 4)])
def test_short_vectors_are_filled_up_to_three_numbers(latent_dim: int, columns: int) -> None:
    lines = projector.write_tensors(np.ones((2, latent_dim), np.float32)).splitlines()
    assert lines == ["\t".join("1" * latent_dim + "0" * (columns - latent_dim))] * 2


def test_one_column_of_labels_has_no_header(tmp_path: pathlib.Path) -> None:
    write(tmp_path, images(4))
    assert (tmp_path / "metadata.tsv").read_text() == "0\n1\n2\n0\n"


def test_labels_with_names_have_a_header(tmp_path: pathlib.Path) -> None:
    write(tmp_path, images(4), ("cat", "a\tdog\n", "é"))
    found = (tmp_path / "metadata.tsv").read_text(encoding="utf-8")
    assert found == "label\tclass\n0\tcat\n1\ta dog\n2\té\n0\tcat\n"


@pytest.mark.parametrize("n", [1, 4, 5, 9, 10])
@pytest.mark.parametrize("channels", [1, 3])
def test_thumbnails_lie_row_by_row_in_a_square(n: int, channels: int, tmp_path: pathlib.Path) -> None:
    x = images(n, (4, 6, channels))
    write(tmp_path, x)
    sheet, side = read_sprite(tmp_path), int(np.ceil(np.sqrt(n)))
    assert sheet.shape == (side * 4, side * 6, 3)[: 2 if channels == 1 else 3]
    for i in range(side**2):
        row, column = divmod(i, side)
        found = sheet[4 * row : 4 * row + 4, 6 * column : 6 * column + 6]
        assert np.array_equal(found, x[i].squeeze() if i < n else np.zeros_like(found))


def test_a_set_too_large_is_cut_to_what_the_sheet_holds_in_all_files(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(projector, "SHEET_LIMIT", 20)
    x = images(40)
    assert write(tmp_path, x) == 9
    sheet = read_sprite(tmp_path)
    assert sheet.shape == (12, 18)
    assert np.array_equal(sheet[8:, 12:], x[8, ..., 0])
    for name in ("tensors.tsv", "metadata.tsv"):
        assert len((tmp_path / name).read_text().splitlines()) == 9


@pytest.mark.parametrize(("size", "count"), [((28, 28), 292**2), ((28, 32), 256**2), ((8192, 1), 1)])
def test_the_largest_sheet_has_8192_pixels_a_side(size: tuple[int, int], count: int) -> None:
    assert projector.count_fitting(*size) == count


def test_an_image_larger_than_the_sheet_is_refused() -> None:
    with pytest.raises(ProjectorError, match="at most 8192 x 8192 pixels, received 8193 x 5"):
        projector.count_fitting(5, 8193)


def ask(application: Any, **query: str) -> bytes:
    """A GET's content, from a WSGI application."""
    environment = {"QUERY_STRING": "&".join(f"{name}={value}" for name, value in query.items())}
    wsgiref.util.setup_testing_defaults(environment)
    status: list[str] = []
    content = b"".join(application(environment, lambda line, _, __=None: status.append(line)))
    assert status == ["200 OK"]
    return content


@pytest.mark.parametrize("names", [(), ("a", "b", "c")])
def test_tensorboard_opens_the_folder(names: tuple[str, ...], tmp_path: pathlib.Path) -> None:
    from tensorboard.plugins.base_plugin import TBContext
    from tensorboard.plugins.projector.projector_plugin import ProjectorPlugin

    write(tmp_path, images(5), names)
    apps = ProjectorPlugin(TBContext(logdir=str(tmp_path))).get_plugin_apps()
    assert json.loads(ask(apps["/runs"])) == ["."]
    (embedding,) = json.loads(ask(apps["/info"], run="."))["embeddings"]
    assert embedding["tensorShape"] == [5, 3]
    assert embedding["sprite"]["singleImageDim"] == [6, 4]
    which = {"run": ".", "name": embedding["tensorName"]}
    vectors = np.frombuffer(ask(apps["/tensor"], num_rows="5", **which), np.float32).reshape(5, 3)
    assert vectors[:, 1].tolist() == [0, -1, -2, -3, -4]
    labels = ask(apps["/metadata"], num_rows="5", **which).decode().splitlines()
    assert len(labels) == 5 + bool(names)
    with Image.open(io.BytesIO(ask(apps["/sprite_image"], **which))) as sheet:
        assert sheet.size == (18, 12)
