"""The decoder that runs in the page, against onnxruntime: the shipped bundles, and each of its operators."""

from __future__ import annotations

import json
import pathlib
import re
import subprocess
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

pytestmark = pytest.mark.slow  # Node is not needed for `make test`

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parents[2]
MODELS = sorted((ROOT / "models").iterdir())
OPERATORS = (ROOT / "service/web/static/decoder/operators.js").read_text()
# A grey level is 1 / 255; a preview may be two of them away.
MAX_DIFFERENCE = 1e-4
RANDOM = np.random.RandomState(0)


class Node:
    """The page's decoder in one process of Node, which answers line by line."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def decode(
        self, path: pathlib.Path, z: Sequence[float], label: Sequence[float] | None = None
    ) -> dict[str, Any]:
        asked = {"path": str(path), "z": list(map(float, z)), "label": label and list(map(float, label))}
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    command = ["node", "decode.js"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=HERE, text=True, stdin=pipe, stdout=pipe) as process:
        yield Node(process)
        assert process.stdin
        process.stdin.close()
        assert process.wait() == 0


def run(path: pathlib.Path, **inputs: Sequence[float]) -> np.ndarray[Any, Any]:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    fed = {name: np.array([values], np.float32) for name, values in inputs.items()}
    return np.asarray(session.run(None, fed)[0]).ravel()


@pytest.mark.parametrize("folder", MODELS, ids=[folder.name for folder in MODELS])
def test_a_shipped_decoder_draws_in_the_page_what_it_draws_here(node: Node, folder: pathlib.Path) -> None:
    manifest = json.loads((folder / "model.json").read_text())
    inputs = {"z": RANDOM.standard_normal(manifest["latent_dim"]).tolist()}
    if len(manifest["decoder"]["inputs"]) > 1:
        inputs["label"] = np.eye(len(manifest["classes"]))[3].tolist()
    image = node.decode(folder / "decoder.onnx", **inputs)["image"]
    expected = run(folder / "decoder.onnx", **inputs)
    assert len(image) == len(expected)
    assert np.abs(np.array(image) - expected).max() < MAX_DIFFERENCE


def draw(*shape: int) -> Any:
    return RANDOM.standard_normal(shape).astype(np.float32)


def positive(*shape: int) -> Any:
    return np.abs(draw(*shape)) + np.float32(0.5)


def scalar(value: float) -> np.ndarray[Any, Any]:
    return np.array(value, np.float32)


def ints(*values: int) -> np.ndarray[Any, Any]:
    return np.array(values, np.int64)


# Each: the shape that the 24 numbers of z take, the operator, its further inputs, its attributes.
PLANE = (1, 2, 3, 4)
CASES: list[tuple[tuple[int, ...], str, list[np.ndarray[Any, Any]], dict[str, Any]]] = [
    ((4, 6), "Add", [draw(6)], {}),
    ((4, 6), "Add", [draw(4, 1)], {}),
    ((4, 6), "Add", [draw(3, 4, 6)], {}),
    (PLANE, "Add", [draw(2, 1, 1)], {}),
    (PLANE, "Mul", [draw(1, 2, 1, 4)], {}),
    ((4, 6), "Sub", [draw(6)], {}),
    ((4, 6), "Div", [positive(6)], {}),
    ((4, 6), "Max", [draw(6)], {}),
    ((4, 6), "Min", [draw(6)], {}),
    (PLANE, "BatchNormalization", [draw(2), draw(2), draw(2), positive(2)], {"epsilon": 0.01}),
    ((4, 6), "Cast", [], {"to": TensorProto.FLOAT}),
    ((4, 6), "Clip", [scalar(-0.5), scalar(0.25)], {}),
    ((4, 6), "Clip", [scalar(-0.5)], {}),
    ((4, 6), "Concat", [draw(4, 2)], {"axis": -1}),
    ((2, 3, 4), "Concat", [draw(2, 1, 4)], {"axis": 1}),
    (PLANE, "Conv", [draw(3, 2, 3, 3), draw(3)], {"pads": [1, 1, 1, 1]}),
    (PLANE, "Conv", [draw(3, 2, 2, 2)], {"strides": [2, 1], "pads": [1, 0, 0, 2]}),
    (PLANE, "Conv", [draw(4, 1, 2, 2), draw(4)], {"group": 2, "dilations": [1, 2]}),
    ((1, 6, 2, 2), "Conv", [draw(2, 6, 1, 1)], {}),
    (PLANE, "ConvTranspose", [draw(2, 3, 3, 3), draw(3)], {"strides": [2, 2], "pads": [1, 1, 1, 1]}),
    (PLANE, "ConvTranspose", [draw(2, 3, 3, 3)], {"strides": [2, 2], "output_padding": [1, 1]}),
    (PLANE, "ConvTranspose", [draw(2, 2, 2, 3), draw(4)], {"group": 2, "dilations": [2, 1]}),
    ((1, 8, 1, 3), "DepthToSpace", [], {"blocksize": 2}),
    ((1, 8, 1, 3), "DepthToSpace", [], {"blocksize": 2, "mode": "CRD"}),
    ((4, 6), "Elu", [], {"alpha": 0.5}),
    ((4, 6), "Exp", [], {}),
    (PLANE, "Flatten", [], {"axis": 2}),
    (PLANE, "Flatten", [], {}),
    ((4, 6), "Gemm", [draw(6, 3), draw(3)], {}),
    ((4, 6), "Gemm", [draw(3, 6), draw(4, 1)], {"transB": 1, "alpha": 0.5, "beta": 2.0}),
    ((4, 6), "Gemm", [draw(4, 3)], {"transA": 1}),
    ((4, 6), "Identity", [], {}),
    ((4, 6), "LeakyRelu", [], {"alpha": 0.2}),
    ((4, 6), "LeakyRelu", [], {}),
    ((4, 6), "MatMul", [draw(6, 5)], {}),
    ((4, 6), "Neg", [], {}),
    ((4, 6), "Relu", [], {}),
    ((4, 6), "Reshape", [ints(0, -1, 2)], {}),
    ((4, 6), "Sigmoid", [], {}),
    ((4, 6), "Softplus", [], {}),
    ((4, 6), "Tanh", [], {}),
    ((2, 3, 4), "Tile", [ints(2, 1, 3)], {}),
    (PLANE, "Transpose", [], {"perm": [0, 2, 3, 1]}),
    ((4, 6), "Transpose", [], {}),
]


def write_graph(
    path: pathlib.Path,
    shape: tuple[int, ...],
    operator: str,
    further: Sequence[np.ndarray[Any, Any]],
    attributes: dict[str, Any],
) -> None:
    """Writes a graph of one operator; z is 24 numbers in a row, which take the shape."""
    names = [f"c{i}" for i in range(len(further))]
    constants = [
        numpy_helper.from_array(np.asarray(value), name) for name, value in zip(names, further, strict=True)
    ]
    constants.append(numpy_helper.from_array(np.array(shape, np.int64), "shape"))
    nodes = [
        helper.make_node("Reshape", ["z", "shape"], ["x"]),
        helper.make_node(operator, ["x", *names], ["image"], **attributes),
    ]
    given = helper.make_tensor_value_info("z", TensorProto.FLOAT, [1, 24])
    made = helper.make_tensor_value_info("image", TensorProto.FLOAT, None)
    graph = helper.make_graph(nodes, "one", [given], [made], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.save(model, path)


@pytest.mark.parametrize(
    ("shape", "operator", "further", "attributes"),
    CASES,
    ids=[f"{case[1]}-{i}" for i, case in enumerate(CASES)],
)
def test_an_operator_computes_what_onnxruntime_does(
    node: Node,
    tmp_path: pathlib.Path,
    shape: tuple[int, ...],
    operator: str,
    further: list[np.ndarray[Any, Any]],
    attributes: dict[str, Any],
) -> None:
    path = tmp_path / "decoder.onnx"
    write_graph(path, shape, operator, further, attributes)
    z = RANDOM.standard_normal(24).tolist()
    answer = node.decode(path, z)
    assert "error" not in answer
    np.testing.assert_allclose(answer["image"], run(path, z=z), rtol=1e-4, atol=1e-5)


def test_every_operator_is_compared() -> None:
    table = OPERATORS.partition("export const OPERATORS = {")[2].partition("\n};")[0]
    known = set(re.findall(r"^  (\w+)[:,]", table, re.MULTILINE))
    assert known - {operator for _, operator, _, _ in CASES} == {"Constant"}


def test_a_graph_of_another_operator_is_left_to_the_service(node: Node, tmp_path: pathlib.Path) -> None:
    write_graph(tmp_path / "decoder.onnx", (4, 6), "Erf", [], {})
    assert "operators not known: Erf" in node.decode(tmp_path / "decoder.onnx", [0.0] * 24)["error"]
