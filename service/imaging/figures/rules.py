"""Take the printed lines of paper out of a mask: rules, squares, margins, edges; they may bend a little."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from service.imaging.figures.components import Components, Ints, Mask, find_runs, label_components, paint

Numbers = NDArray[np.float64]

# A rule is at most this thick, as a part of the picture's width, and at least this long.
MAX_THICKNESS, MIN_LENGTH = 1 / 40, 1 / 4
# It falls or rises by at most this much of its length: 20 degrees.
MAX_SLOPE = 0.36
# So many alike are a pattern of the paper; fewer must reach the picture's edge, for a 7 has a bar as well.
PATTERN = 3
# Half the pixels that another line or a stroke may hide of it.
GAP = 3
# So many rules of one direction are followed, which takes 0.1 ms each; of others, what was seen is taken out.
MAX_FOLLOWED = 64
# How far a line may stray from its course, for each pixel beyond its end.
STRAY = 0.03


def remove_rules(mask: Mask) -> tuple[Mask, int]:
    """Take the lines that run across a picture out of a mask.

    Where strokes cross them, the strokes stay.

    Returns:
        What is left, and how many lines were found.
    """
    mask, across = _remove_level(mask)
    turned, down = _remove_level(np.ascontiguousarray(mask.T))
    return np.ascontiguousarray(turned.T), across + down


def may_have_rules(parts: Components, height: int) -> bool:
    """Tell whether any component reaches as far as rules do."""
    width = parts.runs.width
    wide, high = (parts.right - parts.left) / width, (parts.bottom - parts.top) / height
    edge = (parts.left <= 2) | (parts.top <= 2) | (parts.right >= width - 2) | (parts.bottom >= height - 2)
    far = np.maximum(wide, high)
    long = far >= MIN_LENGTH
    return bool((long & (edge | (far >= 0.6))).any() or long.sum() >= PATTERN)


def _remove_level(mask: Mask) -> tuple[Mask, int]:
    """Take out what runs from left to right."""
    width = mask.shape[1]
    thickness = max(2, round(width * MAX_THICKNESS))
    # Stretches from top to bottom, of which those of a line are short.
    runs = find_runs(np.ascontiguousarray(mask.T))
    short = runs.length <= thickness
    if np.count_nonzero(short) * (1 + 2 * GAP) < width * MIN_LENGTH:
        return mask, 0  # however they lie, they are too few for one line
    thin = np.ascontiguousarray(paint(runs, short, width).T)
    lines = label_components(_bridge(thin))
    rules = _choose(lines, width)
    found = int(rules.sum())
    if not found:
        return mask, 0
    longest = np.argsort(np.where(rules, lines.left - lines.right, 0))[: min(found, MAX_FOLLOWED)]
    others = rules.copy()
    others[longest] = False
    removed = thin & lines.paint(others, len(mask))
    for label in longest:
        rows, along = _follow(lines, int(label), thin)
        removed[rows] |= along
    return mask & ~removed, found


def _bridge(thin: Mask) -> Mask:
    """Close the gaps in lines where others cross them."""
    height, width = thin.shape
    room = np.zeros((height, width + 2 * GAP), bool)
    room[:, GAP:-GAP] = thin
    # As one long line, which is many times as fast as row by row: between rows there is room.
    line = room.ravel()
    wide = line[1:] | line[:-1]
    wide = wide[2:] | wide[:-2]
    room.ravel()[GAP:-GAP] = wide[3:] | wide[:-3]
    return room[:, GAP:-GAP]


def _choose(lines: Components, width: int) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    length = lines.right - lines.left
    rise = lines.bottom - lines.top
    # A line that is not solid is a row of other things.
    solid = lines.area >= length * 0.9
    flat = (length >= width * MIN_LENGTH) & (rise <= np.maximum(length * MAX_SLOPE, 3)) & solid
    margin = max(1, round(width * 0.01))
    reaches = (lines.left <= margin) | (lines.right >= width - margin)
    across = length >= width * 0.85
    chosen: np.ndarray[tuple[int], np.dtype[np.bool_]] = flat & (reaches | across | (flat.sum() >= PATTERN))
    return chosen


def _follow(lines: Components, label: int, thin: Mask) -> tuple[slice, Mask]:
    """Return the thin pixels along a line and its continuation to both sides, and which rows they are in."""
    height, width = thin.shape
    here = np.flatnonzero(lines.label == label)
    row, first, last = lines.runs.row[here], lines.runs.start[here], lines.runs.stop[here] - 1
    left, right = int(lines.left[label]), int(lines.right[label])
    length = right - left
    # Sheets bend: a long line is a parabola, a short one goes on straight.
    degree = 0 if len(row) < 3 else 1 if length < width / 2 else 2
    columns = np.arange(width, dtype=np.float64)
    places = np.concatenate([first, (first + last) / 2, last])
    course = _fit(places / width, np.concatenate([row, row, row]), degree, columns / width)
    half = max(1.0, lines.area[label] / length) / 2 + 1
    reach = half + STRAY * np.maximum(np.maximum(left - columns, columns - right), 0)
    # The rows that it may lie in; comparing all of them would take three times as long.
    top, bottom = max(int((course - reach).min()), 0), min(int((course + reach).max()) + 1, height)
    rows = slice(top, max(top, bottom))
    along: Mask = thin[rows] & (np.abs(np.arange(top, bottom)[:, None] - course) <= reach)
    return rows, along


def _fit(x: Numbers, y: Ints, degree: int, at: Numbers) -> Numbers:
    """Fit a polynomial by least squares, and return its values: NumPy's own takes three times as long."""
    powers = _raise(x, degree)
    factors = np.linalg.solve(powers @ powers.T, powers @ y)
    values: Numbers = factors @ _raise(at, degree)
    return values


def _raise(x: Numbers, degree: int) -> Numbers:
    """Return a row for each power from 0 to a degree of at most 2."""
    return np.stack([np.ones_like(x), x, x * x][: degree + 1])
