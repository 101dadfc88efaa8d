"""The schema against the service: what schemathesis makes of it is asked, and every answer checked.

All of its checks run, in all of its phases: examples, coverage (each keyword at its bounds and beyond, each
parameter left out or twice, each method that is not there), fuzzing, and chains of requests. A key is
optional and there is nothing to delete, so three checks have nothing to look at: ignored_auth,
object_level_authorization and use_after_free. `fuzzing.py` says which refusals of a request that fits the
schema are right.
"""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
from typing import Any

import pytest

pytestmark = pytest.mark.slow

ROOT = pathlib.Path(__file__).parents[2]
CONFIG = ROOT / "tests" / "docs" / "schemathesis.toml"
CASES_AN_OPERATION = 100
LIMIT_S = 400


def test_every_answer_is_what_the_schema_says(patient: str, tmp_path: pathlib.Path) -> None:
    report = tmp_path / "report.json"
    place = ["--report", "json", "--report-json-path", str(report)]
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG), "run", *place]
    options = ["--no-color", "--max-examples", str(CASES_AN_OPERATION), f"http://{patient}/openapi.json"]
    run = subprocess.run([*command, *options], cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_S)
    # Of each failure it says how to ask for it again, with curl.
    assert run.returncode == 0, run.stdout + run.stderr
    check_extent(json.loads(report.read_text()))


def check_extent(found: dict[str, Any]) -> None:
    """Checks that enough was asked, and that each operation answered enough of it."""
    assert found["complete"]
    assert found["operations"]["tested"] == found["operations"]["total"] > 0
    assert {phase["status"] for phase in found["phases"].values()} == {"success"}
    assert found["test_cases"]["generated"] >= 5000
    for operation, rates in found["valid_rates"].items():
        fuzzing = rates["fuzzing"]
        assert fuzzing["accepted"] >= 0.1 * sum(fuzzing.values()) > 0, (operation, fuzzing)
