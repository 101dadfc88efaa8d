from __future__ import annotations

import types
from typing import Any

import pytest

from service.server.processes.silence import LOOKS, START_S, Silence


class Pretended:
    """A worker that is no process."""

    def __init__(self, *, serving: bool = True, ready: bool = True, began: float = 0.0) -> None:
        self.serving, self.ready, self.began = serving and ready, ready, began
        self.silent_s, self.fault = 0.0, ""
        self.process = types.SimpleNamespace(is_alive=lambda: not self.fault)

    def kill(self, fault: str) -> None:
        self.serving, self.fault = False, fault


class Watched:
    """A watch over pretended workers, whose clock is set by hand."""

    def __init__(self, timeout_s: float, *workers: Any) -> None:
        self.now = 0.0
        self.workers = workers
        self.silence = Silence(timeout_s, lambda: self.now)

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        self.silence.end_silent(self.workers)


def test_who_is_silent_for_too_long_is_killed_and_no_other() -> None:
    silent, starting = Pretended(), Pretended(ready=False)
    speaking = Pretended()
    watched = Watched(5, silent, speaking, starting)
    for _ in range(5):
        speaking.silent_s = 0.0
        watched.pass_time(1)
    assert silent.fault == ""
    speaking.silent_s = 0.0
    watched.pass_time(0.1)
    assert silent.fault == "stood still for 5 s, and was killed"
    assert (speaking.fault, starting.fault) == ("", "")


def test_after_a_sleep_of_the_whole_machine_none_is_killed() -> None:
    worker = Pretended()
    watched = Watched(5, worker)
    watched.pass_time(3600)
    assert (worker.fault, worker.silent_s) == ("", 2.0)


@pytest.mark.parametrize(("timeout_s", "wait_s"), [(0, None), (5, 5 / LOOKS)])
def test_the_parent_wakes_only_as_often_as_it_must(timeout_s: float, wait_s: float | None) -> None:
    silence = Silence(timeout_s)
    workers: list[Any] = [Pretended()]
    assert silence.shorten(None, workers) == wait_s
    assert silence.shorten(0.1, workers) == 0.1
    assert silence.shorten(None, []) is None
    workers = [Pretended(ready=False)]
    assert silence.shorten(None, workers) == START_S / LOOKS
    workers[0].fault = "dead"
    assert silence.shorten(None, workers) is None


@pytest.mark.parametrize("timeout_s", [0, 5])
def test_who_does_not_start_is_killed(timeout_s: float) -> None:
    hung, young = (Pretended(ready=False, began=began) for began in (0, 100))
    watched = Watched(timeout_s, hung, young)
    for _ in range(3):
        watched.pass_time(100)
    assert hung.fault == ""
    watched.pass_time(1)
    assert hung.fault == "did not start within 300 s, and was killed"
    assert young.fault == ""
    watched.pass_time(99)
    watched.pass_time(1)
    assert young.fault == hung.fault


def test_who_is_new_has_not_been_silent_for_longer_than_it_lives() -> None:
    watched = Watched(0)
    watched.pass_time(1000)  # nothing wakes the parent
    new = Pretended(ready=False, began=1990)
    watched.workers = (new,)
    watched.pass_time(1000)
    assert new.silent_s == 10


def test_without_a_limit_none_is_killed() -> None:
    worker = Pretended()
    watched = Watched(0, worker)
    for _ in range(100):
        watched.pass_time(100)
    assert worker.fault == ""
