"""Owns the truth that references are checked against: pictures and posteriors without the service's batches.

It runs the bundles' graphs itself, a few rows at a time, and draws sheets of its own.
"""

from __future__ import annotations

import functools
import math
import pathlib
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from service.bundles.reader import Bundle, read_bundle
from service.latent.space import LatentSpace

Floats = NDArray[np.float32]
Levels = NDArray[np.uint8]

MODELS = pathlib.Path(__file__).parents[2] / "models"
ROWS_AT_ONCE = 8
MAX_ROWS = 1024


class Truth:
    """What one bundle makes of rows and of pictures."""

    def __init__(self, folder: pathlib.Path) -> None:
        """Open the graphs of `models/<name>`."""
        self.bundle: Bundle = read_bundle(folder)
        self.manifest = self.bundle.manifest
        self.space = LatentSpace(self.manifest, MAX_ROWS, self.bundle.prior)
        self._decoder = onnxruntime.InferenceSession(self.bundle.decoder)
        self._encoder = onnxruntime.InferenceSession(self.bundle.encoder)

    @property
    def reference(self) -> str:
        """The name with the version, as `CVAE-Model` has it."""
        return f"{self.manifest.name}@{self.manifest.version}"

    def decode(self, rows: Floats) -> Floats:
        """Return `(n, height, width)` float32 in [0, 1] of rows as `LatentSpace` gives them."""
        dim = self.space.dim
        parts = []
        for part in _split(rows):
            inputs = {"z": part[:, :dim]}
            if self.space.labels:
                inputs["label"] = part[:, dim:]
            parts.append(self._decoder.run(["image"], inputs)[0])
        image: Floats = np.concatenate(parts)[..., 0]
        return image

    def encode(self, x: Floats) -> tuple[Floats, Floats]:
        """Return `z_mean` and `z_log_var` of `(n, height, width)` pictures in [0, 1]."""
        names = ["z_mean", "z_log_var"]
        parts = [self._encoder.run(names, {"x": part[..., np.newaxis]}) for part in _split(x)]
        z_mean, z_log_var = (np.concatenate(each) for each in zip(*parts, strict=True))
        return z_mean, z_log_var

    def rank(self, z_mean: Floats, count: int) -> NDArray[np.float64]:
        """Return the distances of the nearest atlas points of each row, the nearest first."""
        points = self.bundle.atlas["z_mean"].astype(np.float64)
        found = [np.sort(np.linalg.norm(points - row, axis=1))[:count] for row in z_mean]
        return np.stack(found)


@functools.cache
def find_truth(name: str) -> Truth:
    """Return the truth of a bundle, opened once."""
    return Truth(MODELS / name)


def _split(rows: Floats) -> list[Floats]:
    return [np.ascontiguousarray(rows[i : i + ROWS_AT_ONCE]) for i in range(0, len(rows), ROWS_AT_ONCE)]


def to_levels(image: Floats) -> Levels:
    """Return pixels in [0, 1] as levels, 0 to 255."""
    levels: Levels = np.rint(image.astype(np.float64) * 255).astype(np.uint8)
    return levels


def draw_sheet(levels: Levels, columns: int | None = None, scale: int = 1, padding: int = 0) -> Levels:
    """Draw `(n, height, width)` pictures as one, row by row, on a ground of 0."""
    n, height, width = levels.shape
    columns = columns or math.ceil(math.sqrt(n))
    lines = math.ceil(n / columns)
    shape = (lines * (height + padding) + padding, columns * (width + padding) + padding)
    sheet = np.zeros(shape, np.uint8)
    for i, picture in enumerate(levels):
        top = i // columns * (height + padding) + padding
        left = i % columns * (width + padding) + padding
        sheet[top : top + height, left : left + width] = picture
    return sheet.repeat(scale, axis=0).repeat(scale, axis=1)


def near(found: Any, expected: Any, tolerance: float, what: str) -> None:
    """Check that an array is as large as another and has about the same numbers.

    Raises:
        ValueError: It is not; says how the two differ.
    """
    found, expected = np.asarray(found), np.asarray(expected)
    if found.shape != expected.shape:
        raise ValueError(f"{what}: expected shape {expected.shape}, received {found.shape}")
    worst = float(np.abs(found.astype(np.float64) - expected.astype(np.float64)).max())
    if not worst <= tolerance:
        raise ValueError(f"{what}: expected values within {tolerance}, received a difference of {worst:.3g}")
