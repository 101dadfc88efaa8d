"""Draws the plot of a run."""

from __future__ import annotations

import math
import pathlib

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.harness.figures import Table

mpl.use("agg")
OURS, OTHERS = "tab:blue", "lightgrey"


def draw(table: Table, path: pathlib.Path) -> None:
    """Draw throughput and processor time by peer, at the middle number of connections measured.

    Args:
        table: The medians.
        path: Of the PNG.
    """
    counts = sorted(next(iter(table.values())))
    connections = counts[(len(counts) - 1) // 2]
    figures = {name: rows[connections] for name, rows in table.items()}
    picture = Figure(figsize=(11, 1.5 + 0.4 * len(table)), layout="constrained", dpi=120)
    left, right = picture.subplots(1, 2, sharey=True)
    rates = {name: each.per_s for name, each in figures.items()}
    _draw_bars(left, rates, "requests/s, more is better")
    left.set_xlim(0, 1.15 * max(rates.values()))
    costs = {name: each.cpu_us for name, each in figures.items()}
    _draw_bars(right, costs, "server's CPU µs a request, logarithmic, less is better")
    # From a power of ten to one; the last leaves room for the longest bar's label.
    low, high = (math.log10(max(1, pick(costs.values()))) for pick in (min, max))
    right.set(xscale="log", xlim=(10 ** math.floor(low - 0.3), 10 ** math.ceil(high + 0.3)))
    right.xaxis.set_major_formatter("{x:,.0f}")
    left.invert_yaxis()
    picture.suptitle(f"One latent vector to one PNG, {connections} connections")
    picture.savefig(path)


def _draw_bars(axes: Axes, values: dict[str, float], label: str) -> None:
    colours = [OURS if name == "ours" else OTHERS for name in values]
    bars = axes.barh(list(values), list(values.values()), height=0.7, color=colours)
    axes.bar_label(bars, [f"{value:,.0f}" for value in values.values()], padding=3)
    axes.set_xlabel(label)
    axes.tick_params(axis="y", length=0)
    axes.spines[["top", "right"]].set_visible(False)
    axes.xaxis.set_major_formatter("{x:,.0f}")
