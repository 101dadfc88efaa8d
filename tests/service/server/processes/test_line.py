"""A worker's end of the pipe; the parent's is held by the test."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import pathlib
import pickle
import signal
import threading
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from typing import Any

import pytest

from service.core.errors import NotReadyError
from service.core.reloads import Outcome
from service.core.settings import Settings
from service.inference.registry import Registry
from service.inference.served import hand_over
from service.server.processes.line import ParentLine
from tests.service.fake import sign, write_bundle

WAIT_S = 20


@pytest.fixture
def folder(tmp_path: pathlib.Path) -> pathlib.Path:
    return write_bundle(tmp_path / "fake")


@pytest.fixture
def registry(folder: pathlib.Path) -> Iterator[Registry]:
    registry = Registry(Settings(models_dir=folder.parent, worker_timeout_ms=100))
    registry.start()
    yield registry
    registry.close()


def take(parent: Connection, kind: str) -> Any:
    """What belongs to the next message of a kind; others are passed over."""
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end:
        if parent.poll(0.1):
            found, content = parent.recv()
            if found == kind:
                return content
    raise AssertionError(f"no {kind} came")


def open_line(registry: Registry, given: bytes | None = None) -> tuple[ParentLine, Connection, Any]:
    parent, line = multiprocessing.Pipe()
    parent.send(("start", given))
    opened = ParentLine(registry, line)
    handover = opened.open()
    assert parent.recv() == ("want", True)
    return opened, parent, handover


@pytest.fixture(autouse=True)
def signals(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The signals that it sends to itself: once its parent has gone."""
    sent: list[int] = []
    monkeypatch.setattr(os, "kill", lambda _pid, number: sent.append(number))
    yield sent
    for thread in threading.enumerate():
        if thread.name == "line in":
            thread.join(WAIT_S)


def test_it_serves_what_it_is_given(registry: Registry) -> None:
    _, parent, handover = open_line(registry, pickle.dumps(hand_over(registry.served)))
    (bundle,) = handover.current
    assert bundle.content == registry.get().model.bundle.content
    parent.close()
    _, parent, handover = open_line(registry)
    assert handover is None
    parent.close()


def test_who_was_given_bundles_need_not_give_them_back(registry: Registry) -> None:
    async def scene() -> None:
        line, parent, _ = open_line(registry, pickle.dumps(hand_over(registry.served)))
        line.serve()
        assert await asyncio.to_thread(parent.recv) == ("ready", True)
        parent.close()

    asyncio.run(scene())


def test_without_a_parent_it_ends(registry: Registry, signals: list[int]) -> None:
    parent, line = multiprocessing.Pipe()
    parent.close()
    with pytest.raises(SystemExit):
        ParentLine(registry, line).open()
    _, parent, _ = open_line(registry)
    parent.close()
    end = time.monotonic() + WAIT_S
    while not signals and time.monotonic() < end:
        time.sleep(0.01)
    assert signals == [signal.SIGTERM]


def test_it_loads_then_swaps_and_gives_what_it_serves(registry: Registry, folder: pathlib.Path) -> None:
    manifest = json.loads((folder / "model.json").read_text())

    async def scene() -> None:
        line, parent, _ = open_line(registry)
        line.serve()
        given = pickle.loads(take(parent, "given"))  # before it is ready
        assert [bundle.content for bundle in given.current] == [registry.get().model.bundle.content]
        take(parent, "ready")
        manifest["classes"][0]["count"] = 7
        sign(folder, manifest)
        parent.send(("prepare", None))
        outcomes: list[Outcome] = await asyncio.to_thread(take, parent, "prepared")
        assert [outcome.status for outcome in outcomes] == ["loaded"]
        assert registry.get().manifest.version != manifest["version"]
        parent.send(("give", outcomes))
        given = pickle.loads(await asyncio.to_thread(take, parent, "given"))
        assert [bundle.manifest.version for bundle in given.current] == [manifest["version"]]
        assert [bundle.manifest.version for bundle in given.kept] == [registry.get().manifest.version]
        parent.send(("swap", outcomes))
        assert await asyncio.to_thread(take, parent, "swapped")
        assert registry.get().manifest.version == manifest["version"]
        parent.close()

    asyncio.run(scene())


def test_it_answers_also_where_the_bundles_cannot_be_listed(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied", "models")

    async def scene() -> None:
        line, parent, _ = open_line(registry)
        line.serve()
        monkeypatch.setattr("service.core.configuration.models.list_bundles", fail)
        parent.send(("prepare", None))
        outcomes: list[Outcome] = await asyncio.to_thread(take, parent, "prepared")
        assert [(outcome.name, outcome.status) for outcome in outcomes] == [("fake", "refused")]
        parent.close()

    asyncio.run(scene())


def test_what_is_dropped_is_not_served(registry: Registry, folder: pathlib.Path) -> None:
    manifest = json.loads((folder / "model.json").read_text())
    before = registry.get()

    async def scene() -> None:
        line, parent, _ = open_line(registry)
        line.serve()
        manifest["classes"][0]["count"] = 7
        sign(folder, manifest)
        parent.send(("prepare", None))
        outcomes = await asyncio.to_thread(take, parent, "prepared")
        parent.send(("drop", None))
        parent.send(("swap", outcomes))
        parent.send(("census", (1, 1)))
        while line.read_census() is None:  # then all has been read
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        assert registry.get() is before
        assert len(registry.alive) == 1
        parent.close()

    asyncio.run(scene())


def test_each_who_asks_is_told_how_his_reload_ended(registry: Registry) -> None:
    async def scene() -> None:
        line, parent, _ = open_line(registry)
        line.serve()
        asked = [asyncio.ensure_future(line.reload()) for _ in range(2)]
        numbers = [await asyncio.to_thread(take, parent, "ask") for _ in range(2)]
        parent.send(("ended", (numbers[1:], [])))
        assert await asyncio.wait_for(asked[1], WAIT_S) == []
        assert not asked[0].done()
        parent.send(("ended", (numbers[:1], [])))
        assert await asyncio.wait_for(asked[0], WAIT_S) == []
        parent.close()

    asyncio.run(scene())


def test_who_asks_a_service_that_stops_is_refused(registry: Registry) -> None:
    async def scene() -> None:
        line, parent, _ = open_line(registry)
        line.serve()
        asked = asyncio.ensure_future(line.reload())
        parent.send(("ended", ([await asyncio.to_thread(take, parent, "ask")], None)))
        with pytest.raises(NotReadyError, match="the service stops"):
            await asyncio.wait_for(asked, WAIT_S)
        parent.close()

    asyncio.run(scene())


def test_its_beats_stop_while_its_event_loop_stands_still(registry: Registry) -> None:
    async def scene() -> None:
        line, parent, _ = open_line(registry)
        line.serve()
        await asyncio.to_thread(take, parent, "beat")
        time.sleep(0.1)  # the event loop stands still
        while parent.poll():
            parent.recv()
        time.sleep(0.2)
        assert not parent.poll()
        await asyncio.to_thread(take, parent, "beat")
        parent.send(("census", (1, 2)))
        end = time.monotonic() + WAIT_S
        while line.read_census() is None and time.monotonic() < end:
            await asyncio.sleep(0.01)
        assert line.read_census() == (1, 2)
        parent.close()

    asyncio.run(scene())
