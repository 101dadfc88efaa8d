"""What control groups allow, in both their versions; the files are made as the kernel writes them."""

from __future__ import annotations

import os
import pathlib

import pytest

from service.core.cpu_count import count_cores


@pytest.fixture
def root(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    return tmp_path


def write(path: pathlib.Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_without_control_groups_it_is_the_affinity(root: pathlib.Path) -> None:
    assert count_cores(root) == 8


@pytest.mark.parametrize(
    ("text", "cores"),
    [
        ("max 100000\n", 8),
        ("200000 100000\n", 2),
        ("150000 100000\n", 2),
        ("5000 100000\n", 1),
        ("9999999 100000\n", 8),
    ],
)
def test_version_2_limits_by_cpu_max(root: pathlib.Path, text: str, cores: int) -> None:
    write(root / "proc/self/cgroup", "0::/service\n")
    write(root / "sys/fs/cgroup/service/cpu.max", text)
    assert count_cores(root) == cores


def test_the_tightest_ancestor_holds(root: pathlib.Path) -> None:
    write(root / "proc/self/cgroup", "0::/pod/service\n")
    write(root / "sys/fs/cgroup/pod/cpu.max", "300000 100000\n")
    write(root / "sys/fs/cgroup/pod/service/cpu.max", "max 100000\n")
    assert count_cores(root) == 3


def test_a_container_sees_its_own_group_as_the_root(root: pathlib.Path) -> None:
    write(root / "proc/self/cgroup", "0::/\n")
    write(root / "sys/fs/cgroup/cpu.max", "400000 100000\n")
    assert count_cores(root) == 4


@pytest.mark.parametrize(("quota", "cores"), [("-1\n", 8), ("250000\n", 3), ("nonsense", 8)])
def test_version_1_limits_by_quota_and_period(root: pathlib.Path, quota: str, cores: int) -> None:
    write(root / "proc/self/cgroup", "4:memory:/x\n3:cpu,cpuacct:/x\n")
    # As in a container, whose group is mounted as the root while its path is the host's.
    write(root / "sys/fs/cgroup/cpu/cpu.cfs_quota_us", quota)
    write(root / "sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n")
    write(root / "sys/fs/cgroup/memory/x/cpu.max", "100000 100000\n")
    assert count_cores(root) == cores


def test_this_process_may_use_at_least_one_core() -> None:
    assert 1 <= count_cores() <= (os.cpu_count() or 1)
