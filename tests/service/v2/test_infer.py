from __future__ import annotations

import asyncio
import gzip
import io
import json
import pathlib
import time
import types
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from service.core.settings import Settings
from service.server.app import create_app
from tests.service import fake

FOUR = np.array([[0.5, -1.0], [0.0, 0.0], [-1.5, 0.5], [2.0, 1.0]], np.float32)
LENGTH = "inference-header-content-length"
DECODER = "/v2/models/plain.decoder/infer"
# An input from its shape on, and what FP32 of the right shape begins with.
Z, FP32 = b'{"inputs": [{"name": "z", "shape": %b}]}', b'[1, 2], "datatype": "FP32", '


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    folder = tmp_path_factory.mktemp("models")
    fake.write_bundle(folder / "conditional", conditional=True)
    fake.write_bundle(folder / "plain")
    settings = Settings(models_dir=folder, max_request_rows=64, max_body_bytes=400_000)
    with TestClient(create_app(settings), headers={"accept-encoding": "identity"}) as running:
        yield running


def tensor(name: str, array: Any, **changes: Any) -> dict[str, Any]:
    found = np.asarray(array)
    return {"name": name, "shape": list(found.shape), "datatype": "FP32", "data": found.tolist(), **changes}


def announced(name: str, array: Any) -> dict[str, Any]:
    entry = tensor(name, array, parameters={"binary_data_size": array.nbytes})
    del entry["data"]
    return entry


def send(client: TestClient, fields: dict[str, Any], raw: bytes | None = None, path: str = DECODER) -> Any:
    head = json.dumps(fields).encode()
    headers = {} if raw is None else {LENGTH: str(len(head))}
    return client.post(path, content=head + (raw or b""), headers=headers)


def read(answer: Any) -> dict[str, Any]:
    """Gives the outputs by name, as a client of the protocol reads them."""
    assert answer.status_code == 200, answer.text
    size = int(answer.headers.get(LENGTH, len(answer.content)))
    head, rest = json.loads(answer.content[:size]), answer.content[size:]
    found: dict[str, Any] = {}
    for output in head["outputs"]:
        assert ("data" in output) != ("binary_data_size" in output.get("parameters", {}))
        value = output.get("data")
        if value is None:
            count = output["parameters"]["binary_data_size"]
            value, rest = rest[:count], rest[count:]
        if output["datatype"] == "FP32":
            flat = np.frombuffer(value, "<f4") if isinstance(value, bytes) else np.array(value, np.float32)
            value = flat.reshape(output["shape"])
        found[output["name"]] = value
    assert not rest
    assert answer.headers["content-type"] == (
        "application/octet-stream" if LENGTH in answer.headers else "application/json"
    )
    return found


def check_error(answer: Any, status: int) -> str:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert list(answer.json()) == ["error"]
    return str(answer.json()["error"])


def test_json_to_json(client: TestClient) -> None:
    answer = send(client, {"id": "seven", "model_name": "whatever", "inputs": [tensor("z", FOUR)]})
    body = answer.json()
    assert (body["model_name"], body["id"]) == ("plain.decoder", "seven")
    assert body["model_version"] == client.get("/models/plain").json()["version"]
    assert [output["name"] for output in body["outputs"]] == ["image"]
    np.testing.assert_allclose(read(answer)["image"], fake.decode(FOUR), atol=1e-6)


def test_bytes_to_bytes(client: TestClient) -> None:
    fields = {"inputs": [announced("z", FOUR)], "parameters": {"binary_data_output": True}}
    answer = send(client, fields, FOUR.tobytes())
    found = read(answer)
    np.testing.assert_allclose(found["image"], fake.decode(FOUR), atol=1e-6)
    assert list(found) == ["image"]


def test_png_files_are_those_of_decode(client: TestClient) -> None:
    outputs = [{"name": "png", "parameters": {"binary_data": True}}]
    content = read(send(client, {"inputs": [tensor("z", FOUR)], "outputs": outputs}))["png"]
    files = []
    while content:
        size = int.from_bytes(content[:4], "little")
        files.append(content[4 : 4 + size])
        content = content[4 + size :]
    for z, file in zip(FOUR, files, strict=True):
        assert file == client.post("/decode", json={"z": z.tolist(), "model": "plain"}).content
    with Image.open(io.BytesIO(files[0])) as image:
        assert image.size == (28, 28)


def test_outputs_come_in_the_order_and_form_asked_for(client: TestClient) -> None:
    outputs = [{"name": "png"}, {"name": "image", "parameters": {"binary_data": True}}]
    found = read(send(client, {"inputs": [tensor("z", FOUR)], "outputs": outputs}))
    assert list(found) == ["png", "image"]
    assert all(isinstance(file, str) for file in found["png"])
    np.testing.assert_allclose(found["image"], fake.decode(FOUR), atol=1e-6)


def test_the_encoder_takes_pictures(client: TestClient) -> None:
    x = np.random.RandomState(0).random_sample((3, 28, 28, 1)).astype(np.float32)
    path = "/v2/models/plain.encoder/infer"
    for answer in (
        send(client, {"inputs": [tensor("x", x)]}, path=path),
        send(client, {"inputs": [announced("x", x)]}, x.tobytes(), path),
    ):
        found = read(answer)
        np.testing.assert_allclose(found["z_mean"], fake.encode(x), atol=1e-6)
        np.testing.assert_allclose(found["z_log_var"], -fake.encode(x), atol=1e-6)
    x[1, 2, 3, 0] = 1.5
    error = check_error(send(client, {"inputs": [announced("x", x)]}, x.tobytes(), path), 400)
    assert error == "inputs[0][1][2][3][0]: expected a number in [0, 1], received 1.5"


def test_labels_are_weights_beside_z(client: TestClient) -> None:
    path = "/v2/models/conditional.decoder/infer"
    labels = np.eye(10, dtype=np.float32)[[7, 0, 9, 3]]
    one_hot = send(client, {"inputs": [tensor("label", labels), tensor("z", FOUR)]}, path=path)
    np.testing.assert_allclose(read(one_hot)["image"], fake.decode(FOUR, [7, 0, 9, 3]), atol=1e-6)
    mixed = np.zeros((1, 10), np.float32)
    mixed[0, [2, 6]] = 0.5  # the fake's shifts are linear, so that half of each is 4
    answer = send(client, {"inputs": [tensor("z", FOUR[:1]), tensor("label", mixed)]}, path=path)
    np.testing.assert_allclose(read(answer)["image"], fake.decode(FOUR[:1], [4]), atol=1e-6)
    error = check_error(send(client, {"inputs": [tensor("z", FOUR)]}, path=path), 400)
    assert error == "inputs: expected z and label, each once, received 'z'"


def test_a_body_of_bytes_alone_is_one_row(client: TestClient) -> None:
    answer = client.post(DECODER, content=FOUR[0].tobytes(), headers={LENGTH: "0"})
    np.testing.assert_allclose(read(answer)["image"], fake.decode(FOUR[:1]), atol=1e-6)
    error = check_error(client.post(DECODER, content=FOUR.tobytes(), headers={LENGTH: "0"}), 400)
    assert error == "body: expected 8 bytes, one row of z, received 32"


@pytest.mark.parametrize("content_type", ["", "application/json", "application/octet-stream", "text/plain"])
def test_the_header_decides_and_not_the_content_type(client: TestClient, content_type: str) -> None:
    head = json.dumps({"inputs": [tensor("z", FOUR)]}).encode()
    for headers in ({}, {LENGTH: str(len(head))}):
        answer = client.post(DECODER, content=head, headers={"content-type": content_type, **headers})
        assert list(read(answer)) == ["image"]


def test_an_empty_body_is_refused_and_the_description_says_so(client: TestClient) -> None:
    operation = client.get("/openapi.json").json()["paths"]["/v2/models/{model}/infer"]["post"]
    content = operation["requestBody"]["content"]["application/octet-stream"]
    assert content["schema"]["minLength"] == 1
    assert client.post(DECODER, headers={"content-type": "application/octet-stream"}).status_code == 400


def test_an_id_is_made_where_there_is_none(client: TestClient) -> None:
    fields = {"inputs": [tensor("z", FOUR)], "id": None}
    answer = send(client, fields)
    assert answer.json()["id"] == answer.headers["x-request-id"]


def test_the_answer_names_the_model_and_where_its_time_went(client: TestClient) -> None:
    headers = send(client, {"inputs": [tensor("z", FOUR)]}).headers
    assert headers["cvae-model"].startswith("plain@")
    assert headers["server-timing"].startswith("queue;dur=")
    assert headers["vary"] == "Accept-Encoding"


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", "body: expected a value, received nothing"),
        (b"{", "body: expected JSON, received a text that breaks at"),
        (b"\xff{}", "body: expected JSON, received a text that cannot be read as JSON"),
        (b"[" * 60_000, "body: expected JSON, received a text that cannot be read as JSON"),
        (b"[]", "body: expected a JSON object, received []"),
        (b"{}", "inputs: expected a value, received nothing"),
        (b'{"inputs": []}', "inputs: expected z, once, received none"),
        (b'{"inputs": [7]}', "inputs[0]: expected a JSON object, received 7"),
        (Z % b'[1, 2.5], "datatype": "FP32"', "inputs[0].shape[1]: expected a valid integer"),
        (Z % b'[1, -2], "datatype": "FP32"', "inputs[0].shape[1]: expected greater than"),
        (Z % b'[1, 2], "datatype": "fp32"', "inputs[0].datatype: expected 'BOOL'"),
        (Z % b'[1, 2], "datatype": "FP64"', "inputs[0].datatype: expected FP32, as z has, received FP64"),
        (Z % b'[1, 2], "datatype": "FP32"', "inputs[0].data: expected a list of numbers"),
        (Z % (FP32 + b'"data": [NaN, 0]'), "inputs[0].data[0]: expected a finite number"),
        (Z % (FP32 + b'"data": [1e999, 0]'), "inputs[0].data[0]: expected a finite number"),
        (Z % (FP32 + b'"parameters": {"binary_data_size": 8}'), "Inference-Header-Content-Length: expected"),
        (b'{"id": 7, "inputs": []}', "id: expected a valid string, received 7"),
        (
            b'{"id": "\\ud800", "inputs": []}',
            "id: expected a text in Unicode, received half a surrogate pair",
        ),
    ],
)
def test_malformed_is_400_with_the_field(client: TestClient, content: bytes, error: str) -> None:
    assert check_error(client.post(DECODER, content=content), 400).startswith(error)


@pytest.mark.parametrize("length", ["-1", "2000000", "abc", "1.0"])
def test_a_wrong_length_is_400(client: TestClient, length: str) -> None:
    answer = client.post(DECODER, content=b"{}", headers={LENGTH: length})
    assert check_error(answer, 400).startswith(
        "Inference-Header-Content-Length: expected an integer from 0 to 2"
    )


def test_limits_hold(client: TestClient) -> None:
    error = check_error(send(client, {"inputs": [tensor("z", np.zeros((65, 2)))]}), 400)
    assert error == "rows: expected at most 64 in one request, received 65"
    assert len(read(send(client, {"inputs": [tensor("z", np.zeros((64, 2)))]}))["image"]) == 64
    error = check_error(send(client, {"inputs": [tensor("z", [[0, 2e4]])]}), 400)
    assert error == "inputs[0].data[0][1]: expected a number in [-10000, 10000], received 20000.0"
    error = check_error(client.post(DECODER, content=b" " * 400_001), 413)
    assert error == "body: expected at most 400000 bytes, received 400001"


PACK: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "deflate": zlib.compress}


@pytest.mark.parametrize("encoding", PACK)
def test_a_request_may_be_packed(client: TestClient, encoding: str) -> None:
    head = json.dumps({"inputs": [announced("z", FOUR)]}).encode()
    headers = {LENGTH: str(len(head)), "content-encoding": encoding}
    answer = client.post(DECODER, content=PACK[encoding](head + FOUR.tobytes()), headers=headers)
    np.testing.assert_allclose(read(answer)["image"], fake.decode(FOUR), atol=1e-6)
    bomb = client.post(DECODER, content=PACK[encoding](b" " * 400_001), headers=headers)
    assert check_error(bomb, 413) == "body: expected at most 400000 bytes once unpacked, received more"
    check_error(client.post(DECODER, content=b"not packed", headers=headers), 400)


def test_an_unknown_encoding_is_415(client: TestClient) -> None:
    answer = client.post(DECODER, content=b"{}", headers={"content-encoding": "br"})
    assert check_error(answer, 415) == "Content-Encoding: expected gzip or deflate, received 'br'"


@pytest.mark.parametrize(
    ("accept", "encoding"),
    [
        ("gzip, deflate, br", "gzip"),
        ("deflate", "deflate"),
        ("gzip;q=0.1, deflate;q=0.2", "deflate"),
        ("br", None),
    ],
)
def test_an_answer_is_packed_where_it_is_wanted(
    client: TestClient, accept: str, encoding: str | None
) -> None:
    fields = {"inputs": [tensor("z", FOUR)], "parameters": {"binary_data_output": True}}
    plain = send(client, fields | {"id": "1"})
    head = json.dumps(fields | {"id": "1"}).encode()
    answer = client.post(DECODER, content=head, headers={"accept-encoding": accept})
    assert answer.headers.get("content-encoding") == encoding
    assert answer.content == plain.content  # the client has unpacked it
    assert answer.headers[LENGTH] == plain.headers[LENGTH]
    assert (int(answer.headers["content-length"]) < len(plain.content)) == (encoding is not None)


def test_small_answers_and_errors_are_not_packed(client: TestClient) -> None:
    headers = {"accept-encoding": "gzip"}
    outputs = [{"name": "png"}]
    head = json.dumps({"inputs": [tensor("z", FOUR[:1])], "outputs": outputs}).encode()
    assert "content-encoding" not in client.post(DECODER, content=head, headers=headers).headers
    long = json.dumps({"inputs": [tensor("n" * 5000, FOUR)]}).encode()
    assert "content-encoding" not in client.post(DECODER, content=long, headers=headers).headers


@pytest.mark.parametrize("timeout", [0, -1, 1.5, "9", True])
def test_a_timeout_that_is_none_is_refused(client: TestClient, timeout: Any) -> None:
    error = check_error(
        send(client, {"inputs": [tensor("z", FOUR)], "parameters": {"timeout": timeout}}), 400
    )
    assert error == f"parameters.timeout: expected microseconds, an integer above 0, received {timeout!r}"


def test_a_timeout_shortens_the_deadline(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(**parameters: int) -> Any:
        return send(client, {"inputs": [tensor("z", FOUR)], "parameters": parameters})

    assert ask(timeout=3_000_000).status_code == 200
    came = types.SimpleNamespace(monotonic=lambda: time.monotonic() - 3.5)  # so long ago
    monkeypatch.setattr("service.inference.registry.time", came)
    assert ask().status_code == 200  # the setting's is 5 s
    assert ask(timeout=60_000_000).status_code == 200
    assert "deadline" in check_error(ask(timeout=3_000_000), 504)


def test_a_timeout_does_not_lengthen_the_deadline_of_the_header(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask(timeout: int) -> Any:
        head = json.dumps({"inputs": [tensor("z", FOUR)], "parameters": {"timeout": timeout}})
        return client.post(DECODER, content=head, headers={"x-request-timeout-ms": "3000"})

    assert ask(4_500_000).status_code == 200
    came = types.SimpleNamespace(monotonic=lambda: time.monotonic() - 3.5)  # so long ago
    monkeypatch.setattr("service.inference.registry.time", came)
    assert "deadline" in check_error(ask(4_500_000), 504)


def test_a_version_may_be_named(client: TestClient) -> None:
    version = client.get("/models/plain").json()["version"]
    path = f"/v2/models/plain.decoder/versions/{version}/infer"
    assert list(read(send(client, {"inputs": [tensor("z", FOUR)]}, path=path))) == ["image"]
    check_error(send(client, {}, path="/v2/models/plain.decoder/versions/1/infer"), 404)
    check_error(send(client, {}, path="/v2/models/nothing.decoder/infer"), 404)


def test_many_at_once_each_get_their_own(client: TestClient) -> None:
    app = client.app

    async def scene() -> list[Any]:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as asking:
            rows = [np.array([[i / 64, -i / 32]] * (1 + i % 3), np.float32) for i in range(64)]
            bodies = [json.dumps({"inputs": [tensor("z", z)], "id": str(i)}) for i, z in enumerate(rows)]
            answers = await asyncio.gather(*(asking.post(DECODER, content=body) for body in bodies))
            return list(zip(rows, answers, strict=True))

    for i, (z, answer) in enumerate(asyncio.run(scene())):
        assert answer.json()["id"] == str(i)
        np.testing.assert_allclose(read(answer)["image"], fake.decode(z), atol=1e-6)


def test_cors_shows_where_the_json_ends(tmp_path: pathlib.Path) -> None:
    fake.write_bundle(tmp_path / "plain")
    with TestClient(create_app(Settings(models_dir=tmp_path, cors_origins=("*",)))) as client:
        answer = client.post(DECODER, content=b"\0" * 8, headers={LENGTH: "0", "origin": "https://a.example"})
        assert "Inference-Header-Content-Length" in answer.headers["access-control-expose-headers"]
