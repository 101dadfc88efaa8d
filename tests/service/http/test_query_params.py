from __future__ import annotations

import asyncio
from typing import Any

import pytest
from fastapi import Request
from fastapi.testclient import TestClient
from starlette.exceptions import HTTPException

from service.api.schemas.urls import DecodeUrl
from service.http.query_params import asks

# In the order of the query.
ORDERED = (("scale", "1_0"), ("columns", "2_0"), ("padding", "0_1"))


def test_all_of_a_list_count(client: TestClient) -> None:
    assert client.get("/decode.json?z=0,0&z=1,1").json()["z"] == [[0, 0], [1, 1]]


@pytest.mark.parametrize(
    ("query", "faults"),
    [
        ("z=0,0&scale=2&scale=2", [("scale", "one value", "2")]),
        ("z=0,0&scale=2&scale=3&scale=a", [("scale", "one value", "3")]),
        ("z=0,0&model=mnist-2d&z=1,1&model=", [("model", "one value", "2")]),
        (
            "dtype=uint8&dtype=uint8&z=0,0&scale=x",
            [("dtype", "one value", "2"), ("scale", "a valid integer", "'x'")],
        ),
        ("z=0,0&zoom=1&zoom=2", [("zoom", "no field of this name", "one")]),
        ("z=0,0&scale=1_0", [("scale", "a valid integer", "'1_0'")]),
        ("z=0,0&scale=1%5F0", [("scale", "a valid integer", "'1_0'")]),
        (
            "scale=1_0&z=0,0&columns=2_0&padding=0_1",
            [(name, "a valid integer", f"'{text}'") for name, text in ORDERED],
        ),
    ],
)
def test_a_parameter_is_given_once_and_as_it_is_documented(
    client: TestClient, query: str, faults: list[tuple[str, str, str]]
) -> None:
    answer = client.get(f"/decode.json?{query}")
    assert answer.status_code == 422
    found = [(fault["field"], fault["expected"], fault["received"]) for fault in answer.json()["errors"]]
    assert found == faults


@pytest.mark.parametrize(
    ("target", "field"),
    [
        ("/digits/3.json?temperature=1_0", "temperature"),
        ("/digits/3.json?seed=1_0", "seed"),
        ("/digits/1_0.json", "digit"),
        ("/sample.json?digit=1_0", "digit"),
        ("/latent-map.json?extent=1_0.5", "extent"),
    ],
)
def test_no_number_has_an_underscore(client: TestClient, target: str, field: str) -> None:
    answer = client.get(target)
    assert answer.status_code == (404 if field == "digit" else 422)
    assert answer.json()["errors"][0]["field"] == field
    assert answer.json()["errors"][0]["received"].strip("'").startswith("1_0")


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


def names(answer: Any) -> list[str]:
    assert answer.status_code == 422
    assert len(answer.content) < 4000
    return [fault["field"] for fault in answer.json()["errors"]]


def test_of_many_unknown_names_the_first_few_are_told(client: TestClient) -> None:
    query = "&".join(f"x{i}=1" for i in range(4000))
    assert names(client.get(f"/decode.png?{query}")) == ["z", "x0", "x1", "x2"]
    assert names(client.get(f"/decode.png?{query}&z=0,0&scale=a")) == ["scale", "x0", "x1", "x2"]
    assert names(client.get(f"/latent-map.png?{'y' * 9000}=1")) == ["y" * 79 + "…"]


def test_many_wrong_labels_are_one_fault(client: TestClient) -> None:
    assert names(client.get("/decode.png?z=0,0" + "&label=x" * 4000)) == ["label"]


def test_a_query_of_too_many_parameters_is_refused_before_it_is_read(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.http.query_params._split", lambda _: pytest.fail("it was read"))
    answer = client.get("/decode.png?" + "z=0,0&" * 4096)
    assert answer.json()["detail"] == "query: expected at most 4096 parameters, received 4097"
    assert names(answer) == ["query"]


def test_a_query_that_is_too_long_is_refused_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.http.query_params._split", lambda _: pytest.fail("it was read"))
    scope = {"type": "http", "query_string": b"z=" + b"0" * 65_535, "headers": []}

    async def read() -> None:
        await asks(DecodeUrl).dependency(Request(scope))

    with pytest.raises(HTTPException) as caught:
        asyncio.run(read())
    assert caught.value.status_code == 414
    assert caught.value.detail == "query: expected at most 65536 bytes, received 65537"


def test_too_many_vectors_are_refused_before_they_are_read(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.api.routes.decode.read_vectors", lambda *_: pytest.fail("they were read"))
    assert names(client.get("/decode.png?" + "&".join(["z=0,0"] * 65))) == ["z"]
