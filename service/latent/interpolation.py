"""Paths between points of latent space. Pure functions."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.core.arrays import Floats
from service.core.choices import Method

Doubles = NDArray[np.float64]

# Below this angle's sine, slerp's weights lose their digits, and the arc is a line to float32.
PARALLEL = 1e-6
# In few dimensions the prior is dense at its middle; in many, its mass lies on a shell, and a straight line
# between two samples leaves it (White 2016, section 2).
LERP_DIMS = 3


def interpolate(start: Floats, end: Floats, steps: int, method: Method) -> Floats:
    """Return a path between two vectors, both included.

    Args:
        start: `(latent_dim,)` float32.
        end: `(latent_dim,)` float32.
        steps: Points on the path, at least 2.
        method: "lerp", a straight line, or "slerp" (Shoemake 1985), which turns the direction evenly and
            here interpolates the radius linearly. Where the arc is not unique (a zero vector, parallel or
            opposite vectors), slerp is the straight line.

    Returns:
        `(steps, latent_dim)` float32; the first row is `start` and the last `end`, exactly.
    """
    t, a, b = _space(steps), start.astype(np.float64), end.astype(np.float64)
    points = (_arc(a, b, t) if method == "slerp" else _line(a, b, t)).astype(np.float32)
    points[0], points[-1] = start, end
    return points


def walk(stops: Floats, steps: int, method: Method) -> Floats:
    """Return a path through several vectors, as long from each to the next.

    Args:
        stops: `(n, latent_dim)` float32, n at least 2.
        steps: Points on the path, at least 2. Each stop is one of them if n - 1 divides steps - 1; the first
            and the last always are.
        method: See `interpolate`, which it is for two.

    Returns:
        `(steps, latent_dim)` float32.
    """
    legs = len(stops) - 1
    if legs == 1:
        return interpolate(stops[0], stops[1], steps, method)
    leg, rest = np.divmod(np.arange(steps) * legs, steps - 1)
    first, t = np.minimum(leg, legs - 1), rest[:, np.newaxis] / (steps - 1)
    # All legs at once: one after the other, a thousand take 30 ms.
    a, b = stops[first].astype(np.float64), stops[first + 1].astype(np.float64)
    path = (_arcs(a, b, t) if method == "slerp" else _line(a, b, t)).astype(np.float32)
    path[rest == 0] = stops[leg[rest == 0]]
    return path


def default_method(latent_dim: int) -> Method:
    """Return the method for a latent space of this size: lerp up to 3 dimensions, slerp above."""
    return "lerp" if latent_dim <= LERP_DIMS else "slerp"


@functools.lru_cache(64)
def _space(steps: int) -> Doubles:
    """Return even steps from 0 to 1, `(steps, 1)`, which nobody may change: they are kept."""
    t = np.linspace(0.0, 1.0, steps)[:, np.newaxis]
    t.flags.writeable = False
    return t


def _line(a: Doubles, b: Doubles, t: Doubles) -> Doubles:
    return (1 - t) * a + t * b


def _arc(a: Doubles, b: Doubles, t: Doubles) -> Doubles:
    radii = np.linalg.norm(a), np.linalg.norm(b)
    if min(radii) == 0:
        return _line(a, b, t)
    u, v = a / radii[0], b / radii[1]
    angle = np.arccos(np.clip(u @ v, -1.0, 1.0))
    if np.sin(angle) < PARALLEL:
        return _line(a, b, t)
    return _turn(u, v, radii, angle, t)


def _arcs(a: Doubles, b: Doubles, t: Doubles) -> Doubles:
    """Return for each row what `_arc` returns of one pair of ends, for which it takes half the time."""
    radii = np.linalg.norm(a, axis=1, keepdims=True), np.linalg.norm(b, axis=1, keepdims=True)
    u, v = (end / np.where(radius == 0, 1, radius) for end, radius in zip((a, b), radii, strict=True))
    angle = np.arccos(np.clip((u * v).sum(axis=1, keepdims=True), -1.0, 1.0))
    is_line = (np.minimum(*radii) == 0) | (np.sin(angle) < PARALLEL)
    angle[is_line] = 1
    return np.where(is_line, _line(a, b, t), _turn(u, v, radii, angle, t))


def _turn(u: Doubles, v: Doubles, radii: tuple[Any, Any], angle: Any, t: Doubles) -> Doubles:
    """Return the arc between two directions, an angle apart, as the radius goes from the one to the other."""
    direction = (np.sin((1 - t) * angle) * u + np.sin(t * angle) * v) / np.sin(angle)
    arc: Doubles = ((1 - t) * radii[0] + t * radii[1]) * direction
    return arc
