"""Digits on boards, screens, tables and in bad light; and `SCENES`, all that there are."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw

from benchmarks.suites.uploads import papers
from benchmarks.suites.uploads.sheets import SIZE, Digit, finish, ink, plain, soft, somewhere, stroke

Scene = Callable[[Digit, np.random.Generator], Image.Image]


def chalk(digit: Digit, rng: np.random.Generator) -> Image.Image:
    """Chalk on a board that was wiped."""
    cover = stroke(digit, SIZE, somewhere(rng)) * np.clip(0.75 + 0.4 * soft(rng, SIZE, 330), 0.05, 1)
    sheet = (
        plain(SIZE, (42, 62, 52))
        + 10 * np.clip(soft(rng, SIZE, 5), -1, 2)[..., None]
        + 4 * soft(rng, SIZE, 60)[..., None]
    )
    sheet[:, :40] = (120, 85, 50)
    return finish(ink(sheet, cover, (225, 225, 215)), rng, 5)


def whiteboard(digit: Digit, rng: np.random.Generator) -> Image.Image:
    """A green marker on a whiteboard with a lamp in it."""
    sheet = ink(plain(SIZE, (196, 200, 204)), stroke(digit, SIZE, somewhere(rng)), (30, 110, 70))
    y, x = np.mgrid[: SIZE[1], : SIZE[0]]
    lamp = np.exp(-(((x - rng.uniform(100, 900)) / 150) ** 2 + ((y - rng.uniform(50, 300)) / 90) ** 2))
    sheet += lamp[..., None] * 90
    return finish(sheet * np.linspace(1, 0.75, SIZE[1])[:, None, None], rng)


def screenshot(digit: Digit, rng: np.random.Generator) -> Image.Image:
    """A dark drawing program with its bars and buttons."""
    image = Image.fromarray(
        ink(
            plain(SIZE, (30, 30, 34)),
            stroke(digit, SIZE, (0.55, 0.55, rng.uniform(0.4, 0.6))),
            (240, 240, 240),
        ).astype(np.uint8)
    )
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, 1000, 44), fill=(60, 60, 66))
    draw.rectangle((0, 44, 56, 750), fill=(48, 48, 54))
    for at in range(3):
        draw.ellipse(
            (14 + 26 * at, 14, 30 + 26 * at, 30), fill=((237, 106, 94), (245, 191, 79), (98, 197, 84))[at]
        )
    for at in range(8):
        draw.rectangle((16, 70 + 50 * at, 40, 94 + 50 * at), outline=(170, 170, 170), width=2)
    return image


def transparent(digit: Digit, rng: np.random.Generator) -> Image.Image:
    """White or black strokes on a canvas that is transparent."""
    cover = stroke(digit, (400, 400), somewhere(rng, 0.5, 0.8))
    image = Image.new("RGBA", (400, 400), (255, 255, 255, 0) if rng.random() < 0.5 else (0, 0, 0, 0))
    image.putalpha(Image.fromarray((cover * 255).astype(np.uint8)))
    return image


def sticky_note(digit: Digit, rng: np.random.Generator) -> Image.Image:
    """A yellow note, turned a little, on a wooden table."""
    y, _ = np.mgrid[: SIZE[1], : SIZE[0]]
    grain = np.sin((y + 25 * soft(rng, SIZE, 4)) / 7) * 8 + soft(rng, (SIZE[0], SIZE[1]), 12) * 6
    table = plain(SIZE, (120, 82, 50)) + grain[..., None] + 3 * soft(rng, SIZE, 400)[..., None]
    note = Image.fromarray(
        ink(
            plain((420, 420), (238, 218, 110)),
            stroke(digit, (420, 420), somewhere(rng, 0.6, 0.75)),
            (40, 40, 60),
        ).astype(np.uint8)
    )
    mask = Image.new("L", note.size, 255)
    turn = rng.uniform(-8, 8)
    image = Image.fromarray(np.clip(table, 0, 255).astype(np.uint8))
    image.paste(
        note.rotate(turn, Image.Resampling.BICUBIC, expand=True),
        (int(rng.integers(180, 360)), int(rng.integers(90, 220))),
        mask.rotate(turn, expand=True),
    )
    return finish(np.asarray(image, float), rng)


def out_of_focus(digit: Digit, rng: np.random.Generator) -> Image.Image:
    """Out of focus, dark and grainy."""
    sheet = ink(plain(SIZE, (105, 98, 88)), stroke(digit, SIZE, somewhere(rng)), (38, 36, 38))
    return finish(sheet * (1 + 0.1 * soft(rng, SIZE, 3)[..., None]), rng, 10, 8)


def flash(digit: Digit, rng: np.random.Generator) -> Image.Image:
    """A flash at night: bright in the middle, black in the corners."""
    y, x = np.mgrid[: SIZE[1], : SIZE[0]]
    light = 1.25 * np.exp(-(((x - 480) / 480) ** 2 + ((y - 360) / 400) ** 2))
    sheet = ink(plain(SIZE, (215, 210, 200)), stroke(digit, SIZE, somewhere(rng)), (45, 40, 45))
    return finish(sheet * light[..., None], rng, 4)


def cloth(digit: Digit, rng: np.random.Generator) -> Image.Image:
    """A sheet on a patterned cloth."""
    y, x = np.mgrid[: SIZE[1], : SIZE[0]]
    check = plain(SIZE, (150, 60, 60)) + (((x // 30 + y // 30) % 2) * 70)[..., None]
    sheet = Image.fromarray(
        ink(
            plain((620, 520), (226, 226, 224)),
            stroke(digit, (620, 520), somewhere(rng, 0.5, 0.7)),
            (25, 25, 30),
        ).astype(np.uint8)
    )
    turn = rng.uniform(-10, 10)
    image = Image.fromarray(check.astype(np.uint8))
    image.paste(
        sheet.rotate(turn, Image.Resampling.BICUBIC, expand=True),
        (150, 60),
        Image.new("L", sheet.size, 255).rotate(turn, expand=True),
    )
    return finish(np.asarray(image, float), rng)


def drawn(digit: Digit, rng: np.random.Generator) -> Image.Image:
    """A canvas of a web page, as browsers save it."""
    cover = stroke(digit, (280, 280), somewhere(rng, 0.5, 0.9))
    return Image.fromarray(((1 - cover) * 255 if rng.random() < 0.5 else cover * 255).astype(np.uint8))


SCENES: dict[str, Scene] = {
    scene.__name__.replace("_", "-"): scene
    for scene in (
        papers.pencil,
        papers.squared,
        papers.hand_shadow,
        papers.red_on_blue,
        papers.yellow_on_white,
        papers.notebook,
        papers.receipt,
        papers.ballpoint,
        papers.form,
        chalk,
        whiteboard,
        screenshot,
        transparent,
        sticky_note,
        out_of_focus,
        flash,
        cloth,
        drawn,
    )
}
