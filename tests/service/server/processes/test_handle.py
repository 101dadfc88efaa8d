from __future__ import annotations

import multiprocessing
import types
from typing import Any

import pytest

from service.server.processes.handle import Worker, explain


def make() -> tuple[Worker, Any]:
    ours, theirs = multiprocessing.Pipe()
    process: Any = types.SimpleNamespace(is_alive=lambda: True)
    return Worker(process, ours, 0.0), theirs


def test_what_it_says_is_taken_in() -> None:
    worker, theirs = make()
    assert (worker.starting, worker.serving) == (True, False)
    worker.silent_s = 3.0
    for message in (("ready", True), ("beat", True), ("ask", 0), ("given", b"1"), ("ask", 1)):
        theirs.send(message)
    worker.listen()
    assert (worker.starting, worker.serving, worker.silent_s) == (False, True, 0.0)
    assert worker.has_said("ask")
    assert [worker.take("ask") for _ in range(3)] == [0, 1, None]
    assert not worker.has_said("ask")
    assert worker.inbox == [("given", b"1")]


def test_who_has_closed_his_end_is_deaf_and_is_told_nothing() -> None:
    worker, theirs = make()
    theirs.send(("ready", True))
    theirs.close()
    worker.listen()
    assert (worker.ready, worker.deaf) == (True, True)
    worker.listen()
    worker.tell("swap", [])


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (1, "ended with status 1"),
        (0, "ended with status 0"),
        (-9, "was ended by SIGKILL; was memory short?"),
        (-11, "was ended by SIGSEGV"),
    ],
)
def test_how_a_worker_ended_is_said_in_words(code: int, words: str) -> None:
    assert explain(code) == words
