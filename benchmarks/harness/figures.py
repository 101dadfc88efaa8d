"""Computes the figures of a run: one measurement, medians over rounds, ratios. Pure functions."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Mapping, Sequence


@dataclasses.dataclass(frozen=True)
class Figures:
    """What one peer showed at one number of connections.

    Attributes:
        per_s: Requests a second.
        p50_ms: Median latency.
        p99_ms: 99th percentile of the latency.
        cpu_us: Processor time a request, of all the server's processes.
        memory_mb: Resident memory of all the server's processes.
        errors: Requests that failed.
    """

    per_s: float
    p50_ms: float
    p99_ms: float
    cpu_us: float
    memory_mb: float
    errors: int


# By peer, then by connections.
Table = Mapping[str, Mapping[int, Figures]]


def find_median(rounds: Sequence[Figures]) -> Figures:
    """Return the median of each figure over rounds, and the sum of the errors."""
    names = [field.name for field in dataclasses.fields(Figures) if field.name != "errors"]
    medians = {name: statistics.median(getattr(figures, name) for figures in rounds) for name in names}
    return Figures(**medians, errors=sum(figures.errors for figures in rounds))


def find_ratios(table: Table, connections: int, name: str = "ours") -> dict[str, dict[str, float]]:
    """Compare one peer with each other.

    Args:
        table: The figures.
        connections: At which to compare.
        name: Of the one.

    Returns:
        For each other peer: its figure over the one's for `cpu_us`, `p50_ms` and `memory_mb`, and the
        one's over its for `per_s`, so that above 1 the one is better. Empty where the one is missing.
    """
    if connections not in table.get(name, {}):
        return {}
    one = table[name][connections]
    others = {peer: rows[connections] for peer, rows in table.items() if peer != name}
    return {
        peer: {
            "per_s": one.per_s / other.per_s,
            "p50_ms": other.p50_ms / one.p50_ms,
            "cpu_us": other.cpu_us / one.cpu_us,
            "memory_mb": other.memory_mb / one.memory_mb,
        }
        for peer, other in others.items()
    }
