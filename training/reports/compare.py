"""Compare bundles in a table: sizes, figures, and what a picture costs."""

from __future__ import annotations

import json
import pathlib
import statistics
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime

from training.bundles.manifest import read_manifest
from training.bundles.open_decoder import is_conditional
from training.reports.figures import list_figures

BATCHES = (32, 1)
ROUNDS, CALLS = 7, 40
NUMBERS = {onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16}


def compare_bundles(folders: Sequence[pathlib.Path], rounds: int = ROUNDS) -> dict[str, dict[str, Any]]:
    """Compare bundles by size, figures, and what a picture costs.

    Args:
        folders: `models/<name>`, one or more.
        rounds: In each, every decoder is timed in turn, on one thread.

    Returns:
        By folder: `version`, `latent_dim`, `conditional`, `dataset`, `encoder_bytes`, `decoder_bytes`,
        `encoder_parameters`, `decoder_parameters`; `decoder_us_32` and `decoder_us_1`, the median CPU time of
        an image in batches of 32 and of 1, in microseconds; and the figures of `list_figures`.

    Raises:
        BundleError: A folder holds no bundle.
    """
    manifests = {str(folder): read_manifest(folder) for folder in folders}
    times = _time({name: pathlib.Path(name) / m["decoder"]["file"] for name, m in manifests.items()}, rounds)
    return {name: {**_describe(name, manifest), **times[name]} for name, manifest in manifests.items()}


def tabulate(found: Mapping[str, Mapping[str, Any]]) -> str:
    """Return a Markdown table with a column for each bundle; times have their ratio to the first one's."""
    first = next(iter(found.values()))
    names = list(dict.fromkeys(name for row in found.values() for name in row))
    lines = [
        ["", *(f"`{pathlib.Path(name).name}`" for name in found)],
        ["---"] * (len(found) + 1),
        *([name, *(_show(name, row.get(name), first.get(name)) for row in found.values())] for name in names),
    ]
    table = "".join(f"| {' | '.join(line)} |\n" for line in lines)
    datasets = {row["dataset"] for row in found.values()}
    return table if len(datasets) == 1 else f"{table}\nThe figures are of different data sets.\n"


def to_json(found: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the same as JSON."""
    return json.dumps(found, indent=1) + "\n"


def _describe(name: str, manifest: Mapping[str, Any]) -> dict[str, Any]:
    files = {graph: pathlib.Path(name) / manifest[graph]["file"] for graph in ("encoder", "decoder")}
    return {
        "version": manifest["version"],
        "latent_dim": manifest["latent_dim"],
        "conditional": is_conditional(manifest),
        # The contract lets it be empty.
        "dataset": manifest["dataset"].get("sha256", "")[:12],
        **{f"{graph}_bytes": path.stat().st_size for graph, path in files.items()},
        **{f"{graph}_parameters": _count_parameters(path) for graph, path in files.items()},
        **list_figures(manifest["metrics"]),
    }


def _count_parameters(path: pathlib.Path) -> int:
    initializers = onnx.load(str(path)).graph.initializer
    return sum(int(np.prod(tensor.dims)) for tensor in initializers if tensor.data_type in NUMBERS)


def _time(files: Mapping[str, pathlib.Path], rounds: int) -> dict[str, dict[str, float]]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    sessions = {
        name: onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        for name, path in files.items()
    }
    found: dict[str, dict[str, float]] = {name: {} for name in sessions}
    for batch in BATCHES:
        times: dict[str, list[float]] = {name: [] for name in sessions}
        for _ in range(rounds):
            for name, session in sessions.items():
                times[name].append(_time_call(session, batch))
        for name, values in times.items():
            found[name][f"decoder_us_{batch}"] = round(statistics.median(values) / batch * 1e6, 1)
    return found


def _time_call(session: onnxruntime.InferenceSession, batch: int) -> float:
    inputs = {node.name: np.zeros((batch, node.shape[1]), np.float32) for node in session.get_inputs()}
    session.run(None, inputs)
    start = time.process_time()
    for _ in range(CALLS):
        session.run(None, inputs)
    return (time.process_time() - start) / CALLS


def _show(name: str, value: Any, first: Any) -> str:
    if value is None:
        return ""
    if name.startswith("decoder_us") and first:
        return f"{value} ({value / first:.2f} ×)"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
