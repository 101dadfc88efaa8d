from __future__ import annotations

from typing import Any

import pytest

from service.server.processes.silence import LOOKS, Silence


class Pretended:
    """A worker that is no process."""

    def __init__(self, *, serving: bool = True) -> None:
        self.serving = serving
        self.silent_s = 0.0
        self.fault = ""

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
    silent, starting = Pretended(), Pretended(serving=False)
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
    assert silence.shorten(None) == wait_s
    assert silence.shorten(0.1) == 0.1


def test_without_a_limit_none_is_killed() -> None:
    worker = Pretended()
    watched = Watched(0, worker)
    for _ in range(100):
        watched.pass_time(100)
    assert worker.fault == ""
