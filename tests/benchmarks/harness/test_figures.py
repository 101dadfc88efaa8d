"""That rounds give medians, and peers ratios."""

from __future__ import annotations

from benchmarks.harness.figures import Figures, find_median, find_ratios


def make_figures(scale: float, errors: int = 0) -> Figures:
    return Figures(1000 / scale, 2 * scale, 8 * scale, 100 * scale, 50 * scale, errors)


def test_rounds_give_medians_and_the_sum_of_errors() -> None:
    rounds = [make_figures(4, errors=1), make_figures(1), make_figures(2, errors=2)]
    assert find_median(rounds) == make_figures(2, errors=3)


def test_a_ratio_above_one_means_that_ours_is_better() -> None:
    table = {"other": {16: make_figures(4)}, "ours": {16: make_figures(2)}}
    ratios = find_ratios(table, 16)
    assert ratios == {"other": {"per_s": 2, "p50_ms": 2, "cpu_us": 2, "memory_mb": 2}}


def test_without_ours_there_is_nothing_to_compare() -> None:
    assert find_ratios({"other": {16: make_figures(4)}}, 16) == {}
    assert find_ratios({"ours": {1: make_figures(4)}}, 16) == {}
