"""What disturbs a service: when it does, and what is laid to its charge."""

from __future__ import annotations

import pathlib
import time
from typing import Any

import pytest

from tests.reliability.faulty import Fault
from tests.reliability.reloads import KILLING, Disturber


def make(reloads: int = 0, kills: int = 0) -> Disturber:
    nobody: Any = None
    return Disturber(nobody, pathlib.Path(), (), reloads, kills)


def test_workers_are_killed_first_and_models_reloaded_all_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[tuple[str, float]] = []
    monkeypatch.setattr(Disturber, "reload", lambda _: done.append(("reload", time.monotonic())))
    monkeypatch.setattr(Disturber, "_kill", lambda _: done.append(("kill", time.monotonic())))
    begun = time.monotonic()
    with make(reloads=2, kills=3).run(0.9):
        pass
    assert [name for name, _ in done] == ["kill", "kill", "reload", "kill", "reload"]
    at = {name: when - begun for name, when in done}  # the last of each
    assert 0.9 * KILLING * 5 / 6 <= at["kill"] < at["reload"]
    assert at["reload"] >= 0.9 * 3 / 4


def test_what_a_killed_worker_did_to_who_misbehaves_is_no_fault() -> None:
    disturber = make()
    disturber.killed = [100.0, 200.0]
    faults = [Fault(at, "cut") for at in (99.9, 100.0, 104.9, 105.1, 203.0)]
    assert disturber.forgive_faults(faults) == [faults[0], faults[3]]
