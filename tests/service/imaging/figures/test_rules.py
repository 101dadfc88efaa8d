from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from service.imaging.figures import rules
from service.imaging.figures.components import Components, Mask, label_components
from service.imaging.figures.rules import may_have_rules, remove_rules
from tests.service.imaging.figures import sheets

SMALL = (240, 180)


def figure() -> Mask:
    return np.asarray(sheets.to_image(sheets.draw()).resize(SMALL)) < 120


def ruled(slope: float, bend: float, gap: int = 18) -> Mask:
    image = Image.new("1", SMALL)
    pen = ImageDraw.Draw(image)
    x = np.arange(0, SMALL[0] + 8, 8)
    for start in range(-SMALL[1], 2 * SMALL[1], gap):
        y = start + slope * x + bend * np.sin(x / SMALL[0] * 3)
        pen.line([(float(a), float(b)) for a, b in zip(x, y, strict=True)], fill=1, width=2)
    return np.asarray(image)


@pytest.mark.parametrize("down", [False, True])
@pytest.mark.parametrize(("slope", "bend"), [(0, 0), (0.05, 0), (-0.1, 0), (0.02, 6)])
def test_rules_are_taken_out_and_strokes_stay(slope: float, bend: float, down: bool) -> None:
    lines = ruled(slope, bend)
    if down:
        lines = np.ascontiguousarray(np.rot90(ruled(slope, bend)[:, : SMALL[1]]))
        lines = np.pad(lines, ((0, 0), (0, SMALL[0] - lines.shape[1])), "wrap")[: SMALL[1]]
    strokes = figure()
    left, found = remove_rules(strokes | lines)
    assert found >= 5
    assert (left & strokes).sum() > 0.8 * strokes.sum()
    assert (left & ~strokes).sum() < 0.15 * (lines & ~strokes).sum()


def test_a_figure_alone_keeps_its_bars() -> None:
    strokes = figure()
    assert not may_have_rules(label_components(strokes), len(strokes))
    left, found = remove_rules(strokes)
    assert found == 0
    np.testing.assert_array_equal(left, strokes)


def test_lines_from_edge_to_edge_may_be_rules() -> None:
    assert may_have_rules(label_components(ruled(0, 0)), SMALL[1])


def test_of_hundreds_of_lines_few_are_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    followed: list[int] = []
    follow = rules._follow

    def count(lines: Components, label: int, thin: Mask) -> tuple[slice, Mask]:
        followed.append(label)
        return follow(lines, label, thin)

    monkeypatch.setattr(rules, "_follow", count)
    dashes = np.zeros((255, 256), bool)
    dashes[::3] = True
    dashes[:, 80:90] = dashes[:, 170:180] = False
    left, found = remove_rules(dashes)
    assert found == 255
    assert len(followed) == rules.MAX_FOLLOWED
    assert not left.any()


def dashed(whole: int, bend: float, slope: float) -> Mask:
    """Return one line from the left edge; from `whole` on it is dashes, too short to be rules themselves."""
    x = np.arange(SMALL[0])
    y = np.rint(60 + bend * ((x - SMALL[0] / 2) / SMALL[0]) ** 2 + slope * x).astype(int)
    drawn = (x < whole) | ((x - whole) % 14 >= 8)
    line = np.zeros(SMALL[::-1], bool)
    for thick in range(2):
        line[y[drawn] + thick, x[drawn]] = True
    return line


@pytest.mark.parametrize(
    ("whole", "bend", "slope"), [(150, 100, 0), (190, -120, 0), (70, 0, 0.1), (70, 0, 0.3), (110, 0, -0.2)]
)
def test_a_line_is_followed_beyond_its_end(whole: int, bend: float, slope: float) -> None:
    line = dashed(whole, bend, slope)
    left, found = remove_rules(line)
    assert found == 1
    assert left.sum() <= 0.02 * line.sum()
