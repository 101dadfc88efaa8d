"""Fit Gaussians to vectors by expectation maximisation."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

Doubles = NDArray[np.float64]

COMPONENTS, ROWS_A_COMPONENT = 20, 100
# As the service has it: numbers in the factors at most.
MOST_NUMBERS = 2**20
# What is added to variances, whose unit is that of N(0, 1).
FLOOR = 1e-6


def count_components(images: NDArray[np.int64], dim: int, components: int = COMPONENTS) -> NDArray[np.int64]:
    """Count the Gaussians of each class.

    Args:
        images: `(classes,)`, how many each class has.
        dim: Of the vectors.
        components: Of each class at most.

    Returns:
        `(classes,)`: one for each 100 images, at least one, and fewer where all would have more than
        1,048,576 numbers; zeros if not even one each may be had.
    """
    most = min(components, MOST_NUMBERS // (dim * dim * len(images)))
    if most < 1:
        return np.zeros(len(images), np.int64)
    return np.clip(images // ROWS_A_COMPONENT, 1, most).astype(np.int64)


def fit_gaussians(z: Doubles, count: int, seed: int) -> tuple[Doubles, Doubles, Doubles]:
    """Fit a mixture to vectors.

    Args:
        z: `(n, dim)`.
        count: Of Gaussians.
        seed: Of the starts.

    Returns:
        Their weights `(count,)` of sum 1, means `(count, dim)` and lower triangular factors of their
        covariances `(count, dim, dim)`.
    """
    with warnings.catch_warnings():
        # So near its end that nothing is gained by further steps.
        warnings.simplefilter("ignore", ConvergenceWarning)
        found = GaussianMixture(count, reg_covar=FLOOR, random_state=seed).fit(z)
    return found.weights_, found.means_, np.linalg.cholesky(found.covariances_)
