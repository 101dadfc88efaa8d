"""Check one bundle: read it, replay its golden vectors, time it; stop at the first fault."""

from __future__ import annotations

import dataclasses
import pathlib
import statistics
import time
from collections.abc import Callable

import numpy as np

from service.bundles.reader import Bundle, read_bundle
from service.core.errors import StartupError
from service.core.settings import Settings
from service.inference.engine import Engine
from service.inference.onnx_model import Model
from service.inference.upload_threads import UploadThreads

ROWS = (1, 32)
RUNS = 15


@dataclasses.dataclass(frozen=True)
class BundleReport:
    """The result of checking a bundle.

    Attributes:
        folder: Of the bundle.
        fault: The first fault, or None.
        name: None if the manifest could not be read.
        version: None if the manifest could not be read.
        files: Number of files whose checksums agree.
        provider: Of onnxruntime, on which the golden vectors were replayed.
        golden_difference: The largest difference from the golden outputs.
        decoder_ms: Median milliseconds of a batch, by its number of rows.
        encoder_ms: As `decoder_ms`.
    """

    folder: str
    fault: str | None = None
    name: str | None = None
    version: str | None = None
    files: int = 0
    provider: str | None = None
    golden_difference: float | None = None
    decoder_ms: dict[int, float] = dataclasses.field(default_factory=dict)
    encoder_ms: dict[int, float] = dataclasses.field(default_factory=dict)


def examine_bundle(
    folder: pathlib.Path, settings: Settings, clock: Callable[[], float] = time.perf_counter
) -> BundleReport:
    """Check a bundle.

    Args:
        folder: Of the bundle.
        settings: Provider and threads.
        clock: Returns seconds.

    Returns:
        The results up to the first fault.
    """
    found = BundleReport(str(folder))
    try:
        # A link's own name counts, as in the service; "." and ".." have none.
        bundle = read_bundle(folder if folder.name.strip(".") else folder.resolve())
        manifest = bundle.manifest
        found = dataclasses.replace(
            found, name=manifest.name, version=manifest.version, files=len(manifest.files)
        )
        # All that the service does before it is ready.
        engine = Engine(Model(bundle, settings), settings, UploadThreads())
        engine.start()
    except StartupError as error:
        return dataclasses.replace(found, fault=str(error))
    engine.close()
    model, width = engine.model, manifest.latent_dim + len(manifest.labels)
    return dataclasses.replace(
        found,
        provider=model.runtime.provider,
        golden_difference=_measure_golden(bundle, model),
        decoder_ms={n: _measure(model.decode, (n, width), clock) for n in ROWS},
        encoder_ms={n: _measure(model.encode, (n, *manifest.image.shape), clock) for n in ROWS},
    )


def describe_bundle(found: BundleReport) -> list[str]:
    """Return the lines of a bundle's report."""
    lines = []
    if found.name is not None:
        lines.append(f"files        {found.files} checksums agree, version {found.version}")
    if found.fault is not None:
        return [*lines, f"FAULT        {found.fault}"]
    return [
        *lines,
        f"golden       largest difference {found.golden_difference:.1e}, on {found.provider}",
        f"decoder      {_describe_times(found.decoder_ms)}",
        f"encoder      {_describe_times(found.encoder_ms)}",
    ]


def _measure_golden(bundle: Bundle, model: Model) -> float:
    golden = bundle.golden
    rows = np.concatenate([golden["z"], golden["label"]], axis=1) if "label" in golden else golden["z"]
    z_mean, z_log_var = model.encode(golden["x"])
    found = {"z_mean": z_mean, "z_log_var": z_log_var, "image": model.decode(rows)}
    return max(float(np.abs(array - golden[name]).max()) for name, array in found.items())


def _measure(run: Callable[..., object], shape: tuple[int, ...], clock: Callable[[], float]) -> float:
    rows, times = np.zeros(shape, np.float32), []
    for _ in range(RUNS):
        begun = clock()
        run(rows)
        times.append(clock() - begun)
    return statistics.median(times) * 1000


def _describe_times(times: dict[int, float]) -> str:
    return ", ".join(f"{time_ms:.2f} ms for {rows}" for rows, time_ms in times.items())
