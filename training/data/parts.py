"""Read from names which files and folders are for training, which for validation, which for testing."""

from __future__ import annotations

import pathlib
import re

from training.data.idx import DataError

TRAIN, VALIDATION, TEST = "train", "validation", "test"
WORDS = {
    "train": TRAIN,
    "training": TRAIN,
    "val": VALIDATION,
    "valid": VALIDATION,
    "validation": VALIDATION,
    "test": TEST,
    "testing": TEST,
}
# A word of a name such as `mnist_train-00000-of-00002`.
WORD = re.compile(rf"(?<![a-z0-9])({'|'.join(WORDS)})(?![a-z0-9])")


def find_parts(folder: pathlib.Path) -> dict[str, pathlib.Path]:
    """Return a folder's folders for training, validation and testing, in capitals or not.

    Args:
        folder: Of a data set.

    Returns:
        Folders by `TRAIN`, `VALIDATION` and `TEST`; none where they are classes that are called so, which is
        where others stand beside one of them.

    Raises:
        DataError: Two folders are for the same.
    """
    found: dict[str, pathlib.Path] = {}
    beside = False
    for path in sorted(folder.iterdir()):
        if not path.is_dir() or path.name.startswith((".", "__")):
            continue
        part = WORDS.get(path.name.lower())
        if part in found:
            names = [found[part].name, path.name]
            raise DataError(f"{folder}: expected one folder for {part}, received {names}")
        if part is None:
            beside = True
        else:
            found[part] = path
    return found if is_split(found) or not beside else {}


def is_split(parts: dict[str, pathlib.Path]) -> bool:
    """Tell whether there are images to train with, and others."""
    return TRAIN in parts and len(parts) > 1


def tell_part(file: pathlib.Path, folder: pathlib.Path) -> str | None:
    """Return what a file is for, by its name, or else by that of the folder that it lies in.

    Args:
        file: Below the folder.
        folder: Of the data set, whose name says nothing.

    Raises:
        DataError: Its name says more than one thing.
    """
    for name in (file.stem, file.parent.name if file.parent != folder else ""):
        found = {WORDS[word] for word in WORD.findall(name.lower())}
        if len(found) > 1:
            raise DataError(f"{file}: expected a name with one of {sorted(found)}, received all of them")
        if found:
            return found.pop()
    return None
