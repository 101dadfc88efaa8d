"""When workers that die again and again are started."""

from __future__ import annotations

import time

import pytest

from service.server.processes.backoff import Backoff


def test_each_start_after_an_early_death_waits_twice_as_long(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    delay = Backoff()
    assert delay.left_s == 0

    def lose(lived_s: float) -> float:
        delay.note(lived_s)
        return delay.left_s

    assert [lose(1) for _ in range(6)] == [1, 2, 4, 8, 16, 16]
    now += 6
    assert delay.left_s == 10
    assert lose(60) == 0
    assert lose(1) == 1
