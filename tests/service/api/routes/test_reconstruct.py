from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from service.latent import losses
from tests.service import fake

X = np.random.RandomState(0).random((2, 28, 28)).astype(np.float32)
MADE = fake.decode(fake.encode(X[..., np.newaxis]))
PIXELS: dict[str, Any] = {"pixels": X.astype(float).tolist()}


def test_json_has_the_reconstruction_and_how_far_it_is(client: TestClient) -> None:
    body = client.post("/reconstruct?format=json", json=PIXELS).json()
    np.testing.assert_allclose(body["images"], MADE[..., 0], atol=1e-5)
    np.testing.assert_allclose(body["x"], X, atol=1e-6)
    np.testing.assert_allclose(body["z"], body["z_mean"])
    x = X[..., np.newaxis]
    np.testing.assert_allclose(body["reconstruction_loss"], losses.reconstruction_loss(x, MADE), rtol=1e-4)
    np.testing.assert_allclose(body["mean_squared_error"], losses.mean_squared_error(x, MADE), rtol=1e-4)
    mean, log_var = (np.array(body[name], np.float32) for name in ("z_mean", "z_log_var"))
    np.testing.assert_allclose(body["kl_divergence"], losses.kl_divergence(mean, log_var), rtol=1e-4)


def read(content: bytes) -> Any:
    with Image.open(io.BytesIO(content)) as image:
        return np.asarray(image)


def test_a_sheet_has_pairs(client: TestClient) -> None:
    answer = client.post("/reconstruct", json=PIXELS)
    pairs = [[np.rint(a * 255), np.rint(b * 255)] for a, b in zip(X, MADE[..., 0], strict=True)]
    np.testing.assert_allclose(read(answer.content), np.block(pairs), atol=1)
    mean = losses.reconstruction_loss(X[..., np.newaxis], MADE).mean()
    assert float(answer.headers["cvae-reconstruction-loss"]) == pytest.approx(mean, rel=1e-3)


def test_the_reconstruction_alone_on_request(client: TestClient) -> None:
    sheet = read(client.post("/reconstruct?pairs=false", json=PIXELS).content)
    np.testing.assert_allclose(sheet, np.hstack(np.rint(MADE[..., 0] * 255)), atol=1)
    content = client.post("/reconstruct?format=npy", json=PIXELS).content
    np.testing.assert_allclose(np.load(io.BytesIO(content)), MADE[..., 0], atol=1e-5)


def test_pairs_count_twice_for_the_size_of_an_answer(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    app: Any = client.app
    engine = app.api.state.registry.get()

    def allow(pictures: int) -> None:
        limited = engine.settings.model_copy(update={"max_output_pixels": pictures * fake.PIXELS})
        monkeypatch.setattr(engine, "settings", limited)

    allow(3)
    answer = client.post("/reconstruct", json=PIXELS)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "scale")
    for query in ("pairs=false", "format=json", "format=npy"):
        assert client.post(f"/reconstruct?{query}", json=PIXELS).status_code == 200
    allow(4)
    assert client.post("/reconstruct", json=PIXELS).status_code == 200


def test_files_are_taken_as_encode_takes_them(client: TestClient) -> None:
    file = io.BytesIO()
    picture = np.zeros((28, 28), np.uint8)
    picture[4:20, 10:14] = 255
    Image.fromarray(picture).save(file, "PNG")
    content = file.getvalue()
    raw = client.post("/reconstruct", content=content, headers={"content-type": "image/png"})
    form = client.post("/reconstruct", files=[("file", ("a.png", content))])
    numbers = client.post("/reconstruct", json={"pixels": (picture / 255).tolist()})
    assert raw.status_code == 200
    assert raw.content == form.content == numbers.content


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"pixels": [[0.5]]}, 422, "pixels"),
        ({**PIXELS, "label": 3}, 422, "label"),
        ({**PIXELS, "model": "other"}, 404, "model"),
        ({"pixels": np.zeros((65, 28, 28)).tolist()}, 422, "pixels"),
    ],
)
def test_a_bad_request_is_answered_with_its_field(
    client: TestClient, body: dict[str, Any], status: int, field: str
) -> None:
    answer = client.post("/reconstruct", json=body)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (status, field)


def test_json_says_where_its_rows_were_found(client: TestClient) -> None:
    file = io.BytesIO()
    Image.new("L", (50, 40), 200).save(file, "PNG")
    query = "format=json&explain=1"
    answer = client.post(f"/reconstruct?{query}", files=[("file", ("a.png", file.getvalue()))] * 2)
    body = answer.json()
    assert (body["file"], body["box"]) == ([0, 1], [[0, 0, 50, 40]] * 2)
    assert [each["placing"] for each in body["explanation"]] == ["whole"] * 2
