from __future__ import annotations

import pathlib
from typing import Any

import numpy as np
import pytest

from service.bundles.reader import read_bundle
from service.core.errors import BundleError
from tests.service import fake


def changed(name: str, at: Any, value: float) -> dict[str, Any]:
    arrays = fake.make_mixture()
    arrays[name][at] = value
    return arrays


def resized(**arrays: Any) -> dict[str, Any]:
    return {name: value for name, value in {**fake.make_mixture(), **arrays}.items() if value is not None}


def test_reads_a_mixture(tmp_path: pathlib.Path) -> None:
    bundle = read_bundle(fake.write_mixture(tmp_path / "fake"))
    assert bundle.manifest.prior.distribution == "mixture"
    assert bundle.prior is not None
    for name, array in fake.make_mixture().items():
        np.testing.assert_array_equal(bundle.prior[name], array)


def test_a_mixture_may_have_no_classes(tmp_path: pathlib.Path) -> None:
    bundle = read_bundle(fake.write_mixture(tmp_path / "fake", resized(label=None)))
    assert set(bundle.prior or ()) == {"weight", "z_mean", "cholesky"}


def test_a_bundle_of_either_format_may_have_a_normal_prior(tmp_path: pathlib.Path) -> None:
    for format_version in (1, 2):
        folder = fake.write_bundle(tmp_path / f"fake{format_version}", format_version=format_version)
        assert read_bundle(folder).prior is None


WIDE = np.zeros((20, 3), np.float32)
MANY = {
    "weight": np.full(300_000, 1 / 300_000, np.float32),
    "z_mean": np.zeros((300_000, 2), np.float32),
    "cholesky": np.tile(np.eye(2, dtype=np.float32), (300_000, 1, 1)),
    "label": np.resize(np.arange(10), 300_000),
}


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        (resized(weight=None), "expected the arrays weight, z_mean, cholesky, found z_mean, cholesky, label"),
        (resized(weight=np.float32(1)), "weight: expected (1,) float32 with at least one row, found ()"),
        (resized(weight=np.zeros(0, np.float32)), "weight: expected (1,) float32 with at least one row"),
        (resized(weight=np.full(20, 0.05)), "weight: expected (20,) float32 with at least one row, found"),
        (resized(z_mean=WIDE), "z_mean: expected (20, 2) float32 with at least one row, found (20, 3)"),
        (resized(label=np.zeros(20, np.int32)), "label: expected (20,) int64"),
        (resized(label=np.zeros(20, np.int64)), "label: expected those of the classes, [0, 1, 2"),
        (changed("label", 0, 12), "label: expected those of the classes, [0, 1, 2"),
        (changed("weight", 0, 0), "weight: expected numbers above 0 with a sum of 1, found 0 to 0.075"),
        (changed("weight", 0, 0.5), "weight: expected numbers above 0 with a sum of 1, found 0.025 to 0.5"),
        (changed("z_mean", 0, np.nan), "z_mean: expected finite numbers, found nan or inf"),
        (changed("z_mean", 0, 2e3), "z_mean: expected numbers in [-1000, 1000], found -36 to 2e+03"),
        (changed("cholesky", (0, 0, 1), 0.1), "cholesky: expected lower triangles, found numbers above"),
        (changed("cholesky", (0, 0, 0), 0), "cholesky: expected diagonals above 0, found 0"),
        (MANY, "cholesky: expected at most 1048576 numbers, found 1200000"),
    ],
)
def test_what_is_no_mixture_of_this_model_is_refused(
    tmp_path: pathlib.Path, arrays: dict[str, Any], says: str
) -> None:
    folder = fake.write_mixture(tmp_path / "fake", arrays)
    with pytest.raises(BundleError, match=r"prior\.npz: ") as caught:
        read_bundle(folder)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_decoder_with_labels_needs_those_of_the_components(tmp_path: pathlib.Path) -> None:
    folder = fake.write_mixture(tmp_path / "fake", resized(label=None), conditional=True)
    with pytest.raises(BundleError, match=r"prior\.npz: label: expected one a component"):
        read_bundle(folder)


def test_a_mixture_that_was_changed_is_refused(tmp_path: pathlib.Path) -> None:
    folder = fake.write_mixture(tmp_path / "fake")
    (folder / "prior.npz").write_bytes((folder / "prior.npz").read_bytes()[:-1])
    with pytest.raises(BundleError, match=r"prior\.npz: sha256: expected"):
        read_bundle(folder)
