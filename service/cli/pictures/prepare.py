"""`cvae prepare`: folders of photographs and drawings to training images, read as uploads are."""

from __future__ import annotations

import pathlib
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from service.cli import options
from service.core.choices import ImagePolarity
from service.core.errors import ClientError

# The command's help needs no more; the rest is loaded when it runs.
if TYPE_CHECKING:
    from service.imaging.input_pictures import InputPicture, Target

EXAMPLES = """
\b
Examples:
  cvae prepare photos -o digits
  cvae prepare sketches -o letters --size 32 --box 24
  cvae prepare paintings -o thumbnails --size 48x64 --whole --colour
"""
FOLDER = click.Path(file_okay=False, path_type=pathlib.Path)
# As MNIST was made: a box of 20 in pictures of 28.
BOX_SHARE = 20 / 28
MAX_SIDE = 4096
# Twice what a service allows by default: one's own files cost nobody else anything.
MAX_PIXELS = 32_000_000


@click.command(epilog=EXAMPLES)
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=pathlib.Path))
@click.option("-o", "--output", required=True, type=FOLDER, help="A new folder, with the same folders in it.")
@options.option("--size", default="28", metavar="SIDE|WIDTHxHEIGHT", help="Of the images, in pixels.")
@click.option(
    "--box", type=click.IntRange(1), help="Longest side of a figure; unset: 5/7 of the shorter side."
)
@click.option("--whole", is_flag=True, help="Scale pictures whole, and look for no figure.")
@click.option("--colour", is_flag=True, help="Keep colours; with --whole.")
@options.polarity
def prepare(
    folder: pathlib.Path,
    output: pathlib.Path,
    size: str,
    box: int | None,
    whole: bool,
    colour: bool,
    polarity: str,
) -> None:
    """Make training images of the photographs and drawings in FOLDER.

    Each is read as a service reads what is uploaded: its figure is found, scaled into a box and put in the
    middle, light on dark, so that a model learns from what it will be sent. Subfolders, such as one for each
    class, are kept. What is no picture, and what holds no figure, is named and left out.
    """
    target = _make_target(size, box, whole, colour)
    if output.exists() and any(output.iterdir()):
        raise click.ClickException(f"{output}: expected a new or an empty folder")
    paths = [path for path in sorted(folder.rglob("*")) if _is_wanted(path.relative_to(folder), path)]
    given: ImagePolarity | None = None if polarity == "auto" else polarity  # type: ignore[assignment]
    written = 0
    for path, picture in _read(paths, target, given):
        place = output / path.relative_to(folder).with_name(f"{path.name}.png")
        place.parent.mkdir(parents=True, exist_ok=True)
        _write(picture, place)
        written += 1
    click.echo(f"{written} of {len(paths)} pictures written to {output}")
    if not written:
        raise click.ClickException(f"{folder}: expected pictures, found none that can be read")


def _write(picture: InputPicture, place: pathlib.Path) -> None:
    import numpy as np
    from PIL import Image

    pixels = np.rint(picture.x * 255).astype(np.uint8)
    Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).save(place)


def _make_target(size: str, box: int | None, whole: bool, colour: bool) -> Target:
    from service.imaging.input_pictures import Target

    found = re.fullmatch(r"(\d{1,4})(?:x(\d{1,4}))?", size)
    width, height = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    if not (0 < height <= MAX_SIDE and 0 < width <= MAX_SIDE):
        raise click.UsageError(f"--size: expected a number such as 28, or two as in 20x30, received {size!r}")
    if whole:
        if box:
            raise click.UsageError("expected one of --box and --whole, received both")
        return Target(height, width, 3 if colour else 1, None)
    if colour:
        raise click.UsageError("--colour: expected --whole, for figures are found as light on dark")
    side = min(height, width)
    if box is not None and box > side:
        raise click.UsageError(f"--box: expected at most {side}, the shorter side, received {box}")
    return Target(height, width, 1, box or max(1, round(side * BOX_SHARE)))


def _is_wanted(inside: pathlib.Path, path: pathlib.Path) -> bool:
    # Hidden files are what desktops leave behind.
    return path.is_file() and not any(part.startswith(".") for part in inside.parts)


def _read(
    paths: list[pathlib.Path], target: Target, polarity: ImagePolarity | None
) -> Iterator[tuple[pathlib.Path, InputPicture]]:
    from service.imaging.input_pictures import read_input_pictures
    from service.imaging.reading.decoding import decode

    for path in paths:
        try:
            image = decode(path.read_bytes(), str(path), MAX_PIXELS)
        except ClientError as error:
            click.echo(f"{path}: expected {error.expected}, received {error.received}: left out", err=True)
            continue
        if found := read_input_pictures(image, target, polarity, many=False):
            yield path, found[0]
        else:
            click.echo(f"{path}: expected a figure, found an even picture: left out", err=True)
