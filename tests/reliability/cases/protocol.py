"""Owns the cases of the Open Inference Protocol: JSON and bytes, plain and packed, both graphs."""

from __future__ import annotations

import base64
import gzip
import json
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from tests.reliability.cases.case import JSON, Case, Check, count_off, post_json, weigh
from tests.reliability.cases.drawing import LABELLED, PLAIN, SIZES
from tests.reliability.cases.uploads import draw_strokes
from tests.reliability.pictures import TOLERANCE, read_png
from tests.reliability.truth import Floats, find_truth, near, to_levels
from tests.reliability.wire import Answer

LENGTH = "inference-header-content-length"
UNPACK: dict[str | None, Callable[[bytes], bytes]] = {
    "gzip": gzip.decompress,
    "deflate": zlib.decompress,
    None: lambda body: body,
}
INFER = f"/v2/models/{PLAIN}.decoder/infer"


def protocol_cases() -> Iterator[Case]:
    """Return all of them."""
    yield from _tensors()
    yield from _packed()
    yield from _others()
    for path in ("", "/health/live", "/health/ready", "/models", f"/models/{PLAIN}.decoder"):
        yield Case(f"GET /v2{path}", f"/v2{path}", weight=0.5)
    for path in (f"/models/{PLAIN}.encoder/ready", f"/models/{PLAIN}.decoder/config"):
        yield Case(f"GET /v2{path}", f"/v2{path}", weight=0.5)
    yield Case("POST /v2/repository/index", "/v2/repository/index", "POST", weight=0.5)


def read_tensors(answer: Answer) -> dict[str, Any]:
    """Return an answer's outputs by name: arrays, and lists of bytes."""
    body = UNPACK[answer.headers.get("content-encoding")](answer.body)
    length = int(answer.headers.get(LENGTH, len(body)))
    head, rest = json.loads(body[:length]), body[length:]
    found: dict[str, Any] = {}
    for output in head["outputs"]:
        size = output.get("parameters", {}).get("binary_data_size")
        data = output["data"] if size is None else rest[:size]
        rest = rest if size is None else rest[size:]
        found[output["name"]] = _read(output, data)
    if rest:
        raise ValueError(f"expected nothing behind the last tensor, received {len(rest)} bytes")
    return found


def _read(output: dict[str, Any], data: Any) -> Any:
    if output["datatype"] != "BYTES":
        flat = np.frombuffer(data, "<f4") if isinstance(data, bytes) else np.array(data, np.float32)
        return flat.reshape(output["shape"])
    parts = _split(data) if isinstance(data, bytes) else [base64.b64decode(text) for text in data]
    if [len(parts)] != output["shape"]:
        raise ValueError(f"{output['name']}: expected {output['shape']} elements, received {len(parts)}")
    return parts


def _split(data: bytes) -> list[bytes]:
    parts = []
    while data:
        size = int.from_bytes(data[:4], "little")
        parts.append(data[4 : 4 + size])
        data = data[4 + size :]
    return parts


def check_tensors(model: str, rows: Floats) -> Check:
    """Return the check that an answer's tensors are the pictures of rows."""

    def check(answer: Answer) -> None:
        found, image = read_tensors(answer), find_truth(model).decode(rows)
        if "image" in found:
            near(found["image"][..., 0], image, TOLERANCE, "image")
        if "png" in found:
            near(np.stack([read_png(each) for each in found["png"]]), to_levels(image), 1, "png")

    return check


def _vectors(n: int, seed: int) -> Floats:
    return np.random.RandomState(seed).standard_normal((n, 2)).astype(np.float32)


def _input(z: Floats) -> dict[str, Any]:
    return {"name": "z", "shape": list(z.shape), "datatype": "FP32", "data": z.reshape(-1).tolist()}


def bytes_case(
    name: str, z: Floats, outputs: Sequence[str], headers: dict[str, str] | None = None, **more: Any
) -> Case:
    """Return the case of a request for the decoder whose tensors, here and back, are bytes."""
    tensor = {
        "name": "z",
        "shape": list(z.shape),
        "datatype": "FP32",
        "parameters": {"binary_data_size": z.nbytes},
    }
    asked = [{"name": each, "parameters": {"binary_data": True}} for each in outputs]
    head = json.dumps({"id": "an id", "inputs": [tensor], "outputs": asked}).encode()
    fields = {"content-type": "application/octet-stream", LENGTH: str(len(head)), **(headers or {})}
    return Case(name, INFER, "POST", head + z.tobytes(), fields, check_tensors(PLAIN, z), **more)


def _tensors() -> Iterator[Case]:
    for n, seed in count_off(SIZES):
        z = _vectors(n, seed)
        weight = weigh(n) / 2
        yield bytes_case(f"POST /v2 bytes {n}", z, ["image"], weight=weight)
        if n in (1, 65, 512):
            body = {"id": "an id", "inputs": [_input(z)]}
            yield post_json(
                f"POST /v2 json {n}", INFER, body, check=check_tensors(PLAIN, z), weight=weight / 2
            )
            yield bytes_case(f"POST /v2 png as bytes {n}", z, ["png", "image"], weight=weight / 4)
            body = {"id": "an id", "inputs": [_input(z)], "outputs": [{"name": "png"}]}
            yield post_json(
                f"POST /v2 png in json {n}", INFER, body, check=check_tensors(PLAIN, z), weight=weight / 4
            )
    z = _vectors(1, 1)
    # No JSON at all; the answer's id is that of the request, which differs each time.
    headers = {LENGTH: "0", "x-request-id": "fixed"}
    yield Case("POST /v2, bytes alone", INFER, "POST", z.tobytes(), headers, check_tensors(PLAIN, z))


def _packed() -> Iterator[Case]:
    pack: dict[str, Callable[[bytes], bytes]] = {
        "gzip": lambda body: gzip.compress(body, mtime=0),
        "deflate": zlib.compress,
    }
    for encoding, compress in pack.items():
        for n, seed in ((3, 3), (600, 6)):
            z = _vectors(n, seed)
            body = json.dumps({"id": "an id", "inputs": [_input(z)]}).encode()
            headers = {"content-type": JSON, "content-encoding": encoding}
            name = f"POST /v2 {encoding} in {n}"
            yield Case(
                name, INFER, "POST", compress(body), headers, check_tensors(PLAIN, z), weight=weigh(n) / 4
            )
            headers = {"accept-encoding": encoding}
            yield bytes_case(f"POST /v2 {encoding} out {n}", z, ["image"], headers, weight=weigh(n) / 4)


def _others() -> Iterator[Case]:
    z = np.random.RandomState(1).standard_normal((70, 16)).astype(np.float32)
    one_hot = np.eye(10, dtype=np.float32)[np.arange(70) % 10]
    inputs = [_input(z), {**_input(one_hot), "name": "label"}]
    body = {"id": "an id", "inputs": inputs}
    check = check_tensors(LABELLED, np.concatenate([z, one_hot], axis=1))
    yield post_json("POST /v2 with labels", f"/v2/models/{LABELLED}.decoder/infer", body, check=check)
    for n in (1, 65, 300):
        x = draw_strokes(n, n + 2).astype(np.float32)[..., np.newaxis] / np.float32(255)
        tensor = {
            "name": "x",
            "shape": list(x.shape),
            "datatype": "FP32",
            "parameters": {"binary_data_size": x.nbytes},
        }
        head = json.dumps(
            {"id": "an id", "inputs": [tensor], "parameters": {"binary_data_output": True}}
        ).encode()
        headers = {"content-type": "application/octet-stream", LENGTH: str(len(head))}
        target = f"/v2/models/{PLAIN}.encoder/infer"
        content = head + x.tobytes()
        weight = weigh(n) / 4
        yield Case(
            f"POST /v2 encoder {n}",
            target,
            "POST",
            content,
            headers,
            _check_encoder(x[..., 0]),
            weight=weight,
        )


def _check_encoder(x: Floats) -> Check:
    def check(answer: Answer) -> None:
        found = read_tensors(answer)
        for name, expected in zip(("z_mean", "z_log_var"), find_truth(PLAIN).encode(x), strict=True):
            near(found[name], expected, TOLERANCE, name)

    return check
