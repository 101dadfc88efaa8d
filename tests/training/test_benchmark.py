"""benchmarks/suites/training.py runs where Keras is, and both ways train; no timing is asserted."""

from __future__ import annotations

import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]


@pytest.mark.slow
def test_a_step_is_measured_both_ways(digits_file: pathlib.Path) -> None:
    options = ["--data", str(digits_file), "--recipe", "mnist-2d", "--rounds", "1", "--steps", "1"]
    command = [sys.executable, "-m", "benchmarks.suites.training", *options, "--epochs", "2"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    rows = [line.strip("| ").split(" | ") for line in done.stdout.splitlines() if line.startswith("| ")]
    times = {row[0]: [float(value) for value in row[1:]] for row in rows[2:4]}
    curves = {row[0]: [float(value) for value in row[1:]] for row in rows[6:]}
    assert set(times) == set(curves) == {"plain", "ours"}
    assert min(min(values) for values in times.values()) > 0
    # Two epochs of three steps each: the sum of 64 pixels' entropies, and falling.
    assert all(20 < later < first < 60 for first, later in curves.values())
