"""Owns reloads and killed workers under load: another version of a model, and what the answers then may be.

An answer is right if it is, whole, that of the one version or of the other. Requests that a killed worker
held are lost, and no others.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import pathlib
import random
import shutil
import signal
import threading
import time
from collections.abc import Iterator, Sequence

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper

from benchmarks.harness.processes import find_tree
from service.bundles.manifest import version_of
from tests.live import ROOT
from tests.reliability.references import Reference, keep
from tests.reliability.serving import Service
from tests.reliability.tally import Loss
from tests.reliability.wire import connect

NAME = "mnist-2d"
# No earlier version: what a URL that names one gets would follow from how many reloads there have been.
SETTINGS = {"CVAE_KEEP_VERSIONS": "0"}
# What the log says of it all.
EXPECTED = ("reload: mnist-2d: refused", "was ended by SIGKILL")
WAIT_S = 120.0
# A killed worker's connections end at once, but their clients may see it later.
KILL_S = 2.0


def write_versions(folder: pathlib.Path) -> tuple[pathlib.Path, pathlib.Path]:
    """Write two folders of models, one with another version of the default model."""
    for name in ("old", "new"):
        shutil.copytree(ROOT / "models", folder / name, ignore=shutil.ignore_patterns("plots", "history.csv"))
    _change(folder / "new" / NAME)
    return folder / "old", folder / "new"


def _change(bundle: pathlib.Path) -> None:
    """Make another version: each weight of the decoder a little larger, and all that follows from it."""
    graph = onnx.load(bundle / "decoder.onnx")
    for weights in graph.graph.initializer:
        array = numpy_helper.to_array(weights)
        if array.dtype in (np.float16, np.float32):
            larger = (array * 1.05).astype(array.dtype)
            weights.CopyFrom(numpy_helper.from_array(larger, weights.name))
    onnx.save(graph, bundle / "decoder.onnx")
    with np.load(bundle / "golden.npz") as archive:
        golden = dict(archive)
    session = onnxruntime.InferenceSession(bundle / "decoder.onnx", providers=["CPUExecutionProvider"])
    (golden["image"],) = session.run(["image"], {"z": golden["z"]})
    np.savez(bundle / "golden.npz", **golden)
    manifest = json.loads((bundle / "model.json").read_text())
    for part in ("decoder", "golden"):
        content = (bundle / manifest[part]["file"]).read_bytes()
        manifest[part]["sha256"] = hashlib.sha256(content).hexdigest()
    manifest["version"] = version_of(manifest)
    (bundle / "model.json").write_text(json.dumps(manifest))


async def add_others(references: Sequence[Reference], port: int) -> list[Reference]:
    """Return references that another version may answer too.

    Args:
        references: Made of the one version.
        port: Of a service of the other, at rest.
    """
    found = []
    for reference in references:
        connection = await connect(port)
        await connection.send(reference.to_bytes(close=True))
        answer = await connection.receive(reference.method)
        connection.close()
        headers = keep(answer.headers, reference.kind)
        other = dataclasses.replace(reference, status=answer.status, headers=headers, body=answer.body)
        found.append(dataclasses.replace(reference, other=other))
    return found


@dataclasses.dataclass
class Disturber:
    """Replaces the model of a service, and kills its workers, at even intervals.

    Attributes:
        service: That runs, with its models in `models`.
        models: The folder that it reads.
        versions: The folders to copy from in turn.
        reloads: How many to do.
        kills: How many workers to kill.
        faults: What went wrong.
        killed: When a worker was killed (`time.monotonic`).
    """

    service: Service
    models: pathlib.Path
    versions: Sequence[pathlib.Path]
    reloads: int
    kills: int
    faults: list[str] = dataclasses.field(default_factory=list)
    killed: list[float] = dataclasses.field(default_factory=list)

    @contextlib.contextmanager
    def run(self, seconds: float) -> Iterator[None]:
        """Disturb for so long, beside what the context does."""
        thread = threading.Thread(target=self._disturb, args=(seconds,))
        thread.start()
        yield
        thread.join()

    def _disturb(self, seconds: float) -> None:
        begun = time.monotonic()
        acts = [True] * self.reloads + [False] * self.kills
        random.Random(0).shuffle(acts)
        turn = 0
        for i, is_reload in enumerate(acts):
            time.sleep(max(0.0, begun + seconds * (i + 0.5) / len(acts) - time.monotonic()))
            if is_reload:
                turn += 1
                self._reload(self.versions[turn % 2])
            else:
                self._kill()

    def _reload(self, version: pathlib.Path) -> None:
        """Copy a version over the other, and have it read amid the copy too."""
        names = ("decoder.onnx", "golden.npz", "model.json")
        for name in names:
            shutil.copyfile(version / NAME / name, self.models / NAME / name)
            if name == names[0]:
                self._hang_up(f"reload: {NAME}: refused")
        reference = f"{NAME}@{json.loads((version / NAME / 'model.json').read_text())['version']}"
        self._hang_up(f"reload: {reference}: loaded")

    def _hang_up(self, expected: str) -> None:
        before = self._count(expected)
        self.service.signal(signal.SIGHUP)
        end = time.monotonic() + WAIT_S
        while self._count(expected) == before:
            if time.monotonic() > end or not self.service.is_alive():
                self.faults.append(f"reload: expected in the log: {expected}")
                return
            time.sleep(0.05)

    def _count(self, text: str) -> int:
        return self.service.log.read_text(errors="replace").count(text)

    def _kill(self) -> None:
        workers = [pid for pid in find_tree(self.service.process.pid) if _is_worker(pid)]
        self.killed.append(time.monotonic())
        os.kill(random.Random(len(self.killed)).choice(workers), signal.SIGKILL)

    def forgive(self, losses: Sequence[Loss]) -> list[Loss]:
        """Return the losses that no killed worker explains."""
        return [
            loss
            for loss in losses
            if not any(at <= loss.ended <= at + KILL_S or loss.sent <= at <= loss.ended for at in self.killed)
        ]

    def list_faults(self) -> list[str]:
        """Return what went wrong, in the log too, a line each."""
        errors = self.service.find_errors()
        return self.faults + [error for error in errors if not any(text in error for text in EXPECTED)]


def _is_worker(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return b"spawn_main" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
    return False
