"""What `cvae doctor` says of machines; the control groups' files are made as the kernel writes them."""

from __future__ import annotations

import pathlib

import pytest

from service.commands.machine import describe_machine, examine_machine, read_memory_limit
from service.settings import Settings


def write(path: pathlib.Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.mark.parametrize(("text", "limit"), [("1073741824\n", 2**30), ("max\n", None), ("", None)])
def test_version_2_limits_by_memory_max(tmp_path: pathlib.Path, text: str, limit: int | None) -> None:
    write(tmp_path / "proc/self/cgroup", "0::/service\n")
    write(tmp_path / "sys/fs/cgroup/service/memory.max", text)
    assert read_memory_limit(tmp_path) == limit


def test_the_smallest_limit_of_all_ancestors_holds(tmp_path: pathlib.Path) -> None:
    write(tmp_path / "proc/self/cgroup", "0::/slice/service\n")
    write(tmp_path / "sys/fs/cgroup/slice/service/memory.max", "4096")
    write(tmp_path / "sys/fs/cgroup/slice/memory.max", "2048")
    assert read_memory_limit(tmp_path) == 2048


@pytest.mark.parametrize(("text", "limit"), [("536870912\n", 2**29), ("9223372036854771712\n", None)])
def test_version_1_limits_by_limit_in_bytes(tmp_path: pathlib.Path, text: str, limit: int | None) -> None:
    write(tmp_path / "proc/self/cgroup", "5:cpu,cpuacct:/a\n4:memory:/a\n")
    write(tmp_path / "sys/fs/cgroup/memory/a/memory.limit_in_bytes", text)
    assert read_memory_limit(tmp_path) == limit


def test_without_control_groups_there_is_no_limit(tmp_path: pathlib.Path) -> None:
    found = examine_machine(Settings(), tmp_path)
    assert found.memory_limit_bytes is None
    assert "memory       no limit" in describe_machine(found)


def test_it_says_what_would_run_where(tmp_path: pathlib.Path) -> None:
    found = examine_machine(Settings(intra_op_threads=3, workers=2), tmp_path)
    assert found.provider == found.auto_provider == "CPUExecutionProvider"
    assert found.fault is None
    assert 1 <= found.cores <= found.affinity_cores
    text = "\n".join(describe_machine(found))
    assert "CVAE_PROVIDER=auto runs on CPUExecutionProvider" in text
    assert "workers 2, threads inside an operation 3" in text


def test_a_provider_that_is_missing_is_a_fault(tmp_path: pathlib.Path) -> None:
    found = examine_machine(Settings(provider="tensorrt"), tmp_path)
    assert found.provider is None
    assert "received tensorrt" in (found.fault or "")
