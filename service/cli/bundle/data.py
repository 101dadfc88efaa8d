"""Read the images and the golden vectors that a bundle is packed with."""

from __future__ import annotations

import dataclasses
import pathlib
import zipfile
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from service.core.arrays import Floats
from service.core.choices import ImagePolarity

GOLDEN = ("x", "z_mean", "z_log_var", "z", "image")
IMAGE_AXES = 4


@dataclasses.dataclass(frozen=True)
class Images:
    """Images of one split.

    Attributes:
        x: `(n, height, width, channels)`, uint8 or float32 in [0, 1].
        label: `(n,)` int64; 0 for all if there are none.
    """

    x: NDArray[Any]
    label: NDArray[np.int64]

    def read(self, start: int, rows: int) -> Floats:
        """Return some as float32 in [0, 1]."""
        part: Floats = self.x[start : start + rows].astype(np.float32)
        return part / np.float32(255) if self.x.dtype == np.uint8 else part


def read_golden(path: pathlib.Path) -> dict[str, Floats]:
    """Read golden vectors: `x`, `z_mean`, `z_log_var`, `z`, `image`, and `label` if there is one."""
    arrays = _read(path)
    if missing := [name for name in GOLDEN if name not in arrays]:
        found = ", ".join(arrays) or "none"
        raise click.ClickException(
            f"{path}: expected the arrays {', '.join(GOLDEN)}, found {found}: {', '.join(missing)} missing"
        )
    names = (*GOLDEN, *(("label",) if "label" in arrays else ()))
    golden = {name: np.atleast_2d(arrays[name]).astype(np.float32) for name in names}
    if golden["x"].ndim != IMAGE_AXES or golden["z_mean"].ndim != IMAGE_AXES - 2:
        shapes = f"{golden['x'].shape} and {golden['z_mean'].shape}"
        raise click.ClickException(
            f"{path}: expected x (n, height, width, channels) and z_mean (n, latent_dim), found {shapes}"
        )
    return golden


def read_images(path: pathlib.Path, shape: tuple[int, ...]) -> tuple[Images, Images, bool]:
    """Read the training images and the test images.

    Args:
        path: An .npz file with `x_train` and `x_test`, and `y_train` and `y_test` if they have labels.
        shape: Of an image, with its channels.

    Returns:
        Both splits, and whether they have labels.

    Raises:
        click.ClickException: An array is missing or does not fit.
    """
    arrays = _read(path)
    labelled = "y_train" in arrays and "y_test" in arrays
    splits = [_make_split(path, arrays, name, shape) for name in ("train", "test")]
    return splits[0], splits[1], labelled


def guess_polarity(images: Images) -> ImagePolarity:
    """Return whether the borders of pictures, their background, are dark or light."""
    x = images.read(0, 1000)
    border = np.concatenate([x[:, 0].ravel(), x[:, -1].ravel(), x[:, :, 0].ravel(), x[:, :, -1].ravel()])
    return "light-on-dark" if float(np.median(border)) < 0.5 else "dark-on-light"


def _make_split(path: pathlib.Path, arrays: dict[str, Any], name: str, shape: tuple[int, ...]) -> Images:
    x, label = arrays.get(f"x_{name}"), arrays.get(f"y_{name}")
    if x is None or not len(x):
        raise click.ClickException(f"{path}: x_{name}: expected images, found none")
    x = x[..., np.newaxis] if x.ndim == IMAGE_AXES - 1 else x
    if x.shape[1:] != shape:
        raise click.ClickException(f"{path}: x_{name}: expected images of shape {shape}, found {x.shape[1:]}")
    if x.dtype != np.uint8 and not (x.min() >= 0 and x.max() <= 1):
        raise click.ClickException(f"{path}: x_{name}: expected uint8, or numbers in [0, 1], found others")
    if label is None:
        return Images(x, np.zeros(len(x), np.int64))
    label = np.asarray(label).reshape(-1)
    if len(label) != len(x) or not np.issubdtype(label.dtype, np.integer):
        found = f"{label.shape} {label.dtype}"
        raise click.ClickException(f"{path}: y_{name}: expected {len(x)} integers, found {found}")
    if label.min() < 0:
        raise click.ClickException(f"{path}: y_{name}: expected labels from 0 on, found {label.min()}")
    return Images(x, label.astype(np.int64))


def _read(path: pathlib.Path) -> dict[str, NDArray[Any]]:
    try:
        # Not np.load, which also accepts a single array or a pickle.
        with path.open("rb") as file, np.lib.npyio.NpzFile(file, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise click.ClickException(f"{path}: expected an .npz file: {error}") from error
