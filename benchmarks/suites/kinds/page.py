"""Writes the page of results."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from benchmarks.harness.markdown import describe, tabulate
from benchmarks.suites.kinds.catalogue import Kind
from benchmarks.suites.kinds.rounds import CONNECTIONS, Round


def write_page(rounds: Sequence[Round], names: Sequence[str], kinds: Sequence[Kind], seconds: int) -> str:
    """Write the page of results.

    Args:
        rounds: What was seen.
        names: Of the services, this one first.
        kinds: That were measured.
        seconds: For each.

    Returns:
        Markdown.
    """
    text = (
        f"{CONNECTIONS} connections, one worker; medians of {len(rounds)} rounds in turn, {seconds} s each; "
        "the load takes a core as well. Ratios are of requests a second to those of an endpoint of FastAPI "
        "that does nothing, by round. Every request differs, and every answer was checked."
    )
    head = ["request", "goal", "ratio", "CPU µs"]
    for name in names[1:]:
        head += [f"{name}: ratio", "CPU µs", "now, so many times"]
    rows = [_row(rounds, names, kind) for kind in kinds]
    return describe("Kinds of requests", text) + "\n" + tabulate(head, rows)


def _row(rounds: Sequence[Round], names: Sequence[str], kind: Kind) -> list[str]:
    row = [kind.name, kind.goal]
    for name in names:
        found = [each[name][kind] for each in rounds if kind in each[name]]
        row.append(_spread([each.ratio for each in found]))
        row.append(f"{statistics.median(each.cpu_us for each in found):.0f}" if found else "")
        if name != names[0]:
            pairs = [each for each in rounds if all(kind in each[one] for one in (name, names[0]))]
            row.append(_spread([each[names[0]][kind].per_s / each[name][kind].per_s for each in pairs]))
    return row


def _spread(values: Sequence[float]) -> str:
    return f"{statistics.median(values):.2f} ({min(values):.2f} - {max(values):.2f})" if values else ""
