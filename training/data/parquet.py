"""Read images and labels from Parquet files, as Hugging Face's data sets keep them.

Invariant: of a file, a few encoded pictures at a time are in memory, beside the array that they go into.
"""

from __future__ import annotations

import dataclasses
import io
import json
import pathlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.data.folders import Pictures, draw_test, has_pictures, is_hidden
from training.data.idx import DataError, holds_idx
from training.data.npz import number_labels
from training.data.parts import TEST, TRAIN, VALIDATION, tell_part
from training.data.picture import bring, read_picture

Bytes = NDArray[np.uint8]
Size = tuple[int, int]

# Encoded pictures in memory at a time, and bytes of a column that are read ahead.
BATCH, BUFFER_BYTES = 64, 1 << 20
# What columns are called that no schema's metadata says more of.
IMAGE_NAMES, LABEL_NAMES = ("image", "img"), ("label", "labels", "fine_label", "target", "class")


@dataclasses.dataclass(frozen=True)
class _Columns:
    """Where a file has its images and labels; `label` is None where there are none."""

    image: str
    label: str | None
    names: tuple[str, ...]


def holds_parquet(path: pathlib.Path) -> bool:
    """Tell whether this is a Parquet file, or a folder of them: one that holds no images of another kind."""
    if not path.is_dir():
        return path.suffix == ".parquet" and path.is_file()
    return not (holds_idx(path) or has_pictures(path)) and any(find_files(path))


def find_files(folder: pathlib.Path) -> Iterator[pathlib.Path]:
    """Yield the Parquet files of a folder and of its folders, but for hidden ones."""
    for path in folder.rglob("*.parquet"):
        if not is_hidden(path, folder):
            yield path


def read_parquet(path: pathlib.Path, size: Size | None = None) -> Pictures:
    """Read a data set from Parquet files.

    Args:
        path: One file, or a folder whose files, or their folders, are named by `train` and `test`. Without
            `test`, `validation` is taken for it; without that too, a sixth of each class is for testing.
        size: Height and width to which each picture is brought, as in `folders.read_pictures`.

    Returns:
        Training pictures in their order; test pictures in turns, one of each class.

    Raises:
        DataError: pyarrow is missing, or a file is not what it should be.
    """
    parts, passed_over = _find_parts(path)
    read = {part: _read_part(files, size) for part, files in parts.items()}
    labelled = {part for part, found in read.items() if found[3]}
    if labelled and len(labelled) < len(read):
        raise DataError(
            f"{path}: expected labels in all files or in none, received some in {labelled.pop()} alone"
        )
    names = {found[2] for found in read.values()}
    if len(names) > 1:
        raise DataError(f"{path}: expected the same class names in all files, received {sorted(names)}")
    if "test" not in read:
        x, y, *_ = read.pop("train")
        chosen = _draw_test(y)
        if not chosen.any():
            raise DataError(f"{path}: expected a class of at least two pictures, received one of each")
        arrays = {"x_train": x[~chosen], "y_train": y[~chosen], "x_test": x[chosen], "y_test": y[chosen]}
    else:
        arrays = {f"{axis}_{part}": read[part][i] for part in read for i, axis in enumerate("xy")}
    channels = max(arrays["x_train"].shape[3], arrays["x_test"].shape[3])
    turns = _take_turns(arrays["y_test"])
    for part, order in (("train", slice(None)), ("test", turns)):
        x = arrays[f"x_{part}"]
        arrays[f"x_{part}"] = x[order] if x.shape[3] == channels else np.repeat(x[order], channels, axis=3)
    arrays["y_test"] = arrays["y_test"][turns]
    arrays, texts = number_labels(arrays, path)
    sources = {name: f"{path}: {name}" for name in arrays}
    given = names.pop()
    _check_names(path, given, arrays)
    return Pictures(arrays, sources, texts or given, passed_over)


def _check_names(path: pathlib.Path, names: tuple[str, ...], arrays: dict[str, Any]) -> None:
    if len({*filter(None, names)}) < len(names):
        raise DataError(f"{path}: expected class names that differ, received {list(names)}")
    last = max(int(arrays[name].max()) for name in ("y_train", "y_test")) if names else 0
    if names and last >= len(names):
        raise DataError(
            f"{path}: expected labels below {len(names)}, as there are class names, received {last}"
        )


def _find_parts(path: pathlib.Path) -> tuple[dict[str, list[pathlib.Path]], tuple[str, ...]]:
    if path.is_file():
        return {"train": [path]}, ()
    named: dict[str | None, list[pathlib.Path]] = {}
    for file in sorted(find_files(path)):
        named.setdefault(tell_part(file, path), []).append(file)
    if set(named) == {None}:
        parts, named = {"train": named[None]}, {}
        _check_places(path, parts)
        return parts, ()
    if TRAIN not in named:
        first = next(iter(named.values()))[0].name
        raise DataError(f"{path}: expected train-*.parquet, received {first} alone")
    testing = next((name for name in (TEST, VALIDATION) if name in named), None)
    parts = {"train": named.pop(TRAIN)} | ({"test": named.pop(testing)} if testing else {})
    _check_places(path, parts)
    return parts, tuple(str(file) for files in named.values() for file in files)


def _check_places(path: pathlib.Path, parts: dict[str, list[pathlib.Path]]) -> None:
    for part, files in parts.items():
        if len(folders := sorted({str(file.parent) for file in files})) > 1:
            raise DataError(f"{path}: expected {part} files in one folder, received {folders}; name one")


def _read_part(files: list[pathlib.Path], size: Size | None) -> tuple[Any, Any, tuple[str, ...], bool]:
    """Return images, labels, the names of these, and whether there are any."""
    opened = [_open(file) for file in files]
    columns = [_choose(file, source.schema_arrow) for file, source in zip(files, opened, strict=True)]
    if len({(found.label is None, found.names) for found in columns}) > 1:
        raise DataError(f"{files[0].parent}: expected labels and class names alike in all files")
    stack = _Stack(sum(source.metadata.num_rows for source in opened), size)
    labels: list[Any] = []
    for file, source, found in zip(files, opened, columns, strict=True):
        with source:
            for row, (value, label) in enumerate(_rows(file, source, found)):
                name = f"{file}: row {row}"
                if not isinstance(value, bytes):
                    raise DataError(f"{name}: expected a picture's bytes, received {type(value).__name__}")
                if not isinstance(label, int | float | str | bytes):
                    received = "none" if label is None else type(label).__name__
                    raise DataError(f"{name}: expected an integer or a text for a label, received {received}")
                stack.put(read_picture(io.BytesIO(value), name), name)
                labels.append(label)
    return stack.images(str(files[0])), np.array(labels), columns[0].names, columns[0].label is not None


def _open(file: pathlib.Path) -> Any:
    try:
        import pyarrow.parquet
    except ModuleNotFoundError as error:
        raise DataError(
            f"{file}: reading Parquet needs pyarrow: pip install 'cvae-service[train,parquet]'"
        ) from error
    try:
        return pyarrow.parquet.ParquetFile(file, buffer_size=BUFFER_BYTES, pre_buffer=False)
    except (OSError, ValueError) as error:
        raise DataError(f"{file}: expected a whole Parquet file: {error}") from error


def _choose(file: pathlib.Path, schema: Any) -> _Columns:
    features = _features(schema)
    kinds = {name: feature.get("_type") for name, feature in features.items() if isinstance(feature, dict)}
    if len(set(schema.names)) < len(schema.names):
        raise DataError(f"{file}: expected columns of different names, received {schema.names}")
    images = [name for name in IMAGE_NAMES if name in schema.names]
    images += [name for name in schema.names if kinds.get(name) == "Image"]
    if not images:
        raise DataError(f"{file}: expected a column {' or '.join(IMAGE_NAMES)}, received {schema.names}")
    labels = [name for name in LABEL_NAMES if name in schema.names]
    labels += [name for name in schema.names if kinds.get(name) == "ClassLabel"]
    label = labels[0] if labels else None
    names = (features[label].get("names") or ()) if label is not None and label in kinds else ()
    return _Columns(images[0], label, tuple(map(str, names)))


def _features(schema: Any) -> dict[str, Any]:
    """Return what Hugging Face's `datasets` wrote of each column; nothing of a file that it did not write."""
    try:
        found = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))["info"]["features"]
    except (ValueError, KeyError, TypeError):
        return {}
    return found if isinstance(found, dict) else {}


def _rows(file: pathlib.Path, source: Any, columns: _Columns) -> Iterator[tuple[Any, Any]]:
    """Yield a picture as its file has it, and its label: 0 where there are no labels."""
    wanted = [name for name in (columns.image, columns.label) if name is not None]
    try:
        for batch in source.iter_batches(BATCH, columns=wanted):
            labels = batch.column(columns.label) if columns.label is not None else None
            for i, value in enumerate(batch.column(columns.image)):
                picture = value.as_py()
                picture = picture.get("bytes") if isinstance(picture, dict) else picture
                yield picture, 0 if labels is None else labels[i].as_py()
    except (OSError, ValueError) as error:
        raise DataError(f"{file}: expected a whole Parquet file: {error}") from error


class _Stack:
    """An array of grey pictures, which becomes one of three channels with the first that has colour."""

    def __init__(self, count: int, size: Size | None) -> None:
        self._count, self._size, self._filled = count, size, 0
        self._first = None if size else "the first"
        self._x: Bytes | None = None

    def put(self, picture: Bytes, name: str) -> None:
        """Copy in the next picture.

        Raises:
            DataError: It is of another size than the first, and no size was asked for.
        """
        self._size = self._size or picture.shape[:2]
        picture = bring(picture, self._size, name, self._first)
        if self._x is None or self._x.shape[3] < picture.shape[2]:
            wider = np.empty((self._count, *picture.shape), np.uint8)
            if self._x is not None:
                wider[: self._filled] = self._x[: self._filled]
            self._x = wider
        self._x[self._filled] = picture
        self._filled += 1

    def images(self, name: str) -> Bytes:
        """Return the whole array.

        Raises:
            DataError: There were no pictures.
        """
        if self._x is None:
            raise DataError(f"{name}: expected at least one picture, received none")
        return self._x


def _draw_test(y: NDArray[Any]) -> NDArray[np.bool_]:
    chosen = np.zeros(len(y), bool)
    for i, label in enumerate(np.unique(y)):
        places = np.flatnonzero(y == label)
        chosen[places[draw_test(i, len(places))]] = True
    return chosen


def _take_turns(y: NDArray[Any]) -> NDArray[np.int64]:
    """Return an order in which the first images are one of each class."""
    by_class = np.argsort(y, kind="stable")
    _, starts, counts = np.unique(y[by_class], return_index=True, return_counts=True)
    turn = np.empty(len(y), np.int64)
    turn[by_class] = np.arange(len(y)) - np.repeat(starts, counts)
    return np.lexsort((y, turn))
