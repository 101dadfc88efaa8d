from __future__ import annotations

from fastapi.testclient import TestClient


def test_a_model_says_what_it_is_and_what_runs_it(client: TestClient) -> None:
    body = client.get("/models/fake").json()
    assert body["name"] == "fake"
    assert body["default"] is True
    assert body["latent_dim"] == 2
    assert body["image"] == {"height": 28, "width": 28, "channels": 1, "polarity": "light-on-dark"}
    assert body["classes"] == list(range(10))
    assert body["metrics"] == {"negative_elbo": 100.0}
    assert body["runtime"]["provider"] == "CPUExecutionProvider"
    assert body["runtime"]["intra_op_threads"] == 1


def test_the_list_holds_every_model(client: TestClient) -> None:
    assert client.get("/models").json() == {"models": [client.get("/models/fake").json()]}


def test_an_unknown_model_is_a_problem(client: TestClient) -> None:
    answer = client.get("/models/other")
    assert answer.status_code == 404
    assert answer.json()["errors"] == [{"field": "model", "expected": "one of fake", "received": "'other'"}]
