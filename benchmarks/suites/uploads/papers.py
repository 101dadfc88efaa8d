"""Digits on paper of many kinds: each scene a function of a digit and a generator."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from benchmarks.suites.uploads.sheets import SIZE, Digit, finish, ink, plain, soft, somewhere, stroke, tilt


def pencil(digit: Digit, rng: np.random.Generator) -> Image.Image:
    """A soft pencil on recycled grey paper, with its grain."""
    cover = stroke(digit, SIZE, somewhere(rng), rng.uniform(-6, 6))
    cover *= np.clip(0.65 + 0.35 * soft(rng, SIZE, 300), 0.15, 1)
    sheet = (
        plain(SIZE, (172, 170, 163)) + 3 * soft(rng, SIZE, 150)[..., None] + 6 * soft(rng, SIZE, 4)[..., None]
    )
    return finish(ink(sheet, cover, (95, 95, 98)), rng, 4)


def squared(digit: Digit, rng: np.random.Generator) -> Image.Image:
    """A blue pen on squared paper, seen from one side."""
    sheet = plain(SIZE, (232, 232, 226))
    for at in range(15, SIZE[0], 40):
        sheet[:, at : at + 3] = sheet[at : at + 3] = (150, 175, 205)
    image = Image.fromarray(ink(sheet, stroke(digit, SIZE, somewhere(rng)), (35, 50, 130)).astype(np.uint8))
    image = tilt(
        image.rotate(rng.uniform(-5, 5), Image.Resampling.BICUBIC, fillcolor=(215, 215, 210)),
        rng,
        0.05,
        (215, 215, 210),
    )
    return finish(np.asarray(image, float), rng)


def hand_shadow(digit: Digit, rng: np.random.Generator) -> Image.Image:
    """The shadow of a hand and a phone across the figure."""
    shadow = Image.new("L", SIZE, 255)
    x = rng.uniform(350, 600)
    ImageDraw.Draw(shadow).polygon(
        [(x, 750), (x + 60, 300), (x + 140, 180), (x + 260, 260), (1000, 420), (1000, 750)], fill=110
    )
    light = np.asarray(shadow.filter(ImageFilter.GaussianBlur(14)), float)[..., None] / 255
    sheet = ink(plain(SIZE, (225, 220, 210)), stroke(digit, SIZE, somewhere(rng)), (40, 40, 50))
    return finish(sheet * light * np.linspace(1, 0.8, SIZE[0])[None, :, None], rng, 4)


def red_on_blue(digit: Digit, rng: np.random.Generator) -> Image.Image:
    """Red ink on blue paper that is as dark."""
    sheet = plain(SIZE, (90, 140, 190)) + 4 * soft(rng, SIZE, 6)[..., None]
    return finish(ink(sheet, stroke(digit, SIZE, somewhere(rng)), (205, 95, 95)), rng)


def yellow_on_white(digit: Digit, rng: np.random.Generator) -> Image.Image:
    """A yellow crayon on white paper."""
    cover = stroke(digit, SIZE, somewhere(rng)) * np.clip(0.8 + 0.3 * soft(rng, SIZE, 200), 0.2, 1)
    return finish(ink(plain(SIZE, (240, 240, 238)), cover, (240, 215, 60)), rng, 2)


def notebook(digit: Digit, rng: np.random.Generator) -> Image.Image:
    """A page that bends, with rules as dark as the pen, a margin and holes."""
    y, x = np.mgrid[: SIZE[1], : SIZE[0]]
    bent = y + 18 * np.sin(x / 700 + rng.uniform(0, 3)) + rng.uniform(-0.05, 0.05) * x
    sheet = plain(SIZE, (228, 228, 222))
    sheet[(bent % 62) < 3] = (110, 120, 150)
    sheet[:, 120:123] = (210, 90, 90)
    image = Image.fromarray(sheet.astype(np.uint8))
    for at in (120, 375, 630):
        ImageDraw.Draw(image).ellipse((35, at, 75, at + 40), fill=(60, 55, 50))
    sheet = ink(
        np.asarray(image, float), stroke(digit, SIZE, (0.58, 0.5, rng.uniform(0.4, 0.6))), (45, 50, 80)
    )
    return finish(sheet * np.linspace(0.85, 1, SIZE[0])[None, :, None], rng)


def receipt(digit: Digit, rng: np.random.Generator) -> Image.Image:
    """A figure on the back of a printed sheet: lines of small print above and below it."""
    image = Image.fromarray(
        ink(plain(SIZE, (235, 233, 228)), stroke(digit, SIZE, (0.5, 0.5, 0.5)), (30, 40, 110)).astype(
            np.uint8
        )
    )
    draw = ImageDraw.Draw(image)
    for row in (40, 75, 660, 695):
        for at in range(120, 880, 17):
            if rng.random() < 0.8:
                draw.line(
                    (at, row, at + int(rng.integers(2, 11)), row + int(rng.integers(5, 17))),
                    fill=(70, 70, 70),
                    width=3,
                )
    return finish(
        np.asarray(
            image.rotate(rng.uniform(-3, 3), Image.Resampling.BICUBIC, fillcolor=(225, 223, 218)), float
        ),
        rng,
    )


def ballpoint(digit: Digit, rng: np.random.Generator) -> Image.Image:
    """A thin pen on brown paper with fibres."""
    image = Image.fromarray(
        np.clip(plain(SIZE, (176, 140, 100)) + 5 * soft(rng, SIZE, 40)[..., None], 0, 255).astype(np.uint8)
    )
    draw = ImageDraw.Draw(image)
    for _ in range(120):
        x, y, turn = rng.uniform(0, 1000), rng.uniform(0, 750), rng.uniform(0, 6.3)
        draw.line((x, y, x + 18 * math.cos(turn), y + 18 * math.sin(turn)), fill=(150, 116, 80), width=1)
    cover = Image.fromarray((stroke(digit, SIZE, somewhere(rng, 0.45, 0.6)) * 255).astype(np.uint8)).filter(
        ImageFilter.MinFilter(9)
    )
    return finish(ink(np.asarray(image, float), np.asarray(cover, float) / 255, (30, 30, 70)), rng)


def form(digit: Digit, rng: np.random.Generator) -> Image.Image:
    """A cell of a printed form, its neighbours empty."""
    image = Image.new("RGB", SIZE, (238, 238, 236))
    draw = ImageDraw.Draw(image)
    for at in range(5):
        draw.rectangle((60 + 180 * at, 260, 240 + 180 * at, 480), outline=(60, 60, 60), width=4)
    cell = rng.integers(0, 5)
    cover = stroke(digit, SIZE, ((150 + 180 * cell) / 1000, 370 / 750, 0.24))
    return finish(ink(np.asarray(image, float), cover, (20, 20, 90)), rng)
