from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

REQUEST = {"from": {"digit": 3}, "to": {"z": [0.1, -0.4]}, "steps": 8, "method": "lerp"}


def test_gives_a_strip_of_all_steps(client: TestClient) -> None:
    answer = client.post("/interpolate", json=REQUEST)
    assert answer.headers["content-type"] == "image/png"
    with Image.open(io.BytesIO(answer.content)) as image:
        assert image.size == (8 * 28, 28)


def test_json_gives_the_path(client: TestClient) -> None:
    body = client.post("/interpolate?format=json", json=REQUEST).json()
    np.testing.assert_allclose(body["z"][0], [1.5, -1.5])  # the fake's class 3
    np.testing.assert_allclose(body["z"][-1], [0.1, -0.4])
    assert np.shape(body["images"]) == (8, 28, 28)


def test_slerp_keeps_the_radius(client: TestClient) -> None:
    request = {"from": {"z": [0, 2]}, "to": {"z": [2, 0]}, "steps": 5, "method": "slerp"}
    body = client.post("/interpolate?format=json", json=request).json()
    np.testing.assert_allclose(np.linalg.norm(body["z"], axis=1), 2, rtol=1e-6)


def test_steps_and_method_have_defaults(client: TestClient) -> None:
    request = {"from": {"z": [0, 2]}, "to": {"z": [2, 0]}}
    body = client.post("/interpolate?format=json", json=request).json()
    assert len(body["z"]) == 8
    np.testing.assert_allclose(np.sum(body["z"], axis=1), 2, rtol=1e-6)


@pytest.mark.parametrize(
    ("change", "field", "status"),
    [
        ({"from": None}, "from", 422),
        ({"from": {}}, "from", 422),
        ({"from": {"digit": 3, "z": [0, 0]}}, "from", 422),
        ({"from": {"digit": "3"}}, "from.digit", 422),
        ({"from": {"digit": 3.5}}, "from.digit", 422),
        ({"from": {"digit": True}}, "from.digit", 422),
        ({"from": {"digit": 11}}, "from.digit", 404),
        ({"to": {"z": [0, None]}}, "to.z[1]", 422),
        ({"to": {"z": [[0, 0]]}}, "to.z", 422),
        ({"to": {"z": [0, 0, 0]}}, "to.z", 422),
        ({"to": {"image": 1}}, "to.image", 422),
        ({"steps": 1}, "steps", 422),
        ({"steps": 65}, "steps", 422),
        ({"steps": 10**30}, "steps", 422),
        ({"steps": "8"}, "steps", 422),
        ({"method": "cubic"}, "method", 422),
        ({"model": "other"}, "model", 404),
    ],
)
def test_a_bad_request_is_answered_with_its_field(
    client: TestClient, change: dict[str, Any], field: str, status: int
) -> None:
    answer = client.post("/interpolate", json={**REQUEST, **change})
    assert answer.status_code == status
    assert field in [fault["field"] for fault in answer.json()["errors"]]
