"""Read folders of pictures, `train/<label>/…` and `test/<label>/…`, or `<label>/…` alone, to four arrays.

Invariant: the arrays depend on the files' names and pixels alone, not on the order of a file system.
"""

from __future__ import annotations

import dataclasses
import itertools
import pathlib
import unicodedata
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from training.data.idx import LABELS, DataError
from training.data.parts import TEST, TRAIN, VALIDATION, find_parts, holds_halves
from training.data.picture import SUFFIXES, bring, read_file

Bytes = NDArray[np.uint8]
# The files of each class, both in the order of their names.
Classes = dict[str, list[pathlib.Path]]

# What desktops and archives leave behind, in small letters; and what people write beside pictures.
STRAYS = ("thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx")
NOTES = (".txt", ".md", ".csv", ".json", ".parquet")
# Of a set that is not split, one picture of each class in so many is for testing, drawn by a fixed seed.
TEST_STRIDE, TEST_SEED = 6, 1


@dataclasses.dataclass(frozen=True)
class Pictures:
    """A set as it was read.

    Attributes:
        arrays: `x_train`, `x_test` `(n, height, width, 1 or 3)` uint8; `y_train`, `y_test` `(n,)` int64.
        sources: Array name to the folder that it came from.
        class_names: The name of each label from 0; empty where the folders are named by integers.
        passed_over: Files that are no pictures, and folders that hold none or are for nothing here.
    """

    arrays: dict[str, NDArray[np.generic]]
    sources: dict[str, str]
    class_names: tuple[str, ...]
    passed_over: tuple[str, ...] = ()


def holds_pictures(folder: pathlib.Path) -> bool:
    """Tell whether a folder has folders for training or testing, or folders with pictures.

    Raises:
        DataError: See `find_parts`.
    """
    return bool(find_parts(folder)) or has_pictures(folder)


def has_pictures(folder: pathlib.Path) -> bool:
    """Tell whether there is a picture in one of a folder's folders, at any depth."""
    return any(
        path.suffix.lower() in SUFFIXES for path in folder.glob("*/**/*") if not is_hidden(path, folder)
    )


def is_hidden(path: pathlib.Path, folder: pathlib.Path) -> bool:
    """Tell whether a path or one of the folders between it and a folder has a name that begins with a dot."""
    return any(name.startswith(".") for name in path.relative_to(folder).parts)


def read_pictures(folder: pathlib.Path, size: tuple[int, int] | None = None) -> Pictures:
    """Read a set of pictures.

    Grey is what has red, green and blue alike in every pixel, however the file stores it. If all pictures
    are grey there is one channel, else there are three. Transparency is laid over white and a camera's
    rotation mark is obeyed, as the service does with what is uploaded.

    Args:
        folder: Holds `train` and `test`, each with one folder a class, or one folder a class alone, of which
            a sixth is then kept for testing. They may be called `training` and `testing`, and `validation` is
            taken for a `test` that is not there. A class is named by an integer in [0, 255] or, all of them,
            by a name; names are numbered from 0 in their order. Its pictures may lie in folders further down.
        size: Height and width to which each picture is brought, whole, on a ground of its border's colour;
            None: all are of one size.

    Returns:
        Training pictures class by class; test pictures in turns, one of each class, so that the first few are
        of all.

    Raises:
        DataError: A folder or file is missing, is not what it should be, or differs in size.
    """
    strays: list[str] = []
    places = _find_places(folder, strays)
    if places["train"] == places["test"]:
        train, test = _part(_find(places["train"], strays))
        if not any(test.values()):
            raise DataError(f"{folder}: expected a class of at least two pictures, received one of each")
    else:
        train, test = (_find(places[part], strays) for part in ("train", "test"))
    class_names = _name_classes(places["test"], train, test)
    rows = [(name, path) for name, paths in train.items() for path in paths], _in_turns(test)
    x_train, x_test = _read_alike([path for _, path in rows[0]], [path for _, path in rows[1]], size)
    y_train, y_test = (_labels([name for name, _ in split], class_names) for split in rows)
    return Pictures(
        arrays={"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test},
        sources={f"{axis}_{part}": str(place) for part, place in places.items() for axis in "xy"},
        class_names=class_names,
        passed_over=tuple(strays),
    )


def draw_test(i: int, count: int) -> NDArray[np.int64]:
    """Draw which pictures of a class are for testing, where a set does not say: a sixth, at least one.

    Args:
        i: Place of the class among all.
        count: Its pictures.

    Returns:
        Their places; none of a class of one.
    """
    order = np.random.RandomState((TEST_SEED, i)).permutation(count)
    return order[: -(-count // TEST_STRIDE) if count > 1 else 0]


def _find_places(folder: pathlib.Path, strays: list[str]) -> dict[str, pathlib.Path]:
    """Return where pictures for training lie and those for testing: in one folder, if they are not parted."""
    parts = find_parts(folder)
    if not parts:
        return {"train": folder, "test": folder}
    if TRAIN not in parts:
        raise DataError(
            f"{folder / TRAIN}: expected this folder beside {next(iter(parts.values())).name}; there is none"
        )
    train, test = parts[TRAIN], parts.get(TEST) or parts.get(VALIDATION) or parts[TRAIN]
    strays += [str(path) for path in _entries(folder, strays) if path not in (train, test)]
    return {"train": train, "test": test}


def _find(folder: pathlib.Path, strays: list[str]) -> Classes:
    classes: Classes = {}
    for label in _entries(folder, strays):
        if not label.is_dir():
            raise DataError(f"{label}: expected a folder named by a label, received a file")
        if holds_halves(label) or TRAIN in find_parts(label):
            raise DataError(
                f"{folder}: expected folders named by labels, received {label.name}, which is parted again: "
                "name it if it is the whole set, else part the set above its classes"
            )
        if not label.name.isprintable():
            raise DataError(f"{folder}: expected a label that can be printed, received {label.name!r}")
        # macOS may write an accent as a character of its own, behind its letter.
        name = unicodedata.normalize("NFC", label.name)
        if not (pictures := list(_walk(label, strays))):
            strays.append(str(label))
        elif name in classes:
            raise DataError(
                f"{folder}: expected one folder a label, received two of {name!r}, "
                "whose accents are written otherwise"
            )
        else:
            classes[name] = pictures
    if not classes:
        raise DataError(f"{folder}: expected at least one picture in a folder named by its label, found none")
    return dict(sorted(classes.items()))


def _walk(folder: pathlib.Path, strays: list[str]) -> Iterator[pathlib.Path]:
    for path in _entries(folder, strays):
        if path.is_dir():
            yield from _walk(path, strays)
        elif path.suffix.lower() in SUFFIXES:
            yield path
        else:
            raise DataError(f"{path}: expected a {', '.join(SUFFIXES)} file, received another")


def _entries(folder: pathlib.Path, strays: list[str]) -> list[pathlib.Path]:
    # Hidden files are what desktops leave behind.
    seen = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    left = [path for path in seen if path.name.lower() in STRAYS or path.suffix.lower() in NOTES]
    strays += [str(path) for path in left]
    return [path for path in seen if path not in left]


def _part(classes: Classes) -> tuple[Classes, Classes]:
    train, test = {}, {}
    for i, (name, paths) in enumerate(classes.items()):
        chosen = set(draw_test(i, len(paths)).tolist())
        train[name] = [path for j, path in enumerate(paths) if j not in chosen]
        test[name] = [path for j, path in enumerate(paths) if j in chosen]
    return train, test


def _name_classes(folder: pathlib.Path, train: Classes, test: Classes) -> tuple[str, ...]:
    names = sorted({*train, *test})
    integers = [name for name in names if name.isascii() and name.isdecimal()]
    if not integers:
        if unknown := sorted(set(test) - set(train)):
            raise DataError(f"{folder / unknown[0]}: expected a class of {sorted(train)}")
        return tuple(names)
    if len(integers) < len(names):
        raise DataError(
            f"{folder}: expected labels that are all integers or all names, received {integers[0]!r} and "
            f"{next(name for name in names if name not in integers)!r}"
        )
    by_number: dict[int, str] = {}
    for name in integers:
        if (other := by_number.setdefault(int(name), name)) != name:
            raise DataError(f"{folder}: expected one folder a label, received {other!r} and {name!r}")
        if int(name) not in LABELS:
            raise DataError(f"{folder}: expected labels in [0, 255] or names, received {name!r}")
    return ()


def _in_turns(classes: Classes) -> list[tuple[str, pathlib.Path]]:
    named = ([(name, path) for path in paths] for name, paths in classes.items())
    return [row for turn in itertools.zip_longest(*named) for row in turn if row is not None]


def _labels(names: list[str], class_names: tuple[str, ...]) -> NDArray[np.int64]:
    numbers = {name: i for i, name in enumerate(class_names)}
    return np.array([numbers[name] if class_names else int(name) for name in names], np.int64)


def _read_alike(
    train: list[pathlib.Path], test: list[pathlib.Path], size: tuple[int, int] | None
) -> tuple[Bytes, Bytes]:
    wanted, first = (size, None) if size else (read_file(train[0]).shape[:2], str(train[0]))

    def read(path: pathlib.Path) -> Bytes:
        return bring(read_file(path), wanted, str(path), first)

    x_train, x_test = [read(path) for path in train], [read(path) for path in test]
    channels = max(picture.shape[2] for picture in (*x_train, *x_test))
    return _stack(x_train, channels), _stack(x_test, channels)


def _stack(pictures: list[Bytes], channels: int) -> Bytes:
    return np.stack([np.broadcast_to(picture, (*picture.shape[:2], channels)) for picture in pictures])
