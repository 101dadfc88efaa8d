from __future__ import annotations

import multiprocessing
import os
import signal
import time
import types
from typing import Any

import pytest

from service.server.processes.alarm import open_alarm, wait_for_any

WAIT_S = 20


@pytest.fixture
def heeded() -> Any:
    before = signal.signal(signal.SIGUSR1, lambda *_: None)
    yield
    signal.signal(signal.SIGUSR1, before)


def make() -> tuple[Any, Any]:
    ours, theirs = multiprocessing.Pipe()
    process = types.SimpleNamespace(sentinel=os.pidfd_open(os.getpid()))  # readable once it has ended
    return types.SimpleNamespace(line=ours, deaf=False, process=process), theirs


@pytest.mark.usefixtures("heeded")
def test_a_signal_ends_the_wait_also_one_that_came_before_it() -> None:
    with open_alarm() as alarm:
        os.kill(os.getpid(), signal.SIGUSR1)
        began = time.monotonic()
        wait_for_any(alarm, [], WAIT_S)
        assert time.monotonic() - began < WAIT_S
        wait_for_any(alarm, [], 0)  # it is heard once
        with pytest.raises(BlockingIOError):
            alarm.recv(1)


def test_what_a_worker_says_ends_the_wait_but_not_what_a_deaf_one_has_closed() -> None:
    (speaking, said), (deaf, closed) = make(), make()
    closed.close()
    deaf.deaf = True
    with open_alarm() as alarm:
        began = time.monotonic()
        wait_for_any(alarm, [speaking, deaf], 0.1)
        assert time.monotonic() - began >= 0.1
        said.send("ready")
        wait_for_any(alarm, [speaking, deaf], WAIT_S)
        assert time.monotonic() - began < WAIT_S


def test_a_worker_that_has_ended_ends_the_wait_also_one_that_ended_before_it() -> None:
    process = multiprocessing.get_context("spawn").Process(target=os.getpid)
    process.start()
    process.join()
    ours, _ = multiprocessing.Pipe()
    ended: Any = types.SimpleNamespace(line=ours, deaf=True, process=process)
    with open_alarm() as alarm:
        began = time.monotonic()
        wait_for_any(alarm, [ended], WAIT_S)
        assert time.monotonic() - began < WAIT_S


def test_the_alarm_is_put_back() -> None:
    with open_alarm():
        pass
    assert signal.set_wakeup_fd(-1) == -1
