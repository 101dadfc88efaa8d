"""Prometheus' own tool reads what `/metrics` says, and finds nothing to improve. Debian's package has it."""

from __future__ import annotations

import subprocess

import pytest
from fastapi.testclient import TestClient


@pytest.mark.slow
def test_promtool_finds_no_fault(client: TestClient) -> None:
    for path in ("/decode.png?z=0,0", "/decode.png?z=0,0", "/decode.png?z=0", "/digits/3?seed=1"):
        client.get(path)
    client.get("/decode.png?z=0,0", headers={"If-None-Match": "*"})
    text = client.get("/metrics").text
    assert "cvae_rows_total" in text
    found = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True)
    assert (found.returncode, found.stdout, found.stderr) == (0, "", "")
