"""That `python -m benchmarks` runs and refuses what it cannot; no timing is asserted."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]


def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks", *arguments]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, **variables}, capture_output=True, text=True)


def test_without_wrk_it_says_so_in_one_line() -> None:
    done = run(PATH="/nowhere")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("benchmarks: expected the program wrk")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("option", ["--only", "--skip"])
def test_an_unknown_peer_is_refused(option: str) -> None:
    done = run(option, "nobody")
    assert done.returncode == 2
    assert f"argument {option}: invalid choice: 'nobody'" in done.stderr


@pytest.mark.slow
def test_the_service_is_measured_without_errors(tmp_path: pathlib.Path) -> None:
    options = ("--only", "ours", "--rounds", "1", "--seconds", "1", "--connections", "1", "4")
    done = run(*options, "--output", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"results.json", "results.md", "plot.png"}
    assert (tmp_path / "results.md").read_text() == done.stdout
    rows = json.loads((tmp_path / "results.json").read_text())["figures"]["ours"]
    assert set(rows) == {"1", "4"}
    assert all(row["per_s"] > 0 and row["errors"] == 0 for row in rows.values())
