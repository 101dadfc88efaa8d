"""That the shorter suites run; no timing is asserted, the machine being noisy."""

from __future__ import annotations

import pytest

from benchmarks.suites import bulk, decoder, workers


@pytest.mark.slow
def test_bulk_workers_and_the_decoder_are_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for module, name, value in (
        (bulk, "ROUNDS", 1),
        (bulk, "SECONDS", 1),
        (workers, "ROUNDS", 1),
        (workers, "SECONDS", 1),
        (decoder, "SECONDS", 0.05),
        (decoder, "REPEATS", 1),
    ):
        monkeypatch.setattr(module, name, value)
    assert (bulk.main(), workers.main(), decoder.main()) == (0, 0, 0)
    found = capsys.readouterr().out
    for name in ("| bare |", *(f"| {answer} |" for answer in bulk.ANSWERS), "| 1 |", "| 2 |", "| 128 |"):
        assert f"\n{name} " in found
