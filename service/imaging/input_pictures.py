"""Make a model's input of a decoded upload, and say what was done to it. Pure functions."""

from __future__ import annotations

import dataclasses
from typing import Literal, NamedTuple

import numpy as np
from PIL import Image

from service.core.arrays import Floats
from service.core.choices import ImagePolarity
from service.imaging.figures.canvas import flatten
from service.imaging.figures.reading import Reading, read_figures
from service.imaging.fitting import centre, find_middle, fit_figure, fit_whole
from service.imaging.preprocess import (
    find_border,
    find_median,
    find_polarity,
    tell_polarity,
    to_floats,
)
from service.imaging.reading.decoding import upload_size

# What was done: taken as it is, moved to the middle, cut to its figure and scaled, or scaled whole.
Placing = Literal["kept", "centred", "fitted", "whole"]
# A picture of the model's size is taken as it is if its centre of mass lies so near the middle, on a ground
# as dark as this; it is only moved if its figure has about the size of the model's, in parts of the box.
NEAR, DARK, SMALLEST, LARGEST = 1.0, 0.04, 0.7, 1.1


class Target(NamedTuple):
    """What a model's pictures are: their size, channels, and the box of their figures if they are centred."""

    height: int
    width: int
    channels: int
    box: int | None


@dataclasses.dataclass(frozen=True)
class InputPicture:
    """A picture as the encoder gets it, and how it was made.

    Attributes:
        x: `(height, width, channels)` float32 in [0, 1], light on dark.
        placing: What was done.
        polarity: Of the upload.
        box: Left, top, right and bottom of what was taken, in the upload's pixels, once it is upright.
        threshold: By how much of the way from black to white its ink stands out at least; None: not sought.
        found: How sure it is that this is the figure, in [0, 1]; None: not sought.
        ignored: How much else stood out, by kind.
    """

    x: Floats
    placing: Placing
    polarity: ImagePolarity
    box: tuple[int, int, int, int]
    threshold: float | None = None
    found: float | None = None
    ignored: dict[str, int] = dataclasses.field(default_factory=dict)


def read_input_pictures(
    image: Image.Image,
    target: Target,
    polarity: ImagePolarity | None,
    many: bool,
    own: ImagePolarity = "light-on-dark",
) -> list[InputPicture]:
    """Read a picture as a model wants it: cut to its figures where the target has a box, else whole.

    Args:
        image: Decoded and upright.
        target: What the model's pictures are.
        polarity: None: found, except in colour where pictures are scaled whole.
        many: All figures, else the best one.
        own: The polarity of the model's pictures.

    Returns:
        Nothing if a figure is sought and there is none.
    """
    if target.box is not None:
        return read_all_figures(image, target, polarity, many)
    # In colour, a light border need not be paper, and inverting would change all colours.
    return [read_whole(image, target, polarity or (own if target.channels > 1 else None))]


def read_whole(image: Image.Image, target: Target, polarity: ImagePolarity | None) -> InputPicture:
    """Scale a whole picture into a model's size; one that has it already is taken as it is.

    Args:
        image: Decoded and upright.
        target: What the model's pictures are.
        polarity: None: found from the border.
    """
    x = to_floats(image, target.channels)
    polarity = polarity or find_polarity(x)
    if polarity == "dark-on-light":
        x = 1 - x
    box = (0, 0, *upload_size(image))
    if x.shape == target[:3]:
        return InputPicture(x, "kept", polarity, box)
    return InputPicture(fit_whole(x, target.height, target.width), "whole", polarity, box)


def read_all_figures(
    image: Image.Image, target: Target, polarity: ImagePolarity | None, many: bool
) -> list[InputPicture]:
    """Cut a picture to its figure, or to each of several; see `figures.reading`.

    A picture of the model's size that is light on black, or the reverse, keeps its pixels where its centre of
    mass lies in the middle, and is moved where it does not.

    Args:
        image: Decoded and upright.
        target: What the model's pictures are; it has a box.
        polarity: None: found.
        many: All figures, else the best one.

    Returns:
        Nothing if there is no figure.
    """
    kept = keep_picture(image, target, polarity)
    if kept is not None:
        return [kept]
    size = upload_size(image)
    scale = size[0] / image.width, size[1] / image.height
    return [_place(reading, target, scale) for reading in read_figures(image, polarity, many)]


def keep_picture(image: Image.Image, target: Target, polarity: ImagePolarity | None) -> InputPicture | None:
    """Do what `read_all_figures` does with a plain picture of the model's size; else return None."""
    if image.size != (target.width, target.height):
        return None
    return _keep(to_floats(flatten(image), target.channels), target, polarity)


def _place(reading: Reading, target: Target, scale: tuple[float, float]) -> InputPicture:
    x = fit_figure(reading.cover, target.height, target.width, target.box or target.height)
    left, top, right, bottom = reading.box
    box = round(left * scale[0]), round(top * scale[1]), round(right * scale[0]), round(bottom * scale[1])
    return InputPicture(
        np.repeat(x, target.channels, axis=2),
        "fitted",
        reading.polarity,
        box,
        reading.threshold,
        reading.found,
        reading.ignored,
    )


def _keep(x: Floats, target: Target, polarity: ImagePolarity | None) -> InputPicture | None:
    """Return a picture of the model's size in the middle, unless it is more than a figure on ground."""
    border = find_border(x)
    ground = find_median(border)
    polarity = polarity or tell_polarity(ground)
    if polarity == "dark-on-light":
        x, border, ground = 1 - x, 1 - border, 1 - ground
    if ground > DARK or not x.any():
        return None
    row, column = find_middle(x)
    whole = 0, 0, target.width, target.height
    if max(abs(row - target.height / 2), abs(column - target.width / 2)) <= NEAR:
        return InputPicture(x, "kept", polarity, whole, found=1.0)
    rows, columns = (np.flatnonzero(x.max(axis=(axis, 2)) > DARK) for axis in (1, 0))
    if border.max() > DARK or not rows.size:
        return None
    box = int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
    side = max(box[2] - box[0], box[3] - box[1])
    if not SMALLEST <= side / (target.box or side) <= LARGEST:
        return None
    moved = centre(x[box[1] : box[3], box[0] : box[2]], target.height, target.width)
    return InputPicture(moved, "centred", polarity, box, DARK, 1.0)
