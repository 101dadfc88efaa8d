from __future__ import annotations

from fastapi.testclient import TestClient


def test_the_last_of_two_counts_but_all_of_a_list(client: TestClient) -> None:
    two = client.get("/decode.json?z=0,0&z=1,1&dtype=float32&dtype=uint8").json()
    assert two["z"] == [[0, 0], [1, 1]]
    assert type(two["images"][0][0][0]) is int


def test_a_query_that_comes_again_is_read_as_at_first(client: TestClient) -> None:
    for _ in range(2):
        assert client.get("/decode.json?z=0.5,%201").json()["z"] == [[0.5, 1]]
        assert client.get("/decode.json?z=0.5,1&zoom=1").json()["errors"][0]["field"] == "zoom"
        assert client.get("/sample.json?seed=1&n=2").json()["seed"] == 1


def test_a_query_too_long_to_keep_is_read(client: TestClient) -> None:
    vectors = [f"{i}.{i:020},0" for i in range(60)]
    answer = client.get("/decode.json", params={"z": vectors})
    assert len(answer.url.query) > 1024
    assert [row[0] for row in answer.json()["z"]] == list(range(60))
