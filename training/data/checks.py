"""Check arrays of images and labels before they are split."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from training.data.idx import LABELS, DataError

Arrays = Mapping[str, NDArray[np.generic]]


def check_images(arrays: Arrays, name: str, sources: Mapping[str, str]) -> NDArray[np.uint8]:
    """Return images with an axis for channels.

    Args:
        arrays: Of a data set.
        name: Of the images to check: `(n, height, width)` or `(n, height, width, channels)`.
        sources: Array name to what errors name: the file.

    Returns:
        `(n, height, width, 1 or 3)` uint8.

    Raises:
        DataError: They have another shape or dtype, or there are none.
    """
    x = arrays[name]
    if x.ndim == 3:
        x = x[..., np.newaxis]
    if x.ndim != 4 or x.dtype != np.uint8 or 0 in x.shape or x.shape[3] not in (1, 3):
        raise DataError(
            f"{sources[name]}: expected at least one image, (n, height, width) or (n, height, width, 1 or 3) "
            f"uint8, received {arrays[name].shape} {x.dtype}"
        )
    return np.asarray(x, np.uint8)


def check_labels(arrays: Arrays, name: str, sources: Mapping[str, str]) -> NDArray[np.int64]:
    """Return labels as the models take them.

    Args:
        arrays: Of a data set; the images of the labels are among them.
        name: Of the labels to check.
        sources: Array name to what errors name: the file.

    Returns:
        `(n,)` int64 in [0, 255].

    Raises:
        DataError: They are no integers, not one an image, or out of range.
    """
    y, images = arrays[name], len(arrays[name.replace("y", "x")])
    if y.shape != (images,) or y.dtype.kind not in "iu":
        raise DataError(
            f"{sources[name]}: expected {images} integer labels, one an image, received {y.shape} {y.dtype}"
        )
    low, high = int(y.min()), int(y.max())
    if low not in LABELS or high not in LABELS:
        raise DataError(f"{sources[name]}: expected labels in [0, 255], received {low} to {high}")
    return y.astype(np.int64)
