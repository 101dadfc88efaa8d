from __future__ import annotations

import random

import pytest
from fastapi.testclient import TestClient

from service.core.errors import ServerError
from service.imaging.reading import container
from tests.service.imaging.fuzz import __main__ as fuzz
from tests.service.imaging.fuzz import reading
from tests.service.imaging.fuzz.mutations import mutate
from tests.service.imaging.fuzz.seeds import OPTIONS, make_seeds

slow = pytest.mark.slow


@pytest.mark.parametrize("files", [200, pytest.param(1200, marks=slow)])
@pytest.mark.parametrize("kind", list(OPTIONS))
def test_a_mutated_file_is_read_or_refused_in_time(kind: str, files: int) -> None:
    found, crashes, _ = fuzz.fuzz(kind, 1, files)
    assert found.faults == []
    assert not crashes or kind in fuzz.MAY_CRASH
    assert found.outcomes.total() + len(crashes) == files
    # Mutations that no reader gets past, or that change nothing, would find nothing.
    assert files / 10 < found.outcomes["read"] < files * 0.9


@pytest.mark.parametrize("requests", [range(5), pytest.param(range(5, 30), marks=slow)])
@pytest.mark.parametrize("kind", list(OPTIONS))
def test_the_service_answers_a_mutated_file_with_200_or_4xx(
    client: TestClient, kind: str, requests: range
) -> None:
    for index in requests:
        content = reading.make_file(kind, 2, index)
        answer = client.post("/encode", content=content, headers={"content-type": "image/*"})
        assert answer.status_code in (200, 400, 413, 422), (kind, index, answer.text)


@pytest.mark.parametrize("kind", list(OPTIONS))
def test_what_is_mutated_was_read_before(kind: str) -> None:
    assert {reading.read_one(content) for content in make_seeds(kind)} == {"read"}


def test_files_differ_and_come_again() -> None:
    assert reading.make_file("PNG", 1, 2) == reading.make_file("PNG", 1, 2)
    assert len({mutate(random.Random(i), make_seeds("GIF")) for i in range(100)}) > 90


def test_another_error_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ServerError("broken")

    monkeypatch.setattr(container, "read_container", fail)
    found = reading.read_many("PNG", 1, 5, 2, lambda _: None)
    assert found.outcomes["fault"] == 2
    assert found.faults[0].startswith("PNG 1 5: ")
    assert "ServerError: broken" in found.faults[0]


def test_a_process_that_ends_is_one_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    crashing = reading.make_file("PNG", 1, 7)
    whole = reading.read_one
    monkeypatch.setattr(
        reading, "read_one", lambda content: os._exit(9) if content == crashing else whole(content)
    )
    found, crashes, _ = fuzz.fuzz("PNG", 1, 20)
    assert crashes == ["PNG 1 7"]
    assert found.outcomes.total() == 19
