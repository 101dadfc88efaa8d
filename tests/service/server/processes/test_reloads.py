"""How a parent leads a reload, with workers that are no processes."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from service.core.reloads import DISAGREEMENT, Content, Outcome
from service.server.processes.messages import DROP, GIVE, PREPARE, SWAP
from service.server.processes.reloads import (
    LATE,
    STARTING_S,
    fetch_bundles,
    left_to_start,
    reload_all,
    take_asked,
)

OLD, NEW = Content("a", "1"), Content("b", "2")
LOADED, SAME = Outcome("m", "loaded", OLD, NEW), Outcome("m", "unchanged", OLD, OLD)
DEAD = object()


class Pretended:
    """A worker that answers each question as it is told to, or not at all, or dies of it."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.told: list[tuple[str, Any]] = []
        self.inbox: list[tuple[str, Any]] = []
        self.serving, self.deaf, self.fault = True, False, ""

    def tell(self, kind: str, content: Any = None) -> None:
        self.told.append((kind, content))
        answer = self.answers.get(kind)
        if answer is DEAD:
            self.serving = False
        elif answer is not None:
            self.inbox.append(({PREPARE: "prepared", SWAP: "swapped", GIVE: "given"}[kind], answer))

    def take(self, kind: str) -> Any:
        for message in self.inbox:
            if message[0] == kind:
                self.inbox.remove(message)
                return message[1]
        return None

    def kill(self, fault: str) -> None:
        self.serving, self.fault = False, fault


@pytest.fixture(autouse=True)
def wait(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], bool]:
    """Waiting takes no time, but each wait lets some pass."""
    now = itertools.count(0.0, 1.0)
    monkeypatch.setattr("service.server.processes.reloads.time.monotonic", lambda: next(now))
    return lambda _seconds: True


def lead(wait: Callable[[float], bool], *workers: Pretended) -> list[Outcome]:
    return reload_all(workers, wait)  # type: ignore[arg-type]


def test_all_load_then_all_swap(wait: Callable[[float], bool]) -> None:
    workers = [Pretended(prepare=[LOADED], swap=True) for _ in range(3)]
    assert lead(wait, *workers) == [LOADED]
    assert [worker.told for worker in workers] == [[(PREPARE, None), (SWAP, [LOADED])]] * 3


def test_where_nothing_is_new_none_swaps(wait: Callable[[float], bool]) -> None:
    workers = [Pretended(prepare=[SAME]) for _ in range(2)]
    assert lead(wait, *workers) == [SAME]
    assert [worker.told for worker in workers] == [[(PREPARE, None), (DROP, None)]] * 2


def test_none_swaps_to_what_one_refuses(wait: Callable[[float], bool]) -> None:
    broken = LOADED.refuse("broken")
    workers = [Pretended(prepare=[LOADED]), Pretended(prepare=[broken])]
    assert lead(wait, *workers) == [broken]
    assert [worker.told[-1] for worker in workers] == [(DROP, None)] * 2


def test_none_swaps_to_what_they_have_found_to_differ(wait: Callable[[float], bool]) -> None:
    workers = [Pretended(prepare=[LOADED]), Pretended(prepare=[SAME])]
    assert lead(wait, *workers) == [LOADED.refuse(DISAGREEMENT)]


def test_who_dies_meanwhile_is_not_waited_for(wait: Callable[[float], bool]) -> None:
    dies, dies_later = Pretended(prepare=DEAD), Pretended(prepare=[LOADED], swap=DEAD)
    lives = Pretended(prepare=[LOADED], swap=True)
    assert lead(wait, dies, lives, dies_later) == [LOADED]
    assert lives.told[-1] == (SWAP, [LOADED])
    assert (dies.told[-1][0], dies_later.fault, lives.fault) == (PREPARE, "", "")


def test_if_one_does_not_load_in_time_nothing_changes(wait: Callable[[float], bool]) -> None:
    slow, ready = Pretended(), Pretended(prepare=[LOADED])
    assert lead(wait, slow, ready) == [LOADED.refuse(LATE)]
    assert [worker.told[-1] for worker in (slow, ready)] == [(DROP, None)] * 2


def test_who_does_not_swap_is_killed(wait: Callable[[float], bool]) -> None:
    stuck, ready = Pretended(prepare=[LOADED]), Pretended(prepare=[LOADED], swap=True)
    assert lead(wait, stuck, ready) == [LOADED]
    assert stuck.fault.startswith("did not take what was loaded")
    assert ready.fault == ""


def test_a_stop_ends_it_and_nothing_changes() -> None:
    worker = Pretended()
    other = Pretended(prepare=[LOADED])
    assert lead(lambda _seconds: False, worker, other) == [LOADED.refuse(LATE)]


def test_an_answer_to_an_earlier_question_is_none_to_this_one(wait: Callable[[float], bool]) -> None:
    worker = Pretended(prepare=[SAME])
    worker.inbox = [("prepared", [LOADED])]
    assert lead(wait, worker) == [SAME]


def test_bundles_come_from_the_first_who_gives_them(wait: Callable[[float], bool]) -> None:
    def fetch(*workers: Pretended) -> bytes | None:
        return fetch_bundles(workers, wait)  # type: ignore[arg-type]

    last = Pretended(give=b"other")
    assert fetch(Pretended(give=DEAD), Pretended(), Pretended(give=b"bundles"), last) == b"bundles"
    assert last.told == []
    assert fetch(Pretended()) is None
    assert fetch() is None


def test_all_who_have_asked_are_told_once() -> None:
    often, never = Pretended(), Pretended()
    often.inbox = [("ask", 0), ("prepared", [SAME]), ("ask", 1)]
    workers: Any = [often, never]
    assert [*take_asked(workers).items()] == [(workers[0], [0, 1])]
    assert take_asked(workers) == {}
    assert often.inbox == [("prepared", [SAME])]


def test_a_reload_waits_for_who_starts_but_not_for_who_has_started_long_ago(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("service.server.processes.reloads.time.monotonic", lambda: 100.0)
    workers: Any = [Pretended() for _ in range(3)]
    for worker, began in zip(workers, (90.0, 100.0, 100.0 - STARTING_S), strict=True):
        worker.began, worker.starting = began, worker is not workers[1]
    assert left_to_start(workers) == STARTING_S - 10
    assert left_to_start(workers[1:]) == left_to_start([]) == 0
