"""The whole way on other data than MNIST: pictures of 8 x 8 in grey and of 32 x 32 in colour."""

from __future__ import annotations

import dataclasses
import io
import pathlib
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.contract.serving import ROOT, serve, training
from tests.training import small
from training.data import datasets
from training.data.datasets import Dataset

Pixels = NDArray[np.uint8]

SIZES = "--encoder-filters 4 8 --encoder-units 16 --decoder-units 16 --decoder-filters 4 4 --batch-size 32"
EXAMPLE = ROOT / "examples" / "coloured_shapes.py"

pytestmark = pytest.mark.slow


@dataclasses.dataclass(frozen=True)
class Case:
    """A bundle that is served, and what it was made from."""

    client: httpx.Client
    dataset: Dataset
    source: pathlib.Path
    bundle: pathlib.Path
    mode: str

    @property
    def size(self) -> tuple[int, int]:
        height, width, _ = self.dataset.shape
        return width, height


def write_digits(folder: pathlib.Path) -> pathlib.Path:
    return small.write_idx(folder, small.arrays(600, 200))


def write_shapes(folder: pathlib.Path) -> pathlib.Path:
    command = [sys.executable, str(EXAMPLE), str(folder), "--train", "50", "--test", "10"]
    subprocess.run(command, check=True, timeout=100)
    return folder


@pytest.fixture(scope="module", params=["digits", "shapes"])
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    folder, name = tmp_path_factory.mktemp("sizes"), request.param
    write, upscale, mode = {"digits": (write_digits, 2, "L"), "shapes": (write_shapes, 4, "RGB")}[name]
    source = write(folder / "data" / name)
    options = [*SIZES.split(), "--decoder-upscale", upscale, "--epochs", 2, "--verbose", 0]
    training("train", "--data", source, "--output", folder / name, *options)
    training("export", folder / name, "--data", source, "--models", folder / "models")
    with serve(folder / "models") as client:
        yield Case(client, datasets.load(str(source)), source, folder / "models" / name, mode)


def read(answer: httpx.Response) -> Image.Image:
    assert answer.raise_for_status().headers["content-type"] == "image/png"
    image = Image.open(io.BytesIO(answer.content))
    image.load()
    return image


def png(image: Pixels, size: tuple[int, int] | None = None) -> bytes:
    file, picture = io.BytesIO(), Image.fromarray(image.squeeze())
    (picture if size is None else picture.resize(size)).save(file, "PNG")
    return file.getvalue()


def ask(case: Case, path: str, **request: Any) -> Any:
    return case.client.post(path, **request).raise_for_status().json()


def shape_of(case: Case, n: int) -> tuple[int, ...]:
    """Of n pictures as JSON has them: grey ones without the axis of channels."""
    height, width, channels = case.dataset.shape
    return (n, height, width) if channels == 1 else (n, height, width, channels)


def test_the_model_says_what_its_pictures_are(case: Case) -> None:
    (model,) = case.client.get("/models").raise_for_status().json()["models"]
    height, width, channels = case.dataset.shape
    assert model["image"].items() >= {"height": height, "width": width, "channels": channels}.items()
    assert model["classes"] == np.unique(case.dataset.train.label).tolist()
    assert model["dataset"].get("class_names", []) == list(case.dataset.class_names)
    assert model["dataset"]["sha256"] == case.dataset.sha256


def test_decode_draws_the_golden_pictures(case: Case) -> None:
    golden = np.load(case.bundle / "golden.npz")
    images = ask(case, "/decode?format=json", json={"z": golden["z"].tolist()})["images"]
    assert np.shape(images) == shape_of(case, len(golden["z"]))
    np.testing.assert_allclose(np.reshape(images, golden["image"].shape), golden["image"], atol=1e-5)
    for z, image in zip(golden["z"], golden["image"], strict=True):
        found = read(case.client.post("/decode", json={"z": z.tolist()}))
        assert (found.size, found.mode) == (case.size, case.mode)
        np.testing.assert_allclose(np.asarray(found), image.squeeze() * 255, atol=0.51)


def test_several_vectors_give_one_sheet_or_an_array(case: Case) -> None:
    body = {"z": [[0, 0], [1, 0], [0, 1], [-1, -1]]}
    sheet = read(case.client.post("/decode", json=body))
    assert (sheet.size, sheet.mode) == ((2 * case.size[0], 2 * case.size[1]), case.mode)
    answer = case.client.post("/decode?format=npy&dtype=uint8", json=body).raise_for_status()
    images = np.load(io.BytesIO(answer.content))
    assert (images.shape, images.dtype) == (shape_of(case, 4), np.uint8)
    height, width = images.shape[1:3]
    assert np.array_equal(np.asarray(sheet)[height:, :width], images[2])


def test_uploaded_test_images_are_encoded_to_their_place_in_the_atlas(case: Case) -> None:
    atlas = np.load(case.bundle / "atlas.npz")
    assert np.array_equal(atlas["label"], case.dataset.test.label)
    files = [("file", (f"{i}.png", png(image))) for i, image in enumerate(case.dataset.test.x[:20])]
    answer = ask(case, "/encode?seed=3", files=files)
    np.testing.assert_allclose(answer["z_mean"], atlas["z_mean"][:20], rtol=1e-4, atol=1e-4)
    assert {np.shape(answer[name]) for name in ("z_mean", "z_log_var", "z")} == {(20, 2)}


def test_an_upload_of_another_size_is_encoded(case: Case) -> None:
    content = png(case.dataset.test.x[0], (70, 50))
    answer = ask(case, "/encode", content=content, headers={"content-type": "image/png"})
    assert np.isfinite(answer["z_mean"]).all()


def test_what_decode_gives_is_what_encode_takes(case: Case) -> None:
    images = ask(case, "/decode?format=json", json={"z": [[0, 0], [1, -1]]})["images"]
    assert np.shape(ask(case, "/encode", json={"pixels": images})["z_mean"]) == (2, 2)
    assert np.shape(ask(case, "/encode", json={"pixels": images[0]})["z_mean"]) == (1, 2)


def test_each_class_is_drawn(case: Case) -> None:
    for label in np.unique(case.dataset.train.label):
        found = read(case.client.get(f"/digits/{label}", params={"seed": 3}))
        assert (found.size, found.mode) == (case.size, case.mode)
    answer = case.client.get("/digits/1?seed=3&format=json").raise_for_status().json()
    assert np.shape(answer["images"]) == shape_of(case, 1)
    assert (answer["digit"], answer["seed"]) == (1, 3)


def test_classes_are_asked_for_by_their_names(case: Case) -> None:
    names = list(case.dataset.class_names) or [str(label) for label in range(10)]
    for label, name in enumerate(names):
        drawn = [read(case.client.get(f"/digits/{each}?seed=3")) for each in (name, label)]
        assert drawn[0].tobytes() == drawn[1].tobytes()
    ends = [{"from": {"digit": a}, "to": {"digit": b}, "steps": 7} for a, b in ((names[1], names[4]), (1, 4))]
    strips = [read(case.client.post("/interpolate", json=body)) for body in ends]
    assert strips[0].tobytes() == strips[1].tobytes()
    assert case.client.get("/digits/unheard-of").status_code == 404


def test_the_bundle_is_judged_and_reported(case: Case, tmp_path: pathlib.Path) -> None:
    data = ("--data", case.source)
    found = training("judge", case.bundle, *data, "--classifier", tmp_path / "classifier")
    shares = found[str(case.bundle)]["class_accuracy"]
    assert list(shares) == [str(label) for label in case.dataset.labels]
    training("report", case.bundle, *data, "--output", tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    names = case.dataset.class_names or [str(label) for label in case.dataset.labels]
    assert f"A row a class: {', '.join(names)}" in page


def test_a_way_between_two_classes_is_a_strip(case: Case) -> None:
    body = {"from": {"digit": 0}, "to": {"z": [1, -1]}, "steps": 5}
    strip = read(case.client.post("/interpolate", json=body))
    assert (strip.size, strip.mode) == ((5 * case.size[0], case.size[1]), case.mode)
    answer = ask(case, "/interpolate?format=json", json=body)
    assert np.shape(answer["images"]) == shape_of(case, 5)
    assert np.shape(answer["z"]) == (5, 2)
    images = np.reshape(answer["images"], (5, *case.dataset.shape))
    expected = images.transpose(1, 0, 2, 3).reshape(case.size[1], -1, case.dataset.shape[2])
    np.testing.assert_allclose(np.asarray(strip), expected.squeeze() * 255, atol=0.51)


def test_the_plots_and_the_card_fit_the_data(case: Case) -> None:
    card = (case.bundle / "README.md").read_text()
    assert "MNIST" not in card
    assert ("Its labels are 0 circle, 1 cross, 2 ring, 3 square, 4 star, 5 triangle." in card) == bool(
        case.dataset.class_names
    )
    height, width, channels = case.dataset.shape
    assert f"{height} x {width} pixels and {channels} channel" in card
    with Image.open(case.bundle / "plots" / "manifold.png") as plot:
        colours = np.asarray(plot.convert("RGB"), np.int64)
    assert (np.ptp(colours, axis=2).max() > 0) == (channels == 3)
