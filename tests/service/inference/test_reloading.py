"""Reloads in one process: what they load, refuse and keep, and that what is replaced goes."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import json
import pathlib
import pickle
import shutil
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from service.batching.context import RequestContext
from service.core.errors import BundleError, NotFoundError
from service.core.reloads import Outcome, agree
from service.core.settings import Settings
from service.inference.onnx_model import Model
from service.inference.registry import Registry
from service.inference.reloading import FAILED, Reload
from service.inference.served import hand_over
from tests.service.fake import sign, write_bundle


@pytest.fixture
def models(tmp_path: pathlib.Path) -> pathlib.Path:
    for name in ("one", "two"):
        write_bundle(tmp_path / name)
    return tmp_path


def start(models: pathlib.Path, **settings: Any) -> Registry:
    registry = Registry(Settings(models_dir=models, **settings))
    registry.start()
    return registry


@pytest.fixture
def registry(models: pathlib.Path) -> Iterator[Registry]:
    registry = start(models)
    yield registry
    registry.close()


def change(folder: pathlib.Path, count: int) -> str:
    """Another version of a bundle; returns it."""
    manifest = json.loads((folder / "model.json").read_text())
    manifest["classes"][0]["count"] = count
    sign(folder, manifest)
    return str(manifest["version"])


def reload(registry: Registry) -> dict[str, Outcome]:
    one = Reload(registry)
    outcomes = agree([one.load()])
    one.swap(outcomes)
    return {outcome.name: outcome for outcome in outcomes}


def statuses(registry: Registry) -> dict[str, str]:
    return {name: outcome.status for name, outcome in reload(registry).items()}


def names(registry: Registry) -> list[str]:
    return [engine.manifest.name for engine in registry]


def test_what_is_new_is_loaded_and_what_is_gone_is_removed(models: pathlib.Path, registry: Registry) -> None:
    version = change(models / "one", 7)
    shutil.rmtree(models / "two")
    write_bundle(models / "m-3")
    write_bundle(models / "m-11")
    assert statuses(registry) == {"m-3": "loaded", "m-11": "loaded", "one": "loaded", "two": "removed"}
    assert names(registry) == ["m-3", "m-11", "one"]
    assert registry.get("one").manifest.version == version
    with pytest.raises(NotFoundError, match="expected one of m-3, m-11, one, received 'two'"):
        registry.get("two")


def test_what_is_the_same_stays_the_same(registry: Registry) -> None:
    before = list(registry)
    assert statuses(registry) == {"one": "unchanged", "two": "unchanged"}
    assert all(old is new for old, new in zip(before, registry, strict=True))


def test_another_card_is_read_too(models: pathlib.Path, registry: Registry) -> None:
    (models / "one" / "README.md").write_text("# Another card\n")
    assert statuses(registry) == {"one": "loaded", "two": "unchanged"}
    assert registry.get("one").model.bundle.card == "# Another card\n"
    assert registry.served.kept["one"] == []


def swap_graphs(folder: pathlib.Path) -> None:
    """The encoder's file holds the decoder and the other way round; checksums and version agree."""
    manifest = json.loads((folder / "model.json").read_text())
    for one, other in (("encoder", "decoder"), ("decoder", "encoder")):
        manifest[one] |= {"file": f"{other}.onnx"}
    first, second = (manifest[name]["sha256"] for name in ("encoder", "decoder"))
    manifest["encoder"]["sha256"], manifest["decoder"]["sha256"] = second, first
    sign(folder, manifest)


def truncate(folder: pathlib.Path) -> None:
    path = folder / "decoder.onnx"
    path.write_bytes(path.read_bytes()[:-50])


def truncate_and_sign(folder: pathlib.Path) -> None:
    truncate(folder)
    manifest = json.loads((folder / "model.json").read_text())
    manifest["decoder"]["sha256"] = hashlib.sha256((folder / "decoder.onnx").read_bytes()).hexdigest()
    sign(folder, manifest)


def spoil_golden(folder: pathlib.Path) -> None:
    path = folder / "golden.npz"
    with np.load(path) as archive:
        arrays = dict(archive)
    arrays["image"] = 1 - arrays["image"]
    np.savez(path, **arrays)
    manifest = json.loads((folder / "model.json").read_text())
    manifest["golden"]["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    sign(folder, manifest)


def copy_half(folder: pathlib.Path) -> None:
    change(folder, 9)
    (folder / "atlas.npz").unlink()


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (truncate, "decoder.onnx: sha256"),
        (truncate_and_sign, "decoder: onnxruntime cannot load it"),
        (swap_graphs, "encoder: inputs: expected"),
        (spoil_golden, "golden image: expected values within"),
        (copy_half, "atlas.npz: expected this file, cannot read it"),
        (lambda folder: (folder / "model.json").write_text("{"), "model.json: expected JSON"),
        (lambda folder: (folder / "model.json").unlink(), "to remove a model, remove its folder"),
    ],
)
def test_what_is_broken_is_refused_and_the_old_goes_on(
    models: pathlib.Path, registry: Registry, spoil: Callable[[pathlib.Path], object], reason: str
) -> None:
    old = registry.get("one")
    change(models / "two", 3)
    spoil(models / "one")
    outcomes = reload(registry)
    assert outcomes["one"].status == "refused"
    assert outcomes["one"].after == outcomes["one"].before == old.model.bundle.content
    assert reason in outcomes["one"].reason
    assert registry.get("one") is old
    assert outcomes["two"].status == "loaded"


def test_a_broken_bundle_that_is_new_is_not_served(models: pathlib.Path, registry: Registry) -> None:
    truncate(write_bundle(models / "three"))
    assert reload(registry)["three"] == Outcome(
        "three", "refused", None, None, reload(registry)["three"].reason
    )
    assert names(registry) == ["one", "two"]


def test_what_fails_in_its_own_way_is_refused_and_logged(
    models: pathlib.Path,
    registry: Registry,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(_: object) -> None:
        raise ZeroDivisionError

    change(models / "one", 7)
    monkeypatch.setattr(Model, "start", fail)
    outcome = reload(registry)["one"]
    assert (outcome.status, outcome.reason) == ("refused", FAILED)
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize(
    ("error", "reason"),
    [(OSError(5, "Input/output error", "models"), "Input/output error"), (KeyError("x"), FAILED)],
)
def test_where_the_bundles_cannot_be_listed_all_go_on(
    registry: Registry, monkeypatch: pytest.MonkeyPatch, error: Exception, reason: str
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    before = registry.served
    monkeypatch.setattr("service.core.configuration.models.list_bundles", fail)
    outcomes = Reload(registry).load()
    assert [(one.name, one.status) for one in outcomes] == [("one", "refused"), ("two", "refused")]
    assert all(one.before == one.after is not None and reason in one.reason for one in outcomes)
    assert registry.served is before


def test_a_folder_without_bundles_changes_nothing(models: pathlib.Path, registry: Registry) -> None:
    for name in ("one", "two"):
        shutil.rmtree(models / name)
    outcomes = reload(registry)
    assert {outcome.status for outcome in outcomes.values()} == {"refused"}
    assert "expected a folder with at least one" in outcomes["one"].reason
    assert names(registry) == ["one", "two"]


def test_the_default_that_was_asked_for_is_not_removed(models: pathlib.Path) -> None:
    registry = start(models, default_model="two")
    shutil.rmtree(models / "two")
    outcome = reload(registry)["two"]
    assert (outcome.status, outcome.reason) == (
        "refused",
        "CVAE_DEFAULT_MODEL: expected two to stay, found it removed",
    )
    assert registry.get().manifest.name == "two"


def test_the_usual_default_takes_over_when_it_comes(models: pathlib.Path, registry: Registry) -> None:
    assert (registry.default, registry.falls_back) == ("one", True)
    write_bundle(models / "mnist-2d")
    reload(registry)
    assert (registry.default, registry.falls_back) == ("mnist-2d", False)
    shutil.rmtree(models / "mnist-2d")
    reload(registry)
    assert (registry.default, registry.falls_back) == ("one", True)


@pytest.mark.parametrize("keep", [0, 1, 2])
def test_so_many_earlier_versions_are_kept(models: pathlib.Path, keep: int) -> None:
    registry = start(models, keep_versions=keep)
    versions = [registry.get("one").manifest.version]
    for count in (7, 8, 9):
        versions.insert(0, change(models / "one", count))
        reload(registry)
    assert registry.served.list_versions("one") == versions[: keep + 1]
    for version in versions[: keep + 1]:
        assert registry.get(f"one@{version}").manifest.version == version
    with pytest.raises(NotFoundError, match=f"received 'one@{versions[keep + 1]}'"):
        registry.get(f"one@{versions[keep + 1]}")
    assert registry.get("one").manifest.version == versions[0]
    shutil.rmtree(models / "one")
    reload(registry)
    for version in versions:
        with pytest.raises(NotFoundError):
            registry.get(f"one@{version}")


def test_a_version_that_is_kept_comes_back_as_it_is(models: pathlib.Path, registry: Registry) -> None:
    first = registry.get("one")
    change(models / "one", 7)
    reload(registry)
    second = registry.get("one")
    change(models / "one", 5)
    assert statuses(registry)["one"] == "loaded"
    assert registry.get("one") is first
    assert registry.served.kept["one"] == [second]


def test_what_is_replaced_goes_without_the_garbage_collector(models: pathlib.Path) -> None:
    registry = start(models, keep_versions=0)
    gone = weakref.ref(registry.get("one"))
    threads = threading.active_count()
    change(models / "one", 7)
    gc.collect()
    gc.disable()
    try:
        reload(registry)
        assert gone() is None
        assert len(registry.alive) == 2
    finally:
        gc.enable()
    for thread in threading.enumerate():
        if thread.name.startswith("batcher"):
            thread.join(0.2)
    assert threading.active_count() <= threads


def test_a_request_is_finished_by_the_model_it_began_with(models: pathlib.Path) -> None:
    registry = start(models, keep_versions=0)

    async def scene() -> None:
        engine = registry.get("one")
        gone = weakref.ref(engine)
        rows = engine.space.place(np.array([[0.5, -1.0]]))
        waiting = engine.submit(rows, RequestContext())
        change(models / "one", 7)
        reload(registry)
        # It has its engine, and sends more rows to it.
        again = engine.submit(rows, RequestContext())
        assert (await waiting).tobytes() == (await again).tobytes()
        del engine, waiting, again
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert gone() is None

    asyncio.run(scene())


def test_a_model_that_does_not_fit_into_memory_is_refused_with_figures(models: pathlib.Path) -> None:
    mib = 2**20
    registry = start(models, max_models_memory=30 * mib)
    change(models / "one", 7)
    outcome = reload(registry)["one"]
    assert outcome.status == "refused"
    assert f"CVAE_MAX_MODELS_MEMORY: expected at most {30 * mib} bytes for all models" in outcome.reason
    assert "of 2 that are loaded" in outcome.reason
    with pytest.raises(BundleError, match=r"one needs 12\d+ beside the 0 of 0"):
        start(models, max_models_memory=mib)
    with pytest.raises(BundleError, match=r"two needs 12\d+ beside the 12\d+ of 1"):
        start(models, max_models_memory=20 * mib)


def test_another_worker_serves_the_same_whatever_the_folder_holds(
    models: pathlib.Path, registry: Registry
) -> None:
    change(models / "one", 7)
    reload(registry)
    for name in ("one", "two"):
        truncate(models / name)
    other = Registry(registry.settings)
    other.start(handover=pickle.loads(pickle.dumps(hand_over(registry.served))))
    assert [engine.model.bundle.content for engine in other.served] == [
        engine.model.bundle.content for engine in registry.served
    ]
    assert other.served.list_versions("one") == registry.served.list_versions("one")
    assert other.ready
