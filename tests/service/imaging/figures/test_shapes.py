from __future__ import annotations

import numpy as np
import pytest

from service.core.arrays import Floats
from service.imaging.figures.components import Components, Mask, label_components
from service.imaging.figures.shapes import Relief, Shapes, _measure_strokes, judge


@pytest.mark.parametrize("width", [3, 5])
def test_a_stroke_is_as_thick_upright_as_lying(width: int) -> None:
    mask = np.zeros((60, 120), bool)
    mask[5:45, 10 : 10 + width] = True
    mask[50 : 50 + width, 30:110] = True
    upright, lying = _measure_strokes(label_components(mask), mask)
    # Area by the length of the diagonal of such a box, which is as long as its stroke but for little.
    assert upright == pytest.approx(width * 40 / np.hypot(40, width))
    assert lying == pytest.approx(width * 80 / np.hypot(80, width))


def boxes(*places: tuple[int, int, int, int], size: tuple[int, int] = (100, 200)) -> Mask:
    """A mask of filled boxes: top, left, bottom, right."""
    mask = np.zeros(size, bool)
    for top, left, bottom, right in places:
        mask[top:bottom, left:right] = True
    return mask


def hollow(
    top: int, left: int, bottom: int, right: int, thick: int, size: tuple[int, int] = (100, 200)
) -> Mask:
    """A mask of the four sides of a box."""
    inner = boxes((top + thick, left + thick, bottom - thick, right - thick), size=size)
    return boxes((top, left, bottom, right), size=size) & ~inner


def judged(mask: Mask, contrast: float = 100, peak: float = 100, other: Floats | None = None) -> Shapes:
    """Shapes of a mask that stands out evenly, with sharp edges."""
    ink = mask.astype(np.float32) * np.float32(contrast)
    slope = np.full(mask.shape, contrast, np.float32)
    relief = Relief(ink, np.zeros_like(ink) if other is None else other, slope)
    return measured(label_components(mask), mask, relief, peak)


def measured(parts: Components, mask: Mask, relief: Relief, peak: float = 100) -> Shapes:
    """Shapes of a mask's components, even if none of them can be a figure."""
    shapes = judge(parts, mask, relief, peak, -1)
    assert shapes is not None
    return shapes


def test_a_thin_stroke_in_the_middle_is_as_good_as_can_be() -> None:
    shapes = judged(boxes((30, 98, 70, 102)))
    assert shapes.quality == pytest.approx([1.0])
    assert shapes.rank == pytest.approx([np.sqrt(40)])
    assert [*shapes.size, *shapes.strength, *shapes.edges] == [40, 100, 1]
    assert not shapes.at_edge.any()


@pytest.mark.parametrize(("contrast", "quality"), [(100, 1.0), (25, 0.5), (150, 1.0)])
def test_what_stands_out_less_than_the_strongest_is_less_likely(contrast: float, quality: float) -> None:
    assert judged(boxes((30, 98, 70, 102)), contrast).quality == pytest.approx([quality])


def test_quality_falls_to_the_corners() -> None:
    middle, side, corner = judged(boxes((30, 98, 70, 102), (30, 148, 70, 152), (55, 173, 95, 177))).quality
    assert middle == pytest.approx(1)
    assert side == pytest.approx(1 - 0.4 * 0.5 / np.sqrt(2))
    assert corner == pytest.approx(1 - 0.4 * np.hypot(0.5, 0.75) / np.sqrt(2))


@pytest.mark.parametrize(
    ("box", "factor"),
    [
        ((30, 98, 34, 102), 0), ((30, 98, 35, 102), 0), ((47, 99, 53, 100), 1), ((47, 99, 52, 100), 0),
        ((0, 98, 40, 102), 0.08), ((60, 98, 100, 102), 0.08), ((30, 0, 70, 4), 0.08),
        ((30, 196, 70, 200), 0.08), ((1, 98, 41, 102), 1), ((59, 98, 99, 102), 1), ((30, 1, 70, 5), 1),
        ((48, 90, 52, 110), 1), ((48, 89, 52, 110), 0.2), ((25, 99, 75, 101), 1), ((24, 99, 75, 101), 0.2),
    ],
)  # fmt: skip
def test_sizes_edges_and_lines_have_their_factor(box: tuple[int, int, int, int], factor: float) -> None:
    top, left, bottom, right = box
    away = np.hypot((top + bottom) / 100 - 1, (left + right) / 200 - 1) / np.sqrt(2)
    assert judged(boxes(box)).quality == pytest.approx([factor * (1 - 0.4 * away)], rel=1e-6)


def test_a_figure_is_a_fortieth_of_the_picture_or_more() -> None:
    mask = boxes((150, 300, 159, 302), size=(400, 800))
    assert judged(mask).quality == [0]
    ink = mask.astype(np.float32)
    relief = Relief(ink, np.zeros_like(ink), ink)
    assert judge(label_components(mask), mask, relief, 1) is None
    assert judged(boxes((150, 300, 160, 302), size=(400, 800))).quality > 0.5


@pytest.mark.parametrize(("wide", "factor"), [(10, 1), (14, 0.6), (17, 0.3), (20, 0.15), (40, 0.15)])
def test_blots_are_seldom_figures(wide: int, factor: float) -> None:
    mask = boxes((30, 100 - wide // 2, 70, 100 - wide // 2 + wide))
    (quality,) = judged(mask).quality
    stroke = 40 * wide / np.hypot(40, wide)
    expected = np.clip((0.5 - stroke / 40) / 0.25, 0.15, 1)
    away = abs((200 - wide % 2) / 200 - 1) / np.sqrt(2) if wide % 2 else 0
    assert quality == pytest.approx(expected * (1 - 0.4 * away), rel=1e-2)
    assert expected == pytest.approx(factor, abs=0.2)


def test_edges_are_those_parts_of_an_outline_that_are_steep() -> None:
    mask = boxes((30, 90, 70, 110))
    parts, ink = label_components(mask), mask.astype(np.float32) * 100
    none, slope = np.zeros_like(ink), np.zeros_like(ink)
    outline = 2 * 40 + 2 * 20 - 4
    for steep, part in ((30.5, 20 / outline), (29.5, 0)):
        slope[30, 90:110] = steep
        assert measured(parts, mask, Relief(ink, none, slope)).edges == pytest.approx([part])
    slope[30:70] = 100
    assert measured(parts, mask, Relief(ink, none, slope)).edges == [1]
    # Not where the picture stands out to the other side within two pixels.
    for row, part in ((68, 18 / 116 + 4 / 116), (73, 0)):
        other = none.copy()
        other[row, 90:110] = 50
        edges = measured(parts, mask, Relief(ink, other, slope)).edges
        near = np.zeros_like(mask)
        near[max(row - 2, 0) : row + 3, 88:112] = True
        rim = hollow(30, 90, 70, 110, 1)
        assert edges == pytest.approx([(rim & ~near).sum() / outline])
        assert (edges < 1) == (part > 0)
    other[:] = 29.9
    assert measured(parts, mask, Relief(ink, other, slope)).edges == [1]


def test_what_is_near_is_within_two_pixels() -> None:
    levels = np.zeros((9, 11), np.float32)
    levels[4, 5], levels[0, 0] = 3, 2
    near = Relief(levels, levels, levels).near_other
    expected = np.zeros_like(levels)
    expected[:3, :3] = 2
    expected[2:7, 3:8] = 3
    assert near is not None
    np.testing.assert_array_equal(near, expected)
    assert Relief(levels, np.zeros_like(levels), levels).near_other is None


@pytest.mark.parametrize(
    ("inner", "encloses"),
    [
        ((40, 98, 60, 102), True), ((40, 98, 55, 100), False), ((40, 98, 56, 102), True),
        ((40, 162, 60, 166), False),
    ],
)  # fmt: skip
def test_a_frame_around_another_part_is_no_figure(inner: tuple[int, int, int, int], encloses: bool) -> None:
    frame = hollow(20, 70, 80, 130, 3)
    alone = judged(frame).quality[0]
    both = judged(frame | boxes(inner)).quality[0]
    assert both == pytest.approx(alone * (0.1 if encloses else 1))


def test_a_ring_that_has_strokes_within_is_no_frame() -> None:
    ring = hollow(20, 70, 80, 130, 3)
    inner = boxes((40, 80, 58, 82))
    for rows, frame in ((1, True), (2, True), (3, False)):
        bar = boxes((60, 73, 60 + rows, 127))
        alone = judged(ring | bar).quality[0]
        both = judged(ring | bar | inner).quality[0]
        # Of the pixels of the ring and its bar, fewer than a tenth may lie within.
        assert both == pytest.approx(alone * (0.1 if frame else 1))


def test_what_cannot_rank_above_another_is_not_judged() -> None:
    mask = np.zeros((120, 160), bool)
    mask[30:90, 70:80] = True
    ink = mask * np.float32(90)
    relief, parts = (
        Relief(ink, np.zeros_like(ink), np.abs(np.gradient(ink)).max(axis=0)),
        label_components(mask),
    )
    shapes = judge(parts, mask, relief, 90)
    assert shapes is not None
    rank = float(shapes.rank.max())
    assert judge(parts, mask, relief, 90, 0.99 * rank) is not None
    assert judge(parts, mask, relief, 90, 2 * rank) is None
