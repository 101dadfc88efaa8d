"""That a peer that fails stops no other."""

from __future__ import annotations

import pytest

from benchmarks.harness.rounds import measure_rounds
from benchmarks.peers import Peer


def make_peer(name: str, *command: str) -> Peer:
    return Peer(name, "for a test", command, "fastapi", None)


def test_a_peer_that_fails_is_left_out_with_its_reason(capsys: pytest.CaptureFixture[str]) -> None:
    missing = make_peer("missing", "no-such-program")
    ending = make_peer("ending", "python", "-c", "import sys; print('the log'); sys.exit(3)")
    table, failures = measure_rounds([missing, ending], 2, [1], 1)
    assert table == {}
    assert failures["missing"] == "expected no-such-program to run, received No such file or directory"
    assert failures["ending"].splitlines()[0].endswith("received exit status 3")
    assert "the log" in failures["ending"]
    assert capsys.readouterr().err.count("benchmarks: ending: ") == 1
