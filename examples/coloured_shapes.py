"""Draw a small data set in colour: six shapes of 32 x 32, in folders by class, to train a model on.

python examples/coloured_shapes.py data/shapes
"""

from __future__ import annotations

import argparse
import colorsys
import math
import pathlib
import sys
from collections.abc import Iterable

import numpy as np
from PIL import Image, ImageDraw

# A side in pixels; drawn so many times as large, and made smaller for smooth edges.
SIDE, TIMES = 32, 4
Points = list[tuple[float, float]]


def corners(count: int, inner: float = 1.0) -> Points:
    """Return the corners of a regular polygon of radius 1, or of a star whose inner radius is less."""
    radii = (1.0,) if inner == 1 else (1.0, inner)
    number = count * len(radii)
    angles = (2 * math.pi * i / number - math.pi / 2 for i in range(number))
    return [
        (radii[i % len(radii)] * math.cos(a), radii[i % len(radii)] * math.sin(a))
        for i, a in enumerate(angles)
    ]


ARM = 0.36
CROSS = [(ARM, 1.0), (ARM, ARM), (1.0, ARM), (1.0, -ARM), (ARM, -ARM), (ARM, -1.0)]
# The corners of each shape; none of what is round.
SHAPES: dict[str, Points] = {
    "circle": [],
    "cross": CROSS + [(-x, -y) for x, y in CROSS],
    "ring": [],
    "square": corners(4),
    "star": corners(5, 0.42),
    "triangle": corners(3),
}


def main(arguments: list[str] | None = None) -> int:
    """Write `train/<shape>/0000.png …` and `test/<shape>/0000.png …`.

    Args:
        arguments: Of the command line; unset: the process's own.

    Returns:
        The exit status.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=pathlib.Path, help="of the data set, which must not be there yet")
    parser.add_argument("--train", type=int, default=600, help="pictures of each shape to train on")
    parser.add_argument("--test", type=int, default=50, help="pictures of each shape to test on")
    parser.add_argument("--seed", type=int, default=0, help="of all that is random")
    options = parser.parse_args(arguments)
    if options.folder.exists():
        parser.error(f"{options.folder}: expected a folder that is not there yet")
    for i, shape in enumerate(SHAPES):
        for j, (part, count) in enumerate((("train", options.train), ("test", options.test))):
            random = np.random.default_rng((options.seed, i, j))
            write(options.folder / part / shape, (draw(shape, random) for _ in range(count)))
    return 0


def write(folder: pathlib.Path, pictures: Iterable[Image.Image]) -> None:
    """Write pictures, numbered from 0."""
    folder.mkdir(parents=True)
    for number, picture in enumerate(pictures):
        picture.save(folder / f"{number:04}.png")


def draw(shape: str, random: np.random.Generator) -> Image.Image:
    """Draw a shape in any bright colour on a dark grey ground; its place, size and turn vary, too."""
    grey = round(255 * random.uniform(0.05, 0.3))
    picture = Image.new("RGB", (SIDE * TIMES, SIDE * TIMES), (grey, grey, grey))
    pen = ImageDraw.Draw(picture)
    radius = random.uniform(0.3, 0.4)
    x, y = 0.5 + random.uniform(-0.04, 0.04, 2)
    turn, ink = random.uniform(-0.2, 0.2), colour(random.random(), 0.75, random.uniform(0.8, 1.0))
    if SHAPES[shape]:
        cos, sin = radius * math.cos(turn), radius * math.sin(turn)
        pen.polygon([scale(x + cos * u - sin * v, y + sin * u + cos * v) for u, v in SHAPES[shape]], fill=ink)
    else:
        box = [scale(x - radius, y - radius), scale(x + radius, y + radius)]
        pen.ellipse(box, fill=ink)
    if shape == "ring":
        inner = 0.55 * radius
        pen.ellipse([scale(x - inner, y - inner), scale(x + inner, y + inner)], fill=(grey, grey, grey))
    return picture.resize((SIDE, SIDE), Image.Resampling.BOX)


def scale(x: float, y: float) -> tuple[float, float]:
    """Return pixels of the large picture from shares of its side."""
    return x * SIDE * TIMES, y * SIDE * TIMES


def colour(hue: float, saturation: float, value: float) -> tuple[int, int, int]:
    """Return red, green and blue in [0, 255]."""
    red, green, blue = colorsys.hsv_to_rgb(hue % 1, saturation, value)
    return round(255 * red), round(255 * green), round(255 * blue)


if __name__ == "__main__":
    sys.exit(main())
