from __future__ import annotations

import io
import time
import types

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from tests.service import fake

FOUR = [[0.5, -1.0], [0.0, 0.0], [-1.5, 0.5], [2.0, 1.0]]


def read(content: bytes) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    with Image.open(io.BytesIO(content)) as image:
        assert image.format == "PNG"
        return np.asarray(image)


def expected(z: list[list[float]]) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]
    pixels = np.rint(fake.decode(np.array(z))[..., 0] * 255).astype(np.uint8)
    return pixels


def test_one_vector_gives_one_picture(client: TestClient) -> None:
    answer = client.post("/decode", json={"z": [0.5, -1.0]})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/png"
    np.testing.assert_array_equal(read(answer.content), expected([[0.5, -1.0]])[0])


def test_several_vectors_give_a_sheet_in_their_order(client: TestClient) -> None:
    sheet = read(client.post("/decode", json={"z": FOUR}).content)
    np.testing.assert_array_equal(sheet, np.block([[*expected(FOUR)[:2]], [*expected(FOUR)[2:]]]))


@pytest.mark.parametrize("how", [{"headers": {"accept": "application/json"}}, {"params": {"format": "json"}}])
def test_json_gives_the_numbers(client: TestClient, how: dict[str, dict[str, str]]) -> None:
    answer = client.post("/decode", json={"z": FOUR}, **how)  # type: ignore[arg-type]
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert body["model"] == "fake"
    np.testing.assert_array_equal(body["z"], FOUR)
    np.testing.assert_allclose(body["images"], fake.decode(np.array(FOUR))[..., 0], atol=1e-6)


def test_the_answer_names_the_model_and_depends_on_accept(client: TestClient) -> None:
    answer = client.post("/decode", json={"z": [0, 0], "model": "fake"})
    version = client.get("/models/fake").json()["version"]
    assert answer.headers["cvae-model"] == f"fake@{version}"
    assert answer.headers["vary"] == "Accept"


def test_the_answer_says_where_its_time_went(client: TestClient) -> None:
    timing = client.post("/decode", json={"z": [0, 0]}).headers["server-timing"]
    found = dict(part.split(";dur=") for part in timing.split(", "))
    assert list(found) == ["queue", "inference", "encode"]
    assert all(0 < float(milliseconds) < 5000 for milliseconds in found.values())


def test_a_version_may_be_named(client: TestClient) -> None:
    version = client.get("/models/fake").json()["version"]
    assert client.post("/decode", json={"z": [0, 0], "model": f"fake@{version}"}).status_code == 200
    answer = client.post("/decode", json={"z": [0, 0], "model": "fake@0123456789ab"})
    assert answer.status_code == 404
    (found,) = answer.json()["errors"]
    assert (found["expected"], found["received"]) == (
        f"fake@{version}, which is loaded",
        "'fake@0123456789ab'",
    )


@pytest.mark.parametrize("milliseconds", ["0", "-1", "1.5", "soon", "", "9" * 13])
def test_a_deadline_that_is_none_is_refused(client: TestClient, milliseconds: str) -> None:
    headers = {"x-request-timeout-ms": milliseconds}
    answer = client.post("/decode", json={"z": [0, 0]}, headers=headers)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "X-Request-Timeout-Ms"


def test_a_deadline_of_the_client_is_kept(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    headers = {"x-request-timeout-ms": "3000"}
    assert client.post("/decode", json={"z": [0, 0]}, headers=headers).status_code == 200
    came = types.SimpleNamespace(monotonic=lambda: time.monotonic() - 3.5)  # so long ago
    monkeypatch.setattr("service.inference.registry.time", came)
    assert client.post("/decode", json={"z": [0, 0]}).status_code == 200  # the setting's is 5 s
    assert client.post("/decode", json={"z": [0, 0]}, headers=headers).status_code == 504


def test_integers_are_numbers(client: TestClient) -> None:
    same = [client.post("/decode", json={"z": z}).content for z in ([1, 2], [1.0, 2.0], [[1, 2]])]
    assert len(set(same)) == 1


def test_what_cannot_be_accepted_is_refused(client: TestClient) -> None:
    answer = client.post("/decode", json={"z": [0, 0]}, headers={"accept": "text/html"})
    assert answer.status_code == 406
    assert answer.json()["errors"][0]["expected"] == " or ".join(
        ("image/png", "application/json", "application/x-npy", "image/webp", "application/zip")
    )


@pytest.mark.parametrize("query", ["format=gif", "formt=json", "format="])
def test_a_wrong_query_is_refused(client: TestClient, query: str) -> None:
    answer = client.post(f"/decode?{query}", json={"z": [0, 0]})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == query.split("=")[0]


def save(array: object) -> bytes:
    file = io.BytesIO()
    np.save(file, np.asarray(array))
    return file.getvalue()


NPY = "application/x-npy"


@pytest.mark.parametrize("dtype", ["float32", "uint8"])
def test_npy_gives_the_pixels(client: TestClient, dtype: str) -> None:
    params = {"dtype": dtype}
    answer = client.post("/decode", json={"z": FOUR}, headers={"accept": NPY}, params=params)
    assert answer.headers["content-type"] == NPY
    found = np.load(io.BytesIO(answer.content), allow_pickle=False)
    assert (found.dtype, found.shape[0]) == (np.dtype(dtype), 4)
    exact = fake.decode(np.array(FOUR))[..., 0]
    np.testing.assert_allclose(found, exact if dtype == "float32" else expected(FOUR), atol=1e-6)
    same = client.post("/decode", json={"z": FOUR}, params={**params, "format": "npy"})
    assert same.content == answer.content


def test_json_gives_bytes_on_request(client: TestClient) -> None:
    answer = client.post("/decode?format=json&dtype=uint8", json={"z": FOUR}).json()
    np.testing.assert_array_equal(answer["images"], expected(FOUR))
    assert type(answer["images"][0][0][0]) is int


@pytest.mark.parametrize("z", [[0.5, -1.0], FOUR])
def test_vectors_come_as_npy_too(client: TestClient, z: object) -> None:
    answer = client.post("/decode?model=fake", content=save(z), headers={"content-type": NPY})
    assert answer.status_code == 200
    assert answer.content == client.post("/decode", json={"z": z}).content


@pytest.mark.parametrize(
    ("content", "status", "field"),
    [
        (b"", 400, "body"),
        (save([1.0, 2.0])[:-3], 400, "body"),
        (save([np.nan, 2.0]), 422, "body[0]"),
        (save([1.0, 2.0, 3.0]), 422, "z"),
        (save(np.zeros((65, 2))), 422, "z"),
    ],
)
def test_a_bad_npy_is_answered_with_its_field(
    client: TestClient, content: bytes, status: int, field: str
) -> None:
    answer = client.post("/decode", content=content, headers={"content-type": NPY})
    assert answer.status_code == status
    assert answer.json()["errors"][0]["field"] == field
