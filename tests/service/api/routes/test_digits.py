from __future__ import annotations

import numpy as np
import pytest
from fastapi.testclient import TestClient

from service.latent import mixture


def test_a_seed_draws_the_same_digit_again(client: TestClient) -> None:
    first, again, other = (client.get(f"/digits/7?seed={seed}") for seed in (3, 3, 4))
    assert first.headers["content-type"] == "image/png"
    assert first.headers["cvae-seed"] == "3"
    assert first.content == again.content != other.content


def test_a_seed_that_was_chosen_is_named(client: TestClient) -> None:
    first = client.get("/digits/7")
    again = client.get("/digits/7", params={"seed": first.headers["cvae-seed"]})
    assert first.content == again.content
    assert client.get("/digits/7").headers["cvae-seed"] != first.headers["cvae-seed"]


def test_json_says_what_drew_it(client: TestClient) -> None:
    body = client.get("/digits/4?seed=9&temperature=0.5", headers={"accept": "application/json"}).json()
    assert (body["digit"], body["seed"], body["temperature"]) == (4, 9, 0.5)
    mean = np.array([2, -2], np.float32)  # the fake's class 4, of unit covariance
    z = mixture.sample_mixture(mixture.mix([mean], [np.eye(2, dtype=np.float32)], [1.0]), 9, 0.5)
    np.testing.assert_allclose(body["z"], z, rtol=1e-5)


def test_temperature_0_draws_the_mean(client: TestClient) -> None:
    body = client.get("/digits/4?temperature=0&format=json").json()
    np.testing.assert_allclose(body["z"], [[2, -2]])


@pytest.mark.parametrize(
    ("path", "field", "status"),
    [
        ("/digits/10", "digit", 404),
        ("/digits/-1", "digit", 404),
        ("/digits/7.5", "extension", 422),
        ("/digits/seven.png", "digit", 404),
        ("/digits/seven", "digit", 404),
        ("/digits/" + "9" * 5000, "digit", 404),
        ("/digits/7?seed=-1", "seed", 422),
        ("/digits/7?seed=4294967296", "seed", 422),
        ("/digits/7?seed=x", "seed", 422),
        ("/digits/7?temperature=-0.1", "temperature", 422),
        ("/digits/7?temperature=11", "temperature", 422),
        ("/digits/7?temperature=nan", "temperature", 422),
        ("/digits/7?temperature=inf", "temperature", 422),
        ("/digits/7?sede=3", "sede", 422),
        ("/digits/7?model=other", "model", 404),
    ],
)
def test_a_bad_request_is_answered_with_its_field(
    client: TestClient, path: str, field: str, status: int
) -> None:
    answer = client.get(path)
    assert answer.status_code == status
    assert [fault["field"] for fault in answer.json()["errors"]] == [field]
