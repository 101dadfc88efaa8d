"""The example makes a bundle without Keras and without our code, and the service serves it."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import pathlib
import re
import runpy
import shutil
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx2
import numpy as np
import onnxruntime
import pytest
from fastapi.testclient import TestClient
from numpy.typing import NDArray
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier

from service.bundles.reader import read_bundle
from service.core.errors import BundleError
from service.core.settings import Settings
from service.server.app import create_app
from tests.service.fake import sign

ROOT = pathlib.Path(__file__).parent.parent
EXAMPLE = ROOT / "examples" / "linear_vae.py"
NAME = "digits-linear"


@dataclasses.dataclass(frozen=True)
class Digits:
    """The digits of scikit-learn, flat and in [0, 1], split by the shuffle that the example names."""

    train: NDArray[np.float64]
    train_label: NDArray[np.int64]
    test: NDArray[np.float64]
    test_label: NDArray[np.int64]


@pytest.fixture(scope="module")
def digits() -> Digits:
    data = load_digits()
    order = np.random.RandomState(0).permutation(1797)
    x, label = data.data[order] / 16, data.target[order]
    return Digits(x[:1297], label[:1297], x[1297:], label[1297:])


def run(folder: pathlib.Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Runs the example as a user would, where nothing of this project can be imported by accident."""
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, *options, str(EXAMPLE), NAME]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "1700000000"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=100)


def run_here(folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch, *options: str) -> object:
    """Runs the example in this process, which has imported what it needs, and gives its status."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", [str(EXAMPLE), NAME, *options])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(EXAMPLE), run_name="__main__")
    return ended.value.code


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[pathlib.Path, subprocess.CompletedProcess[str]]:
    """The folder of bundles, and the run that wrote its one bundle."""
    models = tmp_path_factory.mktemp("models")
    done = run(models, "-X", "importtime")
    assert done.returncode == 0, done.stderr
    return models, done


@pytest.fixture(scope="module")
def bundle(made: tuple[pathlib.Path, object]) -> pathlib.Path:
    return made[0] / NAME


@pytest.fixture(scope="module")
def client(made: tuple[pathlib.Path, object]) -> Iterator[TestClient]:
    with TestClient(create_app(Settings(models_dir=made[0]))) as running:
        yield running


@pytest.fixture(scope="module")
def metrics(bundle: pathlib.Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((bundle / "model.json").read_text())["metrics"]
    return found


def ask(client: TestClient, path: str, **body: Any) -> Any:
    return client.post(path, json=body).raise_for_status().json()


def read(answer: httpx2.Response) -> NDArray[np.uint8]:
    assert answer.raise_for_status().headers["content-type"] == "image/png"
    return np.asarray(Image.open(io.BytesIO(answer.content)))


@pytest.mark.slow(alone=False)
def test_it_imports_no_tensorflow_and_nothing_of_this_project(
    made: tuple[pathlib.Path, subprocess.CompletedProcess[str]],
) -> None:
    lines = made[1].stderr.splitlines()
    imported = {
        line.split("|")[-1].strip().split(".")[0] for line in lines if line.startswith("import time:")
    }
    assert {"numpy", "onnx", "sklearn"} <= imported
    assert not {"tensorflow", "keras", "onnxruntime", "training", "service", "tests"} & imported


@pytest.mark.slow(alone=False)
def test_two_runs_write_the_same_bytes(bundle: pathlib.Path, tmp_path: pathlib.Path) -> None:
    run(tmp_path)
    files = {"README.md", "model.json", "encoder.onnx", "decoder.onnx", "golden.npz", "atlas.npz"}
    assert {path.name for path in bundle.iterdir()} == files
    for name in files:
        assert (tmp_path / NAME / name).read_bytes() == (bundle / name).read_bytes(), name


def test_the_loss_is_the_exact_likelihood_of_the_test_images(digits: Digits, metrics: dict[str, Any]) -> None:
    """Of N(mean, C) as an eigen-decomposition made here gives it: no z, no bound."""
    values, vectors = np.linalg.eigh(np.cov(digits.train.T, bias=True))
    values[:-8] = values[:-8].mean()
    coordinates = (digits.test - digits.train.mean(axis=0)) @ vectors
    exact = 0.5 * (64 * np.log(2 * np.pi) + np.log(values).sum() + np.sum(coordinates**2 / values, axis=1))
    assert metrics["negative_elbo"] == pytest.approx(exact.mean(), abs=1e-3)
    assert metrics["reconstruction_loss"] + metrics["kl_divergence"] == pytest.approx(
        metrics["negative_elbo"], abs=2e-4
    )
    assert (metrics["likelihood"], metrics["split"], metrics["images"]) == ("gaussian", "test", 500)


def test_the_loss_is_what_draws_from_the_served_posterior_average_to(
    client: TestClient, digits: Digits, bundle: pathlib.Path, metrics: dict[str, Any]
) -> None:
    q = ask(client, "/encode", pixels=digits.test.reshape(-1, 8, 8).tolist())
    z_mean, z_log_var = np.array(q["z_mean"]), np.array(q["z_log_var"])
    kl = 0.5 * np.sum(np.exp(z_log_var) + z_mean**2 - 1 - z_log_var, axis=1).mean()
    assert metrics["kl_divergence"] == pytest.approx(kl, abs=1e-3)
    noise = json.loads((bundle / "model.json").read_text())["training"]["noise"]
    z = z_mean + np.exp(z_log_var / 2) * np.random.RandomState(0).standard_normal(z_mean.shape)
    images = np.array(ask(client, "/decode?format=json", z=z.tolist())["images"]).reshape(-1, 64)
    squares = np.sum((digits.test - images) ** 2, axis=1)
    loss = 0.5 * (64 * np.log(2 * np.pi * noise) + squares / noise).mean()
    # Clipping brings pixels of these images nearer, never further away.
    assert metrics["reconstruction_loss"] - 4 < loss < metrics["reconstruction_loss"]


def test_the_models_page_shows_it(client: TestClient, bundle: pathlib.Path, metrics: dict[str, Any]) -> None:
    (model,) = client.get("/models").raise_for_status().json()["models"]
    manifest = json.loads((bundle / "model.json").read_text())
    assert (model["name"], model["version"], model["default"]) == (NAME, manifest["version"], True)
    assert model["image"] == {"height": 8, "width": 8, "channels": 1, "polarity": "light-on-dark"}
    assert (model["latent_dim"], model["classes"], model["conditional"]) == (8, list(range(10)), False)
    assert model["metrics"] == metrics
    assert model["dataset"]["split"] == {"train": 1297, "validation": 0, "test": 500}
    assert (bundle / "README.md").read_text().count(manifest["version"]) == 1


def test_decode_gives_the_golden_pictures(client: TestClient, bundle: pathlib.Path) -> None:
    golden = np.load(bundle / "golden.npz")
    images = ask(client, "/decode?format=json", z=golden["z"].tolist())["images"]
    np.testing.assert_allclose(images, golden["image"][..., 0], atol=1e-5)
    png = read(client.post("/decode", json={"z": golden["z"][0].tolist()}))
    np.testing.assert_allclose(png, golden["image"][0, ..., 0] * 255, atol=0.51)


def test_onnxruntime_agrees_with_numpy(bundle: pathlib.Path) -> None:
    golden = np.load(bundle / "golden.npz")
    for name, given in (("encoder", "x"), ("decoder", "z")):
        session = onnxruntime.InferenceSession(bundle / f"{name}.onnx")
        names = [output.name for output in session.get_outputs()]
        for output, found in zip(names, session.run(names, {given: golden[given]}), strict=True):
            np.testing.assert_allclose(found, golden[output], rtol=1e-5, atol=1e-5)


def test_a_held_out_digit_comes_back_from_its_vector(client: TestClient, digits: Digits) -> None:
    q = ask(client, "/encode", pixels=digits.test.reshape(-1, 8, 8).tolist())
    images = ask(client, "/decode?format=json", z=q["z_mean"])["images"]
    error = np.mean((np.reshape(images, (-1, 64)) - digits.test) ** 2)
    of_the_mean = np.mean((digits.train.mean(axis=0) - digits.test) ** 2)
    assert error < 0.4 * of_the_mean


def test_an_uploaded_digit_is_encoded_where_the_atlas_has_it(
    client: TestClient, digits: Digits, bundle: pathlib.Path
) -> None:
    file = io.BytesIO()
    Image.fromarray(np.rint(digits.test[0].reshape(8, 8) * 255).astype(np.uint8)).save(file, "PNG")
    answer = client.post("/encode", content=file.getvalue(), headers={"content-type": "image/png"})
    atlas = np.load(bundle / "atlas.npz")
    # A grey level of the file is 1/255.
    np.testing.assert_allclose(answer.raise_for_status().json()["z_mean"][0], atlas["z_mean"][0], atol=0.02)
    assert np.array_equal(atlas["label"], digits.test_label)


def test_neighbours_tell_the_label_of_a_held_out_digit(
    client: TestClient, digits: Digits, bundle: pathlib.Path, metrics: dict[str, Any]
) -> None:
    parts = np.split(digits.train.reshape(-1, 8, 8), [700])
    encoded = [ask(client, "/encode", pixels=part.tolist())["z_mean"] for part in parts]
    neighbours = KNeighborsClassifier(15).fit(np.concatenate(encoded), digits.train_label)
    found = neighbours.score(np.load(bundle / "atlas.npz")["z_mean"], digits.test_label)
    assert metrics["knn_accuracy"] == pytest.approx(found, abs=0.005)
    assert found > 0.9


def test_a_way_between_two_digits_is_a_strip(client: TestClient) -> None:
    body = {"from": {"digit": 0}, "to": {"digit": 1}, "steps": 5}
    strip = read(client.post("/interpolate", json=body))
    assert strip.shape == (8, 5 * 8)
    images = np.array(ask(client, "/interpolate?format=json", **body)["images"])
    np.testing.assert_allclose(strip, np.hstack(list(images)) * 255, atol=0.51)
    assert np.abs(images[0] - images[-1]).max() > 0.2


@pytest.mark.parametrize("digit", range(10))
def test_the_middle_of_a_class_looks_like_the_mean_of_its_digits(
    client: TestClient, digits: Digits, digit: int
) -> None:
    answer = client.get(f"/digits/{digit}?seed=1&temperature=0&format=json").raise_for_status().json()
    means = np.stack([digits.train[digits.train_label == i].mean(axis=0) for i in range(10)])
    assert np.argmin(np.sum((means - np.reshape(answer["images"], 64)) ** 2, axis=1)) == digit


def test_sevens_that_are_drawn_differ_and_stay_sevens(client: TestClient, digits: Digits) -> None:
    neighbours = KNeighborsClassifier(15).fit(digits.train, digits.train_label)
    drawn = np.stack([read(client.get(f"/digits/7?seed={seed}")) for seed in range(20)]).reshape(20, 64)
    assert len(np.unique(drawn, axis=0)) == 20
    assert np.mean(neighbours.predict(drawn / 255) == 7) >= 0.8


def copy_with(bundle: pathlib.Path, folder: pathlib.Path, old: str, new: str) -> pathlib.Path:
    """Copies a bundle and replaces one text of its manifest."""
    shutil.copytree(bundle, folder / NAME)
    text = (bundle / "model.json").read_text()
    assert text.count(old) == 1
    (folder / NAME / "model.json").write_text(text.replace(old, new))
    return folder / NAME


def other_digit(digits: str) -> str:
    return f"{(int(digits[0], 16) + 1) % 16:x}{digits[1:]}"


def test_one_wrong_digit_of_the_version_is_refused(bundle: pathlib.Path, tmp_path: pathlib.Path) -> None:
    version = json.loads((bundle / "model.json").read_text())["version"]
    wrong = other_digit(version)
    copy = copy_with(bundle, tmp_path, version, wrong)
    with pytest.raises(BundleError, match=f"version: expected {version} as its content says, found {wrong}$"):
        read_bundle(copy)


@pytest.mark.parametrize("part", ["encoder", "decoder", "golden", "atlas"])
def test_one_wrong_digit_of_a_checksum_is_refused(
    bundle: pathlib.Path, tmp_path: pathlib.Path, part: str
) -> None:
    digest = json.loads((bundle / "model.json").read_text())[part]["sha256"]
    copy = copy_with(bundle, tmp_path, digest, other_digit(digest))
    with pytest.raises(BundleError, match=r"model\.json: version: expected"):
        read_bundle(copy)
    manifest = json.loads((copy / "model.json").read_text())
    sign(copy, manifest)
    with pytest.raises(
        BundleError, match=rf"{part}\.\w+: sha256: expected {other_digit(digest)}, found {digest}$"
    ):
        read_bundle(copy)


@pytest.mark.slow(alone=False)
def test_the_service_does_not_start_over_a_wrong_digit(bundle: pathlib.Path, tmp_path: pathlib.Path) -> None:
    version = json.loads((bundle / "model.json").read_text())["version"]
    copy_with(bundle, tmp_path, version, other_digit(version))
    environment = {**os.environ, "CVAE_MODELS_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "service"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr.count("\n")) == (3, 1)
    assert re.match(rf"service: .*model\.json: version: expected {version} ", done.stderr)


@pytest.mark.parametrize("latent_dim", [1, 32])
def test_other_sizes_of_z_are_served_too(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, latent_dim: int
) -> None:
    assert run_here(tmp_path, monkeypatch, "--latent-dim", str(latent_dim)) == 0
    with TestClient(create_app(Settings(models_dir=tmp_path))) as client:
        assert read(client.post("/decode", json={"z": [0.5] * latent_dim})).shape == (8, 8)


@pytest.mark.parametrize("latent_dim", ["0", "33"])
def test_a_size_of_z_that_it_cannot_fit_is_refused(
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    latent_dim: str,
) -> None:
    assert run_here(tmp_path, monkeypatch, "--latent-dim", latent_dim) == 2
    assert f"--latent-dim: expected 1 to 32, received {latent_dim}" in capsys.readouterr().err
    assert not (tmp_path / NAME).exists()
