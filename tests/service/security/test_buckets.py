from __future__ import annotations

import multiprocessing
import pathlib

import pytest

from service.core.configuration.limits import Rate
from service.core.errors import StartupError
from service.security import buckets
from service.security.buckets import FILE, REMEMBERED, TABLE_BYTES, Buckets, locate, share_table

TEN_A_SECOND = Rate(10, 1, 10)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def count(buckets: Buckets, client: str, tries: int = 1000) -> int:
    """How many of so many requests are let in at this moment."""
    return sum(buckets.take(client) == 0 for _ in range(tries))


def test_a_burst_passes_and_then_what_the_rate_allows(clock: Clock) -> None:
    table = Buckets(TEN_A_SECOND, clock=clock)
    assert count(table, "192.0.2.1") == 10
    for _ in range(5):
        clock.now += 0.3001
        assert count(table, "192.0.2.1") == 3
    clock.now += 100
    assert count(table, "192.0.2.1") == 10


@pytest.mark.parametrize("burst", [1, 3, 50])
def test_the_burst_is_the_operator_s(clock: Clock, burst: int) -> None:
    table = Buckets(Rate(10, 1, burst), clock=clock)
    assert count(table, "a") == burst
    clock.now += 0.1001
    assert count(table, "a") == 1


@pytest.mark.parametrize(
    ("rate", "at_once", "later"),
    [
        (Rate(100, 1, 100), 0, 50),  # who has used up what there was waits for what comes, now sooner
        (Rate(1, 60, 1), 0, 0),
        (Rate(10, 1, 3), 3, 3),  # no bucket of that rate is so empty: it begins anew
    ],
)
def test_another_rate_holds_from_then_on(clock: Clock, rate: Rate, at_once: int, later: int) -> None:
    table = Buckets(TEN_A_SECOND, clock=clock)
    assert count(table, "a") == 10
    table.change(rate)
    assert count(table, "a") == at_once
    clock.now += 0.5001
    assert count(table, "a") == later
    clock.now += 600
    assert count(table, "a") == rate.burst


def test_over_a_long_time_it_is_the_rate(clock: Clock) -> None:
    table = Buckets(Rate(7, 60, 7), clock=clock)
    let_in = 0
    for _ in range(60_000):
        clock.now += 0.01
        let_in += table.take("a") == 0
    assert let_in in (7 + 69, 7 + 70)


def test_who_is_refused_is_told_when_to_come_back(clock: Clock) -> None:
    table = Buckets(Rate(6, 60, 2), clock=clock)
    assert [table.take("a"), table.take("a")] == [0, 0]
    wait_s = table.take("a")
    assert wait_s == pytest.approx(10)
    assert table.take("a") == wait_s  # a refused request costs no token
    clock.now += wait_s + 1e-6
    assert [table.take("a") == 0, table.take("a") == 0] == [True, False]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("key:one", "key:two", False),
        ("key:one", "key:one", True),
        ("", "192.0.2.1", False),
    ],
)
def test_who_shares_a_bucket(clock: Clock, one: str, other: str, same: bool) -> None:
    table = Buckets(TEN_A_SECOND, clock=clock)
    assert count(table, one) == 10
    assert count(table, other) == (0 if same else 10)


def test_many_clients_need_no_more_memory(clock: Clock) -> None:
    table = Buckets(Rate(1, 60, 1), clock=clock)
    for i in range(REMEMBERED + 1000):
        assert table.take(f"10.0.{i >> 8}.{i & 255}") == 0
        assert len(table._places) <= REMEMBERED
    assert table._cells.nbytes == TABLE_BYTES
    # Far below the number of places, hardly anyone loses his own, even if it has to be found again.
    assert sum(table.take(f"10.0.{i >> 8}.{i & 255}") == 0 for i in range(REMEMBERED + 1000)) < 20


def test_who_is_the_nearest_to_full_loses_the_place(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buckets, "locate", lambda client: (0, float(client)))
    table = Buckets(Rate(10, 1, 10), clock=clock)
    for client in range(1, 9):
        for _ in range(client):
            table.take(str(client))
    table.take("9")
    assert [count(table, str(client)) for client in range(8, 1, -1)] == [2, 3, 4, 5, 6, 7, 8]
    assert count(table, "1") == 10


def test_the_places_of_all_clients_are_in_the_table() -> None:
    for i in range(1000):
        at, mark = locate(f"key:{i}")
        assert 0 <= at <= TABLE_BYTES // 8 - 16
        assert at % 16 == 0
        assert mark >= 1
        assert mark == int(mark)


def take_elsewhere(folder: pathlib.Path, line: multiprocessing.connection.Connection) -> None:
    table = Buckets(Rate(100, 3600, 100), share_table(folder))
    line.send(count(table, "192.0.2.1", 40))


@pytest.mark.slow(alone=False)
def test_workers_count_together(tmp_path: pathlib.Path) -> None:
    context = multiprocessing.get_context("spawn")
    counts = []
    for _ in range(3):
        here, there = context.Pipe()
        worker = context.Process(target=take_elsewhere, args=(tmp_path, there))
        worker.start()
        counts.append(here.recv())
        worker.join()
    assert counts == [40, 40, 20]
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_a_table_of_before_the_machine_started_anew_refuses_nobody(
    tmp_path: pathlib.Path, clock: Clock
) -> None:
    clock.now = 1e6
    assert count(Buckets(TEN_A_SECOND, share_table(tmp_path), clock), "a") == 10
    clock.now = 5.0
    assert count(Buckets(TEN_A_SECOND, share_table(tmp_path), clock), "a") == 10


def test_without_room_for_the_table_it_does_not_start(tmp_path: pathlib.Path) -> None:
    with pytest.raises(StartupError, match="expected room to count requests in"):
        share_table(tmp_path / "nothing")
    (tmp_path / FILE).write_bytes(b"short")
    with pytest.raises(StartupError, match="expected room to count requests in"):
        share_table(tmp_path)
