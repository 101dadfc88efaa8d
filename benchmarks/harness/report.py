"""Writes what a run leaves behind: `results.json`, `results.md` and `plot.png`."""

from __future__ import annotations

import dataclasses
import json
import pathlib
from collections.abc import Mapping
from typing import Any

from benchmarks.harness.figures import Table, find_ratios
from benchmarks.harness.machine import describe_machine
from benchmarks.harness.markdown import describe, tabulate
from benchmarks.harness.plot import draw
from benchmarks.peers import PEERS

COMPARED_AT = (16, 64)
WHAT = {peer.name: peer.what for peer in PEERS}


def write_report(
    folder: pathlib.Path,
    table: Table,
    versions: Mapping[str, str],
    settings: Mapping[str, Any],
    failures: Mapping[str, str],
) -> None:
    """Write the three files.

    Args:
        folder: Where to; made if need be.
        table: The medians.
        versions: Of each peer's main package.
        settings: Of the run.
        failures: Why each of the others was not measured.
    """
    folder.mkdir(parents=True, exist_ok=True)
    ratios = {count: found for count in COMPARED_AT if (found := find_ratios(table, count))}
    result = {
        "machine": describe_machine(),
        "settings": settings,
        "versions": versions,
        "not_measured": {name: _first_line(reason) for name, reason in failures.items()},
        "ratios": {str(count): found for count, found in ratios.items()},
        "figures": {
            name: {str(connections): dataclasses.asdict(figures) for connections, figures in rows.items()}
            for name, rows in table.items()
        },
    }
    (folder / "results.json").write_text(json.dumps(result, indent=1) + "\n")
    parts = (
        _describe(settings),
        _tabulate(table),
        _excuse(failures),
        *(_compare(count, found) for count, found in ratios.items()),
        _list(versions),
    )
    (folder / "results.md").write_text("\n".join(part for part in parts if part))
    draw(table, folder / "plot.png")


def _describe(settings: Mapping[str, Any]) -> str:
    return describe(
        "One latent vector to one PNG",
        f"Medians of {settings['rounds']} rounds of {settings['seconds']} s; wrk runs on the same machine. "
        "Processor time and memory are those of all the server's processes.",
    )


def _tabulate(table: Table) -> str:
    head = ("", "connections", "requests/s", "p50 ms", "p99 ms", "CPU µs a request", "MB", "errors")
    rows = [
        (name, connections, *(_round(value) for value in dataclasses.astuple(figures)))
        for name, by_connections in table.items()
        for connections, figures in by_connections.items()
    ]
    return tabulate(head, rows)


def _excuse(failures: Mapping[str, str]) -> str:
    return "".join(f"Not measured: {name} ({_first_line(reason)}).\n" for name, reason in failures.items())


def _first_line(text: str) -> str:
    return text.partition("\n")[0]


def _compare(connections: int, ratios: Mapping[str, Mapping[str, float]]) -> str:
    head = (f"ours against, at {connections} connections", "throughput", "p50", "CPU", "memory")
    rows = [(name, *(f"{_round(ratio)} ×" for ratio in row.values())) for name, row in ratios.items()]
    return "Above 1, ours is so many times better.\n\n" + tabulate(head, rows)


def _list(versions: Mapping[str, str]) -> str:
    head = ("peer", "what", "version")
    return tabulate(head, [(name, WHAT[name], version) for name, version in versions.items()])


def _round(value: float) -> str:
    return f"{value:.3g}" if value < 1000 else f"{value:.0f}"
