from __future__ import annotations

import pathlib

import numpy as np
import pytest

from tests.training import small
from training.bundles.manifest import BundleError
from training.bundles.open_encoder import open_encoder
from training.data.datasets import Dataset, scale
from training.fit.checkpoints import RunError


def test_a_run_and_its_bundle_encode_alike(
    run_folder: pathlib.Path, bundle_folder: pathlib.Path, digits: Dataset
) -> None:
    atlas = np.load(bundle_folder / "atlas.npz")
    for folder in (run_folder, bundle_folder):
        found = open_encoder(folder, digits)(scale(digits.test.x))
        assert {name: values.dtype.name for name, values in found.items()} == dict.fromkeys(
            ("z_mean", "z_log_var"), "float32"
        )
        assert found["z_mean"] == pytest.approx(atlas["z_mean"], abs=1e-5)


def test_another_data_set_is_refused(run_folder: pathlib.Path, bundle_folder: pathlib.Path) -> None:
    narrow = small.from_arrays({k: v[:, :6] if v.ndim == 3 else v for k, v in small.arrays().items()})
    with pytest.raises(BundleError, match=r"expected images of shape \(8, 8, 1\), received \(6, 8, 1\)"):
        open_encoder(bundle_folder, narrow)
    with pytest.raises(RunError, match="expected the data set of this run"):
        open_encoder(run_folder, narrow)
