"""A bundle made with `onnx` alone, whose outputs encode their inputs, so that a mix-up is seen."""

from __future__ import annotations

import hashlib
import json
import pathlib
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from service.bundles.manifest import version_of

HEIGHT = WIDTH = 28
PIXELS = HEIGHT * WIDTH
LATENT_DIM = 2
LABELS = 10
# What a label adds to z before the conditional decoder decodes it.
SHIFTS = np.array([[label / 4, -label / 8] for label in range(LABELS)], np.float32)


def decode(z: np.ndarray[Any, Any], label: list[int] | None = None) -> np.ndarray[Any, Any]:
    """What the fake decoder computes: the top half is sigmoid(z[0]), the bottom half sigmoid(z[1])."""
    shifted = z if label is None else z + SHIFTS[label]
    halves = 1 / (1 + np.exp(-shifted.astype(np.float32)))
    return np.repeat(halves, PIXELS // 2, axis=1).reshape(-1, HEIGHT, WIDTH, 1).astype(np.float32)


def encode(x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """What the fake encoder computes for z_mean: the means of the two halves; z_log_var is its negative."""
    means: np.ndarray[Any, Any] = x.reshape(len(x), 2, -1).mean(axis=2).astype(np.float32)
    return means


def write_bundle(folder: pathlib.Path, *, conditional: bool = False, **changes: Any) -> pathlib.Path:
    """Writes a bundle that keeps the contract; `changes` replace fields of its manifest."""
    folder.mkdir(parents=True)
    rng = np.random.RandomState(0)
    x = rng.random((3, HEIGHT, WIDTH, 1)).astype(np.float32)
    z = np.array([[0, 0], [1, -1], [-2, 3]], np.float32)
    (folder / "encoder.onnx").write_bytes(_encoder().SerializeToString())
    (folder / "decoder.onnx").write_bytes(_decoder(conditional).SerializeToString())
    given: dict[str, Any] = {"image": decode(z)}
    if conditional:
        given = {"image": decode(z, [0, 7, 9]), "label": np.eye(LABELS, dtype=np.float32)[[0, 7, 9]]}
    np.savez(folder / "golden.npz", x=x, z_mean=encode(x), z_log_var=-encode(x), z=z, **given)
    np.savez(folder / "atlas.npz", z_mean=z, label=np.array([0, 1, 1], np.int64))
    (folder / "README.md").write_text("# A fake\n")
    manifest = {**_manifest(folder, conditional), **changes}
    sign(folder, manifest)
    return folder


def make_mixture(labels: int = LABELS) -> dict[str, np.ndarray[Any, Any]]:
    """Two components a class, in a row; the second has a third of the weight and lies 100 further."""
    label = np.arange(labels).repeat(2)
    weight = np.tile([0.75, 0.25], labels) / labels
    z_mean = np.stack([label * 4.0, -4.0 * label], axis=1) + np.tile([[0, 0], [0, 100]], (labels, 1))
    cholesky = np.tile(np.array([[0.5, 0], [0.25, 0.5]]), (2 * labels, 1, 1))
    numbers = {"weight": weight, "z_mean": z_mean, "cholesky": cholesky}
    return {**{name: array.astype(np.float32) for name, array in numbers.items()}, "label": label}


def write_mixture(
    folder: pathlib.Path, arrays: dict[str, np.ndarray[Any, Any]] | None = None, **changes: Any
) -> pathlib.Path:
    """Writes a bundle whose prior is a mixture."""
    write_bundle(folder, **changes)
    np.savez(folder / "prior.npz", **(make_mixture() if arrays is None else arrays))  # type: ignore[arg-type]
    manifest = json.loads((folder / "model.json").read_text())
    prior = {"distribution": "mixture", **_file(folder, "prior.npz")}
    sign(folder, {**manifest, "format_version": 2, "prior": prior})
    return folder


def change(folder: pathlib.Path) -> str:
    """Makes another version of a bundle, which answers the same, and returns it."""
    manifest = json.loads((folder / "model.json").read_text())
    manifest["classes"][0]["count"] += 1
    sign(folder, manifest)
    return str(manifest["version"])


def sign(folder: pathlib.Path, manifest: dict[str, Any]) -> None:
    manifest["version"] = version_of(manifest)
    (folder / "model.json").write_text(json.dumps(manifest))


def _manifest(folder: pathlib.Path, conditional: bool) -> dict[str, Any]:
    picture, latent = ["batch", HEIGHT, WIDTH, 1], ["batch", LATENT_DIM]
    given = {"z": latent, "label": ["batch", LABELS]} if conditional else {"z": latent}
    identity = np.eye(LATENT_DIM).tolist()
    return {
        "format_version": 1,
        "name": folder.name,
        "latent_dim": LATENT_DIM,
        "image": {
            "height": HEIGHT,
            "width": WIDTH,
            "channels": 1,
            "range": [0.0, 1.0],
            "polarity": "light-on-dark",
            "fit": {"method": "contain"},
        },
        "encoder": _graph(folder, "encoder", {"x": picture}, {"z_mean": latent, "z_log_var": latent}),
        "decoder": _graph(folder, "decoder", given, {"image": picture}),
        "golden": _file(folder, "golden.npz"),
        "atlas": _file(folder, "atlas.npz"),
        "classes": [
            {"label": digit, "z_mean": [digit / 2, -digit / 2], "covariance": identity, "count": 5}
            for digit in range(LABELS)
        ],
        "prior": {"distribution": "normal", "mean": 0.0, "stddev": 1.0},
        "training": {},
        "metrics": {"negative_elbo": 100.0},
        "dataset": {"name": "made up"},
        "producer": {"onnx": onnx.__version__},
        "git_commit": None,
        "created": "2026-01-01T00:00:00Z",
    }


def _file(folder: pathlib.Path, name: str) -> dict[str, str]:
    return {"file": name, "sha256": hashlib.sha256((folder / name).read_bytes()).hexdigest()}


def _graph(
    folder: pathlib.Path, name: str, inputs: dict[str, Any], outputs: dict[str, Any]
) -> dict[str, Any]:
    def tensors(shapes: dict[str, Any]) -> list[dict[str, Any]]:
        return [{"name": n, "shape": shape, "dtype": "float32"} for n, shape in shapes.items()]

    return {
        **_file(folder, f"{name}.onnx"),
        "opset": 18,
        "inputs": tensors(inputs),
        "outputs": tensors(outputs),
    }


def _encoder() -> onnx.ModelProto:
    constants = [_constant("halves", np.array([0, 2, PIXELS // 2], np.int64))]
    nodes = [
        helper.make_node("Reshape", ["x", "halves"], ["flat"]),
        helper.make_node("ReduceMean", ["flat", "axes"], ["z_mean"], keepdims=0),
        helper.make_node("Neg", ["z_mean"], ["z_log_var"]),
    ]
    constants.append(_constant("axes", np.array([2], np.int64)))
    return _model(
        nodes, {"x": _PICTURE}, {"z_mean": ["batch", 2], "z_log_var": ["batch", 2]}, constants, "encoder"
    )


def _decoder(conditional: bool) -> onnx.ModelProto:
    constants = [
        _constant("one", np.array([0, 2, 1], np.int64)),
        _constant("halves", np.array([1, 1, PIXELS // 2], np.int64)),
        _constant("picture", np.array([0, HEIGHT, WIDTH, 1], np.int64)),
    ]
    inputs, shifted, nodes = {"z": ["batch", 2]}, "z", []
    if conditional:
        inputs, shifted = {"z": ["batch", 2], "label": ["batch", LABELS]}, "shifted"
        constants.append(_constant("shifts", SHIFTS))
        nodes = [
            helper.make_node("MatMul", ["label", "shifts"], ["shift"]),
            helper.make_node("Add", ["z", "shift"], ["shifted"]),
        ]
    nodes += [
        helper.make_node("Sigmoid", [shifted], ["grey"]),
        helper.make_node("Reshape", ["grey", "one"], ["column"]),
        helper.make_node("Tile", ["column", "halves"], ["rows"]),
        helper.make_node("Reshape", ["rows", "picture"], ["image"]),
    ]
    return _model(nodes, inputs, {"image": _PICTURE}, constants, "decoder")


_PICTURE = ["batch", HEIGHT, WIDTH, 1]


def _constant(name: str, value: np.ndarray[Any, Any]) -> onnx.TensorProto:
    return numpy_helper.from_array(value, name)


def _model(
    nodes: list[Any], inputs: dict[str, Any], outputs: dict[str, Any], constants: list[Any], name: str
) -> onnx.ModelProto:
    def infos(shapes: dict[str, Any]) -> list[Any]:
        return [helper.make_tensor_value_info(n, TensorProto.FLOAT, shape) for n, shape in shapes.items()]

    graph = helper.make_graph(nodes, name, infos(inputs), infos(outputs), constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    return model
