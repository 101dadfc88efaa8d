from __future__ import annotations

import dataclasses
import pathlib
import shutil

import numpy as np
import pytest

from training.bundles.manifest import BundleError, read_manifest, version_of, write_manifest
from training.bundles.prior import NORMAL, add_prior, describe_prior, draws_classes, read_mixture
from training.data.datasets import Dataset
from training.evaluation.latent_mixture import Mixture

CLASSES = [{"label": label, "components": [{"weight": 1.0}]} for label in (0, 1)]


@pytest.fixture
def copy(bundle_folder: pathlib.Path, tmp_path: pathlib.Path) -> pathlib.Path:
    return pathlib.Path(shutil.copytree(bundle_folder, tmp_path / "digits"))


def make_mixture(gap: float) -> Mixture:
    """One Gaussian for each of two classes, so far from each other."""
    z_mean = np.array([[0, 0], [gap, 0]], np.float32)
    return Mixture(
        np.full(2, 0.5, np.float32), z_mean, np.stack([np.eye(2, dtype=np.float32)] * 2), np.arange(2)
    )


def test_a_bundle_is_given_a_mixture_and_keeps_its_graphs(copy: pathlib.Path, digits: Dataset) -> None:
    before, graphs = read_manifest(copy), [(copy / f"{name}coder.onnx").read_bytes() for name in ("en", "de")]
    figures = add_prior(copy, digits, components=2, seed=1, samples=5)
    after = read_manifest(copy)
    assert graphs == [(copy / f"{name}coder.onnx").read_bytes() for name in ("en", "de")]
    assert (after["format_version"], after["prior"]["distribution"]) == (2, "mixture")
    assert after["version"] == version_of(after) != before["version"]
    assert after["metrics"]["mixture_prior"] == figures
    assert after["metrics"]["kl_divergence"] == before["metrics"]["kl_divergence"]
    assert {"kl_divergence", "negative_elbo", "importance_likelihood"} < set(figures)
    card = " ".join((copy / "README.md").read_text().split())
    assert f"`kl_divergence` is {figures['kl_divergence']:.2f}, a Monte Carlo estimate over 10 z" in card
    assert f"and `importance_likelihood` {figures['importance_likelihood']:.2f} nats per image." in card
    mixture = read_mixture(copy, after)
    assert mixture is not None
    assert mixture.z_mean.shape[1] == after["latent_dim"]


def test_a_loss_that_the_manifest_lacks_is_measured(copy: pathlib.Path, digits: Dataset) -> None:
    manifest, card = read_manifest(copy), (copy / "README.md").read_text()
    metrics = manifest["metrics"]
    # As `cvae bundle pack` writes it.
    write_manifest(copy, {**manifest, "training": {}, "metrics": {}})
    figures = add_prior(copy, digits, components=1, seed=0, samples=0)
    loss = figures["negative_elbo"] - figures["kl_divergence"]
    assert loss == pytest.approx(metrics["reconstruction_loss"], abs=0.001)
    assert read_manifest(copy)["metrics"] == {"mixture_prior": figures}
    assert (copy / "README.md").read_text() == card


def test_a_judgement_of_other_draws_does_not_stay(copy: pathlib.Path, digits: Dataset) -> None:
    manifest = read_manifest(copy)
    manifest["metrics"]["generation"] = {"class_accuracy": {}}
    write_manifest(copy, manifest)
    add_prior(copy, digits, components=1, seed=0, samples=0)
    assert "generation" not in read_manifest(copy)["metrics"]


def test_a_bundle_of_another_data_set_is_refused(copy: pathlib.Path, digits: Dataset) -> None:
    other = dataclasses.replace(digits, sha256="0" * 64, name="others")
    with pytest.raises(BundleError, match="expected the data set of this bundle, received others"):
        add_prior(copy, other, 1, 0, 0)


@pytest.mark.parametrize(("gap", "kept"), [(0.5, True), (9.0, False)])
def test_classes_that_overlap_keep_their_narrower_components(
    tmp_path: pathlib.Path, gap: float, kept: bool
) -> None:
    changed = describe_prior(tmp_path, CLASSES, make_mixture(gap), conditional=False)
    assert ["components" in entry for entry in changed["classes"]] == [kept, kept]
    assert (tmp_path / "prior.npz").is_file()


@pytest.mark.parametrize(
    ("gap", "conditional", "expected"), [(0.5, False, False), (9, False, True), (9, True, False)]
)
def test_a_mixture_that_tells_classes_apart_draws_them(gap: float, conditional: bool, expected: bool) -> None:
    assert draws_classes(make_mixture(gap), conditional=conditional) is expected
    assert not draws_classes(None, conditional=conditional)


def test_without_a_mixture_the_prior_stays_normal(tmp_path: pathlib.Path) -> None:
    changed = describe_prior(tmp_path, CLASSES, None, conditional=False)
    assert changed == {"format_version": 1, "prior": NORMAL, "classes": CLASSES}
    assert list(tmp_path.iterdir()) == []
