"""Several lines of one header are one list, as a proxy may join or split them."""

from __future__ import annotations

import itertools

import pytest
from fastapi.testclient import TestClient
from starlette.requests import Request

from service.http.header_fields import read_field

VECTOR = {"z": [0.5, -1.0]}


def lines(name: str, *values: str) -> list[tuple[str, str]]:
    return [(name, value) for value in values]


def test_lines_are_joined_in_their_order() -> None:
    headers = [(b"accept", b"a"), (b"host", b"x"), (b"accept", b"b;q=0.5, c")]
    request = Request({"type": "http", "headers": headers})
    assert read_field(request, "Accept") == "a, b;q=0.5, c"
    assert read_field(request, "accept-encoding") is None


@pytest.mark.parametrize(
    "parts", list(itertools.permutations(["text/html", "image/webp", "image/png;q=0.5"]))
)
@pytest.mark.parametrize("path", ["/decode", "/digits/7?seed=3"])
def test_accept_on_several_lines_counts_as_a_whole(
    client: TestClient, path: str, parts: tuple[str, ...]
) -> None:
    method, body = ("POST", VECTOR) if path == "/decode" else ("GET", None)
    one = client.request(method, path, json=body, headers=lines("accept", ", ".join(parts)))
    several = client.request(method, path, json=body, headers=lines("accept", *parts))
    assert several.headers["content-type"] == one.headers["content-type"] == "image/webp"
    assert several.content == one.content


@pytest.mark.parametrize(
    "url",
    ["/decode.png?z=0,0", "/digits/7?seed=3", "/latent-map.png", "/models/fake/latents", "/manifold.png?n=2"],
)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_tag_on_any_line_is_seen(client: TestClient, url: str, place: int) -> None:
    tag = client.get(url).headers["etag"]
    values = ['"one"', '"two"']
    values.insert(place, tag)
    assert client.get(url, headers=lines("if-none-match", *values)).status_code == 304
    assert client.get(url, headers=lines("if-none-match", '"one"', '"two"')).status_code == 200


@pytest.mark.parametrize(("first", "second"), [("br", "gzip"), ("gzip", "br")])
def test_encodings_on_several_lines_are_all_welcome(client: TestClient, first: str, second: str) -> None:
    message = {"inputs": [{"name": "z", "shape": [1, 2], "datatype": "FP32", "data": [0.5, -1.0]}]}
    answer = client.post(
        "/v2/models/fake.decoder/infer", json=message, headers=lines("accept-encoding", first, second)
    )
    assert answer.headers["content-encoding"] == "gzip"


@pytest.mark.parametrize("second", ["application/json", "text/plain; charset=utf-8"])
def test_a_body_of_two_types_is_of_none(client: TestClient, second: str) -> None:
    headers = lines("content-type", "application/json; charset=utf-8", second)
    answer = client.post("/decode", content=b'{"z":[0.5,-1.0]}', headers=headers)
    assert answer.status_code == 415
    assert answer.json()["errors"][0]["received"] == f"application/json, {second.split(';')[0]}"


def test_two_deadlines_are_none(client: TestClient) -> None:
    answer = client.post("/decode", json=VECTOR, headers=lines("x-request-timeout-ms", "1000", "2000"))
    assert (answer.status_code, answer.json()["errors"][0]["received"]) == (422, "'1000, 2000'")
