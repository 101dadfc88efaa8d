"""Finding control groups in both their versions; the files are made as the kernel writes them."""

from __future__ import annotations

import pathlib

import pytest

from service.core.cpu_count import find_groups


@pytest.fixture
def membership(tmp_path: pathlib.Path) -> pathlib.Path:
    path = tmp_path / "proc/self/cgroup"
    path.parent.mkdir(parents=True)
    return path


def test_a_group_comes_before_its_ancestors(tmp_path: pathlib.Path, membership: pathlib.Path) -> None:
    membership.write_text("0::/slice/service\n")
    top = tmp_path / "sys/fs/cgroup"
    groups = [top / "slice/service", top / "slice", top]
    assert list(find_groups(tmp_path, "memory")) == [(group, False) for group in groups]


def test_version_1_has_a_tree_for_each_controller(tmp_path: pathlib.Path, membership: pathlib.Path) -> None:
    membership.write_text("5:cpu,cpuacct:/a\n4:memory:/b\n1:name=systemd:/c\n")
    top = tmp_path / "sys/fs/cgroup/memory"
    assert list(find_groups(tmp_path, "memory")) == [(top / "b", True), (top, True)]


def test_without_control_groups_there_are_none(tmp_path: pathlib.Path) -> None:
    assert list(find_groups(tmp_path, "cpu")) == []
