"""Pictures of noise, told apart by their seeds, and files of them."""

from __future__ import annotations

import io
import pathlib
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]


def picture(seed: int, height: int = 6, width: int = 8, channels: int = 1) -> Pixels:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, channels), np.uint8)
    return pixels[..., 0] if channels == 1 else pixels


def encode(image: Image.Image | Pixels, file_format: str = "PNG") -> bytes:
    file = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(file, file_format)
    return file.getvalue()


def write(folder: pathlib.Path, files: Mapping[str, bytes | Pixels]) -> pathlib.Path:
    """Write files by their names, pixels as PNG, and return their folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else encode(content))
    return folder
