"""Find and read IDX files, the form in which MNIST is kept: four files, one for each array."""

from __future__ import annotations

import gzip
import pathlib
import re
import zlib
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from training.config import TrainingError

# What an IDX file can hold; a label outside was read from something else.
LABELS = range(256)
IDX_FILES = {
    "x_train": "train-images-idx3-ubyte",
    "y_train": "train-labels-idx1-ubyte",
    "x_test": "t10k-images-idx3-ubyte",
    "y_test": "t10k-labels-idx1-ubyte",
}


class DataError(TrainingError):
    """Data cannot be used; the message names the file and what is wrong with it."""


def holds_idx(folder: pathlib.Path) -> bool:
    """Tell whether a folder has any of the four IDX files."""
    return any(path.is_file() for file in IDX_FILES.values() for path in _candidates(folder, file))


def find_idx(folder: pathlib.Path, name: str) -> pathlib.Path:
    """Find one of the four IDX files.

    Args:
        folder: Of the data set.
        name: Of the array.

    Returns:
        The file of `IDX_FILES`, or it with .gz; for images `idx4` may stand for `idx3`.

    Raises:
        DataError: It is not there.
    """
    file = IDX_FILES[name]
    for candidate in _candidates(folder, file):
        if candidate.is_file():
            return candidate
    colour = " or with idx4 for colour," if "idx3" in file else ""
    raise DataError(f"{folder / file}: expected this file,{colour} or it with .gz; there is none")


def read_idx(path: pathlib.Path) -> NDArray[np.uint8]:
    """Read an IDX file.

    Args:
        path: Its name says how many dimensions: `idx1`, `idx3` or `idx4`. It is gzipped if it ends in .gz.

    Returns:
        uint8, `(n,)`, `(n, height, width)` or `(n, height, width, channels)`.

    Raises:
        DataError: It cannot be read, or its header does not fit its name or its length.
    """
    content = _read_bytes(path)
    dimensions = _dimensions(path)
    magic = bytes([0, 0, 8, dimensions])
    header = 4 + 4 * dimensions
    if len(content) < header:
        raise DataError(f"{path}: expected a header of {header} bytes, received {len(content)} bytes in all")
    if content[:4] != magic:
        raise DataError(
            f"{path}: expected the magic number {magic.hex()} (uint8, {dimensions} dimensions), "
            f"received {content[:4].hex()}"
        )
    shape = tuple(int(n) for n in np.frombuffer(content, ">u4", dimensions, 4))
    count = int(np.prod(shape, dtype=object))
    if len(content) - header != count:
        raise DataError(
            f"{path}: expected {count} values as its header's shape {shape} says, "
            f"received {len(content) - header}"
        )
    return np.frombuffer(content, np.uint8, count, header).reshape(shape)


def _candidates(folder: pathlib.Path, file: str) -> Iterator[pathlib.Path]:
    for name in dict.fromkeys((file, file.replace("idx3", "idx4"))):
        yield folder / name
        yield folder / f"{name}.gz"


def _dimensions(path: pathlib.Path) -> int:
    (digit,) = re.findall(r"-idx(\d)-", path.name)
    return int(digit)


def _read_bytes(path: pathlib.Path) -> bytes:
    try:
        return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path}: expected a whole gzip file: {error}") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error}") from error
