from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest
from fastapi.testclient import TestClient

from tests.live import ROOT
from tests.pauses import ask
from tests.service.guided.targets import TARGETS


@pytest.mark.parametrize("name", TARGETS)
def test_what_the_fuzzer_begins_with_is_right(client: TestClient, name: str) -> None:
    for seed in TARGETS[name].seeds:
        path, content, headers = TARGETS[name].wrap(seed)
        answer = asyncio.run(ask(client.app, "POST", path, content, headers))
        assert answer.status == 200, (seed, answer.content)


@pytest.mark.slow
def test_it_runs_and_finds_nothing_at_once(tmp_path: object) -> None:
    command = [sys.executable, "-m", "tests.service.guided", "--minutes", "0.05", "--only", "npy"]
    done = subprocess.run(
        [*command, "--found", str(tmp_path)], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stdout) == (0, "npy: all well\n"), done.stderr
    assert "stat::number_of_executed_units" in done.stderr
