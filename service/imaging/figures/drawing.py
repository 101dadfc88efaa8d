"""Draw a figure as a model was trained on such: light on 0, from the best pixels that there are."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from service.core.arrays import Floats
from service.imaging.figures.background import enlarge, quantile, spread
from service.imaging.figures.finder import Figure, Sight

Box = tuple[float, float, float, float]
# The longest side of the cut, which is then scaled to a fifth of it or less.
CUT_SIDE = 100
# Pixels of the small copy around a figure that may belong to it.
MARGIN = 2
# The darkest of a figure's pixels are all ink; what is less than a fifth of that is background.
ALL_INK, LEAST_COVER = 0.85, 0.2
# Strokes of MNIST's digits are from 9 to 18% of their height; pens outside of that are drawn as if near it.
THINNEST, THICKEST = 0.09, 0.2
# What is thinner than this part of the strokes is none.
WHISKER = 0.35
GROW: np.ufunc = np.maximum
SHRINK: np.ufunc = np.minimum
Levels = NDArray[np.uint8]


def cut_figure(image: Image.Image, sight: Sight, figure: Figure) -> Floats:
    """Return how much of each pixel of a figure's box is ink.

    Args:
        image: The picture in mode L or RGB, of any size.
        sight: How it was seen, in a smaller copy.
        figure: One of those seen.

    Returns:
        `(height, width)` float32 in [0, 1], without margins.
    """
    rows, columns = figure.mask.shape
    left, top, right, bottom = figure.box
    box = (
        max(left - MARGIN, 0),
        max(top - MARGIN, 0),
        min(right + MARGIN, columns),
        min(bottom + MARGIN, rows),
    )
    scale = image.width / columns, image.height / rows
    source = box[0] * scale[0], box[1] * scale[1], box[2] * scale[0], box[3] * scale[1]
    ratio = min(1.0, CUT_SIDE / max(source[2] - source[0], source[3] - source[1]))
    size = (
        max(1, round((source[2] - source[0]) * ratio)),
        max(1, round((source[3] - source[1]) * ratio)),
    )
    ink = _measure_ink(image.resize(size, Image.Resampling.BOX, source), sight, box)
    there = _enlarge_mask(figure, box, size)
    strokes = ink[there > 0.5]
    full = quantile(strokes, ALL_INK) if strokes.size else float(ink.max())
    cover = np.clip(ink / max(full, 1e-6), 0, 1) * np.clip(there * 3, 0, 1)
    cover = cover.astype(np.float32)
    return even_strokes(_trim(cover if sight.background.is_canvas else _drop_whiskers(cover)))


def even_strokes(cover: Floats) -> Floats:
    """Thicken the strokes of thin pens and thin those of thick markers, towards those of MNIST."""
    side = max(cover.shape)
    stroke = _measure_stroke(cover > 0.5)
    wanted = min(max(stroke, THINNEST * side), THICKEST * side)
    steps = round(abs(wanted - stroke) / 2)
    if not steps:
        return cover
    evened = _filter(np.pad(cover, steps), steps * [GROW if wanted > stroke else SHRINK])
    return _trim(evened) if evened.max() > LEAST_COVER else cover


def _drop_whiskers(cover: Floats) -> Floats:
    """Take away what is far thinner than the strokes: the ends of lines that crossed them."""
    steps = round(WHISKER * _measure_stroke(cover > 0.5) / 2)
    if not steps:
        return cover
    # The grain of pencil and chalk is filled first.
    return np.minimum(cover, _filter(cover, [GROW] + (steps + 1) * [SHRINK] + (steps + 1) * [GROW]))


def _filter(cover: Floats, choices: Iterable[np.ufunc]) -> Floats:
    """Give each pixel the highest or lowest level of the three by three around it, choice after choice."""
    levels: Levels = (cover * 255).astype(np.uint8)
    for choose in choices:
        levels = spread(levels, choose)
    return levels.astype(np.float32) / np.float32(255)


def _measure_stroke(ink: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> float:
    """Return the thickness of straight strokes of any direction, in pixels."""
    padded = np.pad(ink, 1)
    across = np.count_nonzero(padded[:, 1:] & ~padded[:, :-1])
    down = np.count_nonzero(padded[1:] & ~padded[:-1])
    return float(np.count_nonzero(ink) / max(np.hypot(across, down), 1))


def _measure_ink(cut: Image.Image, sight: Sight, box: Box) -> Floats:
    """Return how far each pixel is from the background, to the figure's side."""
    pixels = (
        np.asarray(cut).reshape(cut.height, cut.width, -1).transpose(2, 0, 1).astype(np.float32, order="C")
    )
    rows, columns = sight.ink.shape
    across, down = sight.background.level.shape[2] / columns, sight.background.level.shape[1] / rows
    cells = box[0] * across, box[1] * down, box[2] * across, box[3] * down
    ground = enlarge(sight.background.level, cut.height, cut.width, cells)
    if sight.polarity == "dark-on-light":
        # In the shade ink is darker by as much of the light, not by as many levels.
        ink: Floats = ((ground - pixels) / np.maximum(ground, 16)).max(axis=0)
    else:
        ink = (pixels - ground).max(axis=0)
    return ink


def _enlarge_mask(figure: Figure, box: tuple[int, int, int, int], size: tuple[int, int]) -> Floats:
    left, top, right, bottom = box
    mask = spread(figure.mask[top:bottom, left:right].view(np.uint8) * np.uint8(255), GROW)
    wide = Image.fromarray(mask).resize(size, Image.Resampling.BILINEAR)
    return np.asarray(wide, np.float32) / np.float32(255)


def _trim(cover: Floats) -> Floats:
    seen = cover > LEAST_COVER
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    if not rows.size:
        return cover
    return np.ascontiguousarray(cover[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
