from __future__ import annotations

import pathlib

import pytest

from service.observability.store import Store, read_store


@pytest.fixture
def path(tmp_path: pathlib.Path) -> pathlib.Path:
    path = tmp_path / "counts"
    path.write_bytes(bytes(400))
    return path


@pytest.mark.parametrize("key", ["", "a", "seven b", "é" * 9, '["x"]'])
def test_another_process_reads_what_is_counted(path: pathlib.Path, key: str) -> None:
    store = Store(path)
    cells, at = store.claim(key, 3)
    cells[at] += 1
    cells[at + 2] += 0.25
    store.claim("other", 1)
    assert [(name, list(values)) for name, values in read_store(path)] == [
        (key, [1, 0, 0.25]),
        ("other", [0]),
    ]
    assert list(store) == [(key, [1, 0, 0.25]), ("other", [0])]


def test_a_file_is_continued(path: pathlib.Path) -> None:
    cells, at = Store(path).claim("key", 2)
    cells[at + 1] = 5
    cells, at = Store(path).claim("key", 2)
    cells[at + 1] += 1
    assert [(name, list(values)) for name, values in read_store(path)] == [("key", [0, 6])]


def test_what_the_file_has_no_room_for_stays_in_memory(path: pathlib.Path) -> None:
    store = Store(path)
    for i in range(12):
        cells, at = store.claim(f"key {i}", 4)
        cells[at] = i
    shared = [name for name, _ in read_store(path)]
    assert 0 < len(shared) < 12
    assert [values[0] for _, values in store] == list(range(12))
    assert len(path.read_bytes()) == 400


def test_a_place_that_is_released_is_another_key_s(path: pathlib.Path) -> None:
    store = Store(path)
    for i in range(100):
        cells, at = store.claim(f'["info", "{i:02}"]', 1)
        assert cells[at] == 0
        cells[at] = 1
        assert ([name for name, _ in store], [name for name, _ in read_store(path)]) == (
            [f'["info", "{i:02}"]'],
            [f'["info", "{i:02}"]'],
        )
        store.release(f'["info", "{i:02}"]')
    # One of the same length, but with its quotes elsewhere, is written behind it.
    store.claim('["in", "fo00"]', 1)
    assert [list(values) for _, values in read_store(path)] == [[0], [0]]
    store.release("nothing")


def test_without_a_file_nothing_stays_of_what_is_released() -> None:
    store = Store(None)
    store.claim("key", 1)
    store.release("key")
    assert list(store) == []


def test_without_a_file_all_stays_in_memory() -> None:
    store = Store(None)
    cells, at = store.claim("key", 1)
    cells[at] += 2
    assert list(store) == [("key", [2])]


def test_an_empty_file_holds_nothing(tmp_path: pathlib.Path) -> None:
    (tmp_path / "empty").write_bytes(b"")
    assert read_store(tmp_path / "empty") == []
