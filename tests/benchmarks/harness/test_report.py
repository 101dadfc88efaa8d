"""That the report says what was measured, and what was not."""

from __future__ import annotations

import json
import pathlib

from benchmarks.harness.figures import Figures
from benchmarks.harness.report import write_report


def make_figures(scale: float, errors: int = 0) -> Figures:
    return Figures(1000 / scale, 2 * scale, 8 * scale, 100 * scale, 50 * scale, errors)


def write(folder: pathlib.Path, failures: dict[str, str]) -> str:
    table = {
        "asgi": {16: make_figures(2), 64: make_figures(2)},
        "ours": {16: make_figures(1, errors=7), 64: make_figures(4)},
    }
    versions = {"asgi": "uvicorn 1.2", "ours": "fastapi 3.4"}
    write_report(folder, table, versions, {"rounds": 3, "seconds": 5}, failures)
    return (folder / "results.md").read_text()


def test_the_report_holds_figures_ratios_and_versions(tmp_path: pathlib.Path) -> None:
    lines = write(tmp_path / "new", {}).splitlines()
    assert "| ours | 16 | 1000 | 2 | 8 | 100 | 50 | 7 |" in lines
    assert "| asgi | 2 × | 2 × | 2 × | 2 × |" in lines
    assert "| asgi | 0.5 × | 0.5 × | 0.5 × | 0.5 × |" in lines
    heads = [line.split(" | ")[0] for line in lines if line.startswith("| ours against")]
    assert heads == ["| ours against, at 16 connections", "| ours against, at 64 connections"]
    assert any(line.startswith("| asgi | ") and line.endswith(" | uvicorn 1.2 |") for line in lines)
    assert not any("Not measured" in line for line in lines)
    assert (tmp_path / "new" / "plot.png").read_bytes().startswith(b"\x89PNG")


def test_the_report_names_what_was_not_measured_and_why(tmp_path: pathlib.Path) -> None:
    text = write(tmp_path, {"ray": "expected this, received that\na long log", "flask": "expected more"})
    assert "\nNot measured: ray (expected this, received that).\n" in text
    assert "\nNot measured: flask (expected more).\n" in text
    assert "log" not in text
    reasons = json.loads((tmp_path / "results.json").read_text())["not_measured"]
    assert reasons == {"ray": "expected this, received that", "flask": "expected more"}
