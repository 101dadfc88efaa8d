from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from service.core.settings import Settings
from service.server.app import create_app
from tests.service import fake

X = np.random.RandomState(0).random((2, 28, 28)).astype(np.float32)
PIXELS: dict[str, Any] = {"pixels": X.astype(float).tolist()}
NAMES = ["disc", "square", "star"]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    folder = tmp_path_factory.mktemp("models")
    dataset = {"name": "shapes", "class_names": NAMES}
    fake.write_bundle(folder / "hand", conditional=True, dataset=dataset)
    fake.write_bundle(folder / "a-plain-one")
    settings = Settings(models_dir=folder, max_request_rows=64, max_output_pixels=12 * fake.PIXELS)
    with TestClient(create_app(settings)) as running:
        yield running


def expect(x: Any, labels: list[int]) -> Any:
    style = fake.encode(x[..., np.newaxis]).mean(axis=0)
    return fake.decode(np.tile(style, (len(labels), 1)), labels)[..., 0]


def read(content: bytes) -> Any:
    with Image.open(io.BytesIO(content)) as image:
        return np.asarray(image)


def fault(answer: Any) -> tuple[int, str, str, str]:
    (found,) = answer.json()["errors"]
    return answer.status_code, found["field"], found["expected"], found["received"]


def test_a_phrase_is_written_in_the_mean_style_of_the_pictures(client: TestClient) -> None:
    answer = client.post("/restyle?format=json", json={**PIXELS, "labels": "2015"})
    body = answer.json()
    assert (body["model"], body["labels"]) == ("hand", [2, 0, 1, 5])
    np.testing.assert_allclose(body["images"], expect(X, [2, 0, 1, 5]), atol=1e-5)
    style = fake.encode(X[..., np.newaxis]).mean(axis=0)
    np.testing.assert_allclose(body["z"], np.tile(style, (4, 1)), atol=1e-6)


@pytest.mark.parametrize("labels", ["3,square", "3, 1", [3, "square"], ["3", 1.0]])
def test_labels_may_be_names(client: TestClient, labels: Any) -> None:
    body = client.post("/restyle?format=json", json={**PIXELS, "labels": labels}).json()
    assert body["labels"] == [3, 1]


def test_the_body_goes_before_the_query(client: TestClient) -> None:
    url = "/restyle?format=json&labels=7&model=a-plain-one"
    body = client.post(url, json={**PIXELS, "labels": "8", "model": "hand"}).json()
    assert (body["model"], body["labels"]) == ("hand", [8])
    in_query = client.post("/restyle?format=json&labels=star", json=PIXELS).json()
    assert in_query["labels"] == [2]


def test_without_labels_each_class_is_written_in_one_line(client: TestClient) -> None:
    sheet = read(client.post("/restyle", json=PIXELS).content)
    np.testing.assert_allclose(sheet, np.hstack(expect(X, list(range(10))) * 255), atol=1)
    two = read(client.post("/restyle?columns=5", json=PIXELS).content)
    assert two.shape == (56, 140)


def test_other_formats_hold_a_picture_a_label(client: TestClient) -> None:
    content = client.post("/restyle?format=npy&labels=42", json=PIXELS).content
    np.testing.assert_allclose(np.load(io.BytesIO(content)), expect(X, [4, 2]), atol=1e-5)
    content = client.post("/restyle?labels=422", json=PIXELS, headers={"accept": "application/zip"}).content
    assert zipfile.ZipFile(io.BytesIO(content)).namelist() == ["0.png", "1.png", "2.png"]
    webp = client.post("/restyle?format=webp&labels=42", json=PIXELS)
    assert read(webp.content).shape[:2] == (28, 56)


def test_more_labels_than_a_part_are_all_sent(client: TestClient) -> None:
    phrase = "01" * 32
    npy = client.post(f"/restyle?format=npy&labels={phrase}", json=PIXELS).content
    assert len(np.load(io.BytesIO(npy))) == 64


def test_files_are_taken_as_encode_takes_them(client: TestClient) -> None:
    picture = np.zeros((28, 28), np.uint8)
    picture[4:20, 10:14] = 255
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    content, npy = file.getvalue(), io.BytesIO()
    np.save(npy, picture)
    url = "/restyle?labels=0123"
    raw = client.post(url, content=content, headers={"content-type": "image/png"})
    form = client.post(url, files=[("file", ("a.png", content)), ("file", ("b.png", content))])
    array = client.post(url, content=npy.getvalue(), headers={"content-type": "application/x-npy"})
    numbers = client.post(url, json={"pixels": (picture / 255).tolist()})
    assert raw.status_code == 200, raw.text
    assert raw.content == form.content == array.content == numbers.content


def test_a_model_that_takes_no_label_is_refused_with_one_that_does(client: TestClient) -> None:
    answer = client.post("/restyle?model=a-plain-one", json=PIXELS)
    assert fault(answer) == (422, "model", "a label-conditioned model (hand)", "'a-plain-one'")


def test_where_no_model_takes_labels_that_is_said(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("models")
    fake.write_bundle(folder / "fake")
    with TestClient(create_app(Settings(models_dir=folder))) as plain:
        expected = (404, "model", "a label-conditioned model", "only fake, without labels")
        assert fault(plain.post("/restyle", json=PIXELS)) == expected
        assert fault(plain.post("/restyle?model=fake", json=PIXELS)) == expected


KNOWN = "0 disc, 1 square, 2 star, 3, 4, 5, 6, 7, 8, 9"


@pytest.mark.parametrize(
    ("query", "body", "expected"),
    [
        ("", {"labels": "2025-11"}, (422, "labels[4]", f"one of {KNOWN}", "'-'")),
        ("", {"labels": ["round"]}, (422, "labels[0]", f"one of {KNOWN}", "'round'")),
        ("", {"labels": []}, (422, "labels", "at least one label", "none")),
        ("", {"labels": [True]}, (422, "labels[0]", "an integer, or a class's name", "True")),
        ("labels=", {}, (422, "labels", "String should have at least 1 character", "''")),
        ("", {"labels": "1" * 65}, (422, "labels", "at most 64 in one request", "65")),
        ("labels=" + "1," * 65, {}, (422, "labels", "at most 64 in one request", "65")),
        (
            "labels=0123456789012",
            {},
            (422, "scale", "what makes at most 9408 pixels in all", "10192: 28 x 364"),
        ),
        ("", {"model": "other"}, (404, "model", "one of a-plain-one, hand", "'other'")),
    ],
)
def test_a_bad_request_is_answered_with_its_field(
    client: TestClient, query: str, body: dict[str, Any], expected: tuple[int, str, str, str]
) -> None:
    assert fault(client.post(f"/restyle?{query}", json={**PIXELS, **body})) == expected


@pytest.mark.parametrize("query", ["labels=x", "model=a-plain-one", "scale=64", "labels=" + "1" * 65])
def test_no_upload_is_read_for_what_cannot_be_answered(client: TestClient, query: str) -> None:
    answer = client.post(f"/restyle?{query}", content=b"no PNG", headers={"content-type": "image/png"})
    assert fault(answer)[1].partition("[")[0] in query
    assert (
        fault(client.post("/restyle", content=b"no PNG", headers={"content-type": "image/png"}))[1] == "body"
    )


def test_too_many_pictures_are_refused(client: TestClient) -> None:
    many = {"pixels": np.zeros((65, 28, 28)).tolist()}
    assert fault(client.post("/restyle", json=many)) == (422, "pixels", "at most 64 in one request", "65")
