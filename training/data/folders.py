"""Read folders of pictures, `train/<label>/*` and `test/<label>/*`, PNG or JPEG, to four arrays.

Invariant: the arrays depend on the files' names and pixels alone, not on the order of a file system.
"""

from __future__ import annotations

import dataclasses
import itertools
import pathlib

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, UnidentifiedImageError

from training.data.idx import LABELS, DataError

Bytes = NDArray[np.uint8]
# The files of each class, both in the order of their names.
Classes = dict[str, list[pathlib.Path]]

FORMATS = ("PNG", "JPEG")
SUFFIXES = (".png", ".jpg", ".jpeg")
# What a camera's mark asks for (Exif 2.32, tag Orientation), by its number; 1 asks for nothing.
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclasses.dataclass(frozen=True)
class Pictures:
    """A set as it was read.

    Attributes:
        arrays: `x_train`, `x_test` `(n, height, width, 1 or 3)` uint8; `y_train`, `y_test` `(n,)` int64.
        sources: Array name to the folder that it came from.
        class_names: The name of each label from 0; empty where the folders are named by integers.
    """

    arrays: dict[str, NDArray[np.generic]]
    sources: dict[str, str]
    class_names: tuple[str, ...]


def holds_pictures(folder: pathlib.Path) -> bool:
    """Tell whether a folder has a folder `train` or `test`."""
    return any((folder / part).is_dir() for part in ("train", "test"))


def read_pictures(folder: pathlib.Path) -> Pictures:
    """Read a set of pictures.

    Grey is what has red, green and blue alike in every pixel, however the file stores it. If all pictures
    are grey there is one channel, else there are three. Transparency is laid over white and a camera's
    rotation mark is obeyed, as the service does with what is uploaded.

    Args:
        folder: Holds `train` and `test`; each holds one folder a class, named by an integer in [0, 255] or,
            all of them, by a name. Names are numbered from 0 in their order.

    Returns:
        Training pictures class by class; test pictures in turns, one of each class, so that the first few are
        of all.

    Raises:
        DataError: A folder or file is missing, is not what it should be, or differs in size.
    """
    train, test = (_find(folder / part) for part in ("train", "test"))
    class_names = _name_classes(folder, train, test)
    paths = _by_class(train), _in_turns(test)
    x_train, x_test = _read_alike(*paths)
    y_train, y_test = (_labels(split, class_names) for split in paths)
    return Pictures(
        arrays={"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test},
        sources={f"{axis}_{part}": str(folder / part) for part in ("train", "test") for axis in "xy"},
        class_names=class_names,
    )


def _find(folder: pathlib.Path) -> Classes:
    if not folder.is_dir():
        raise DataError(f"{folder}: expected this folder, with pictures in folders by label; there is none")
    classes: Classes = {}
    for label in _entries(folder):
        if not label.is_dir():
            raise DataError(f"{label}: expected a folder named by a label, received a file")
        classes[label.name] = _entries(label)
        for file in classes[label.name]:
            if file.suffix.lower() not in SUFFIXES:
                raise DataError(f"{file}: expected a {', '.join(SUFFIXES)} file, received another")
    if not any(classes.values()):
        raise DataError(f"{folder}: expected at least one picture in a folder named by its label, found none")
    return classes


def _entries(folder: pathlib.Path) -> list[pathlib.Path]:
    # Hidden files are what desktops leave behind.
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def _name_classes(folder: pathlib.Path, train: Classes, test: Classes) -> tuple[str, ...]:
    names = sorted({*train, *test})
    integers = [name for name in names if name.isascii() and name.isdecimal()]
    if not integers:
        if unknown := sorted(set(test) - set(train)):
            raise DataError(f"{folder / 'test' / unknown[0]}: expected a class of {sorted(train)}")
        return tuple(names)
    if len(integers) < len(names):
        raise DataError(
            f"{folder}: expected labels that are all integers or all names, received {integers[0]!r} and "
            f"{next(name for name in names if name not in integers)!r}"
        )
    for name in integers:
        if int(name) not in LABELS:
            raise DataError(f"{folder}: expected labels in [0, 255] or names, received {name!r}")
    return ()


def _by_class(classes: Classes) -> list[pathlib.Path]:
    return list(itertools.chain.from_iterable(classes.values()))


def _in_turns(classes: Classes) -> list[pathlib.Path]:
    turns = itertools.zip_longest(*classes.values())
    return [path for turn in turns for path in turn if path is not None]


def _labels(paths: list[pathlib.Path], class_names: tuple[str, ...]) -> NDArray[np.int64]:
    numbers = {name: i for i, name in enumerate(class_names)}
    names = [path.parent.name for path in paths]
    return np.array([numbers[name] if class_names else int(name) for name in names], np.int64)


def _read_alike(train: list[pathlib.Path], test: list[pathlib.Path]) -> tuple[Bytes, Bytes]:
    height, width = _read(train[0]).shape[:2]

    def read(path: pathlib.Path) -> Bytes:
        picture = _read(path)
        if picture.shape[:2] != (height, width):
            h, w = picture.shape[:2]
            raise DataError(f"{path}: expected {width} x {height} pixels as {train[0]}, received {w} x {h}")
        return picture

    x_train, x_test = [read(path) for path in train], [read(path) for path in test]
    channels = max(picture.shape[2] for picture in (*x_train, *x_test))
    return _stack(x_train, channels), _stack(x_test, channels)


def _stack(pictures: list[Bytes], channels: int) -> Bytes:
    return np.stack([np.broadcast_to(picture, (*picture.shape[:2], channels)) for picture in pictures])


def _read(path: pathlib.Path) -> Bytes:
    """Return `(height, width, 1)` uint8 of a grey picture, `(height, width, 3)` of another."""
    try:
        with Image.open(path, formats=FORMATS) as image:
            pixels = _to_bytes(_turn(image))
    except UnidentifiedImageError as error:
        raise DataError(f"{path}: expected a PNG or JPEG file, received something else") from error
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
        # Pillow raises these for damaged files, with no common base of its own.
        raise DataError(f"{path}: expected a whole PNG or JPEG file: {error}") from error
    grey = pixels[..., :1]
    return grey.copy() if (pixels == grey).all() else pixels


def _turn(image: Image.Image) -> Image.Image:
    # Pillow's own function writes the other marks anew as well, and fails on those that make no sense.
    turn = TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    return image if turn is None else image.transpose(turn)


def _to_bytes(image: Image.Image) -> Bytes:
    if image.mode.startswith("I"):  # 16 bits of grey
        grey = np.rint(np.asarray(image, np.float64) * (255 / 65535))
        return np.clip(grey, 0, 255).astype(np.uint8)[..., np.newaxis]
    if image.has_transparency_data:
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
    return np.asarray(image.convert("RGB"))
