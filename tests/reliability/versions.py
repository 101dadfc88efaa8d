"""Owns several versions of one model on disk, for services whose models are replaced."""

from __future__ import annotations

import hashlib
import json
import pathlib
import shutil
from typing import NamedTuple

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper

from service.bundles.manifest import version_of
from tests.live import ROOT

NAME = "mnist-2d"
# By which the decoder's weights of each version are larger. Three: beside one that is served and the one
# before it, which is kept, the next is always one that has to be loaded.
FACTORS = (1.0, 1.05, 1.1)


class Version(NamedTuple):
    """A version of the model.

    Attributes:
        models: A folder of models, with this version of the model.
        version: Its name.
    """

    models: pathlib.Path
    version: str

    @property
    def bundle(self) -> pathlib.Path:
        """The model's folder."""
        return self.models / NAME

    @property
    def reference(self) -> str:
        """What `model=` calls it."""
        return f"{NAME}@{self.version}"


def write_versions(folder: pathlib.Path) -> list[Version]:
    """Write a folder of models for each version of the default model, that of the repository first."""
    found = []
    for factor in FACTORS:
        models = folder / f"models-{factor}"
        shutil.copytree(ROOT / "models", models, ignore=shutil.ignore_patterns("plots", "history.csv"))
        if factor != 1:
            _change(models / NAME, factor)
        found.append(Version(models, json.loads((models / NAME / "model.json").read_text())["version"]))
    return found


def _change(bundle: pathlib.Path, factor: float) -> None:
    """Make another version: each weight of the decoder a little larger, and all that follows from it."""
    graph = onnx.load(bundle / "decoder.onnx")
    for weights in graph.graph.initializer:
        array = numpy_helper.to_array(weights)
        if array.dtype in (np.float16, np.float32):
            larger = (array * factor).astype(array.dtype)
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
