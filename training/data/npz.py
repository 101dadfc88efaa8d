"""Read an npz file that holds the four arrays of a data set."""

from __future__ import annotations

import pathlib
import zipfile
import zlib

import numpy as np
from numpy.typing import NDArray

from training.data.idx import IDX_FILES, DataError


def read_npz(path: pathlib.Path) -> dict[str, NDArray[np.generic]]:
    """Read an npz file.

    Args:
        path: Of the file.

    Returns:
        `x_train`, `y_train`, `x_test` and `y_test`, as they are.

    Raises:
        DataError: It is broken, lacks one of the four, or holds something other than numbers.
    """
    if not zipfile.is_zipfile(path):
        raise DataError(f"{path}: expected a whole .npz file, which is a zip archive; this is none")
    try:
        with np.load(path, allow_pickle=False) as archive:
            missing = sorted(set(IDX_FILES) - set(archive.files))
            if missing:
                raise DataError(f"{path}: expected the arrays {sorted(IDX_FILES)}, missing {missing}")
            return {name: archive[name] for name in IDX_FILES}
    except (OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"{path}: expected a whole .npz file: {error}") from error
    except ValueError as error:
        raise DataError(f"{path}: expected arrays of numbers: {error}") from error
