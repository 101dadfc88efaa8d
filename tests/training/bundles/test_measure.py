from __future__ import annotations

import dataclasses
import pathlib
import shutil

import pytest

from tests.training import small
from training.bundles import measure
from training.bundles.manifest import BundleError, read_manifest, write_manifest
from training.data.datasets import Dataset
from training.fit.loop import Run


@pytest.fixture
def copy(bundle_folder: pathlib.Path, tmp_path: pathlib.Path) -> pathlib.Path:
    return pathlib.Path(shutil.copytree(bundle_folder, tmp_path / "digits"))


def files(folder: pathlib.Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


@pytest.mark.slow
def test_a_bundle_s_own_files_reproduce_its_figures(
    bundle_folder: pathlib.Path, run: Run, digits: Dataset
) -> None:
    figures = read_manifest(bundle_folder)["metrics"]
    assert measure.measure_bundle(bundle_folder, digits, "test", seed=0, samples=500) == figures
    # A run has no mixture: that is fitted at the export.
    own = {name: value for name, value in figures.items() if name != "mixture_prior"}
    assert measure.measure_run(run, digits, "test", seed=0, samples=500) == own != figures
    assert measure.measure_bundle(bundle_folder, digits, "test", seed=1, samples=500) != figures
    assert measure.measure_bundle(bundle_folder, digits, "validation", seed=0, samples=500)["images"] == 50


def test_updating_writes_figures_into_manifest_and_card(copy: pathlib.Path, digits: Dataset) -> None:
    before = read_manifest(copy)
    figures = {**before["metrics"], "negative_elbo": 12.3456}
    measure.update_metrics(copy, figures, digits)
    assert read_manifest(copy) == {**before, "metrics": figures}
    assert "12.35 nats" in (copy / "README.md").read_text()


def test_only_figures_of_the_bundle_s_own_test_split_are_written(copy: pathlib.Path, digits: Dataset) -> None:
    before = files(copy)
    figures = read_manifest(copy)["metrics"]
    with pytest.raises(BundleError, match=r"split and data set .*'test'.* received .*'validation'"):
        measure.update_metrics(copy, {**figures, "split": "validation"}, digits)
    with pytest.raises(BundleError, match=r"received .*'other'"):
        measure.update_metrics(copy, figures, dataclasses.replace(digits, sha256="other"))
    assert files(copy) == before


def test_images_of_another_shape_are_refused(bundle_folder: pathlib.Path) -> None:
    content = {k: v[:, :6] if v.ndim == 3 else v for k, v in small.arrays().items()}
    with pytest.raises(BundleError, match=r"expected images of shape \(8, 8, 1\), received \(6, 8, 1\)"):
        measure.measure_bundle(bundle_folder, small.from_arrays(content), "test", seed=0, samples=500)


@pytest.mark.slow
def test_images_drawn_black_and_white_are_measured_if_asked(copy: pathlib.Path, digits: Dataset) -> None:
    figures = measure.measure_bundle(copy, digits, "test", seed=0, samples=50, binarised=True)
    drawn = figures["binarised"]
    assert set(drawn) == {
        *("importance_likelihood", "exact_likelihood", "exact_likelihood_error", "mixture_prior")
    }
    # What the grey alone costs is not in it, and each pixel's draw is about as hard to foretell.
    assert abs(drawn["importance_likelihood"] - figures["importance_likelihood"]) < figures["entropy_floor"]
    measure.update_metrics(copy, figures, digits)
    assert "With each pixel drawn black or white" in (copy / "README.md").read_text()
    later = measure.measure_bundle(copy, digits, "test", seed=0, samples=50)
    assert "binarised" not in later
    measure.update_metrics(copy, later, digits)
    assert read_manifest(copy)["metrics"]["binarised"] == drawn


def test_figures_without_likelihoods_leave_those_that_were_there(copy: pathlib.Path, digits: Dataset) -> None:
    before = read_manifest(copy)["metrics"]
    figures = measure.measure_bundle(copy, digits, "test", seed=3, samples=0)
    measure.update_metrics(copy, figures, digits)
    after = read_manifest(copy)["metrics"]
    assert set(after) == set(before)
    assert after["negative_elbo"] == figures["negative_elbo"] != before["negative_elbo"]
    for name in ("importance_likelihood", "exact_likelihood", "importance_samples"):
        assert after[name] == before[name]


def test_validation_images_that_a_bundle_was_fitted_to_measure_nothing(
    copy: pathlib.Path, run: Run, digits: Dataset
) -> None:
    manifest = read_manifest(copy)
    assert manifest["dataset"].pop("held_out") == "stratified, seed 0"
    write_manifest(copy, manifest)
    older = dataclasses.replace(run, held_out=None)
    with pytest.raises(BundleError, match=r"digits: expected validation images held out by .* found None"):
        measure.measure_bundle(copy, digits, "validation", seed=0, samples=0)
    with pytest.raises(BundleError, match="the run: expected validation images held out by"):
        measure.measure_run(older, digits, "validation", seed=0, samples=0)
    assert measure.measure_bundle(copy, digits, "test", seed=0, samples=0)["images"] == 200
