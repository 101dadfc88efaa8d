"""That `python -m benchmarks` runs and refuses what it cannot; no timing is asserted."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys

import pytest

from benchmarks.__main__ import main

ROOT = pathlib.Path(__file__).parents[2]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_without_wrk_it_says_so_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["benchmarks"])
    monkeypatch.setenv("PATH", "/nowhere")
    assert main() == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("benchmarks: expected the program wrk")
    assert said.err.count("\n") == 1


@pytest.mark.parametrize("option", ["--only", "--skip"])
def test_an_unknown_peer_is_refused(
    option: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["benchmarks", option, "nobody"])
    with pytest.raises(SystemExit, match=r"^2$"):
        main()
    assert f"argument {option}: invalid choice: 'nobody'" in capsys.readouterr().err


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
