"""Bundles of other sizes and kinds than the shipped ones, made with `onnx` alone: one layer each way."""

from __future__ import annotations

import hashlib
import math
import pathlib
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tests.service.fake import sign

ATLAS = 200
# What the classes are called, as far as these go; a class without a name is called by its label.
NAMES = ["square", "disc"]


def write_bundle(
    folder: pathlib.Path,
    *,
    side: int,
    channels: int = 1,
    latent_dim: int = 2,
    classes: int = 0,
    operator: str = "Sigmoid",
) -> None:
    """Writes a bundle.

    Args:
        folder: It must not be there.
        side: Height and width of its pictures.
        channels: 1 or 3.
        latent_dim: Numbers of a vector.
        classes: How many there are; 0: the atlas has no labels that mean anything.
        operator: The decoder's last one: Sigmoid, or Erf, which the page does not know.
    """
    folder.mkdir(parents=True)
    rng = np.random.RandomState(side + latent_dim)
    pixels = side * side * channels
    weight = rng.standard_normal((latent_dim, pixels)).astype(np.float32)
    z = rng.standard_normal((ATLAS, latent_dim)).astype(np.float32)
    label = rng.randint(0, max(1, classes), ATLAS).astype(np.int64)
    (folder / "decoder.onnx").write_bytes(_decoder(weight, (side, side, channels), operator))
    (folder / "encoder.onnx").write_bytes(
        _encoder((weight.T / pixels).astype(np.float32), (side, side, channels))
    )
    image = _draw(z[:3] @ weight, operator).reshape(3, side, side, channels)
    flat = image.reshape(3, -1) @ (weight.T / np.float32(pixels))
    np.savez(folder / "golden.npz", x=image, z_mean=flat, z_log_var=-flat, z=z[:3], image=image)
    np.savez(folder / "atlas.npz", z_mean=z, label=label)
    sign(folder, _manifest(folder, side, channels, latent_dim, z, label, classes))


def _draw(logits: np.ndarray[Any, Any], operator: str) -> Any:
    drawn = 1 / (1 + np.exp(-logits)) if operator == "Sigmoid" else np.abs(np.vectorize(math.erf)(logits))
    return drawn.astype(np.float32)


def _save(
    nodes: list[Any], given: tuple[str, list[Any]], made: dict[str, list[Any]], constants: dict[str, Any]
) -> bytes:
    def info(name: str, shape: list[Any]) -> Any:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    tensors = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    outputs = [info(name, shape) for name, shape in made.items()]
    graph = helper.make_graph(nodes, "graph", [info(*given)], outputs, tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    content: bytes = model.SerializeToString()
    return content


def _decoder(weight: np.ndarray[Any, Any], shape: tuple[int, ...], operator: str) -> bytes:
    last = [("Erf", "signed"), ("Abs", "drawn")] if operator == "Erf" else [(operator, "drawn")]
    nodes, name = [helper.make_node("MatMul", ["z", "weight"], ["logits"])], "logits"
    for kind, result in last:
        nodes.append(helper.make_node(kind, [name], [result]))
        name = result
    nodes.append(helper.make_node("Reshape", [name, "shape"], ["image"]))
    constants = {"weight": weight, "shape": np.array([0, *shape], np.int64)}
    return _save(nodes, ("z", ["batch", len(weight)]), {"image": ["batch", *shape]}, constants)


def _encoder(weight: np.ndarray[Any, Any], shape: tuple[int, ...]) -> bytes:
    nodes = [
        helper.make_node("Flatten", ["x"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weight"], ["z_mean"]),
        helper.make_node("Neg", ["z_mean"], ["z_log_var"]),
    ]
    latent = ["batch", weight.shape[1]]
    made = {"z_mean": latent, "z_log_var": latent}
    return _save(nodes, ("x", ["batch", *shape]), made, {"weight": weight})


def _manifest(
    folder: pathlib.Path,
    side: int,
    channels: int,
    latent_dim: int,
    z: np.ndarray[Any, Any],
    label: np.ndarray[Any, Any],
    classes: int,
) -> dict[str, Any]:
    picture, latent = ["batch", side, side, channels], ["batch", latent_dim]
    means = [(digit, z[label == digit].mean(axis=0).tolist()) for digit in range(classes)]
    identity = np.eye(latent_dim).tolist()
    return {
        "format_version": 1,
        "name": folder.name,
        "latent_dim": latent_dim,
        "image": {
            "height": side,
            "width": side,
            "channels": channels,
            "range": [0.0, 1.0],
            "polarity": "light-on-dark",
            "fit": {"method": "contain"},
        },
        "encoder": _graph(folder, "encoder", {"x": picture}, {"z_mean": latent, "z_log_var": latent}),
        "decoder": _graph(folder, "decoder", {"z": latent}, {"image": picture}),
        "golden": _file(folder, "golden.npz"),
        "atlas": _file(folder, "atlas.npz"),
        "classes": [
            {"label": digit, "z_mean": mean, "covariance": identity, "count": 5} for digit, mean in means
        ],
        "prior": {"distribution": "normal", "mean": 0.0, "stddev": 1.0},
        "training": {},
        "metrics": {"negative_elbo": 100.0},
        "dataset": {"name": "made up", "class_names": NAMES[:classes]},
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

    entry = {"opset": 18, "inputs": tensors(inputs), "outputs": tensors(outputs)}
    return {**_file(folder, f"{name}.onnx"), **entry}
