"""Check this machine: its cores, its memory, and where onnxruntime would run."""

from __future__ import annotations

import dataclasses
import os
import pathlib

import onnxruntime

from service.core.cpu_count import ROOT, count_cores
from service.core.errors import StartupError
from service.core.memory import check_workers, read_limit
from service.core.settings import Settings
from service.inference.providers import choose_provider


@dataclasses.dataclass(frozen=True)
class Machine:
    """The machine's resources that this process may use.

    Attributes:
        cores: Cores that affinity and control groups allow.
        affinity_cores: Cores that affinity alone allows.
        host_cores: Cores of the host.
        memory_limit_bytes: Of the control groups, or None.
        onnxruntime: Version.
        providers: Those that onnxruntime offers.
        auto_provider: The provider of `CVAE_PROVIDER=auto`.
        setting: Value of `CVAE_PROVIDER`.
        provider: The provider of that setting, or None if it is missing.
        workers: Processes of the service.
        intra_op_threads: Of onnxruntime, in each worker.
        inter_op_threads: Of onnxruntime, in each worker.
        fault: Why the service would not start, or None.
    """

    cores: int
    affinity_cores: int
    host_cores: int
    memory_limit_bytes: int | None
    onnxruntime: str
    providers: tuple[str, ...]
    auto_provider: str
    setting: str
    provider: str | None
    workers: int
    intra_op_threads: int
    inter_op_threads: int
    fault: str | None


def examine_machine(settings: Settings, root: pathlib.Path = ROOT) -> Machine:
    """Check the machine.

    Args:
        settings: Of the service.
        root: Folder that holds `proc` and `sys`.
    """
    host = os.cpu_count() or 1
    provider, fault = None, None
    try:
        provider = choose_provider(settings.provider)
        check_workers(settings.workers, settings.bundles, root)
    except StartupError as error:
        fault = str(error)
    return Machine(
        cores=count_cores(root),
        affinity_cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else host,
        host_cores=host,
        memory_limit_bytes=read_limit(root),
        onnxruntime=onnxruntime.__version__,
        providers=tuple(onnxruntime.get_available_providers()),
        auto_provider=choose_provider("auto"),
        setting=settings.provider,
        provider=provider,
        workers=settings.workers,
        intra_op_threads=settings.intra_op_threads,
        inter_op_threads=settings.inter_op_threads,
        fault=fault,
    )


def describe_machine(machine: Machine) -> list[str]:
    """Return the lines of the machine's report."""
    limit = machine.memory_limit_bytes
    memory = "no limit" if limit is None else f"limit {limit / 2**30:.1f} GiB"
    auto = "" if machine.setting == "auto" else f"; auto would run on {machine.auto_provider}"
    lines = [
        f"cores        {machine.cores} usable; affinity {machine.affinity_cores}, host {machine.host_cores}",
        f"memory       {memory}",
        f"onnxruntime  {machine.onnxruntime}: {', '.join(machine.providers)}",
        f"provider     CVAE_PROVIDER={machine.setting} runs on {machine.provider or 'none'}{auto}",
        f"service      workers {machine.workers}, threads inside an operation {machine.intra_op_threads}, "
        f"across operations {machine.inter_op_threads}",
    ]
    return lines if machine.fault is None else [*lines, f"fault        {machine.fault}"]
