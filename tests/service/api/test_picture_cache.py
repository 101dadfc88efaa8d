"""Finished pictures: within a limit, the same bytes, counted."""

from __future__ import annotations

import collections
import pathlib
from collections.abc import Callable, Iterator
from unittest import mock

import pytest
from fastapi.testclient import TestClient

from service.api.picture_cache import ENTRY_BYTES, MOST_SHARE, PictureCache
from service.core.settings import Settings
from service.inference.engine import Engine
from service.server.app import create_app

URLS = [
    "/decode.png?z=0.5,-1",
    "/decode.webp?z=0.5,-1&scale=2",
    "/decode.json?z=0.5,-1",
    "/digits/1.png?seed=3",
    "/sample.png?n=4&seed=1",
    "/interpolate.gif?from=digit:0&to=digit:1&steps=3",
    "/manifold.png?n=3",
]


@pytest.fixture
def looks() -> collections.Counter[bool]:
    return collections.Counter()


@pytest.fixture
def cache(looks: collections.Counter[bool]) -> PictureCache:
    return PictureCache(10_000, lambda hit: looks.update([hit]))


def test_a_picture_is_kept_under_its_tag(cache: PictureCache, looks: collections.Counter[bool]) -> None:
    assert cache.get("a") is None
    cache.put("a", b"picture")
    assert cache.get("a") == b"picture"
    assert looks == {False: 1, True: 1}


def test_what_nobody_asked_for_longest_makes_room(cache: PictureCache) -> None:
    for i in range(8):
        cache.put(str(i), bytes(1000))
    assert cache.get("0") is not None
    cache.put("8", bytes(1000))
    assert cache.get("1") is None
    assert cache.get("0") is not None
    assert cache.held_bytes == 8 * (1000 + ENTRY_BYTES) <= cache.max_bytes


def test_what_is_put_twice_is_held_once(cache: PictureCache) -> None:
    cache.put("a", b"picture")
    cache.put("a", b"picture")
    assert cache.held_bytes == len(b"picture") + ENTRY_BYTES


def test_a_picture_too_large_for_its_share_is_not_kept(cache: PictureCache) -> None:
    cache.put("a", bytes(10_000 // MOST_SHARE - ENTRY_BYTES + 1))
    assert cache.get("a") is None
    cache.put("a", bytes(10_000 // MOST_SHARE - ENTRY_BYTES))
    assert cache.get("a") is not None


def test_without_room_nothing_is_kept_or_counted(looks: collections.Counter[bool]) -> None:
    cache = PictureCache(0, lambda hit: looks.update([hit]))
    cache.put("a", b"")
    assert cache.get("a") is None
    assert not looks


@pytest.fixture
def serve(models_dir: pathlib.Path) -> Iterator[Callable[[int], TestClient]]:
    running: list[TestClient] = []

    def start(cache_bytes: int) -> TestClient:
        client = TestClient(create_app(Settings(models_dir=models_dir, cache_bytes=cache_bytes)))
        running.append(client.__enter__())
        return client

    yield start
    for client in running:
        client.__exit__()


@pytest.mark.parametrize("url", URLS)
def test_a_picture_asked_for_again_is_not_made_again(
    url: str, serve: Callable[[int], TestClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = serve(2**20)
    first = client.get(url)
    monkeypatch.setattr(Engine, "submit", None)  # nothing may run
    again = client.get(url)
    assert first.status_code == again.status_code == 200
    assert first.content == again.content
    varying = {"server-timing", "x-request-id"}
    assert {k: v for k, v in first.headers.items() if k not in varying} == {
        k: v for k, v in again.headers.items() if k not in varying
    }
    counted = client.get("/metrics").text
    assert 'cvae_picture_cache_requests_total{result="hit"} 1.0' in counted
    assert 'cvae_picture_cache_requests_total{result="miss"} 1.0' in counted


def test_a_picture_of_a_seed_that_was_chosen_takes_no_room(serve: Callable[[int], TestClient]) -> None:
    client = serve(2**20)
    assert client.get("/digits/1.png").status_code == 200
    assert client.app.api.state.pictures.held_bytes == 0  # type: ignore[attr-defined]


def test_another_representation_is_another_picture(serve: Callable[[int], TestClient]) -> None:
    client = serve(2**20)
    urls = [f"/decode.png?z=0.5,-1{query}" for query in ("", "&scale=2", "&invert=true", "&colormap=magma")]
    assert len({client.get(url).content for url in [*urls, *urls]}) == len(urls)


def test_without_a_cache_each_is_made_anew(serve: Callable[[int], TestClient]) -> None:
    client = serve(0)
    with mock.patch.object(Engine, "submit", autospec=True, side_effect=Engine.submit) as submit:
        for _ in range(2):
            assert client.get(URLS[0]).status_code == 200
    assert submit.call_count == 2
