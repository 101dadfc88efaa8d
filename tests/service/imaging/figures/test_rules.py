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


def line(top: int, left: int, bottom: int, right: int, size: tuple[int, int] = (200, 400)) -> Mask:
    mask = np.zeros(size, bool)
    mask[top:bottom, left:right] = True
    return mask


@pytest.mark.parametrize(
    ("mask", "may"),
    [
        # A quarter of the picture that begins at most two pixels from its edge.
        (line(50, 2, 52, 102), True), (line(50, 3, 52, 103), False), (line(50, 2, 52, 101), False),
        (line(50, 298, 52, 398), True), (line(50, 297, 52, 397), False),
        (line(2, 50, 52, 52), True), (line(3, 50, 53, 52), False), (line(148, 50, 198, 52), True),
        (line(147, 50, 197, 52), False),
        # Three fifths anywhere.
        (line(50, 50, 52, 290), True), (line(50, 50, 52, 289), False), (line(40, 50, 160, 52), True),
        (line(40, 50, 159, 52), False),
        # Three of a quarter.
        (line(50, 50, 52, 150) | line(60, 50, 62, 150) | line(70, 50, 72, 150), True),
        (line(50, 50, 52, 150) | line(60, 50, 62, 150) | line(70, 50, 72, 149), False),
    ],
)  # fmt: skip
def test_what_reaches_far_may_be_a_rule(mask: Mask, may: bool) -> None:
    assert may_have_rules(label_components(mask), len(mask)) == may


@pytest.mark.parametrize(
    ("mask", "found"),
    [
        # Of 400 pixels: ten thick, a hundred long, within four of an edge. Three
        # more to each side are bridged.
        (line(50, 0, 60, 97), 1), (line(50, 0, 61, 97), 0), (line(50, 0, 52, 96), 0),
        (line(50, 7, 52, 107), 1), (line(50, 293, 52, 393), 1),
        (line(50, 8, 52, 108), 0), (line(50, 292, 52, 392), 0),
        # Or across, 85 of a hundred of it; or three of them.
        (line(50, 30, 52, 364), 1), (line(50, 30, 52, 363), 0),
        (line(50, 50, 52, 150) | line(60, 50, 62, 150) | line(70, 50, 72, 150), 3),
        (line(50, 50, 52, 150) | line(60, 50, 62, 150), 0),
        # Gaps of six are bridged.
        (line(50, 0, 52, 60) | line(50, 66, 52, 140), 1), (line(50, 0, 52, 60) | line(50, 67, 52, 140), 0),
    ],
)  # fmt: skip
def test_a_rule_is_thin_long_and_reaches_the_edge(mask: Mask, found: int) -> None:
    left, count = remove_rules(mask)
    assert count == found
    assert left.any() == (not found)


@pytest.mark.parametrize(("slope", "found"), [(0.3, 1), (0.42, 0)])
def test_a_rule_rises_by_at_most_20_degrees(slope: float, found: int) -> None:
    mask = np.zeros((300, 400), bool)
    for x in range(300):
        y = round(100 + slope * x)
        mask[y : y + 2, x] = True
    assert remove_rules(mask)[1] == found


def test_strokes_across_a_rule_stay() -> None:
    mask = line(50, 0, 52, 400) | line(20, 100, 90, 112) | line(51, 200, 90, 212)
    left, found = remove_rules(mask)
    assert found == 2  # to either side of the first stroke
    np.testing.assert_array_equal(left, line(20, 100, 90, 112) | line(50, 200, 90, 212))


@pytest.mark.parametrize("degree", [0, 1, 2])
def test_a_course_is_that_of_least_squares(degree: int) -> None:
    rng = np.random.RandomState(0)
    x, at = rng.uniform(0, 1, 40), np.linspace(-0.1, 1.1, 30)
    y = rng.randint(0, 99, 40)
    expected = np.polynomial.Polynomial.fit(x, y, degree)(at)
    np.testing.assert_allclose(rules._fit(x, y, degree, at), expected)


def test_gaps_are_closed_within_their_row() -> None:
    thin = np.random.RandomState(0).uniform(size=(20, 30)) < 0.05
    expected = np.zeros_like(thin)
    for row, column in np.argwhere(thin):
        expected[row, max(column - rules.GAP, 0) : column + rules.GAP + 1] = True
    np.testing.assert_array_equal(rules._bridge(thin), expected)
