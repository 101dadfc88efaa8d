"""Owns what `cvae doctor` says of the machine: its cores and memory, and where onnxruntime would run."""

from __future__ import annotations

import dataclasses
import os
import pathlib

import onnxruntime

from service.core.errors import StartupError
from service.core.memory import check_workers, read_limit
from service.core.resources import ROOT, count_cores
from service.core.settings import Settings
from service.inference.onnx_model import choose_provider


@dataclasses.dataclass(frozen=True)
class Machine:
    """A machine as this process may use it.

    Attributes:
        cores: That affinity and control groups allow.
        affinity_cores: That affinity alone allows.
        host_cores: That the host has.
        memory_limit_bytes: Of the control groups, or None.
        onnxruntime: Its version.
        providers: That it offers.
        auto_provider: What `CVAE_PROVIDER=auto` runs on.
        setting: `CVAE_PROVIDER`.
        provider: What that runs on, or None if it is not there.
        workers: Processes of a service.
        intra_op_threads: Of onnxruntime, in each worker.
        inter_op_threads: The same.
        fault: Why nothing would run, or None.
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
    """Looks at the machine.

    Args:
        settings: Of a service that would run here.
        root: Folder that holds `proc` and `sys`.

    Returns:
        What was found.
    """
    host = os.cpu_count() or 1
    provider, fault = None, None
    try:
        provider = choose_provider(settings.provider)
        check_workers(settings.workers, settings.models_dir, root)
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
    """Gives lines that say what was found."""
    limit = machine.memory_limit_bytes
    memory = "no limit" if limit is None else f"limit {limit / 2**30:.1f} GiB"
    lines = [
        f"cores        {machine.cores} usable; affinity {machine.affinity_cores}, host {machine.host_cores}",
        f"memory       {memory}",
        f"onnxruntime  {machine.onnxruntime}: {', '.join(machine.providers)}",
        f"provider     CVAE_PROVIDER={machine.setting} runs on {machine.provider or 'none'}; "
        f"auto on {machine.auto_provider}",
        f"service      workers {machine.workers}, threads inside an operation {machine.intra_op_threads}, "
        f"across operations {machine.inter_op_threads}",
    ]
    return lines if machine.fault is None else [*lines, f"fault        {machine.fault}"]
