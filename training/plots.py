"""Owns the pictures of a latent space: arrays in, PNG files out; no model, no data loading."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Decode = Callable[[Floats], Floats]

DPI = 130
EXTENT = 4.0


def latent_scatter(z_mean: Floats, label: NDArray[np.int64]) -> bytes:
    """Draws where the images of a split lie in latent space, coloured by label.

    Args:
        z_mean: `(n, latent_dim)` float32; more than two dimensions are drawn over the first two principal
            axes.
        label: `(n,)` int64.

    Returns:
        A PNG file.
    """
    axes_of_plane, centre = plane(z_mean)
    points = (z_mean - centre) @ axes_of_plane.T
    figure = Figure(figsize=(6.4, 6), layout="constrained")
    axes = figure.add_subplot()
    for i, value in enumerate(np.unique(label)):
        rows = label == value
        axes.scatter(
            *points[rows].T, s=3, linewidths=0, alpha=0.6, color=colormaps["tab10"](i % 10), label=value
        )
    axes.set_aspect("equal")
    axes.set_xlabel("z[0]" if z_mean.shape[1] <= 2 else "first principal axis")
    axes.set_ylabel("z[1]" if z_mean.shape[1] <= 2 else "second principal axis")
    axes.grid(linewidth=0.3)
    axes.set_axisbelow(True)
    legend = axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False, markerscale=4)
    for handle in legend.legend_handles:
        handle.set_alpha(1)
    return _save(figure)


def manifold(decode: Decode, z_mean: Floats, n: int = 20) -> bytes:
    """Draws what an even grid over [-4, 4]² decodes to, z[0] to the right, z[1] up.

    Args:
        decode: `z` to `image` `(batch, height, width, channels)` float32 in [0, 1].
        z_mean: `(n, latent_dim)` float32, of a split; more than two dimensions use its first two principal
            axes.
        n: Pictures in a row and in a column.

    Returns:
        A PNG file.
    """
    axes_of_plane, centre = plane(z_mean)
    steps = np.linspace(-EXTENT, EXTENT, n)
    first, second = np.meshgrid(steps, steps[::-1])
    grid = np.stack([first.ravel(), second.ravel()], axis=1)
    image = decode((grid @ axes_of_plane + centre).astype(np.float32))
    _, height, width, channels = image.shape
    sheet = image.reshape(n, n, height, width, channels)
    sheet = sheet.transpose(0, 2, 1, 3, 4)  # (n, height, n, width, channels)
    sheet = sheet.reshape(n * height, n * width, channels)
    figure = Figure(figsize=(6.4, 6.4), layout="constrained")
    axes = figure.add_subplot()
    edge = EXTENT * (1 + 1 / (n - 1))
    axes.imshow(sheet.squeeze(), cmap="gray", vmin=0, vmax=1, extent=(-edge, edge, -edge, edge))
    axes.set_xlabel("z[0]" if z_mean.shape[1] <= 2 else "first principal axis")
    axes.set_ylabel("z[1]" if z_mean.shape[1] <= 2 else "second principal axis")
    return _save(figure)


def plane(z_mean: Floats) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Gives the plane that is drawn.

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


def _save(figure: Figure) -> bytes:
    file = io.BytesIO()
    # Without the software's version in it, the file depends on the arrays alone.
    figure.savefig(file, format="png", dpi=DPI, metadata={"Software": None})
    return file.getvalue()
