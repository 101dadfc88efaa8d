"""Load a data set of any kind, check it, and split it always in the same way.

Invariant: the test split is its own pair of arrays, from its own files; nothing moves into or out of it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import pathlib
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from training.data.checks import check_images, check_labels
from training.data.folders import Pictures, holds_pictures, read_pictures
from training.data.idx import IDX_FILES, DataError, find_idx, holds_idx, read_idx
from training.data.npz import number_labels, read_npz
from training.data.parquet import find_files, holds_parquet, read_parquet

Images = NDArray[np.uint8]
Labels = NDArray[np.int64]

# One in twelve training images is for validation: 5,000 of MNIST's 60,000, the same ones always.
VALIDATION_STRIDE = 12
# How they are chosen: figures of validation images compare under the same name only.
HELD_OUT = "stratified, seed 0"


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
        """Count the images."""
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
        class_names: The name of each label from 0; empty where labels are integers to begin with.
        passed_over: Files and folders of its folder that are no part of it, as `Pictures` has them.
    """

    name: str
    sha256: str
    train: Split
    validation: Split
    test: Split
    class_names: tuple[str, ...] = ()
    passed_over: tuple[str, ...] = ()

    @property
    def labels(self) -> Labels:
        """The labels of the training split, rising: `(labels,)` int64."""
        return np.unique(self.train.label)

    def missing_labels(self) -> dict[str, list[int]]:
        """Return the labels that each split lacks though another has them; splits that lack none left out."""
        labels = {name: set(getattr(self, name).label.tolist()) for name in ("train", "validation", "test")}
        everywhere = set().union(*labels.values())
        return {name: sorted(everywhere - found) for name, found in labels.items() if found != everywhere}

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of an image."""
        _, height, width, channels = self.train.x.shape
        return height, width, channels


def load(data: str, size: tuple[int, int] | None = None) -> Dataset:
    """Read and split a data set.

    Args:
        data: "mnist" for Keras' download, a folder of four IDX files (plain or .gz), a folder of pictures
            `train/<label>/…` and `test/<label>/…` or `<label>/…`, an .npz file with `x_train`, `x_test` and,
            if it has labels, `y_train` and `y_test`, or a Parquet file, or a folder of them.
        size: Height and width to bring pictures to, which are files; None: they are all of one size.

    Returns:
        Training images less one in twelve, those as validation, and the test images.

    Raises:
        DataError: The data is not there, broken, or not a set of small labelled images.
    """
    path = pathlib.Path(data)
    parquet = holds_parquet(path)
    if size and not (path.is_dir() or parquet):
        raise DataError(f"--size: expected a folder of pictures, or Parquet, received {data}")
    if data == "mnist":
        return split("mnist", _download_mnist(), {name: f"mnist: {name}" for name in IDX_FILES})
    if path.is_dir() and not parquet:
        return _load_folder(path, size)
    if parquet:
        return _split_pictures(path.resolve().stem, read_parquet(path, size))
    if path.suffix == ".npz" and path.is_file():
        arrays, names = number_labels(read_npz(path), path)
        return split(path.stem, arrays, {name: f"{path}: {name}" for name in IDX_FILES}, names)
    raise DataError(
        f"{data}: expected 'mnist', a folder of IDX files or of pictures, an .npz file, or Parquet; "
        "there is none"
    )


def split(
    name: str,
    arrays: Mapping[str, NDArray[np.generic]],
    sources: Mapping[str, str],
    class_names: tuple[str, ...] = (),
) -> Dataset:
    """Check the four arrays and split them.

    Args:
        name: Of the data set.
        arrays: `x_train`, `x_test` `(n, height, width)` or `(n, height, width, channels)` uint8, of 1 or 3
            channels; `y_train`, `y_test` `(n,)` integers.
        sources: Array name to what errors name: the file.
        class_names: The name of each label from 0, where there are any.

    Returns:
        The data set.

    Raises:
        DataError: Shapes, dtypes, counts or labels do not fit together.
    """
    x_train, x_test = (check_images(arrays, name, sources) for name in ("x_train", "x_test"))
    y_train, y_test = (check_labels(arrays, name, sources) for name in ("y_train", "y_test"))
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
    held_out = hold_out(y_train)
    if not held_out.any():
        raise DataError(f"{sources['y_train']}: expected a class of at least two images, received none")
    return Dataset(
        name=name,
        sha256=digest.hexdigest(),
        train=Split(x_train[~held_out], y_train[~held_out]),
        validation=Split(x_train[held_out], y_train[held_out]),
        test=Split(x_test, y_test),
        class_names=class_names,
    )


def hold_out(label: Labels) -> NDArray[np.bool_]:
    """Choose the images that validate: one in twelve of each class, drawn by a fixed seed.

    scikit-learn's splitters refuse a class of one image, and a validation split with fewer places than there
    are classes.

    Args:
        label: `(n,)`, of the training images.

    Returns:
        `(n,)`; never all images of a class, so those of a class of one all train.
    """
    order = np.random.RandomState(0).permutation(len(label))
    order = order[np.argsort(label[order], kind="stable")]
    _, indices, counts = np.unique(label, return_inverse=True, return_counts=True)
    several = order[counts[indices[order]] > 1]
    picked = several[VALIDATION_STRIDE - 1 :: VALIDATION_STRIDE]
    chosen = np.zeros(len(label), bool)
    chosen[picked if len(picked) else several[-1:]] = True
    return chosen


def scale(x: Images) -> NDArray[np.float32]:
    """Return the images as the networks take them.

    Args:
        x: uint8, any shape.

    Returns:
        Same shape, float32 in [0, 1].
    """
    return x.astype(np.float32) / np.float32(255)


def _load_folder(folder: pathlib.Path, size: tuple[int, int] | None) -> Dataset:
    name = folder.resolve().name
    if holds_idx(folder) and not size:
        files = {array: find_idx(folder, array) for array in IDX_FILES}
        arrays = {array: read_idx(file) for array, file in files.items()}
        dataset = split(name, arrays, {array: str(file) for array, file in files.items()})
        return dataclasses.replace(dataset, passed_over=tuple(map(str, sorted(find_files(folder)))))
    if holds_pictures(folder):
        try:
            return _split_pictures(name, read_pictures(folder, size))
        except DataError as error:
            beside = next(find_files(folder), None)
            if beside is None:
                raise
            raise DataError(f"{error}; if {beside} is the set, name it or its folder") from error
    if holds_idx(folder):
        raise DataError(f"--size: expected a folder of pictures, or Parquet, received IDX files in {folder}")
    raise DataError(
        f"{folder}: expected four IDX files ({', '.join(IDX_FILES.values())}), or pictures as "
        "train/<label>/*.png and test/<label>/*.png or <label>/*.png; there are neither"
    )


def _split_pictures(name: str, found: Pictures) -> Dataset:
    dataset = split(name, found.arrays, found.sources, found.class_names)
    return dataclasses.replace(dataset, passed_over=found.passed_over)


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
