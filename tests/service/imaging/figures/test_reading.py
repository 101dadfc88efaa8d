from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from service.core.arrays import Floats
from service.core.choices import ImagePolarity
from service.imaging.figures import finder, views
from service.imaging.figures.background import Background, estimate_backgrounds
from service.imaging.figures.finder import MAX_FIGURES
from service.imaging.figures.reading import Reading, read_figures
from service.imaging.fitting import fit_figure
from tests.service.imaging.figures import sheets
from tests.service.imaging.figures.measured import MEASURED, Measured
from tests.service.imaging.figures.sheets import BOX, SIZE, Levels, draw, is_four, noisy, to_image


def read(levels: Levels | Image.Image, polarity: ImagePolarity | None = None) -> Reading:
    image = levels if isinstance(levels, Image.Image) else to_image(levels)
    (reading,) = read_figures(image, polarity, False)
    return reading


def beside(add: Callable[[ImageDraw.ImageDraw], None]) -> Levels:
    image = to_image(draw())
    add(ImageDraw.Draw(image))
    return np.asarray(image, float)


def shaded(levels: Levels) -> Levels:
    shadow = Image.new("L", SIZE, 255)
    ImageDraw.Draw(shadow).polygon([(200, 360), (225, 30), (480, 130), (480, 360)], fill=110)
    light: Levels = np.asarray(shadow.filter(ImageFilter.GaussianBlur(8)), float) / 255
    return levels * light


def on_table(levels: Levels) -> Levels:
    table = np.full(SIZE[::-1], 70.0)
    table[40:330, 130:350] = levels[40:330, 130:350]
    return noisy(table, 3)


def framed(levels: Levels) -> Levels:
    levels[:3] = levels[-3:] = levels[:, :3] = levels[:, -3:] = 50
    return levels


def ruled(levels: Levels, gap: int, across: bool) -> Levels:
    for at in range(11, SIZE[1], gap):
        levels[at : at + 2] = np.minimum(levels[at : at + 2], 90)
    for at in range(7, SIZE[0], gap) if across else ():
        levels[:, at : at + 2] = np.minimum(levels[:, at : at + 2], 90)
    return levels


def glaring(levels: Levels) -> Levels:
    y, x = np.mgrid[: SIZE[1], : SIZE[0]]
    lamp: Levels = np.exp(-(((x - 90) / 50) ** 2) - ((y - 70) / 40) ** 2)
    return levels * 0.8 + 80 * lamp


def mark(pen: ImageDraw.ImageDraw) -> None:
    for i in range(60):
        pen.point((7 * i % 480, 11 * i % 360), 30)


def print_line(pen: ImageDraw.ImageDraw) -> None:
    for i in range(50):
        pen.line((9 * i, 340, 9 * i + 4, 350), 40, 2)


SCENES: dict[str, Callable[[], Levels]] = {
    "a clean sheet": draw,
    "a dim sheet": lambda: draw(paper=90, ink=20),
    "pale ink": lambda: noisy(draw(paper=210, ink=170), 3),
    "noise": lambda: noisy(draw(), 20),
    "light that falls": lambda: draw() * np.linspace(1, 0.35, SIZE[0]),
    "a vignette": lambda: draw() * (1 - 0.6 * np.linspace(-1, 1, SIZE[0]) ** 2),
    "a shadow": lambda: shaded(draw()),
    "glare": lambda: glaring(draw()),
    "a frame": lambda: framed(draw()),
    "a table": lambda: on_table(draw()),
    "rules": lambda: ruled(draw(), 30, False),
    "squares": lambda: ruled(draw(), 30, True),
    "a box": lambda: beside(lambda pen: pen.rectangle((120, 60, 340, 300), outline=40, width=4)),
    "a speck": lambda: beside(lambda pen: pen.rectangle((20, 20, 22, 22), fill=0)),
    "many specks": lambda: beside(mark),
    "a blot": lambda: beside(lambda pen: pen.ellipse((340, 40, 440, 140), fill=60)),
    "print": lambda: beside(print_line),
}


@pytest.mark.parametrize("turned", [False, True], ids=["dark on light", "light on dark"])
@pytest.mark.parametrize("scene", [name for name in SCENES if name != "a shadow"])
def test_the_figure_is_read_whatever_is_around_it(scene: str, turned: bool) -> None:
    levels = SCENES[scene]()
    reading = read(255 - levels if turned else levels)
    assert reading.polarity == ("light-on-dark" if turned else "dark-on-light")
    np.testing.assert_allclose(reading.box, BOX, atol=6)
    assert is_four(reading.cover)
    assert 0.3 < reading.found <= 1
    compare(reading, MEASURED[scene][turned])


def compare(reading: Reading, measured: Measured) -> None:
    assert reading.threshold == pytest.approx(measured.threshold, abs=3e-4)
    assert reading.found == pytest.approx(measured.found, abs=1e-3)
    assert tuple(reading.ignored) == ("rules", "specks", "others")
    assert tuple(reading.ignored.values()) == measured.ignored
    assert reading.cover.shape == (*measured.shape, 1)
    assert reading.cover.mean() == pytest.approx(measured.mean, abs=1e-3)


@pytest.mark.parametrize("turned", [False, True], ids=["dark on light", "light on dark"])
def test_a_shadow_is_measured_like_the_others(turned: bool) -> None:
    levels = SCENES["a shadow"]()
    compare(read(255 - levels if turned else levels), MEASURED["a shadow"][turned])


def test_a_shadow_is_no_figure() -> None:
    reading = read(SCENES["a shadow"]())
    np.testing.assert_allclose(reading.box, BOX, atol=6)
    assert is_four(reading.cover)


@pytest.mark.parametrize("tilt", [-4, 3])
def test_small_turns_of_the_sheet_do_not_matter(tilt: float) -> None:
    plain, squared = (
        read(to_image(levels).rotate(tilt, Image.Resampling.BICUBIC, fillcolor=208).convert("RGB"))
        for levels in (draw(), ruled(draw(), 30, True))
    )
    np.testing.assert_allclose(plain.box, squared.box, atol=24)
    seen = [fit_figure(reading.cover, 28, 28, 20) for reading in (plain, squared)]
    assert np.abs(seen[0] - seen[1]).sum() < 0.5 * seen[0].sum()


@pytest.mark.parametrize(
    ("paper", "ink"),
    [
        ((240, 240, 238), (240, 215, 60)),
        ((90, 140, 190), (205, 95, 95)),
        ((128, 128, 128), (40, 128, 216)),
        ((30, 60, 50), (220, 220, 210)),
    ],
)
def test_ink_is_read_by_the_channel_that_shows_it(
    paper: tuple[int, int, int], ink: tuple[int, int, int]
) -> None:
    cover = (210 - draw())[..., None] / 170
    reading = read(to_image(np.array(paper) * (1 - cover) + np.array(ink) * cover))
    np.testing.assert_allclose(reading.box, BOX, atol=6)
    assert is_four(reading.cover)


def test_strokes_that_do_not_touch_are_one_figure() -> None:
    levels = draw()
    levels[168:176] = 210  # apart above the bar
    assert read(levels).box[1] <= BOX[1] + 4


def test_what_was_done_is_told() -> None:
    levels = draw()
    for at in range(12, SIZE[1], 40):
        levels[at : at + 4] = np.minimum(levels[at : at + 4], 60)
    reading = read(noisy(levels, 2))
    assert reading.ignored["rules"] >= 5
    assert is_four(reading.cover)
    assert 0 < reading.threshold < 0.5
    assert read(draw()).ignored == {"rules": 0, "specks": 0, "others": 0}


def test_a_polarity_that_is_given_is_believed() -> None:
    assert read(draw(), "dark-on-light").polarity == "dark-on-light"
    assert not read_figures(to_image(draw()), "light-on-dark", False)


@pytest.mark.parametrize(
    "levels",
    [
        np.full(SIZE[::-1], 255.0),
        noisy(np.full(SIZE[::-1], 180.0), 12),
        np.broadcast_to(np.linspace(30, 240, SIZE[0]), SIZE[::-1]),
        framed(np.full(SIZE[::-1], 210.0)),
        ruled(np.full(SIZE[::-1], 210.0), 30, True),
    ],
    ids=["even", "noise", "a ramp", "a frame", "squares"],
)
def test_nothing_is_found_where_there_is_nothing(levels: Levels) -> None:
    assert read_figures(to_image(levels), None, False) == []


def test_what_is_doubtful_is_less_sure() -> None:
    sure = read(noisy(draw(), 3)).found
    faint = read(noisy(draw(paper=120, ink=113), 3)).found
    assert faint < 0.5 < sure


def test_all_figures_come_line_by_line() -> None:
    boxes = [
        (40 + 110 * c + 7 * r, 40 + 160 * r + 9 * c, 90 + 110 * c + 7 * r, 130 + 160 * r + 9 * c)
        for r in range(2)
        for c in range(4)
    ]
    levels = np.minimum.reduce([draw(width=9, box=box) for box in boxes])
    found = read_figures(to_image(noisy(levels, 3)), None, True)
    np.testing.assert_allclose([reading.box for reading in found], boxes, atol=6)
    assert all(is_four(reading.cover) for reading in found)
    assert len(read_figures(to_image(levels), None, False)) == 1


def test_the_box_is_in_the_pixels_of_the_picture_that_was_given() -> None:
    image = to_image(draw()).resize((1920, 1440), Image.Resampling.BICUBIC)
    np.testing.assert_allclose(read(image).box, np.array(BOX) * 4, atol=20)


def test_a_sheet_full_of_marks_has_a_bounded_number_of_figures() -> None:
    levels = np.full((1000, 1000), 220.0)
    for row in range(20, 980, 40):
        for column in range(20, 980, 40):
            levels[row : row + 26, column : column + 6] = 30
    assert 50 < len(read_figures(to_image(levels), None, True)) <= MAX_FIGURES


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (2, 2), (5, 7), (40, 3)])
def test_tiny_and_narrow_pictures_are_read_or_hold_nothing(size: tuple[int, int]) -> None:
    rng = np.random.RandomState(0)
    for levels in (rng.randint(0, 256, size), np.full(size, 9)):
        for many in (False, True):
            for reading in read_figures(to_image(levels.astype(float)), None, many):
                assert np.isfinite(reading.cover).all()


def test_sheets_are_drawn_as_they_are_checked() -> None:
    cover = (210 - sheets.draw()[BOX[1] : BOX[3] + 1, BOX[0] : BOX[2] + 1]) / 170
    assert is_four(cover[..., None].astype(np.float32))
    assert not is_four(cover[::-1, :, None].astype(np.float32))


def note_backgrounds(monkeypatch: pytest.MonkeyPatch) -> list[Background]:
    seen: list[Background] = []

    def note(planes: Floats, reaches: Sequence[float]) -> Iterator[Background]:
        for background in estimate_backgrounds(planes, reaches):
            seen.append(background)
            yield background

    monkeypatch.setattr(views, "estimate_backgrounds", note)
    return seen


def test_an_even_picture_has_but_one_background(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = note_backgrounds(monkeypatch)
    assert read_figures(Image.new("L", SIZE, 200), None, False) == []
    assert [background.is_canvas for background in seen] == [True]


@pytest.mark.parametrize(("enough", "backgrounds"), [(finder.ENOUGH, 1), (1.0, len(views.REACHES))])
def test_a_good_figure_on_uneven_paper_needs_no_other_background(
    monkeypatch: pytest.MonkeyPatch, enough: float, backgrounds: int
) -> None:
    monkeypatch.setattr(finder, "ENOUGH", enough)
    monkeypatch.setattr(finder, "DECISIVE", 1.0)
    seen = note_backgrounds(monkeypatch)
    assert is_four(read(noisy(draw(), 3)).cover)
    assert len(seen) == backgrounds


def test_the_lower_threshold_is_tried_in_front_of_the_first_background_alone() -> None:
    planes = np.asarray(to_image(shaded(noisy(draw(), 3))), np.float32)[None]
    parts = [[view.parts for view in found] for found in views.find_views(planes, None)]
    assert [set(one) for one in parts] == [{views.PARTS}, {views.LATER_PARTS}, {views.LATER_PARTS}]


def soften(levels: Levels) -> Levels:
    """Return a sheet as if it were drawn in few pixels and enlarged."""
    few = to_image(levels).resize((SIZE[0] // 8, SIZE[1] // 8), Image.Resampling.BOX)
    return np.asarray(few.resize(SIZE, Image.Resampling.BICUBIC), float)


def count_looks(monkeypatch: pytest.MonkeyPatch, levels: Levels) -> int:
    looks: list[finder.Sight | None] = []
    see = finder._see

    def note(*given: Any) -> finder.Sight | None:
        looks.append(see(*given))
        return looks[-1]

    monkeypatch.setattr(finder, "_see", note)
    assert is_four(read(levels).cover)
    return len(looks)


def test_a_soft_figure_alone_on_a_canvas_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finder, "DECISIVE", 1.0)
    assert count_looks(monkeypatch, soften(draw(0, 230))) == 1


def test_what_is_faint_beside_it_is_looked_at_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finder, "DECISIVE", 1.0)
    levels = soften(draw(0, 230))
    levels[40:60, 380:400] = 25
    assert count_looks(monkeypatch, levels) == 2


def test_what_stands_out_to_the_other_side_is_looked_at_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finder, "DECISIVE", 1.0)
    levels = soften(draw(90, 230))
    levels[40:60, 380:400] = 30
    assert count_looks(monkeypatch, levels) == 4
