"""Check the arrays of a bundle's files."""

from __future__ import annotations

import pathlib
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from service.core.errors import BundleError


def check_array(
    path: pathlib.Path, name: str, array: NDArray[Any], shape: tuple[int, ...], dtype: DTypeLike
) -> None:
    """Check an array's shape and dtype, and that its numbers are finite.

    Raises:
        BundleError: They are not.
    """
    if array.shape != shape or array.dtype != dtype:
        raise BundleError(
            f"{path}: {name}: expected {shape} {np.dtype(dtype)} with at least one row, "
            f"found {array.shape} {array.dtype}"
        )
    if not np.isfinite(array).all():
        raise BundleError(f"{path}: {name}: expected finite numbers, found nan or inf")
