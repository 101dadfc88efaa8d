"""What memory allows; the files are made as the kernel writes them."""

from __future__ import annotations

import pathlib

import pytest

from service.core.errors import BundleError, StartupError
from service.core.memory import (
    MIB,
    check_models,
    check_workers,
    estimate_models,
    fit_workers,
    measure_need,
    measure_weights,
    read_limit,
)
from tests.service.fake import write_bundle


def write(path: pathlib.Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.mark.parametrize(("text", "limit"), [("1073741824\n", 2**30), ("max\n", None), ("", None)])
def test_version_2_limits_by_memory_max(tmp_path: pathlib.Path, text: str, limit: int | None) -> None:
    write(tmp_path / "proc/self/cgroup", "0::/service\n")
    write(tmp_path / "sys/fs/cgroup/service/memory.max", text)
    assert read_limit(tmp_path) == limit


def test_the_smallest_limit_of_all_ancestors_holds(tmp_path: pathlib.Path) -> None:
    write(tmp_path / "proc/self/cgroup", "0::/slice/service\n")
    write(tmp_path / "sys/fs/cgroup/slice/service/memory.max", "4096")
    write(tmp_path / "sys/fs/cgroup/slice/memory.max", "2048")
    assert read_limit(tmp_path) == 2048


@pytest.mark.parametrize(("text", "limit"), [("536870912\n", 2**29), ("9223372036854771712\n", None)])
def test_version_1_limits_by_limit_in_bytes(tmp_path: pathlib.Path, text: str, limit: int | None) -> None:
    write(tmp_path / "proc/self/cgroup", "5:cpu,cpuacct:/a\n4:memory:/a\n")
    write(tmp_path / "sys/fs/cgroup/memory/a/memory.limit_in_bytes", text)
    assert read_limit(tmp_path) == limit


@pytest.fixture
def models(tmp_path: pathlib.Path) -> list[pathlib.Path]:
    return [write_bundle(tmp_path / "models" / name) for name in ("one", "two", "three")]


def give(
    root: pathlib.Path, *, total: int = 16_384, available: int = 16_384, limit: int | None = None
) -> None:
    """Writes how much memory there is, in MiB."""
    write(root / "proc/meminfo", f"MemTotal: {total * 1024} kB\nMemAvailable: {available * 1024} kB\n")
    if limit is not None:
        write(root / "proc/self/cgroup", "0::/service\n")
        write(root / "sys/fs/cgroup/service/memory.max", str(limit * MIB))


@pytest.mark.parametrize(
    ("memory", "workers"),
    [
        ({"limit": 128}, 1),
        ({"limit": 256}, 1),
        ({"limit": 512}, 1),
        ({"limit": 1024}, 3),
        ({"limit": 4096}, 13),
        ({"limit": 4096, "available": 1024}, 3),
        ({"available": 700}, 2),
    ],
)
def test_as_many_workers_as_memory_holds(
    tmp_path: pathlib.Path, models: list[pathlib.Path], memory: dict[str, int], workers: int
) -> None:
    give(tmp_path, **memory)
    assert fit_workers(models, tmp_path) == workers


def test_larger_models_leave_room_for_fewer(tmp_path: pathlib.Path, models: list[pathlib.Path]) -> None:
    give(tmp_path, limit=4096)
    few = fit_workers(models, tmp_path)
    with (models[0] / "decoder.onnx").open("r+b") as file:
        file.truncate(200 * MIB)
    assert fit_workers(models, tmp_path) == 5 < few


def test_where_nothing_is_known_memory_is_no_bound(
    tmp_path: pathlib.Path, models: list[pathlib.Path]
) -> None:
    assert fit_workers(models, tmp_path) > 64
    check_workers(64, models, tmp_path)


@pytest.mark.parametrize(("limit", "workers", "most"), [(256, 2, 1), (512, 5, 4), (1024, 20, 9)])
def test_more_workers_than_memory_holds_are_refused(
    tmp_path: pathlib.Path, models: list[pathlib.Path], limit: int, workers: int, most: int
) -> None:
    give(tmp_path, limit=limit)
    says = rf"^CVAE_WORKERS: expected at most {most} for {limit} MiB of memory, .* received {workers}$"
    with pytest.raises(StartupError, match=says):
        check_workers(workers, models, tmp_path)
    check_workers(most, models, tmp_path)


def test_a_machine_bounds_as_a_group_does(tmp_path: pathlib.Path, models: list[pathlib.Path]) -> None:
    give(tmp_path, total=256, available=100)
    with pytest.raises(StartupError, match="for 256 MiB of memory"):
        check_workers(2, models, tmp_path)


@pytest.mark.parametrize(
    ("limit", "workers", "warned"), [(100, 1, True), (512, 1, False), (512, 2, True), (1024, 2, False)]
)
def test_a_tight_fit_is_logged(
    tmp_path: pathlib.Path,
    models: list[pathlib.Path],
    caplog: pytest.LogCaptureFixture,
    limit: int,
    workers: int,
    warned: bool,
) -> None:
    give(tmp_path, limit=limit)
    check_workers(workers, models, tmp_path)
    assert (f"{limit} MiB of memory are little for {workers} worker(s)" in caplog.text) == warned


def test_a_worker_needs_so_much_before_any_request(tmp_path: pathlib.Path) -> None:
    bundles = []
    for i, sizes in enumerate([(MIB, 2 * MIB), (3 * MIB, 4 * MIB)]):
        bundle = tmp_path / str(i)
        bundle.mkdir()
        for name, size in zip(("encoder.onnx", "decoder.onnx"), sizes, strict=True):
            with (bundle / name).open("wb") as file:
                file.truncate(size)
        (bundle / "golden.npz").write_bytes(bytes(1000))
        (bundle / "folder.onnx").mkdir()
        bundles.append(bundle)
    assert [measure_weights(bundle) for bundle in bundles] == [3 * MIB, 7 * MIB]
    assert estimate_models([3 * MIB, 7 * MIB]) == 2 * 12 * MIB + 2 * 10 * MIB
    need = measure_need(bundles)
    assert (need.worker_bytes, need.bundles_bytes) == (64 * MIB + 44 * MIB, 20 * MIB)
    # One process has no parent.
    assert need.total(1) == 48 * MIB + 108 * MIB
    assert need.total(2) == 48 * MIB + 32 * MIB + 20 * MIB + 2 * 108 * MIB
    assert need.total(2, 5) == need.total(2) + 10
    assert need.fit(need.total(3)) == 3
    assert need.fit(need.total(3) - 1) == 2
    assert need.fit(need.total(3, 7), 7) == 3
    assert need.fit(0) == 1


@pytest.mark.parametrize(("limit", "fits"), [(0, True), (66 * MIB, True), (66 * MIB - 1, False)])
def test_a_model_for_which_there_is_no_memory_is_refused(limit: int, fits: bool) -> None:
    # Two of 12 MiB and their weights twice are loaded: 36; the third needs 30.
    loaded = [2 * MIB, 4 * MIB]
    if fits:
        check_models(limit, "third", 9 * MIB, loaded)
    else:
        says = (
            f"CVAE_MAX_MODELS_MEMORY: expected at most {limit} bytes for all models, but third needs "
            f"{30 * MIB} beside the {36 * MIB} of 2 that are loaded"
        )
        with pytest.raises(BundleError, match=says):
            check_models(limit, "third", 9 * MIB, loaded)
