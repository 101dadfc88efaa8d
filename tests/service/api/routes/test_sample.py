from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from tests.service import fake


def test_samples_come_from_the_prior(client: TestClient) -> None:
    body = client.post("/sample?format=json", json={"n": 64, "seed": 1}).json()
    z = np.array(body["z"])
    assert (body["seed"], body["temperature"], body["digit"]) == (1, 1.0, None)
    # 128 numbers: the standard errors are 0.09 and 0.06.
    assert abs(z.mean()) < 0.4
    assert abs(z.std() - 1) < 0.3
    np.testing.assert_allclose(body["images"], fake.decode(z)[..., 0], atol=1e-6)


def test_a_seed_is_in_the_answer_and_draws_the_same(client: TestClient) -> None:
    first = client.post("/sample", json={"n": 4})
    seed = int(first.headers["cvae-seed"])
    assert client.post("/sample", json={"n": 4, "seed": seed}).content == first.content
    assert client.get(f"/sample.png?n=4&seed={seed}").content == first.content
    assert client.post("/sample", json={"n": 4, "seed": seed + 1}).content != first.content


def test_a_class_is_drawn_from_as_digits_do(client: TestClient) -> None:
    one = client.post("/sample", json={"digit": 7, "seed": 3, "temperature": 0.5})
    assert one.content == client.get("/digits/7.png?seed=3&temperature=0.5").content


def test_json_does_not_tell_3_0_from_3(client: TestClient) -> None:
    whole = client.post("/sample", json={"n": 2, "seed": 3, "digit": 7})
    same = client.post("/sample", json={"n": 2.0, "seed": 3.0, "digit": 7.0})
    assert same.status_code == 200, same.text
    assert same.content == whole.content
    assert client.post("/sample", json={"n": 2.5}).status_code == 422
    assert client.post("/sample", json={"n": True}).status_code == 422


def test_temperature_0_is_the_middle(client: TestClient) -> None:
    assert client.get("/sample.json?n=2&seed=1&temperature=0").json()["z"] == [[0, 0], [0, 0]]


def test_a_zip_has_a_png_each(client: TestClient) -> None:
    content = client.post("/sample?format=zip&scale=2", json={"n": 12, "seed": 1}).content
    sheet = client.post("/sample?columns=12&scale=2", json={"n": 12, "seed": 1}).content
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.namelist() == [f"{i:02}.png" for i in range(12)]
        pictures = [np.asarray(Image.open(io.BytesIO(archive.read(name)))) for name in archive.namelist()]
    with Image.open(io.BytesIO(sheet)) as image:
        np.testing.assert_array_equal(np.hstack(pictures), np.asarray(image))


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"n": 0}, "n"),
        ({"n": 65}, "n"),
        ({"n": 1.5}, "n"),
        ({"seed": 2**32}, "seed"),
        ({"temperature": -1}, "temperature"),
        ({"digit": [7]}, "digit"),
        ({"m": 1}, "m"),
    ],
)
def test_a_bad_request_is_answered_with_its_field(
    client: TestClient, body: dict[str, object], field: str
) -> None:
    answer = client.post("/sample", json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field
