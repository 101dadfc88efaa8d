"""What each bomb costs a service with its usual limits, but time enough on a slow machine."""

from __future__ import annotations

import pathlib
import time
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from service.core.settings import Settings
from service.server.app import create_app
from tests.service.bombs import BOMBS

# Of the processor, of which a sixth is for the sending.
MAX_S = 1.5


@pytest.fixture(scope="module")
def client(models_dir: pathlib.Path) -> Iterator[TestClient]:
    with TestClient(create_app(Settings(models_dir=models_dir, deadline_ms=60_000))) as running:
        yield running


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_or_read_past_at_no_cost(client: TestClient, name: str) -> None:
    bomb = BOMBS[name]
    content = bomb.make()
    assert len(content) <= 16 * 2**20
    begun = time.process_time()
    answer = client.post(bomb.path, content=content, headers=bomb.headers)
    assert time.process_time() - begun < MAX_S
    assert answer.status_code in bomb.statuses, answer.text
    assert len(answer.content) < 1000
