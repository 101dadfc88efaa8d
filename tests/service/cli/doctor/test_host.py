"""What `cvae doctor` says of machines; the control groups' files are made as the kernel writes them."""

from __future__ import annotations

import pathlib

from service.cli.doctor.host import describe_machine, examine_machine
from service.core.settings import Settings


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


def test_it_says_if_the_workers_do_not_fit_into_memory(tmp_path: pathlib.Path) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "meminfo").write_text("MemTotal: 262144 kB\nMemAvailable: 262144 kB\n")
    found = examine_machine(Settings(workers=4), tmp_path)
    assert found.provider == "CPUExecutionProvider"
    assert "fault        CVAE_WORKERS: expected at most" in "\n".join(describe_machine(found))
    assert examine_machine(Settings(workers=1), tmp_path).fault is None
