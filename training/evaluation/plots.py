"""Draw pictures of a latent space: arrays in, PNG files out; no model, no data loading."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.float32]
Labels = NDArray[np.int64]
Decode = Callable[[Floats], Floats]

DPI = 100
SCATTER_INCHES = (7.2, 6.4)
EXTENT = 4.0
# Pixels of the manifold's sheet, about; small pictures are repeated pixel by pixel to reach it.
SHEET = 560
# Pixels around the sheet for its axes' labels: left, bottom, and right and top.
MARGINS = (54, 46, 14)


def latent_scatter(z_mean: Floats, label: NDArray[np.int64]) -> bytes:
    """Draw where the images of a split lie in latent space, coloured by label.

    Args:
        z_mean: `(n, latent_dim)` float32; more than two dimensions are drawn over the first two principal
            axes.
        label: `(n,)` int64.

    Returns:
        A PNG file.
    """
    axes_of_plane, centre = plane(z_mean)
    points = (z_mean - centre) @ axes_of_plane.T
    values, indices = np.unique(label, return_inverse=True)
    colors = colormaps["tab10" if len(values) <= 10 else "turbo"].resampled(max(len(values), 10))
    figure = Figure(figsize=SCATTER_INCHES, layout="constrained")
    axes = figure.add_subplot()
    # In the order of the data: drawn class by class, the last would cover the others.
    axes.scatter(*points.T, s=5, linewidths=0, alpha=0.7, color=colors(indices))
    for i, value in enumerate(values):
        axes.scatter([], [], s=45, color=colors(i), label=value)
    axes.set_aspect("equal")
    axes.grid(linewidth=0.4, color="0.9")
    axes.set_axisbelow(True)
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    _name_axes(axes, z_mean)
    return _save(figure, few_colours=True)


def manifold(decode: Decode, z_mean: Floats, n: int = 20) -> bytes:
    """Draw what an even grid over [-4, 4]² decodes to, z[0] to the right, z[1] up.

    Args:
        decode: `z` to `image` `(batch, height, width, channels)` float32 in [0, 1].
        z_mean: `(n, latent_dim)` float32, of a split; more than two dimensions use its first two principal
            axes.
        n: Pictures in a row and in a column.

    Returns:
        A PNG file, its pictures' pixels whole ones.
    """
    sheet = _decode_grid(decode, z_mean, n)
    edge = EXTENT * (1 + 1 / (n - 1))
    figure, axes = _frame(sheet, (-edge, edge, -edge, edge))
    _name_axes(axes, z_mean)
    return _save(figure, few_colours=sheet.shape[2] == 1)


def styles(decode: Callable[[Floats, Labels], Floats], labels: Labels, latent_dim: int, n: int = 20) -> bytes:
    """Draw each label in the same styles: a row a label, a column a z from the prior.

    Args:
        decode: `z` and label to `image` `(batch, height, width, channels)` float32 in [0, 1].
        labels: `(labels,)` int64.
        latent_dim: Size of z.
        n: Pictures in a row; the first is at the prior's mean.

    Returns:
        A PNG file, its pictures' pixels whole ones.
    """
    z = np.random.RandomState(0).standard_normal((n, latent_dim)).astype(np.float32)
    z[0] = 0
    image = decode(np.tile(z, (len(labels), 1)), labels.repeat(n))
    sheet = _arrange(image, len(labels))
    figure, axes = _frame(sheet, (0, n, len(labels), 0))
    axes.set_yticks(np.arange(len(labels)) + 0.5, labels)
    axes.set_xticks([])
    axes.set_ylabel("label")
    axes.set_xlabel("the same z in each column")
    return _save(figure, few_colours=sheet.shape[2] == 1)


def plane(z_mean: Floats) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the plane that is drawn.

    Args:
        z_mean: `(n, latent_dim)` float32.

    Returns:
        Its axes, `(2, latent_dim)`, and its centre, `(latent_dim,)`: the coordinate axes
        through 0 for up to two dimensions, else the first two principal axes through the mean.
    """
    latent_dim = z_mean.shape[1]
    if latent_dim <= 2:
        return np.eye(2, latent_dim), np.zeros(latent_dim)
    centre = z_mean.astype(np.float64).mean(axis=0)
    axes = np.linalg.svd(z_mean - centre, full_matrices=False)[2][:2]
    # An axis and its negative fit alike; the largest entry is made positive, so that pictures compare.
    signs = np.sign(axes[np.arange(2), np.abs(axes).argmax(axis=1)])
    return axes * signs[:, np.newaxis], centre


def _decode_grid(decode: Decode, z_mean: Floats, n: int) -> Floats:
    axes_of_plane, centre = plane(z_mean)
    steps = np.linspace(-EXTENT, EXTENT, n)
    first, second = np.meshgrid(steps, steps[::-1])
    grid = np.stack([first.ravel(), second.ravel()], axis=1)
    return _arrange(decode((grid @ axes_of_plane + centre).astype(np.float32)), n)


def _arrange(image: Floats, rows: int) -> Floats:
    count, height, width, channels = image.shape
    columns = count // rows
    sheet = image.reshape(rows, columns, height, width, channels)
    sheet = sheet.transpose(0, 2, 1, 3, 4)  # (rows, height, columns, width, channels)
    sheet = sheet.reshape(rows * height, columns * width, channels)
    times = max(1, SHEET // max(sheet.shape))
    return sheet.repeat(times, axis=0).repeat(times, axis=1)


def _frame(sheet: Floats, extent: tuple[float, float, float, float]) -> tuple[Figure, Axes]:
    rows, columns = sheet.shape[:2]
    left, bottom, other = MARGINS
    width, height = left + columns + other, bottom + rows + other
    figure = Figure(figsize=(width / DPI, height / DPI))
    axes = figure.add_axes((left / width, bottom / height, columns / width, rows / height))
    axes.imshow(
        sheet.squeeze(), cmap="gray", vmin=0, vmax=1, extent=extent, aspect="auto", interpolation="nearest"
    )
    return figure, axes


def _name_axes(axes: Axes, z_mean: Floats) -> None:
    names = ("z[0]", "z[1]") if z_mean.shape[1] <= 2 else ("first principal axis", "second principal axis")
    axes.set_xlabel(names[0])
    axes.set_ylabel(names[1])


def _save(figure: Figure, *, few_colours: bool) -> bytes:
    drawing, file = io.BytesIO(), io.BytesIO()
    figure.savefig(drawing, format="png", dpi=DPI)
    picture = Image.open(drawing).convert("RGB")
    # A palette takes a third of the bytes, and loses nothing of up to 256 greys.
    (picture.quantize(256) if few_colours else picture).save(file, "PNG", optimize=True)
    return file.getvalue()
