from __future__ import annotations

import numpy as np
import pytest

from service.imaging.figures.components import Mask, label_components
from service.imaging.figures.grouping import group
from service.imaging.figures.shapes import Relief, judge

Box = tuple[int, int, int, int]
# A stroke of 100 by 8; what stands beside it is named by it.
STROKE = (50, 96, 150, 104)


def grouped(
    *places: Box, strengths: dict[int, float] | None = None, size: tuple[int, int] = (200, 200)
) -> list[bool]:
    """Which parts, in the order of their places, belong to the figure of the first."""
    mask: Mask = np.zeros(size, bool)
    ink = np.zeros(size, np.float32)
    for i, (top, left, bottom, right) in enumerate(places):
        mask[top:bottom, left:right] = True
        ink[top:bottom, left:right] = (strengths or {}).get(i, 100)
    parts = label_components(mask)
    assert len(parts.area) == len(places)
    shapes = judge(parts, mask, Relief(ink, np.zeros_like(ink), np.full(size, 100, np.float32)), 100)
    assert shapes is not None
    label = parts.label[(parts.runs.row == places[0][0]) & (parts.runs.start == places[0][1])][0]
    chosen = group(parts, shapes, int(label))
    order = [
        int(parts.label[(parts.runs.row == top) & (parts.runs.start == left)][0]) for top, left, *_ in places
    ]
    return [bool(chosen[i]) for i in order]


def test_a_part_alone_is_a_figure() -> None:
    assert grouped(STROKE) == [True]


@pytest.mark.parametrize(
    ("other", "belongs"),
    [
        # Below and above it: nearer than 0.22 of its size.
        ((171, 90, 179, 110), True), ((172, 90, 180, 110), False),
        ((21, 90, 29, 110), True), ((20, 90, 28, 110), False),
        # Beside it, if much lower: nearer than 0.14.
        ((60, 117, 68, 137), True), ((60, 119, 68, 139), False),
        ((60, 63, 68, 83), True), ((60, 61, 68, 81), False),
        # At most so high: 0.55 of its height.
        ((60, 108, 114, 116), True), ((60, 108, 116, 116), False),
        # A speck, and what is far larger.
        ((155, 94, 161, 107), True), ((155, 94, 161, 106), False),
        # Below it but for less than half of its width.
        ((168, 100, 176, 120), True), ((168, 101, 176, 121), False),
        # At the picture's edge.
        ((155, 94, 200, 102), False), ((155, 94, 199, 102), True),
    ],
)  # fmt: skip
def test_a_part_belongs_if_it_is_near(other: Box, belongs: bool) -> None:
    assert grouped(STROKE, other) == [True, belongs]


@pytest.mark.parametrize(("strength", "belongs"), [(50, False), (51, True), (100, True)])
def test_a_part_belongs_if_it_stands_out_as_much(strength: float, belongs: bool) -> None:
    assert grouped(STROKE, (160, 90, 168, 110), strengths={1: strength}) == [True, belongs]


@pytest.mark.parametrize(("thick", "belongs"), [(2, False), (3, False), (4, True), (26, True), (27, False)])
def test_a_part_belongs_if_its_strokes_are_as_thick(thick: int, belongs: bool) -> None:
    assert grouped(STROKE, (160, 85, 160 + thick, 115)) == [True, belongs]


def test_parts_are_added_in_two_rounds() -> None:
    chain = [(160, 90, 168, 110), (185, 90, 193, 110), (210, 90, 218, 110)]
    assert grouped(STROKE, *chain, size=(300, 200)) == [True, True, True, False]


def test_a_part_is_no_figure_of_twice_the_size() -> None:
    small = (50, 96, 70, 104)
    for long, belongs in ((39, True), (40, False)):
        assert grouped(small, (73, 97, 73 + long, 103)) == [True, belongs]
