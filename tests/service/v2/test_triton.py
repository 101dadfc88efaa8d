"""NVIDIA's own clients of the Open Inference Protocol, against the service over TCP."""

from __future__ import annotations

import asyncio
import io
import pathlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import tritonclient.http as triton  # type: ignore[import-untyped]
import tritonclient.http.aio as triton_aio  # type: ignore[import-untyped]
from PIL import Image
from tritonclient.utils import InferenceServerException  # type: ignore[import-untyped]

from service import __version__
from tests.live import serve
from tests.service import fake

FOUR = np.array([[0.5, -1.0], [0.0, 0.0], [-1.5, 0.5], [2.0, 1.0]], np.float32)
DOUBLE = FOUR.astype(np.float64)
DECODER, ENCODER = "fake.decoder", "fake.encoder"


@pytest.fixture(scope="module")
def address(models_dir: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serve(tmp_path_factory.mktemp("service") / "log", CVAE_MODELS_DIR=str(models_dir)) as address:
        yield address


@pytest.fixture(scope="module")
def client(address: str) -> Iterator[Any]:
    with triton.InferenceServerClient(address) as running:
        yield running


def version(client: Any) -> str:
    return str(client.get_model_metadata(DECODER)["versions"][0])


def given(array: np.ndarray[Any, Any], binary: bool, name: str = "z", datatype: str = "FP32") -> list[Any]:
    tensor = triton.InferInput(name, list(array.shape), datatype)
    tensor.set_data_from_numpy(array, binary_data=binary)
    return [tensor]


def test_health(client: Any) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready(DECODER)
    assert client.is_model_ready(ENCODER, version(client))
    assert not client.is_model_ready("nothing.decoder")
    assert not client.is_model_ready(DECODER, "1")


def test_metadata(client: Any) -> None:
    assert client.get_server_metadata()["version"] == __version__
    metadata = client.get_model_metadata(DECODER, version(client))
    assert metadata["inputs"] == [{"name": "z", "datatype": "FP32", "shape": [-1, 2]}]
    assert client.get_model_config(DECODER)["max_batch_size"] == 1024
    assert [entry["name"] for entry in client.get_model_repository_index()] == [ENCODER, DECODER]


def test_statistics(client: Any) -> None:
    client.infer(DECODER, given(FOUR, True))
    (found,) = client.get_inference_statistics(DECODER)["model_stats"]
    assert (found["name"], int(found["version"])) == (DECODER, int(version(client), 16))
    assert found["inference_stats"]["success"]["count"] >= 1
    assert client.get_inference_statistics(DECODER, found["version"])["model_stats"][0]["name"] == DECODER
    assert len(client.get_inference_statistics()["model_stats"]) == 2


@pytest.mark.parametrize("request_packing", [None, "gzip", "deflate"])
@pytest.mark.parametrize("response_packing", [None, "gzip", "deflate"])
@pytest.mark.parametrize("binary_in", [True, False])
@pytest.mark.parametrize("binary_out", [True, False])
def test_json_bytes_and_mixtures(
    client: Any, request_packing: str | None, response_packing: str | None, binary_in: bool, binary_out: bool
) -> None:
    result = client.infer(
        DECODER,
        given(FOUR, binary_in),
        outputs=[triton.InferRequestedOutput("image", binary_data=binary_out)],
        request_id="seven",
        request_compression_algorithm=request_packing,
        response_compression_algorithm=response_packing,
    )
    np.testing.assert_allclose(result.as_numpy("image"), fake.decode(FOUR), atol=1e-6)
    assert result.get_response()["id"] == "seven"
    assert result.get_response()["model_name"] == DECODER


def test_without_outputs_the_graphs_own_come_as_bytes(client: Any) -> None:
    result = client.infer(DECODER, given(FOUR, True), model_version=version(client))
    np.testing.assert_allclose(result.as_numpy("image"), fake.decode(FOUR), atol=1e-6)
    assert result.get_response()["model_version"] == version(client)
    assert result.as_numpy("png") is None


def test_files_come_as_bytes(client: Any) -> None:
    outputs = [triton.InferRequestedOutput("png")]
    files = client.infer(DECODER, given(FOUR, True), outputs=outputs).as_numpy("png")
    assert files.shape == (4,)
    for file, picture in zip(files, fake.decode(FOUR), strict=True):
        with Image.open(io.BytesIO(file)) as image:
            np.testing.assert_array_equal(np.asarray(image), np.rint(picture[..., 0] * 255))


def test_the_encoder(client: Any) -> None:
    x = np.random.RandomState(0).random_sample((3, 28, 28, 1)).astype(np.float32)
    result = client.infer(ENCODER, given(x, True, "x"))
    np.testing.assert_allclose(result.as_numpy("z_mean"), fake.encode(x), atol=1e-6)
    np.testing.assert_allclose(result.as_numpy("z_log_var"), -fake.encode(x), atol=1e-6)


def test_many_at_once(address: str) -> None:
    with triton.InferenceServerClient(address, concurrency=4) as client:
        rows = [np.full((1 + i % 2, 2), i / 16, np.float32) for i in range(16)]
        pending = [client.async_infer(DECODER, given(z, True)) for z in rows]
        for z, request in zip(rows, pending, strict=True):
            np.testing.assert_allclose(request.get_result().as_numpy("image"), fake.decode(z), atol=1e-6)


def test_a_body_made_and_an_answer_read_by_hand(client: Any) -> None:
    body, length = triton.InferenceServerClient.generate_request_body(given(FOUR, True))
    assert length is not None
    answer = client._post(
        f"v2/models/{DECODER}/infer",
        request_body=body,
        headers={"Inference-Header-Content-Length": length},
        query_params=None,
    )
    size = int(answer.get("inference-header-content-length"))
    result = triton.InferenceServerClient.parse_response_body(answer.read(), header_length=size)
    np.testing.assert_allclose(result.as_numpy("image"), fake.decode(FOUR), atol=1e-6)


@pytest.mark.parametrize(
    ("change", "status", "message"),
    [
        ({"inputs": given(DOUBLE, True, datatype="FP64")}, "400", "expected FP32, as z has, received FP64"),
        ({"inputs": given(FOUR, True, "x")}, "400", "inputs: expected z, once, received 'x'"),
        ({"inputs": given(FOUR * np.float32(np.nan), True)}, "400", "received nan"),
        ({"outputs": [triton.InferRequestedOutput("logits")]}, "400", "expected one of image, png"),
        ({"outputs": [triton.InferRequestedOutput("image", class_count=3)]}, "400", "no classification"),
        ({"model_name": "nothing"}, "404", "expected one of fake.encoder, fake.decoder, received 'nothing'"),
        ({"model_version": "1"}, "404", "which is loaded, received '1'"),
        ({"timeout": 1}, "504", "deadline"),
    ],
)
def test_errors_reach_the_caller_as_text(
    client: Any, change: dict[str, Any], status: str, message: str
) -> None:
    with pytest.raises(InferenceServerException) as caught:
        client.infer(**{"model_name": DECODER, "inputs": given(FOUR, True), **change})
    assert caught.value.status() == status
    assert message in caught.value.message()
    assert "while decoding" not in caught.value.message()


def test_the_client_of_asyncio(address: str) -> None:
    async def scene() -> None:
        async with triton_aio.InferenceServerClient(address) as client:
            assert await client.is_server_live()
            assert await client.is_server_ready()
            assert await client.is_model_ready(DECODER)
            assert (await client.get_server_metadata())["version"] == __version__
            assert (await client.get_model_metadata(DECODER))["name"] == DECODER
            assert (await client.get_model_config(DECODER))["name"] == DECODER
            assert len(await client.get_model_repository_index()) == 2
            for packing in (None, "gzip", "deflate"):
                for binary in (True, False):
                    result = await client.infer(
                        DECODER,
                        given(FOUR, binary),
                        request_compression_algorithm=packing,
                        response_compression_algorithm=packing,
                        timeout=3_000_000,
                    )
                    np.testing.assert_allclose(result.as_numpy("image"), fake.decode(FOUR), atol=1e-6)
            with pytest.raises(InferenceServerException, match="expected z, once, received '" + "n" * 60):
                await client.infer(DECODER, given(FOUR, True, "n" * 2000))

    asyncio.run(scene())
