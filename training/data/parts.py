"""Read from names which files and folders are for training, which for validation, which for testing."""

from __future__ import annotations

import pathlib
import re

from training.data.idx import DataError
from training.data.picture import SUFFIXES

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
# A word of a name such as `mnist_train-00000-of-00002`, `training_set` or `train2017`.
WORD = re.compile(rf"(?<![a-z])({'|'.join(WORDS)})(?:set)?(?![a-z])")


def find_parts(folder: pathlib.Path) -> dict[str, pathlib.Path]:
    """Return a folder's folders for training, validation and testing, in capitals or not.

    Args:
        folder: Of a data set.

    Returns:
        Folders by `TRAIN`, `VALIDATION` and `TEST`. One that holds pictures and no folders is a class that is
        called so; where none is for training, and others stand beside, all are classes.

    Raises:
        DataError: Two folders are for the same, or one is a link to nothing.
    """
    found: dict[str, list[pathlib.Path]] = {}
    beside = False
    for path in sorted(folder.iterdir()):
        part = _tell(path.name) if not path.name.startswith((".", "__")) else None
        if part is not None and path.is_symlink() and not path.exists():
            raise DataError(f"{path}: expected a folder, received a link to nothing")
        if not path.is_dir() or path.name.startswith((".", "__")):
            continue
        if part is None or _is_class(path):
            beside = True
        else:
            found.setdefault(part, []).append(path)
    if beside and TRAIN not in found:
        return {}
    for part, paths in found.items():
        if len(paths) > 1 and (part != VALIDATION or TEST not in found):
            raise DataError(
                f"{folder}: expected one folder for {part}, received {[path.name for path in paths]}"
            )
    return {part: paths[0] for part, paths in found.items()}


def holds_halves(folder: pathlib.Path) -> bool:
    """Tell whether a folder has one for training, by its name, and one for testing or validation."""
    parts = {_tell(path.name) for path in folder.iterdir() if path.is_dir()} - {None}
    return TRAIN in parts and len(parts) > 1


def tell_part(file: pathlib.Path, folder: pathlib.Path) -> str | None:
    """Return what a file is for, by its name, or else by that of the nearest folder that says it.

    Args:
        file: Below the folder.
        folder: Of the data set, whose name says nothing.

    Raises:
        DataError: A name says more than one thing.
    """
    for name in (file.stem, *reversed(file.relative_to(folder).parts[:-1])):
        found = _read_words(name)
        if len(found) > 1:
            raise DataError(f"{file}: expected a name with one of {sorted(found)}, received all of them")
        if found:
            return found.pop()
    return None


def _read_words(name: str) -> set[str]:
    return {WORDS[word] for word in WORD.findall(name.lower())}


def _tell(name: str) -> str | None:
    found = _read_words(name)
    return found.pop() if len(found) == 1 else None


def _is_class(folder: pathlib.Path) -> bool:
    seen = [path for path in folder.iterdir() if not path.name.startswith((".", "__"))]
    return any(path.suffix.lower() in SUFFIXES for path in seen) and not any(path.is_dir() for path in seen)
