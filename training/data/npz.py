"""Read an npz file that holds the arrays of a data set."""

from __future__ import annotations

import pathlib
import zipfile
import zlib
from tokenize import TokenError

import numpy as np
from numpy.typing import NDArray

from training.data.idx import IDX_FILES, DataError

Array = NDArray[np.generic]
# Of a label up to 255.
MAX_DIGITS = 3


def read_npz(path: pathlib.Path) -> dict[str, Array]:
    """Read an npz file.

    Args:
        path: Of the file.

    Returns:
        `x_train`, `y_train`, `x_test` and `y_test`, as they are; where both of the labels are missing, they
        are all 0.

    Raises:
        DataError: It is broken, lacks one of the four, or holds something other than numbers.
    """
    if not zipfile.is_zipfile(path):
        raise DataError(f"{path}: expected a whole .npz file, which is a zip archive; this is none")
    try:
        with np.load(path, allow_pickle=False) as archive:
            unlabelled = not {"y_train", "y_test"} & set(archive.files)
            wanted = {"x_train", "x_test"} if unlabelled else set(IDX_FILES)
            missing = sorted(wanted - set(archive.files))
            if missing:
                raise DataError(f"{path}: expected the arrays {sorted(IDX_FILES)}, missing {missing}")
            found = {name: archive[name] for name in sorted(wanted)}
    # An encrypted archive, another compression and a broken header raise the last four.
    except (
        OSError,
        EOFError,
        zipfile.BadZipFile,
        zlib.error,
        RuntimeError,
        MemoryError,
        TokenError,
    ) as error:
        raise DataError(f"{path}: expected a whole .npz file: {error}") from error
    except ValueError as error:
        raise DataError(f"{path}: expected arrays of numbers: {error}") from error
    if others := [name for name, array in found.items() if not isinstance(array, np.ndarray)]:
        raise DataError(f"{path}: expected arrays of numbers, received another file for {others}")
    nothing = {f"y_{part}": np.zeros(found[f"x_{part}"].shape[:1], np.int64) for part in ("train", "test")}
    return found | nothing if unlabelled else found


def number_labels(arrays: dict[str, Array], path: pathlib.Path) -> tuple[dict[str, Array], tuple[str, ...]]:
    """Number labels that are texts from 0, in their order.

    Args:
        arrays: As `read_npz` gives them. Texts that are all integers are taken for these.
        path: For messages.

    Returns:
        The arrays with integers for labels, and the name of each; no names where labels were integers.

    Raises:
        DataError: A label of the test images is none of the training images', only one of both is text, or
            they are not one text an image.
    """
    train, test = arrays["y_train"], arrays["y_test"]
    texts = [y.dtype.kind in "US" for y in (train, test)]
    if not any(texts):
        return arrays, ()
    if not all(texts):
        raise DataError(f"{path}: expected labels of one kind, received {train.dtype} and {test.dtype}")
    written = {part: _read_texts(arrays[part], f"{path}: {part}") for part in ("y_train", "y_test")}
    names = np.unique(written["y_train"])
    if all(map(_is_integer, {*names.tolist(), *written["y_test"].tolist()})):
        return arrays | {part: texts.astype(np.int64) for part, texts in written.items()}, ()
    if unknown := sorted(set(written["y_test"].tolist()) - set(names.tolist())):
        raise DataError(f"{path}: y_test: expected labels of {names.tolist()}, received {unknown} too")
    numbers = {part: np.searchsorted(names, texts) for part, texts in written.items()}
    return arrays | numbers, tuple(names.tolist())


def _is_integer(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= MAX_DIGITS and text == str(int(text))


def _read_texts(y: Array, name: str) -> NDArray[np.str_]:
    if y.ndim != 1:
        raise DataError(f"{name}: expected labels of shape (n,), received {y.shape}")
    try:
        return np.char.decode(y.astype(bytes), "utf-8") if y.dtype.kind == "S" else y.astype(str)
    except UnicodeDecodeError as error:
        raise DataError(f"{name}: expected texts in UTF-8: {error}") from error
