"""Draw pictures of a latent space: arrays in, PNG files out; no model, no data loading."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.float32]
Labels = NDArray[np.int64]
Decode = Callable[[Floats], Floats]

Pixel = TypeVar("Pixel", bound=np.generic)

DPI = 100
SCATTER_INCHES, CURVES_INCHES = (7.2, 6.4), (7.2, 2.8)
# Colours that are told apart by the colour-blind too (Okabe & Ito 2008).
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")
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
    figure = Figure(figsize=SCATTER_INCHES, layout="compressed")
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


def tile(image: NDArray[Pixel], columns: int) -> NDArray[Pixel]:
    """Lay pictures side by side, row by row.

    Args:
        image: `(n, height, width, channels)`, of any type.
        columns: Pictures in a row; places left over in the last row are black.

    Returns:
        `(rows height, columns width, channels)` of the same type.
    """
    count, height, width, channels = image.shape
    rows = -(-count // columns)
    places = np.zeros((rows * columns, height, width, channels), image.dtype)
    places[:count] = image
    sheet = places.reshape(rows, columns, height, width, channels)
    sheet = sheet.transpose(0, 2, 1, 3, 4)  # (rows, height, columns, width, channels)
    return sheet.reshape(rows * height, columns * width, channels)


def write_png(sheet: NDArray[np.uint8]) -> bytes:
    """Return `(height, width, 1 or 3)` as a PNG file."""
    file = io.BytesIO()
    Image.fromarray(sheet[..., 0] if sheet.shape[2] == 1 else sheet).save(file, "PNG", optimize=True)
    return file.getvalue()


def curves(series: Mapping[str, Sequence[float]], unit: str) -> bytes:
    """Draw lines over epochs.

    Args:
        series: By name, a value an epoch, from the first.
        unit: Of the values.

    Returns:
        A PNG file. The first epochs tower above all others, so the highest 3% of all values are cut off.
    """
    values = np.concatenate([np.asarray(line, float) for line in series.values()])
    low, high = float(values.min()), float(np.quantile(values, 0.97))
    margin = 0.04 * (high - low) or 1.0
    figure = Figure(figsize=CURVES_INCHES, layout="constrained")
    axes = figure.add_subplot()
    for colour, (name, line) in zip(itertools.cycle(COLOURS), series.items(), strict=False):
        axes.plot(np.arange(1, len(line) + 1), line, color=colour, linewidth=1.4, label=name)
    axes.set_ylim(low - margin, high + margin)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("epoch")
    axes.set_ylabel(unit)
    axes.legend(frameon=False)
    return _save(figure, few_colours=True)


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
    sheet = tile(image, len(image) // rows)
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
