from __future__ import annotations

import errno
import io
import pathlib
import tempfile
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from service.core.settings import Settings
from service.server.app import create_app
from tests.service import fake
from tests.service.bombs import form_of_parts

Pixels = np.ndarray[tuple[int, ...], np.dtype[np.uint8]]


@pytest.fixture
def pixels() -> Pixels:
    picture = np.zeros((28, 28), np.uint8)
    picture[4:20, 10:14] = 255
    return picture


def write(pixels: Pixels, kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


def expected(pixels: Pixels) -> np.ndarray[Any, Any]:
    return fake.encode((pixels / 255).reshape(1, 28, 28, 1))


def test_a_raw_png_gives_its_posterior(client: TestClient, pixels: Pixels) -> None:
    answer = client.post("/encode", content=write(pixels), headers={"content-type": "image/png"})
    body = answer.json()
    assert answer.status_code == 200
    assert set(body) == {"model", "version", "z_mean", "z_log_var", "neighbours"}
    np.testing.assert_allclose(body["z_mean"], expected(pixels), atol=1e-5)
    np.testing.assert_allclose(body["z_log_var"], -np.array(body["z_mean"]))
    assert answer.headers["cvae-model"] == f"fake@{body['version']}"


def test_a_raw_jpeg_is_read(client: TestClient, pixels: Pixels) -> None:
    answer = client.post("/encode", content=write(pixels, "JPEG"), headers={"content-type": "image/jpeg"})
    np.testing.assert_allclose(answer.json()["z_mean"], expected(pixels), atol=0.02)


def test_files_of_a_form_come_back_in_their_order(client: TestClient, pixels: Pixels) -> None:
    pictures = [pixels, np.roll(pixels, 5, axis=0), np.roll(pixels, 8, axis=0)]
    files = [("file", (f"{i}.png", write(p), "image/png")) for i, p in enumerate(pictures)]
    body = client.post("/encode", files=files).json()
    np.testing.assert_allclose(body["z_mean"], np.concatenate([expected(p) for p in pictures]), atol=1e-5)


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_part_of_a_form_may_lack_the_name_of_a_file(client: TestClient, pixels: Pixels, kind: str) -> None:
    content = write(pixels, kind)
    named, nameless = (
        client.post("/encode", files=[("file", (name, content, "image/png"))]) for name in ("a", None)
    )
    assert nameless.status_code == 200, nameless.text
    assert nameless.content == named.content


def test_a_large_part_may_lack_it_too(models_dir: pathlib.Path) -> None:
    noise = np.random.RandomState(0).randint(0, 256, (1100, 1100), np.uint8)
    content = write(noise)
    assert len(content) > 2**20
    with TestClient(create_app(Settings(models_dir=models_dir))) as client:
        answer = client.post("/encode", files=[("file", (None, content, "image/png"))])
    assert answer.status_code == 200, answer.text


def test_uploads_need_no_disk(models_dir: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    monkeypatch.setattr(tempfile, "NamedTemporaryFile", full)
    content = write(np.random.RandomState(0).randint(0, 256, (1300, 1300), np.uint8))
    assert len(content) > 1.5 * 2**20
    with TestClient(create_app(Settings(models_dir=models_dir))) as client:
        for name in ("a.png", None):
            answer = client.post("/encode", files=[("file", (name, content, "image/png"))] * 2)
            assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("several", [False, True])
def test_pixels_are_taken_as_they_are(client: TestClient, pixels: Pixels, several: bool) -> None:
    x = (pixels / 255).tolist()
    body = client.post("/encode", json={"pixels": [x, x] if several else x}).json()
    wanted = np.repeat(expected(pixels), 1 + several, axis=0)
    np.testing.assert_allclose(body["z_mean"], wanted, atol=1e-5)


@pytest.mark.parametrize("path", ["/encode?", "/reconstruct?format=json&"])
def test_the_bodys_model_goes_before_the_querys(tmp_path: pathlib.Path, pixels: Pixels, path: str) -> None:
    for name in ("one", "two"):
        fake.write_bundle(tmp_path / name)
    given = {"pixels": (pixels / 255).tolist()}
    with TestClient(create_app(Settings(models_dir=tmp_path, default_model="one"))) as client:

        def ask(query: str | None, body: str | None) -> Any:
            url = path + (f"model={query}" if query else "")
            return client.post(url, json={**given, "model": body}).json()["model"]

        assert [ask("one", "two"), ask("two", "one")] == ["two", "one"]
        assert [ask("two", None), ask(None, "two"), ask(None, None)] == ["two", "two", "one"]


def test_what_decode_gives_encode_takes(client: TestClient) -> None:
    images = client.post("/decode?format=json", json={"z": [[0.5, -1], [1, 1]]}).json()["images"]
    assert client.post("/encode", json={"pixels": images}).status_code == 200


NPY = {"content-type": "application/x-npy"}


def npy(array: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


@pytest.mark.parametrize("path", ["/encode", "/reconstruct?format=json"])
@pytest.mark.parametrize("dtype", ["u1", "<f4", ">f8", "<f2"])
@pytest.mark.parametrize("shape", [(28, 28), (28, 28, 1), (1, 28, 28), (5, 28, 28), (5, 28, 28, 1)])
def test_pixels_may_come_as_npy(client: TestClient, path: str, dtype: str, shape: tuple[int, ...]) -> None:
    levels = np.random.RandomState(0).randint(0, 256, shape)
    array = levels.astype(dtype) if dtype == "u1" else (levels / 255).astype(dtype)
    answer = client.post(path, content=npy(array), headers=NPY)
    assert answer.status_code == 200, answer.text
    wanted = fake.encode((levels / 255).reshape(-1, 28, 28, 1))
    np.testing.assert_allclose(answer.json()["z_mean"], wanted, atol=1e-3 if dtype == "<f2" else 1e-5)


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.zeros(28), "an array of two to four dimensions, none 0"),
        (np.zeros((2, 28)), "28 rows of 28 numbers, or a list of such"),
        (np.zeros((65, 28, 28), np.uint8), "at most 64 in one request"),
        (np.full((28, 28), 1.5), "numbers in [0, 1]; divide 8-bit values by 255"),
        (np.full((28, 28), 255, np.int64), "numbers in [0, 1]; divide 8-bit values by 255"),
    ],
)
def test_an_array_that_is_no_pictures_is_refused(client: TestClient, array: Any, expected: str) -> None:
    answer = client.post("/encode", content=npy(array), headers=NPY)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["expected"] == expected
    assert answer.json()["errors"][0]["field"] == "body"


def test_a_seed_draws_z(client: TestClient, pixels: Pixels) -> None:
    x = (pixels / 255).tolist()
    in_body = client.post("/encode", json={"pixels": x, "seed": 5}).json()
    in_query = client.post("/encode?seed=5", json={"pixels": x}).json()
    other = client.post("/encode?seed=6", json={"pixels": x}).json()
    assert in_body == in_query
    assert in_body["seed"] == 5
    assert in_body["z"] != other["z"]


def test_polarity_is_found_or_given(client: TestClient, pixels: Pixels) -> None:
    def z_mean(content: bytes, query: str = "") -> list[list[float]]:
        answer = client.post(f"/encode{query}", content=content, headers={"content-type": "image/png"})
        values: list[list[float]] = answer.json()["z_mean"]
        return values

    dark = write(255 - pixels)
    assert z_mean(dark) == z_mean(write(pixels)) == z_mean(dark, "?polarity=dark-on-light")
    assert z_mean(dark, "?polarity=light-on-dark") != z_mean(dark)


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "imagery", "image/png, text/plain", ""],
)
def test_another_content_type_is_refused(client: TestClient, content_type: str) -> None:
    answer = client.post("/encode", content=b"x", headers={"content-type": content_type})
    assert answer.status_code == 415
    assert answer.json()["errors"][0]["field"] == "Content-Type"


@pytest.mark.parametrize(
    ("body", "field", "status"),
    [
        (b"", "body", 422),
        (b"{", "body", 400),
        (b"\xff", "body", 400),
        (b"[" * 60_000, "body", 400),
        (b"[]", "body", 422),
        (b"{}", "pixels", 422),
        (b'{"pixels": [[1, 2], [3, 4]]}', "pixels", 422),
        (b'{"pixels": [1, 2]}', "pixels", 422),
        (b'{"pixels": [["a"]]}', "pixels[0][0]", 422),
        (b'{"pixels": [[NaN]]}', "pixels[0][0]", 422),
        (b'{"pixels": [[0]], "seed": -1}', "seed", 422),
        (b'{"pixels": [[0]], "seed": "1"}', "seed", 422),
        (b'{"pixels": [[0]], "model": "other"}', "model", 404),
        (b'{"pixels": [[0]], "other": 1}', "other", 422),
    ],
)
def test_bad_json_is_answered_with_its_field(
    client: TestClient, body: bytes, field: str, status: int
) -> None:
    answer = client.post("/encode", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == status
    assert [fault["field"] for fault in answer.json()["errors"]] == [field]


def test_a_file_that_is_no_picture_is_named(client: TestClient, pixels: Pixels) -> None:
    good = ("file", ("a.png", write(pixels), "image/png"))
    answer = client.post("/encode", files=[good, ("file", ("b.png", b"junk", "image/png"))])
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "file[1]"
    answer = client.post("/encode", content=write(pixels)[:50], headers={"content-type": "image/png"})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["expected"] == "a whole picture file"


@pytest.mark.parametrize(
    "content_type",
    ["image/jpg", "image/pjpeg", "image/x-png", "image/*", "IMAGE/PNG", "application/octet-stream"],
)
def test_the_bytes_of_a_file_decide_not_its_type(
    client: TestClient, pixels: Pixels, content_type: str
) -> None:
    answer = client.post("/encode", content=write(pixels), headers={"content-type": content_type})
    assert answer.status_code == 200
    np.testing.assert_allclose(answer.json()["z_mean"], expected(pixels), rtol=1e-6)


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF", "AVIF"])
def test_a_picture_may_have_many_formats_in_one_form(client: TestClient, pixels: Pixels, kind: str) -> None:
    files = [("file", (None, write(pixels, kind))), ("file", ("a", write(pixels)))]
    answer = client.post("/encode", files=files)
    assert answer.status_code == 200
    first, second = answer.json()["z_mean"]
    np.testing.assert_allclose(first, second, rtol=0.05)


def test_a_picture_of_too_many_pixels_is_refused(client: TestClient) -> None:
    content = write(np.zeros((1001, 1000), np.uint8))
    answer = client.post("/encode", content=content, headers={"content-type": "image/png"})
    assert answer.status_code == 413
    assert answer.json()["errors"] == [
        {"field": "body", "expected": "at most 1000000 pixels", "received": "1000 x 1001"}
    ]


@pytest.fixture
def digits(tmp_path: pathlib.Path) -> Iterator[TestClient]:
    """A service of a model whose figures are centred."""
    image = {"height": 28, "width": 28, "channels": 1, "range": [0, 1], "polarity": "light-on-dark"}
    fit = {"method": "centre-of-mass", "box": 20}
    fake.write_bundle(tmp_path / "digits", image={**image, "fit": fit})
    with TestClient(create_app(Settings(models_dir=tmp_path))) as client:
        yield client


@pytest.mark.parametrize("size", [(28, 28), (50, 50)])
def test_a_picture_without_a_figure_is_refused(digits: TestClient, size: tuple[int, int]) -> None:
    answer = digits.post(
        "/encode", content=write(np.zeros(size, np.uint8)), headers={"content-type": "image/png"}
    )
    assert answer.status_code == 422
    error = answer.json()["errors"][0]
    assert error["field"] == "body"
    assert error["expected"].startswith("a figure that stands out from its background")


@pytest.mark.parametrize(
    ("parts", "field", "status"),
    [
        ({"files": [("picture", ("a.png", b"x"))]}, "picture", 422),
        ({"files": [("file", ("a.png", b"x"))], "data": {"seed": "1"}}, "seed", 422),
        ({"content": b"junk", "headers": {"content-type": "multipart/form-data"}}, "body", 400),
        ({"content": b"", "headers": {"content-type": "multipart/form-data; boundary=x"}}, "file", 422),
        (
            {"content": b"--x--\r\n", "headers": {"content-type": "multipart/form-data; boundary=x"}},
            "file",
            422,
        ),
    ],
)
def test_a_bad_form_is_answered_with_its_field(
    client: TestClient, parts: dict[str, Any], field: str, status: int
) -> None:
    answer = client.post("/encode", **parts)
    assert answer.status_code == status, answer.text
    assert answer.json()["errors"][0]["field"] == field


def test_too_many_files_are_refused(client: TestClient, pixels: Pixels) -> None:
    files = [("file", (f"{i}.png", write(pixels), "image/png")) for i in range(65)]
    answer = client.post("/encode", files=files)
    assert answer.status_code == 422
    assert answer.json()["errors"][0] == {
        "field": "file",
        "expected": "at most 64 in one request",
        "received": "65",
    }


def test_a_form_of_far_too_many_parts_is_refused_before_they_are_read(client: TestClient) -> None:
    content = form_of_parts(5000)
    headers = {"content-type": "multipart/form-data; boundary=b"}
    answer = client.post("/encode", content=content, headers=headers)
    assert answer.status_code == 413
    assert answer.json()["errors"] == [
        {"field": "body", "expected": "a form of at most 96 parts", "received": "more"}
    ]


def test_the_nearest_of_the_atlas_are_named(client: TestClient, pixels: Pixels) -> None:
    # The fake's atlas holds (0, 0), (1, -1) and (-2, 3), with the labels 0, 1 and 1.
    body = client.post(
        "/encode?neighbours=2", content=write(pixels), headers={"content-type": "image/png"}
    ).json()
    z_mean = np.array(body["z_mean"][0])
    first, second = body["neighbours"][0]
    assert (first["label"], first["index"], second["label"], second["index"]) == (0, 0, 1, 1)
    np.testing.assert_allclose(first["distance"], np.linalg.norm(z_mean), rtol=1e-5)
    np.testing.assert_allclose(second["distance"], np.linalg.norm(z_mean - [1, -1]), rtol=1e-5)


def test_no_neighbours_on_request(client: TestClient, pixels: Pixels) -> None:
    content, headers = write(pixels), {"content-type": "image/png"}
    assert "neighbours" not in client.post("/encode?neighbours=0", content=content, headers=headers).json()
    every = client.post("/encode?neighbours=100", content=content, headers=headers).json()["neighbours"]
    assert len(every[0]) == 3
    many = client.post("/encode", json={"pixels": [(pixels / 255).tolist()] * 9}).json()
    assert many["neighbours"] == [every[0]] * 9


def test_posteriors_are_json_alone(client: TestClient, pixels: Pixels) -> None:
    headers = {"content-type": "image/png", "accept": "image/png"}
    answer = client.post("/encode", content=write(pixels), headers=headers)
    assert answer.status_code == 406
    assert answer.json()["errors"][0]["expected"] == "application/json"


JPEG = {"content-type": "image/jpeg"}
TWO = [(30, 20, 46, 80), (110, 24, 126, 84)]


def two_strokes() -> bytes:
    sheet = np.full((120, 160), 210, np.uint8)
    for left, top, right, bottom in TWO:
        sheet[top:bottom, left:right] = 40
    return write(sheet, "JPEG")


def test_all_figures_of_all_files_become_rows(digits: TestClient) -> None:
    one = write(np.pad(np.full((40, 10), 255, np.uint8), 30))
    files = [("file", ("a.png", one)), ("file", ("b.jpg", two_strokes()))]
    body = digits.post("/encode?figures=all&neighbours=1", files=files).json()
    assert body["file"] == [0, 1, 1]
    np.testing.assert_allclose(body["box"], [(30, 30, 40, 70), *TWO], atol=2)
    assert len(body["z_mean"]) == len(body["neighbours"]) == 3
    assert "explanation" not in body
    best = digits.post("/encode", files=files).json()
    assert len(best["z_mean"]) == 2
    assert "box" not in best


def test_what_was_done_is_explained(digits: TestClient) -> None:
    body = digits.post("/encode?explain=1", content=two_strokes(), headers=JPEG).json()
    (explanation,) = body["explanation"]
    assert explanation["placing"] == "fitted"
    assert explanation["polarity"] == "dark-on-light"
    assert 0 < explanation["threshold"] < 0.5
    assert 0.5 < explanation["found"] <= 1
    assert set(explanation["ignored"]) == {"rules", "specks", "others"}


@pytest.mark.parametrize(("move", "placing"), [(0, "kept"), (5, "centred")])
def test_a_file_of_the_models_size_is_explained_too(digits: TestClient, move: int, placing: str) -> None:
    picture = np.zeros((28, 28), np.uint8)
    picture[4:24, 13 - move : 15 - move] = 255
    body = digits.post("/encode?explain=1", content=write(picture), headers={"content-type": "image/png"})
    assert body.json()["explanation"][0]["placing"] == placing


def test_what_is_scaled_whole_is_explained_as_that(client: TestClient) -> None:
    body = client.post("/encode?explain=1&figures=all", content=two_strokes(), headers=JPEG).json()
    assert body["box"] == [[0, 0, 160, 120]]
    explanation = {"placing": "whole", "polarity": "dark-on-light", "threshold": None, "found": None}
    assert body["explanation"] == [{**explanation, "ignored": {}}]


def test_the_encoders_input_can_be_seen(digits: TestClient) -> None:
    answer = digits.post("/encode?view=input&figures=all", content=two_strokes(), headers=JPEG)
    assert answer.headers["content-type"] == "image/png"
    with Image.open(io.BytesIO(answer.content)) as image:
        seen = np.asarray(image)
    assert seen.shape == (28, 56)
    rows = np.flatnonzero(seen[:, :28].max(axis=1) > 128)
    assert len(rows) == 20
    np.testing.assert_allclose(
        expected(seen[:, :28])[0],
        digits.post("/encode", content=two_strokes(), headers=JPEG).json()["z_mean"][0],
        atol=0.01,
    )


def test_more_figures_than_a_request_may_have_are_refused(tmp_path: pathlib.Path) -> None:
    image = {"height": 28, "width": 28, "channels": 1, "range": [0, 1], "polarity": "light-on-dark"}
    fake.write_bundle(tmp_path / "digits", image={**image, "fit": {"method": "centre-of-mass", "box": 20}})
    with TestClient(create_app(Settings(models_dir=tmp_path, max_request_rows=1))) as client:
        assert client.post("/encode", content=two_strokes(), headers=JPEG).status_code == 200
        answer = client.post("/encode?figures=all", content=two_strokes(), headers=JPEG)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "figures"


def test_a_view_is_a_png_or_nothing(digits: TestClient) -> None:
    headers = {**JPEG, "accept": "application/json"}
    assert digits.post("/encode?view=input", content=two_strokes(), headers=headers).status_code == 406
