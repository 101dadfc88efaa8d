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

# What an IDX file can hold; a label outside was read from something else.
LABELS = range(256)
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
    def labels(self) -> Labels:
        """The labels of the training split, rising: `(labels,)` int64."""
        return np.unique(self.train.label)

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
        return split("mnist", _download_mnist(), {name: f"mnist: {name}" for name in IDX_FILES})
    if path.is_dir():
        files = {name: _find_idx(path, file) for name, file in IDX_FILES.items()}
        arrays = {name: _read_idx(file) for name, file in files.items()}
        return split(path.resolve().name, arrays, {name: str(file) for name, file in files.items()})
    if path.suffix == ".npz" and path.is_file():
        return split(path.stem, _read_npz(path), {name: f"{path}: {name}" for name in IDX_FILES})
    raise DataError(f"{data}: expected 'mnist', a folder of IDX files or an .npz file; there is none")


def split(name: str, arrays: Mapping[str, NDArray[np.generic]], sources: Mapping[str, str]) -> Dataset:
    """Checks the four arrays and splits them.

    Args:
        name: Of the data set.
        arrays: `x_train`, `x_test` `(n, height, width)` or `(n, height, width, channels)` uint8, of 1 or 3
            channels; `y_train`, `y_test` `(n,)` integers.
        sources: Array name to what errors name: the file.

    Returns:
        The data set.

    Raises:
        DataError: Shapes, dtypes, counts or labels do not fit together.
    """
    x_train, x_test = (_check_images(arrays, name, sources) for name in ("x_train", "x_test"))
    y_train, y_test = (_check_labels(arrays, name, sources) for name in ("y_train", "y_test"))
    if x_train.shape[1:] != x_test.shape[1:]:
        raise DataError(
            f"{sources['x_test']}: expected images of {x_train.shape[1:]} as in training, "
            f"received {x_test.shape[1:]}"
        )
    if len(x_train) < VALIDATION_STRIDE:
        raise DataError(
            f"{sources['x_train']}: expected at least {VALIDATION_STRIDE} images, received {len(x_train)}"
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


def _check_images(arrays: Mapping[str, NDArray[np.generic]], name: str, sources: Mapping[str, str]) -> Images:
    x = arrays[name]
    if x.ndim == 3:
        x = x[..., np.newaxis]
    if x.ndim != 4 or x.dtype != np.uint8 or 0 in x.shape or x.shape[3] not in (1, 3):
        raise DataError(
            f"{sources[name]}: expected at least one image, (n, height, width) or (n, height, width, 1 or 3) "
            f"uint8, received {arrays[name].shape} {x.dtype}"
        )
    return np.asarray(x, np.uint8)


def _check_labels(arrays: Mapping[str, NDArray[np.generic]], name: str, sources: Mapping[str, str]) -> Labels:
    y, images = arrays[name], len(arrays[name.replace("y", "x")])
    if y.shape != (images,) or not np.issubdtype(y.dtype, np.integer):
        raise DataError(
            f"{sources[name]}: expected {images} integer labels, one an image, received {y.shape} {y.dtype}"
        )
    low, high = int(y.min()), int(y.max())
    if low not in LABELS or high not in LABELS:
        raise DataError(f"{sources[name]}: expected labels in [0, 255], received {low} to {high}")
    return y.astype(np.int64)


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
