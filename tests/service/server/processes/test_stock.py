"""What workers that start are told to serve."""

from __future__ import annotations

from typing import Any

from service.server.processes.stock import Stock


class Pretended:
    """A worker that is no process, and has asked what to serve."""

    def __init__(self) -> None:
        self.furnished = self.ready = False
        self.starting = True
        self.inbox: dict[str, Any] = {"want": True}
        self.told: list[Any] = []

    def take(self, kind: str) -> Any:
        return self.inbox.pop(kind, None)

    def tell(self, kind: str, content: Any) -> None:
        assert kind == "start"
        self.told.append(content)


def furnish(stock: Stock, *workers: Pretended) -> list[list[Any]]:
    stock.furnish(workers)  # type: ignore[arg-type]
    return [worker.told for worker in workers]


def test_one_reads_the_folder_and_the_others_serve_what_it_has_found() -> None:
    stock, first, second = Stock(), Pretended(), Pretended()
    assert furnish(stock, first, second) == [[None], []]
    first.inbox["given"] = b"bundles"
    assert furnish(stock, first, second) == [[None], []]
    assert stock.bundles is None  # it may die yet, and the folder may change
    first.ready, first.starting = True, False
    assert furnish(stock, first, second) == [[None], [b"bundles"]]


def test_if_the_one_dies_the_next_reads_the_folder() -> None:
    stock, first, second = Stock(), Pretended(), Pretended()
    furnish(stock, first, second)
    first.starting = False
    assert furnish(stock, first, second) == [[None], [None]]


def test_whoever_has_died_the_next_serve_the_same() -> None:
    stock = Stock()
    stock.bundles = b"bundles"
    assert furnish(stock, Pretended(), Pretended()) == [[b"bundles"]] * 2


def test_while_it_is_held_nobody_is_told() -> None:
    stock, worker = Stock(), Pretended()
    stock.bundles = b"old"
    with stock.hold():
        assert furnish(stock, worker) == [[]]
        stock.bundles = b"new"
    assert furnish(stock, worker) == [[b"new"]]
    assert furnish(stock, worker) == [[b"new"]]
