"""Reloads in the only process."""

from __future__ import annotations

import asyncio
import json
import os
import pathlib
import signal
import threading
from collections.abc import Iterator

import pytest

from service.core.reloads import Outcome
from service.core.settings import Settings
from service.inference.registry import Registry
from service.inference.reloading import Reload
from service.server.processes import watch
from service.server.processes.reloading import LocalReloads
from tests.service.fake import sign, write_bundle

WAIT_S = 20


@pytest.fixture
def folder(tmp_path: pathlib.Path) -> pathlib.Path:
    return write_bundle(tmp_path / "models" / "fake")


@pytest.fixture
def registry(folder: pathlib.Path) -> Iterator[Registry]:
    registry = Registry(Settings(models_dir=folder.parent, watch_models="on"))
    registry.start()
    yield registry
    registry.close()


@pytest.fixture
def ignored() -> Iterator[None]:
    """SIGHUP as `main` leaves it where it means no stop."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGHUP, before)


def change(folder: pathlib.Path, count: int) -> str:
    manifest = json.loads((folder / "model.json").read_text())
    manifest["classes"][0]["count"] = count
    sign(folder, manifest)
    return str(manifest["version"])


async def wait_for(registry: Registry, version: str) -> None:
    async with asyncio.timeout(WAIT_S):
        while registry.get().manifest.version != version:
            await asyncio.sleep(0.01)


def test_of_many_reloads_one_runs_and_one_waits(
    registry: Registry, folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[int] = []
    goes_on = threading.Event()
    load = Reload.load

    def wait_and_load(reload: Reload) -> list[Outcome]:
        begun.append(len(begun))
        assert goes_on.wait(WAIT_S)
        return load(reload)

    monkeypatch.setattr(Reload, "load", wait_and_load)

    async def scene() -> None:
        reloads = LocalReloads(registry)
        version = change(folder, 7)
        first = [asyncio.ensure_future(reloads.reload()) for _ in range(2)]
        async with asyncio.timeout(WAIT_S):
            while not begun:
                await asyncio.sleep(0.01)
        later = [asyncio.ensure_future(reloads.reload()) for _ in range(50)]
        await asyncio.sleep(0)
        for asked in later[1:]:
            asked.cancel()
        goes_on.set()
        outcomes = [await asked for asked in (*first, later[0])]
        assert [found[0].status for found in outcomes] == ["loaded", "loaded", "unchanged"]
        assert registry.get().manifest.version == version
        await asyncio.gather(*reloads._tasks)
        assert begun == [0, 1]

    asyncio.run(scene())


def test_one_whose_client_has_gone_goes_on(registry: Registry, folder: pathlib.Path) -> None:
    async def scene() -> None:
        asked = asyncio.ensure_future(LocalReloads(registry).reload())
        version = change(folder, 7)
        await asyncio.sleep(0)
        asked.cancel()
        await wait_for(registry, version)

    asyncio.run(scene())


@pytest.mark.usefixtures("ignored")
def test_hangup_reloads_even_if_it_came_before_the_service_listened(
    registry: Registry, folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.server.processes.reloading.watch_folder", lambda *_: None)

    async def scene() -> None:
        reloads = LocalReloads(registry)
        assert reloads.open() is None
        version = change(folder, 7)
        os.kill(os.getpid(), signal.SIGHUP)
        await asyncio.sleep(0.05)
        assert registry.get().manifest.version != version
        reloads.serve()
        await wait_for(registry, version)
        version = change(folder, 8)
        os.kill(os.getpid(), signal.SIGHUP)
        await wait_for(registry, version)

    asyncio.run(scene())


@pytest.mark.usefixtures("ignored")
def test_hangup_is_left_to_who_has_taken_it(registry: Registry) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    LocalReloads(registry).open()
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_DFL


def test_a_change_in_the_folder_reloads_once_it_has_come_to_rest(
    registry: Registry,
    folder: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(watch, "SETTLED_MS", 300)
    caplog.set_level("INFO", "service.server.processes")

    async def scene() -> None:
        LocalReloads(registry).serve()
        await asyncio.sleep(1)  # until it watches
        for count in (7, 8, 9):
            version = change(folder, count)
            await asyncio.sleep(0.02)
        await wait_for(registry, version)

    asyncio.run(scene())
    assert caplog.text.count("loaded") == 1


def test_a_folder_that_cannot_be_watched_is_told(
    tmp_path: pathlib.Path, caplog: pytest.LogCaptureFixture
) -> None:
    watch._watch(tmp_path / "nowhere", lambda: None)
    assert f"{tmp_path / 'nowhere'} is not watched any more" in caplog.text
