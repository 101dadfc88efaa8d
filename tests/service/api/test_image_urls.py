"""Image URLs: what caches may do with them, and what options do, whatever the picture."""

from __future__ import annotations

import asyncio
import io
import pathlib
import re

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from service.batching.batcher import Batcher
from service.core.settings import Settings
from service.server.app import create_app
from tests.pauses import ask
from tests.service import fake

URLS = (
    "/decode.png?z=0.5,-1.0",
    "/decode.json?z=0.5,-1.0",
    "/decode.npy?z=0.5,-1.0&z=1,1",
    "/digits/7.png?seed=3",
    "/digits/7?seed=3",
    "/sample.webp?n=4&seed=1",
    "/interpolate.gif?from=digit:3&to=0.1,-0.4&steps=4",
    "/interpolate.apng?from=digit:3&to=0.1,-0.4&steps=4",
    "/interpolate.zip?from=digit:3&to=0.1,-0.4&steps=4",
    "/manifold.png?n=3&extent=2",
    "/latent-map.png?size=64",
    "/models/fake/latents",
)


def open_image(content: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


def sizes(content: bytes) -> tuple[int, int]:
    return open_image(content).size


@pytest.fixture
def batches(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one for each batch that runs."""
    ran: list[int] = []
    original = Batcher._call

    def counted(self: Batcher, shares: list[object]) -> object:
        ran.append(1)
        return original(self, shares)  # type: ignore[arg-type]

    monkeypatch.setattr(Batcher, "_call", counted)
    return ran


@pytest.mark.parametrize("url", URLS)
def test_who_has_it_gets_304_and_nothing_runs(client: TestClient, url: str, batches: list[int]) -> None:
    first = client.get(url)
    assert first.status_code == 200, first.text
    tag = first.headers["etag"]
    assert re.fullmatch('"[0-9a-f]{32}"', tag)
    del batches[:]
    for listed in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = client.get(url, headers={"if-none-match": listed})
        assert (again.status_code, again.content) == (304, b"")
        kept = ("etag", "cache-control", "vary", "cvae-model")
        assert [again.headers.get(name) for name in kept] == [first.headers.get(name) for name in kept]
    assert batches == []
    other = client.get(url, headers={"if-none-match": '"other"'})
    assert (other.status_code, other.content) == (200, first.content)


@pytest.mark.parametrize("url", URLS)
def test_head_is_get_without_its_body(client: TestClient, url: str) -> None:
    whole, head = client.get(url), client.head(url)
    assert (head.status_code, head.content) == (200, b"")
    varying = {"server-timing", "x-request-id"}
    assert {**head.headers, **dict.fromkeys(varying)} == {**whole.headers, **dict.fromkeys(varying)}
    assert int(head.headers["content-length"]) == len(whole.content)


@pytest.mark.parametrize("url", [url for url in URLS if "/models/" not in url])
def test_a_url_that_names_the_version_is_for_ever(client: TestClient, url: str) -> None:
    assert client.get(url).headers["cache-control"].startswith("public, max-age=60")
    version = client.get("/models/fake").json()["version"]
    mark = "&" if "?" in url else "?"
    plain, pinned = client.get(f"{url}{mark}model=fake"), client.get(f"{url}{mark}model=fake@{version}")
    assert plain.headers["cache-control"] == client.get(url).headers["cache-control"]
    assert pinned.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert pinned.headers["etag"] == plain.headers["etag"]
    assert pinned.content == plain.content
    assert client.get(f"{url}{mark}model=fake@000000000000").status_code == 404


NEGOTIATED = ("/digits/7?seed=3", "/models/fake/latents")


@pytest.mark.parametrize("url", URLS)
def test_the_end_of_a_url_decides_and_accept_where_there_is_none(client: TestClient, url: str) -> None:
    plain = client.get(url)
    assert plain.headers.get("vary") == ("Accept" if url in NEGOTIATED else None)
    other = client.get(url, headers={"accept": "text/html"})
    if url in NEGOTIATED:
        assert other.status_code == 406
        assert plain.headers["content-type"] in other.json()["errors"][0]["expected"]
    else:
        assert (other.status_code, other.content) == (200, plain.content)


@pytest.mark.parametrize("url", ["/digits/7?seed=3&format=png", "/models/fake/latents?format=json"])
def test_a_url_that_names_the_format_depends_on_no_header(client: TestClient, url: str) -> None:
    answer = client.get(url, headers={"accept": "text/html"})
    assert answer.status_code == 200
    assert "vary" not in answer.headers


@pytest.mark.parametrize(
    ("url", "vary"), [("/decode.png?z=0,0", "Origin"), ("/digits/7?seed=3", "Accept, Origin")]
)
def test_what_pages_elsewhere_may_read_depends_on_where_they_are(
    models_dir: pathlib.Path, url: str, vary: str
) -> None:
    settings = Settings(models_dir=models_dir, cors_origins=("https://page.example",))
    with TestClient(create_app(settings)) as client:
        for headers in ({}, {"origin": "https://page.example"}, {"origin": "https://other.example"}):
            assert client.get(url, headers=headers).headers["vary"] == vary


def test_urls_that_mean_the_same_have_one_tag(client: TestClient) -> None:
    same = ("z=0.5,-1.0", "z=.5,-1", "z=5e-1,-1.0&scale=1", "z=0.5, -1.0&model=fake", "z=0.5,-1.0&download=1")
    assert len({client.get(f"/decode.png?{query}").headers["etag"] for query in same}) == 1


def test_whatever_changes_the_bytes_changes_the_tag(client: TestClient) -> None:
    urls = [
        "/decode.png?z=0.5,-1.0",
        "/decode.webp?z=0.5,-1.0",
        "/decode.json?z=0.5,-1.0",
        "/decode.json?z=0.5,-1.0&dtype=uint8",
        "/decode.npy?z=0.5,-1.0",
        "/decode.zip?z=0.5,-1.0",
        "/decode.png?z=0.5,-1.1",
        "/decode.png?z=0.5,-1.0&z=0.5,-1.0",
        "/decode.png?z=0.5,-1.0&scale=2",
        "/decode.png?z=0.5,-1.0&scale=2&resample=smooth",
        "/decode.png?z=0.5,-1.0&invert=1",
        "/decode.png?z=0.5,-1.0&padding=1",
        "/decode.png?z=0.5,-1.0&colormap=viridis",
        "/digits/7.json?seed=3",
        "/digits/7.json?seed=4",
        "/digits/7.json?seed=3&temperature=0.5",
        # The same vectors, and other words about where they come from.
        "/digits/7.json?seed=3&temperature=0",
        "/digits/7.json?seed=4&temperature=0",
        "/sample.json?n=1&seed=3&digit=7&temperature=0",
        "/sample.json?n=1&seed=3&temperature=0",
        "/sample.json?n=1&seed=4&temperature=0",
        "/interpolate.gif?from=0,0&to=1,1",
        "/interpolate.gif?from=0,0&to=1,1&duration_ms=50",
        "/interpolate.gif?from=0,0&to=1,1&loops=1",
        "/latent-map.png?size=64",
        "/latent-map.png?size=65",
        "/latent-map.png?size=64&invert=1",
        "/latent-map.png?size=64&extent=2",
        "/models/fake/latents?format=npy",
        "/models/fake/latents?format=npy&array=label",
    ]
    answers = [client.get(url) for url in urls]
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == len(urls)
    assert len({answer.headers["etag"] for answer in answers}) == len(urls)


@pytest.mark.parametrize("url", ["/digits/7.png", "/digits/7", "/sample.png?n=2", "/sample.json?n=2"])
def test_a_seed_that_is_missing_is_chosen_and_told(client: TestClient, url: str) -> None:
    first, second = client.get(url), client.get(url)
    assert first.headers["cache-control"] == "no-store"
    assert "etag" not in first.headers
    assert first.headers["cvae-seed"] != second.headers["cvae-seed"]
    again = client.get(first.headers["content-location"])
    assert again.content == first.content
    assert again.headers["cvae-seed"] == first.headers["cvae-seed"]
    assert "etag" in again.headers
    assert "content-location" not in again.headers


def test_a_picture_can_be_saved_under_a_name(client: TestClient) -> None:
    names = {
        "/decode.png?z=0,0&download=1": "decode.png",
        "/digits/7.webp?seed=3&download=true": "7-3.webp",
        "/digits/7?seed=3&download=true": "7-3.png",
        "/sample.zip?n=2&seed=5&download=1": "sample-5.zip",
        "/latent-map.png?size=64&download=1": "latent-map.png",
    }
    for url, name in names.items():
        assert client.get(url).headers["content-disposition"] == f'attachment; filename="{name}"'
    assert "content-disposition" not in client.get("/decode.png?z=0,0").headers


def test_options_change_the_picture(client: TestClient) -> None:
    def size(query: str) -> tuple[int, int]:
        return sizes(client.get(f"/decode.png?z=0,0&z=1,1&z=2,2&{query}").content)

    assert size("") == (56, 56)
    assert size("scale=3") == (168, 168)
    assert size("columns=3") == (84, 28)
    assert size("columns=1&padding=2&scale=2") == (2 * 32, 2 * (3 * 28 + 4 * 2))
    pixels = np.asarray(open_image(client.get("/decode.png?z=0.5,-1.0").content))
    inverted = np.asarray(open_image(client.get("/decode.png?z=0.5,-1.0&invert=1").content))
    np.testing.assert_array_equal(inverted, 255 - pixels)
    coloured = open_image(client.get("/decode.png?z=0.5,-1.0&colormap=magma").content)
    assert coloured.mode == "RGB"
    webp = np.asarray(open_image(client.get("/decode.webp?z=0.5,-1.0").content))[..., 0]
    np.testing.assert_array_equal(webp, pixels)


def test_a_vector_of_a_url_is_the_vector_of_a_body(client: TestClient) -> None:
    posted = client.post("/decode", json={"z": [[0.5, -1.0], [2, 1]]}).content
    assert client.get("/decode.png?z=0.5,-1.0&z=2,1").content == posted


@pytest.mark.parametrize(
    ("url", "status", "field"),
    [
        ("/decode.png", 422, "z"),
        ("/decode.bmp?z=0,0", 422, "extension"),
        ("/decode.gif?z=0,0", 422, "extension"),
        ("/decode.png?z=", 422, "z"),
        ("/decode.png?z=0,one", 422, "z[1]"),
        ("/decode.png?z=0,nan", 422, "z[1]"),
        ("/decode.png?z=0,1e999", 422, "z[1]"),
        ("/decode.png?z=0,0,0", 422, "z"),
        ("/decode.png?z=0,0&z=1", 422, "z[1]"),
        ("/decode.png?z=0,20000", 422, "z"),
        ("/decode.png?z=0,0&label=7", 422, "label"),
        ("/decode.png?z=0,0&model=other", 404, "model"),
        ("/decode.png?z=0,0&scale=0", 422, "scale"),
        ("/decode.png?z=0,0&scale=65", 422, "scale"),
        ("/decode.png?z=0,0&columns=0", 422, "columns"),
        ("/decode.png?z=0,0&padding=-1", 422, "padding"),
        ("/decode.png?z=0,0&colormap=jet", 422, "colormap"),
        ("/decode.png?z=0,0&resample=best", 422, "resample"),
        ("/decode.png?z=0,0&invert=perhaps", 422, "invert"),
        ("/decode.png?z=0,0&zoom=2", 422, "zoom"),
        ("/sample.png?n=0&seed=1", 422, "n"),
        ("/sample.png?n=65&seed=1", 422, "n"),
        ("/sample.png?seed=-1", 422, "seed"),
        ("/sample.png?seed=1&digit=10", 404, "digit"),
        ("/sample.png?seed=1&temperature=nan", 422, "temperature"),
        ("/interpolate.gif?to=0,0", 422, "from"),
        ("/interpolate.gif?from=digit:3&to=digit:x", 404, "to"),
        ("/interpolate.gif?from=digit:3&to=digit:11", 404, "to"),
        ("/interpolate.gif?from=0,0,0&to=digit:1", 422, "from"),
        ("/interpolate.gif?from=digit:3&from_label=3&to=digit:1", 422, "from_label"),
        ("/interpolate.gif?from=0,0&to=1,1&steps=1", 422, "steps"),
        ("/interpolate.gif?from=0,0&to=1,1&steps=65", 422, "steps"),
        ("/interpolate.gif?from=0,0&to=1,1&duration_ms=5", 422, "duration_ms"),
        ("/interpolate.gif?from=0,0&to=1,1&loops=-1", 422, "loops"),
        ("/interpolate.tiff?from=0,0&to=1,1", 422, "extension"),
        ("/manifold.json?n=9", 422, "n"),
        ("/manifold.png?n=143", 422, "n"),
        ("/manifold.png?n=1000000000", 422, "n"),
        ("/manifold.png?n=3&extent=0", 422, "extent"),
        ("/manifold.png?n=3&dims=0", 422, "dims"),
        ("/manifold.png?n=3&dims=0,2", 422, "dims"),
        ("/latent-map.png?size=63", 422, "size"),
        ("/latent-map.gif", 422, "extension"),
        ("/models/other/latents", 404, "model"),
        ("/models/fake/latents?format=png", 422, "format"),
    ],
)
def test_a_bad_url_is_answered_with_its_field(client: TestClient, url: str, status: int, field: str) -> None:
    answer = client.get(url)
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (status, field)


def test_what_would_be_too_large_is_refused_before_it_runs(client: TestClient, batches: list[int]) -> None:
    # 64 pictures of (28 * 64)² pixels are 205 million; of frames of 560², 20 million.
    for url in (
        "/sample.png?n=64&seed=1&scale=64",
        "/interpolate.gif?from=0,0&to=1,1&steps=64&scale=20",
        "/sample.webp?n=64&seed=1&scale=11&columns=64",
    ):
        answer = client.get(url)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "scale"), answer.text
    assert batches == []
    assert client.get("/sample.json?n=64&seed=1&scale=64").status_code == 200


def test_the_grid_of_a_manifold_goes_upwards(client: TestClient) -> None:
    body = client.get("/manifold.json?n=2&extent=1").json()
    assert body["z"] == [[-1, 1], [1, 1], [-1, -1], [1, -1]]
    np.testing.assert_allclose(body["images"], fake.decode(np.array(body["z"]))[..., 0], atol=1e-6)
    assert sizes(client.get("/manifold.png?n=8").content) == (224, 224)


@pytest.mark.parametrize("form", ["png", "webp"])
def test_a_grid_may_have_as_many_pictures_as_pixels_allow(
    client: TestClient, batches: list[int], form: str
) -> None:
    # 64 rows are what any other request may have.
    answer = client.get(f"/manifold.{form}?n=40&extent=2")
    assert answer.status_code == 200
    with Image.open(io.BytesIO(answer.content)) as image:
        found = np.asarray(image.convert("L"), np.float32) / 255
    side = np.linspace(-2, 2, 40)
    z = np.stack([np.tile(side, 40), np.repeat(side[::-1], 40)], axis=1).astype(np.float32)
    expected = fake.decode(z)[..., 0].reshape(40, 40, 28, 28).swapaxes(1, 2).reshape(1120, 1120)
    np.testing.assert_allclose(found, expected, atol=0.002)
    # 1,600 rows by 256: others have their turns in between.
    assert len(batches) == 7


def test_a_large_grid_is_bounded_by_its_pixels(client: TestClient, batches: list[int]) -> None:
    answer = client.get("/manifold.png?n=40&scale=4")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "scale")
    assert batches == []


def test_the_atlas_is_given_whole(client: TestClient) -> None:
    body = client.get("/models/fake/latents").json()
    assert (body["z_mean"], body["label"]) == ([[0, 0], [1, -1], [-2, 3]], [0, 1, 1])
    for array, dtype in (("z_mean", np.float32), ("label", np.int64)):
        headers = {"accept": "application/x-npy"}
        content = client.get("/models/fake/latents", params={"array": array}, headers=headers).content
        found = np.load(io.BytesIO(content), allow_pickle=False)
        assert found.dtype == dtype
        assert found.tolist() == body[array]


def test_the_map_shows_every_point_where_it_is(client: TestClient) -> None:
    body = client.get("/latent-map.json").json()
    assert (body["points"], body["label"], body["extent"]) == ([[0, 0], [1, -1], [-2, 3]], [0, 1, 1], 3)
    picture = np.asarray(open_image(client.get("/latent-map.png?size=200").content))
    assert picture.shape[0] == 200
    assert picture.shape[1] > 200
    inverted = np.asarray(open_image(client.get("/latent-map.png?size=200&invert=1").content))
    np.testing.assert_array_equal(inverted, 255 - picture)


def test_where_it_can_be_had_again_is_said_of_any_query(client: TestClient) -> None:
    answer = asyncio.run(
        ask(client.app, "GET", b"/sample.npy?n=\xff&seed=&n=2&download=1", headers={"host": "["})
    )
    assert answer.status == 422  # an empty seed is none
    answer = asyncio.run(ask(client.app, "GET", b"/digits/7.npy?scale=2", headers={"host": "["}))
    again = client.get(answer.headers["content-location"])
    assert again.content == answer.content
    assert again.status_code == answer.status == 200
