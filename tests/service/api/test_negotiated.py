"""Pictures by a path without an end: those of the image URLs, in the format that is asked for."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from service.core.media_types import FORMATS

PATHS = {
    "/decode": "z=0.5,-1.0&z=0,0&scale=2",
    "/sample": "n=3&seed=1",
    "/interpolate": "from=digit:3&to=0.1,-0.4&steps=4",
    "/manifold": "n=3",
    "/latent-map": "size=64",
}
CASES = list(PATHS.items())


@pytest.mark.parametrize(("path", "query"), CASES)
@pytest.mark.parametrize("extension", ["png", "webp", "json"])
def test_it_is_what_the_image_url_is(client: TestClient, path: str, query: str, extension: str) -> None:
    expected = client.get(f"{path}.{extension}?{query}")
    assert expected.status_code == 200
    asked = client.get(f"{path}?{query}", headers={"accept": FORMATS[extension]})
    forced = client.get(f"{path}?{query}&format={extension}", headers={"accept": "text/html"})
    assert asked.content == forced.content == expected.content
    assert asked.headers["content-type"] == expected.headers["content-type"]
    assert asked.headers["etag"] == forced.headers["etag"] == expected.headers["etag"]
    assert asked.headers["vary"] == "Accept"
    assert "vary" not in forced.headers


@pytest.mark.parametrize(("path", "query"), CASES)
def test_without_a_wish_it_is_png(client: TestClient, path: str, query: str) -> None:
    answer = client.get(f"{path}?{query}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    known = client.get(f"{path}?{query}", headers={"if-none-match": answer.headers["etag"]})
    assert known.status_code == 304
    assert client.head(f"{path}?{query}").headers["etag"] == answer.headers["etag"]


@pytest.mark.parametrize(("path", "query"), CASES)
def test_what_is_not_offered_is_406_and_what_is_misspelt_422(
    client: TestClient, path: str, query: str
) -> None:
    refused = client.get(f"{path}?{query}", headers={"accept": "text/html"})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (406, "Accept")
    for wrong in ("format=jpeg", "formt=png"):
        answer = client.get(f"{path}?{query}&{wrong}")
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, wrong.split("=")[0])


def test_a_saved_picture_has_the_end_of_what_it_is(client: TestClient) -> None:
    answer = client.get("/decode?z=0,0&download=1", headers={"accept": "image/webp"})
    assert answer.headers["content-disposition"] == 'attachment; filename="decode.webp"'


def test_a_seed_that_was_chosen_is_named_by_the_same_path(client: TestClient) -> None:
    answer = client.get("/sample?n=2")
    seed = answer.headers["cvae-seed"]
    assert answer.headers["content-location"] == f"/sample?n=2&seed={seed}"
    assert client.get(answer.headers["content-location"]).content == answer.content
