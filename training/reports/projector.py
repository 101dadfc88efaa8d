"""Write the folder that TensorBoard's Embedding Projector opens: arrays in, files out.

Invariant: vectors, labels and thumbnails are of the same images, in the same order.
"""

from __future__ import annotations

import math
import pathlib

import numpy as np
from numpy.typing import NDArray

from training.config import TrainingError
from training.evaluation import plots

Bytes = NDArray[np.uint8]

# The projector takes no larger sheet of thumbnails, in pixels a side.
SHEET_LIMIT = 8192
# Of shorter vectors TensorBoard 2.21 shows nothing, as their third principal component is no number.
SMALLEST_DIM = 3
TENSORS, METADATA, SPRITE = "tensors.tsv", "metadata.tsv", "sprite.png"
CONFIG = "projector_config.pbtxt"


class ProjectorError(TrainingError):
    """Images cannot be laid out for the projector; the message says why."""


def write_projection(
    folder: pathlib.Path,
    z_mean: NDArray[np.float32],
    x: Bytes,
    label: NDArray[np.int64],
    class_names: tuple[str, ...] = (),
) -> int:
    """Write vectors, labels, thumbnails and the file that names them.

    Args:
        folder: Made if missing; the four files in it are replaced.
        z_mean: `(n, latent_dim)` float32.
        x: `(n, height, width, channels)` uint8 with 1 or 3 channels.
        label: `(n,)` int64.
        class_names: The name of each label from 0, where there are any.

    Returns:
        How many images were written: the first that the sheet holds.

    Raises:
        ProjectorError: Not even one image fits in the sheet.
    """
    height, width = x.shape[1:3]
    shown = min(len(x), count_fitting(height, width))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / TENSORS).write_text(write_tensors(z_mean[:shown]), encoding="utf-8")
    (folder / METADATA).write_text(write_metadata(label[:shown], class_names), encoding="utf-8")
    (folder / SPRITE).write_bytes(write_sprite(x[:shown]))
    (folder / CONFIG).write_text(write_config(height, width), encoding="utf-8")
    return shown


def count_fitting(height: int, width: int) -> int:
    """Count the thumbnails of a size that a square sheet holds at most.

    Raises:
        ProjectorError: Not even one.
    """
    side = SHEET_LIMIT // max(height, width)
    if side == 0:
        raise ProjectorError(
            f"expected images of at most {SHEET_LIMIT} x {SHEET_LIMIT} pixels, received {width} x {height}"
        )
    return side**2


def write_tensors(z_mean: NDArray[np.float32]) -> str:
    """Return a line for each vector: its numbers, separated by tabs, exact in float32; no header.

    Vectors of one or two numbers are filled up with 0, which changes no distance.
    """
    missing = max(0, SMALLEST_DIM - z_mean.shape[1])
    z_mean = np.pad(z_mean, ((0, 0), (0, missing)))
    return "".join("\t".join(f"{value:.9g}" for value in row) + "\n" for row in z_mean)


def write_metadata(label: NDArray[np.int64], class_names: tuple[str, ...]) -> str:
    """Return a line for each image: its label, and its class's name where there is one.

    The projector takes the first line for a header if it has a tab: one column has none, two have one.
    """
    if not class_names:
        return "".join(f"{value}\n" for value in label)
    # A name may hold a tab or an end of line, which would end its column.
    names = [" ".join(name.split()) for name in class_names]
    return "label\tclass\n" + "".join(f"{value}\t{names[value]}\n" for value in label)


def write_sprite(x: Bytes) -> bytes:
    """Return the sheet of thumbnails.

    Args:
        x: `(n, height, width, channels)` uint8 with 1 or 3 channels, n at least 1.

    Returns:
        A PNG file: as many thumbnails in a row as in a column, row by row; places left over are black.
    """
    side = math.ceil(math.sqrt(len(x)))
    square = np.concatenate([x, np.zeros((side**2 - len(x), *x.shape[1:]), np.uint8)])
    return plots.write_png(plots.tile(square, side))


def write_config(height: int, width: int) -> str:
    """Return the text of TensorBoard's `ProjectorConfig` for the three files and a thumbnail's size."""
    return f"""embeddings {{
  tensor_name: "z_mean"
  tensor_path: "{TENSORS}"
  metadata_path: "{METADATA}"
  sprite {{
    image_path: "{SPRITE}"
    single_image_dim: {width}
    single_image_dim: {height}
  }}
}}
"""
