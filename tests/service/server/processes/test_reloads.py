"""How a parent leads a reload, with workers that are no processes."""

from __future__ import annotations

import itertools
import types
from collections.abc import Callable
from typing import Any

import pytest

from service.core.reloads import DISAGREEMENT, Content, Outcome
from service.server.processes.messages import DROP, GIVE, PREPARE, SWAP
from service.server.processes.reloads import LATE, UNSAID, log_outcomes, reload_all, take_asked
from service.server.processes.stock import Stock

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
        self.furnished, self.leaving, self.stops = True, False, 0
        self.process = types.SimpleNamespace(is_alive=lambda: self.serving)

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

    def stop(self) -> None:
        self.serving, self.leaving = False, True
        self.stops += 1


@pytest.fixture(autouse=True)
def wait(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], bool]:
    """Waiting takes no time, but each wait lets some pass."""
    now = itertools.count(0.0, 1.0)
    monkeypatch.setattr("service.server.processes.reloads.time.monotonic", lambda: next(now))
    return lambda _seconds: True


def lead(wait: Callable[[float], bool], *workers: Pretended, stock: Stock | None = None) -> list[Outcome]:
    return reload_all(workers, stock or Stock(), wait)  # type: ignore[arg-type]


def load(**answers: Any) -> Pretended:
    """One that does all that it should."""
    return Pretended(**{"prepare": [LOADED], "give": b"new", "swap": True, **answers})


def test_all_load_then_one_says_what_then_all_swap(wait: Callable[[float], bool]) -> None:
    workers, stock = [load() for _ in range(3)], Stock()
    stock.bundles = b"old"
    assert lead(wait, *workers, stock=stock) == [LOADED]
    prepared, swapped = (PREPARE, None), (SWAP, [LOADED])
    first, *others = [worker.told for worker in workers]
    assert first == [prepared, (GIVE, [LOADED]), swapped]
    assert others == [[prepared, swapped]] * 2
    assert stock.bundles == b"new"


def test_if_all_die_as_they_swap_the_next_serve_what_was_promised(wait: Callable[[float], bool]) -> None:
    stock = Stock()
    assert lead(wait, load(swap=DEAD), load(swap=DEAD), stock=stock) == [LOADED]
    assert stock.bundles == b"new"


def test_what_none_can_say_none_serves(wait: Callable[[float], bool]) -> None:
    workers, stock = [load(give=None), load(give=None)], Stock()
    stock.bundles = b"old"
    assert lead(wait, *workers, stock=stock) == [LOADED.refuse(UNSAID)]
    assert [worker.told[-1] for worker in workers] == [(DROP, None)] * 2
    assert stock.bundles == b"old"


def test_the_next_says_what_if_the_first_dies_of_it(wait: Callable[[float], bool]) -> None:
    stock = Stock()
    assert lead(wait, load(give=DEAD), load(give=b"other"), stock=stock) == [LOADED]
    assert stock.bundles == b"other"


def test_who_comes_to_serve_while_others_load_loads_too() -> None:
    slow, late = load(prepare=None), load()
    workers: list[Any] = [slow]

    def wait(_seconds: float) -> bool:
        if late not in workers:
            workers.append(late)
        slow.inbox.append(("prepared", [LOADED]))
        return True

    assert reload_all(workers, Stock(), wait) == [LOADED]
    assert [kind for kind, _ in late.told] == [PREPARE, SWAP]
    assert late.stops == 0


def test_before_any_swaps_those_have_gone_that_would_serve_the_old() -> None:
    """And one that starts meanwhile is told nothing before it is sure what."""
    ready, starting, unfurnished = load(), load(), load()
    starting.serving = unfurnished.serving = unfurnished.furnished = False
    starting.process.is_alive = lambda: not left
    left: list[bool] = []
    stock, wants = Stock(), load()
    wants.furnished, wants.inbox = False, [("want", True)]
    stock.bundles = b"old"

    def wait(_seconds: float) -> bool:
        assert (starting.stops, [kind for kind, _ in ready.told][-1]) == (1, GIVE)
        stock.furnish([wants])  # type: ignore[list-item]
        assert wants.told == []
        left.append(True)
        return True

    assert lead(wait, ready, starting, unfurnished, stock=stock) == [LOADED]
    assert (ready.told[-1], unfurnished.stops) == ((SWAP, [LOADED]), 0)
    stock.furnish([wants])  # type: ignore[list-item]
    assert wants.told == [("start", b"new")]


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
    dies, dies_later, lives = load(prepare=DEAD), load(swap=DEAD), load()
    assert lead(wait, dies, lives, dies_later) == [LOADED]
    assert lives.told[-1] == (SWAP, [LOADED])
    assert (dies.told[-1][0], dies_later.fault, lives.fault) == (PREPARE, "", "")


def test_if_one_does_not_load_in_time_nothing_changes(wait: Callable[[float], bool]) -> None:
    slow, ready = Pretended(), Pretended(prepare=[LOADED])
    assert lead(wait, slow, ready) == [LOADED.refuse(LATE)]
    assert [worker.told[-1] for worker in (slow, ready)] == [(DROP, None)] * 2


def test_who_does_not_swap_is_killed(wait: Callable[[float], bool]) -> None:
    stuck, ready = load(swap=None), load()
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


@pytest.mark.parametrize("last", [DEAD, None])
def test_if_all_die_or_are_late_nothing_changes_and_the_log_says_so(
    wait: Callable[[float], bool], caplog: pytest.LogCaptureFixture, last: Any
) -> None:
    stock = Stock()
    stock.bundles = b"old"
    log_outcomes(outcomes := lead(wait, load(prepare=DEAD), load(prepare=last), stock=stock))
    assert (outcomes, stock.bundles) == ([], b"old")
    assert "each worker died of it, or took over 300 s; nothing has changed" in caplog.text


def test_all_who_have_asked_are_told_once() -> None:
    often, never = Pretended(), Pretended()
    often.inbox = [("ask", 0), ("prepared", [SAME]), ("ask", 1)]
    workers: Any = [often, never]
    assert [*take_asked(workers).items()] == [(workers[0], [0, 1])]
    assert take_asked(workers) == {}
    assert often.inbox == [("prepared", [SAME])]
