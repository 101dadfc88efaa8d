from __future__ import annotations

from typing import Any

import numpy as np
import orjson
import pytest

from service.core.errors import InvalidValueError
from service.v2.outputs import AskedOutput, Result, choose_outputs, write_answer
from service.v2.schemas import InferRequest
from service.v2.tensors import Port

IMAGE, PNG = Port("image", (2,)), Port("png", (), "BYTES", implied=False)
Z_MEAN = Port("z_mean", (2,))
PORTS = [IMAGE, Z_MEAN, PNG]
PIXELS = np.array([[0.5, 0.1], [0.0, 1.0]], np.float32)
RESULTS: dict[str, Result] = {"image": PIXELS, "png": [b"\x89P", b""]}


def ask(**fields: Any) -> InferRequest:
    return InferRequest.model_validate(
        {"inputs": [{"name": "z", "shape": [1], "datatype": "FP32"}], **fields}
    )


def chosen(message: InferRequest | None) -> list[tuple[str, bool]]:
    return [(wanted.port.name, wanted.binary) for wanted in choose_outputs(message, PORTS)]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, [("image", False), ("z_mean", False)]),
        ({"outputs": []}, [("image", False), ("z_mean", False)]),
        ({"outputs": None, "parameters": None}, [("image", False), ("z_mean", False)]),
        ({"parameters": {"binary_data_output": True}}, [("image", True), ("z_mean", True)]),
        ({"outputs": [{"name": "png"}, {"name": "image"}]}, [("png", False), ("image", False)]),
        ({"outputs": [{"name": "png", "parameters": {"binary_data": True}}]}, [("png", True)]),
        (
            {
                "parameters": {"binary_data_output": True},
                "outputs": [{"name": "png", "parameters": {"binary_data": False}}, {"name": "image"}],
            },
            [("png", False), ("image", True)],
        ),
    ],
)
def test_outputs_are_those_asked_for_and_binary_where_wanted(
    fields: dict[str, Any], expected: list[tuple[str, bool]]
) -> None:
    assert chosen(ask(**fields)) == expected


def test_a_tensor_alone_is_answered_with_the_graphs_outputs_as_bytes() -> None:
    assert chosen(None) == [("image", True), ("z_mean", True)]


@pytest.mark.parametrize(
    ("fields", "field", "expected", "received"),
    [
        (
            {"outputs": [{"name": "Image"}]},
            "outputs[0].name",
            "one of image, z_mean, png, each once",
            "'Image'",
        ),
        (
            {"outputs": [{"name": "png"}] * 2},
            "outputs[1].name",
            "one of image, z_mean, png, each once",
            "'png'",
        ),
        ({"parameters": {"binary_data_output": 1}}, "parameters.binary_data_output", "true or false", "1"),
        (
            {"outputs": [{"name": "png", "parameters": {"binary_data": "yes"}}]},
            "outputs[0].parameters.binary_data",
            "true or false",
            "'yes'",
        ),
        (
            {"outputs": [{"name": "image", "parameters": {"classification": 3}}]},
            "outputs[0].parameters",
            "no classification, which is not offered",
            "one",
        ),
    ],
)
def test_what_cannot_be_given_is_refused(
    fields: dict[str, Any], field: str, expected: str, received: str
) -> None:
    with pytest.raises(InvalidValueError) as caught:
        choose_outputs(ask(**fields), PORTS)
    error = caught.value
    assert (error.field, error.expected, error.received) == (field, expected, received)


def test_json_holds_flat_numbers_and_base64() -> None:
    content, length = write_answer({"id": "7"}, [AskedOutput(IMAGE, False), AskedOutput(PNG, False)], RESULTS)
    assert length is None
    assert orjson.loads(content) == {
        "id": "7",
        "outputs": [
            {"name": "image", "datatype": "FP32", "shape": [2, 2], "data": [0.5, 0.1, 0.0, 1.0]},
            {"name": "png", "datatype": "BYTES", "shape": [2], "data": ["iVA=", ""]},
        ],
    }


def test_bytes_follow_the_json_in_the_order_of_the_outputs() -> None:
    content, length = write_answer({}, [AskedOutput(PNG, True), AskedOutput(IMAGE, True)], RESULTS)
    assert length is not None
    png, image = orjson.loads(content[:length])["outputs"]
    assert png == {"name": "png", "datatype": "BYTES", "shape": [2], "parameters": {"binary_data_size": 10}}
    assert image["parameters"] == {"binary_data_size": 16}
    assert "data" not in image
    assert content[length:] == b"\x02\0\0\0\x89P\0\0\0\0" + PIXELS.tobytes()


def test_a_slice_is_written_as_its_own_values() -> None:
    halves = np.split(np.arange(8, dtype=np.float32).reshape(2, 4), 2, axis=1)
    for binary in (True, False):
        content, length = write_answer({}, [AskedOutput(IMAGE, binary)], {"image": halves[1]})
        found = (
            np.frombuffer(content[length:], "<f4") if binary else orjson.loads(content)["outputs"][0]["data"]
        )
        assert list(found) == [2, 3, 6, 7]
