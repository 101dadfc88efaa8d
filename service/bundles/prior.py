"""Check the arrays of a mixture that the z of a model are drawn from (docs/bundle.md)."""

from __future__ import annotations

import pathlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.bundles.arrays import check_array
from service.bundles.manifest import Manifest
from service.core.errors import BundleError

NAMES = ("weight", "z_mean", "cholesky")
LABEL = "label"
# Of all Cholesky factors: what the class of one vector costs to tell.
MOST_NUMBERS = 2**20
# So large a number is a mistake, and keeps whatever is drawn finite.
LARGEST = 1e3


def check_prior(path: pathlib.Path, manifest: Manifest, arrays: dict[str, NDArray[Any]]) -> None:
    """Check a mixture.

    Args:
        path: Of the file, for errors.
        manifest: Of the bundle.
        arrays: `weight`, `z_mean` and `cholesky`, and `label` if the components have classes.

    Raises:
        BundleError: They are no mixture of Gaussians over this latent space, or not of these classes.
    """
    _check_shapes(path, manifest.latent_dim, arrays)
    weight, cholesky = arrays["weight"], arrays["cholesky"]
    if weight.min() <= 0 or abs(float(weight.sum(dtype=np.float64)) - 1) > 1e-3:
        raise BundleError(f"{path}: weight: expected numbers above 0 with a sum of 1, found {_range(weight)}")
    if np.triu(cholesky, 1).any():
        raise BundleError(f"{path}: cholesky: expected lower triangles, found numbers above the diagonal")
    if (diagonal := cholesky.diagonal(axis1=1, axis2=2)).min() <= 0:
        raise BundleError(f"{path}: cholesky: expected diagonals above 0, found {diagonal.min():.3g}")
    _check_labels(path, manifest, arrays.get(LABEL))


def _check_shapes(path: pathlib.Path, dim: int, arrays: dict[str, NDArray[Any]]) -> None:
    weight = arrays["weight"]
    rows = max(1, weight.shape[0] if weight.ndim else 0)
    shapes: dict[str, tuple[int, ...]] = {"weight": (), "z_mean": (dim,), "cholesky": (dim, dim), LABEL: ()}
    for name, array in arrays.items():
        check_array(path, name, array, (rows, *shapes[name]), np.int64 if name == LABEL else np.float32)
        if name != LABEL and np.abs(array).max() > LARGEST:
            raise BundleError(
                f"{path}: {name}: expected numbers in [-{LARGEST:g}, {LARGEST:g}], found {_range(array)}"
            )
    if (size := arrays["cholesky"].size) > MOST_NUMBERS:
        raise BundleError(f"{path}: cholesky: expected at most {MOST_NUMBERS} numbers, found {size}")


def _check_labels(path: pathlib.Path, manifest: Manifest, label: NDArray[np.int64] | None) -> None:
    known = [entry.label for entry in manifest.classes]
    if label is None:
        if manifest.labels:
            raise BundleError(f"{path}: label: expected one a component, as the decoder takes labels")
        return
    if (found := np.unique(label).tolist()) != known:
        raise BundleError(f"{path}: label: expected those of the classes, {known}, found {found}")


def _range(array: NDArray[Any]) -> str:
    text = f"{array.min():.3g} to {array.max():.3g}"
    return f"{text}, sum {array.sum():.4g}" if array.ndim == 1 else text
