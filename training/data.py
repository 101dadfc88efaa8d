"""Owns the data sets: IDX files, npz files, Keras' MNIST; their fixed split and scaling.

Invariant: the test split is its own pair of arrays, from its own files; nothing moves into or out of it.
"""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import pathlib
import zipfile
import zlib
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from training.config import TrainingError

Images = NDArray[np.uint8]
Labels = NDArray[np.int64]

# Every twelfth image of the training file is for validation: 5,000 of MNIST's 60,000, the same ones always.
VALIDATION_STRIDE = 12
IDX_FILES = {
    "x_train": "train-images-idx3-ubyte",
    "y_train": "train-labels-idx1-ubyte",
    "x_test": "t10k-images-idx3-ubyte",
    "y_test": "t10k-labels-idx1-ubyte",
}


class DataError(TrainingError):
    """Data cannot be used; the message names the file and what is wrong with it."""


@dataclasses.dataclass(frozen=True)
class Split:
    """Images and their labels.

    Attributes:
        x: `(n, height, width, channels)` uint8.
        label: `(n,)` int64.
    """

    x: Images
    label: Labels

    def __len__(self) -> int:
        """Counts the images."""
        return len(self.x)


@dataclasses.dataclass(frozen=True)
class Dataset:
    """A data set in its three splits.

    Attributes:
        name: For the manifest.
        sha256: Of all images and labels, so that figures can be traced to their data.
        train: What the weights are fitted to.
        validation: What choices are made on.
        test: What is reported, never trained on.
    """

    name: str
    sha256: str
    train: Split
    validation: Split
    test: Split

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of an image."""
        _, height, width, channels = self.train.x.shape
        return height, width, channels


def load(data: str) -> Dataset:
    """Reads and splits a data set.

    Args:
        data: "mnist" for Keras' download, a folder of four IDX files (plain or .gz), or an .npz file
            with `x_train`, `y_train`, `x_test` and `y_test`.

    Returns:
        Training images less every twelfth, those as validation, and the test images.

    Raises:
        DataError: The data is not there, broken, or not a set of small labelled images.
    """
    path = pathlib.Path(data)
    if data == "mnist":
        name, arrays = "mnist", _download_mnist()
    elif path.is_dir():
        name, arrays = path.resolve().name, {k: _read_idx(_find_idx(path, f)) for k, f in IDX_FILES.items()}
    elif path.suffix == ".npz" and path.is_file():
        name, arrays = path.stem, _read_npz(path)
    else:
        raise DataError(f"{data}: expected 'mnist', a folder of IDX files or an .npz file; there is none")
    return split(name, arrays, data)


def split(name: str, arrays: Mapping[str, NDArray[np.generic]], source: str) -> Dataset:
    """Checks the four arrays and splits them.

    Args:
        name: Of the data set.
        arrays: `x_train`, `x_test` `(n, height, width)` or `(n, height, width, channels)` uint8;
            `y_train`, `y_test` `(n,)` integers.
        source: What errors name.

    Returns:
        The data set.

    Raises:
        DataError: Shapes, dtypes or counts do not fit together.
    """
    x_train, y_train = _labelled(arrays, "train", source)
    x_test, y_test = _labelled(arrays, "test", source)
    if x_train.shape[1:] != x_test.shape[1:]:
        raise DataError(
            f"{source}: expected training and test images of one shape, "
            f"received {x_train.shape[1:]} and {x_test.shape[1:]}"
        )
    if len(x_train) < VALIDATION_STRIDE:
        raise DataError(
            f"{source}: expected at least {VALIDATION_STRIDE} training images, received {len(x_train)}"
        )
    digest = hashlib.sha256()
    for array in (x_train, y_train, x_test, y_test):
        digest.update(repr((array.shape, array.dtype.str)).encode())
        digest.update(np.ascontiguousarray(array).data)
    held_out = np.arange(len(x_train)) % VALIDATION_STRIDE == VALIDATION_STRIDE - 1
    return Dataset(
        name=name,
        sha256=digest.hexdigest(),
        train=Split(x_train[~held_out], y_train[~held_out]),
        validation=Split(x_train[held_out], y_train[held_out]),
        test=Split(x_test, y_test),
    )


def scale(x: Images) -> NDArray[np.float32]:
    """Gives the images as the networks take them.

    Args:
        x: uint8, any shape.

    Returns:
        Same shape, float32 in [0, 1].
    """
    return x.astype(np.float32) / np.float32(255)


def _labelled(arrays: Mapping[str, NDArray[np.generic]], part: str, source: str) -> tuple[Images, Labels]:
    x, y = arrays[f"x_{part}"], arrays[f"y_{part}"]
    if x.ndim == 3:
        x = x[..., np.newaxis]
    if x.ndim != 4 or x.dtype != np.uint8 or 0 in x.shape:
        raise DataError(
            f"{source}: x_{part}: expected (n, height, width[, channels]) uint8 with n at least 1, "
            f"received {x.shape} {x.dtype}"
        )
    if y.shape != (len(x),) or not np.issubdtype(y.dtype, np.integer):
        raise DataError(
            f"{source}: y_{part}: expected {len(x)} integer labels, one an image, "
            f"received {y.shape} {y.dtype}"
        )
    return np.asarray(x, np.uint8), y.astype(np.int64)


def _find_idx(folder: pathlib.Path, name: str) -> pathlib.Path:
    for candidate in (folder / name, folder / f"{name}.gz"):
        if candidate.is_file():
            return candidate
    raise DataError(f"{folder / name}: expected this file, or it with .gz; there is none")


def _read_idx(path: pathlib.Path) -> NDArray[np.uint8]:
    content = _read_bytes(path)
    dimensions = 3 if "idx3" in path.name else 1
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


def _read_bytes(path: pathlib.Path) -> bytes:
    try:
        return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path}: expected a whole gzip file: {error}") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error}") from error


def _read_npz(path: pathlib.Path) -> dict[str, NDArray[np.generic]]:
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


def _download_mnist() -> dict[str, NDArray[np.generic]]:
    import keras

    try:
        (x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()
    except Exception as error:
        # Keras raises a bare Exception when the download fails.
        raise DataError(
            f"mnist: the download failed ({error}); without a network, name a folder with the four "
            "IDX files instead: --data DIR"
        ) from error
    return {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}
