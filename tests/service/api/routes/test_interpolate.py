from __future__ import annotations

import asyncio
import io
import itertools
import json
import pathlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from service.core.settings import Settings
from service.server.app import create_app

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
        ({"from": {"digit": [3]}}, "from.digit", 422),
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
        ({"through": {"digit": 3}}, "through", 422),
        ({"through": [{"digit": 3}, {}]}, "through[1]", 422),
        ({"through": [{"digit": 11}]}, "through[0].digit", 404),
        ({"through": [{"z": [0, 0, 0]}]}, "through[0].z", 422),
        ({"through": 7 * [{"digit": 3}]}, "steps", 422),
        ({"through": 1025 * [{"digit": 3}]}, "through", 422),
        ({"model": "other"}, "model", 404),
    ],
)
def test_a_bad_request_is_answered_with_its_field(
    client: TestClient, change: dict[str, Any], field: str, status: int
) -> None:
    answer = client.post("/interpolate", json={**REQUEST, **change})
    assert answer.status_code == status
    assert field in [fault["field"] for fault in answer.json()["errors"]]


@pytest.mark.parametrize("method", ["lerp", "slerp"])
def test_a_way_through_points_is_its_legs(client: TestClient, method: str) -> None:
    places = [[0.0, 2.0], [1.5, 0.5], [-1.0, 1.0], [2.0, 2.0]]
    first, *through, last = [{"z": z} for z in places]
    body = {"from": first, "to": last, "through": through, "steps": 13, "method": method}
    found = client.post("/interpolate?format=json", json=body).json()
    legs = []
    for start, end in itertools.pairwise(places):
        leg = {"from": {"z": start}, "to": {"z": end}, "steps": 5, "method": method}
        legs.append(client.post("/interpolate?format=json", json=leg).json())
    for array in ("z", "images"):
        joined = np.concatenate([legs[0][array][:1], *(leg[array][1:] for leg in legs)])
        np.testing.assert_allclose(found[array], joined, atol=1e-6)
    query = "&".join(f"through={z[0]},{z[1]}" for z in places[1:3])
    url = f"/interpolate.json?from=0,2&to=2,2&{query}&steps=13&method={method}"
    assert client.get(url).json()["images"] == found["images"]


def test_a_way_through_a_picture_is_drawn(client: TestClient) -> None:
    pixels = np.full((28, 28), 0.5).tolist()
    body = {
        "from": {"digit": 3},
        "to": {"digit": 8},
        "through": [{"pixels": pixels}, {"digit": 3}],
        "steps": 4,
    }
    found = client.post("/interpolate?format=json", json=body).json()
    seen = client.post("/encode", json={"pixels": pixels}).json()
    np.testing.assert_allclose(found["z"][1], seen["z_mean"][0], rtol=1e-6)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("through=1,x", "through[0][1]"),
        ("through=1,1&through=digit", "through[1]"),
        ("through=1,1&through_label=1&through_label=2", "through_label"),
        ("through_label=1", "through_label"),
        ("through=1,1&through_label=1", "through[0]_label"),
        ("&".join(9 * ["through=1,1"]), "steps"),
    ],
)
def test_a_bad_point_of_a_way_is_named(client: TestClient, query: str, field: str) -> None:
    answer = client.get(f"/interpolate.png?from=digit:3&to=0,0&{query}")
    assert answer.status_code == 422
    assert field in [fault["field"] for fault in answer.json()["errors"]]


FORMATS = {"gif": "image/gif", "webp": "image/webp", "apng": "image/apng"}


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("how", ["accept", "format", "url"])
def test_it_moves(client: TestClient, name: str, how: str) -> None:
    if how == "accept":
        answer = client.post("/interpolate", json=REQUEST, headers={"accept": FORMATS[name]})
    elif how == "format":
        answer = client.post(f"/interpolate?format={name}", json=REQUEST)
    else:
        answer = client.get(f"/interpolate.{name}?from=digit:3&to=0.1,-0.4&steps=8&method=lerp")
    assert answer.headers["content-type"] == FORMATS[name]
    strip = np.asarray(Image.open(io.BytesIO(client.post("/interpolate", json=REQUEST).content)))
    with Image.open(io.BytesIO(answer.content)) as image:
        assert image.n_frames == 8  # type: ignore[attr-defined]
        for i in range(8):
            image.seek(i)
            np.testing.assert_array_equal(image.convert("L"), strip[:, 28 * i : 28 * (i + 1)])


def test_frames_may_be_drawn_and_timed(client: TestClient) -> None:
    url = "/interpolate.gif?from=digit:3&to=0.1,-0.4&steps=3&scale=2&padding=1&duration_ms=250&loops=2"
    with Image.open(io.BytesIO(client.get(url).content)) as image:
        assert image.size == (60, 60)
        assert image.info["duration"] == 250
        assert image.info["loop"] == 1  # plays after the first


def test_a_line_of_ndjson_is_a_frame(client: TestClient) -> None:
    lines = client.post("/interpolate?format=ndjson", json=REQUEST).content.splitlines()
    whole = client.post("/interpolate?format=json", json=REQUEST).json()
    frames = [json.loads(line) for line in lines]
    assert [frame["index"] for frame in frames] == list(range(8))
    assert [frame["z"] for frame in frames] == whole["z"]
    assert [frame["image"] for frame in frames] == whole["images"]


def write(pixels: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def picture() -> Any:
    pixels = np.zeros((28, 28), np.uint8)
    pixels[4:20, 10:14] = 255
    return pixels


def test_an_end_may_be_a_picture(client: TestClient, picture: Any) -> None:
    z_mean = client.post("/encode", json={"pixels": (picture / 255).tolist()}).json()["z_mean"]
    expected = client.post(
        "/interpolate?format=json", json={"from": {"z": z_mean[0]}, "to": {"digit": 3}, "steps": 4}
    ).json()
    numbers = {"from": {"pixels": (picture / 255).tolist()}, "to": {"digit": 3}, "steps": 4}
    as_json = client.post("/interpolate?format=json", json=numbers).json()
    form = {"to": "digit:3", "steps": "4"}
    as_file = client.post("/interpolate?format=json", data=form, files={"from": write(picture)}).json()
    for found in (as_json, as_file):
        np.testing.assert_allclose(found["z"], expected["z"], rtol=1e-6)
        assert found["images"] == expected["images"]
    both = client.post(
        "/interpolate?format=json", files={"from": write(picture), "to": write(picture)}
    ).json()
    np.testing.assert_allclose(both["z"], np.repeat(z_mean, 8, axis=0), rtol=1e-6)


def test_two_pictures_are_taken_in_the_order_that_they_are_named(client: TestClient, picture: Any) -> None:
    other = np.roll(picture, 8, axis=0)
    first, last = (
        client.post("/encode", json={"pixels": (x / 255).tolist()}).json()["z_mean"][0]
        for x in (picture, other)
    )
    assert first != last
    numbers = {"from": {"pixels": (picture / 255).tolist()}, "to": {"pixels": (other / 255).tolist()}}
    form = {"from": ("a.png", write(picture)), "to": ("b.png", write(other))}
    for answer in (
        client.post("/interpolate?format=json", json=numbers),
        client.post("/interpolate?format=json", files=form),
        client.post("/interpolate?format=json", files=dict(reversed(form.items()))),
    ):
        path = answer.json()["z"]
        # Files are polished a little on their way.
        np.testing.assert_allclose([path[0], path[-1]], [first, last], atol=1e-5)


def test_a_picture_may_lack_the_name_of_a_file(client: TestClient, picture: Any) -> None:
    content = write(picture)
    named, nameless = (
        client.post(
            "/interpolate", files={"from": (name, content), "to": (None, "digit:1")}, data={"steps": 4}
        )
        for name in ("a.png", None)
    )
    assert nameless.status_code == 200, nameless.text
    assert nameless.content == named.content


def test_no_picture_is_encoded_for_a_path_that_is_refused(
    client: TestClient, picture: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: Any) -> None:
        raise AssertionError("it was encoded")

    app: Any = client.app
    monkeypatch.setattr(app.api.state.registry.get(), "encode", fail)
    files = {"from": ("a.png", write(picture))}
    for form, query, field in (
        ({"to": "digit:11"}, "", "to"),
        ({"to": "0,0,0"}, "", "to"),
        ({"to": "digit:1", "steps": "65"}, "", "steps"),
        ({"to": "digit:1", "from_label": "1"}, "", "from_label"),
        ({"to": "digit:1", "steps": "64"}, "?scale=64", "scale"),
    ):
        answer = client.post(f"/interpolate{query}", data=form, files=files)
        assert answer.status_code in (404, 422)
        assert answer.json()["errors"][0]["field"] == field


def test_a_form_may_have_texts_alone(client: TestClient) -> None:
    form = {"from": (None, "digit:3"), "to": (None, "0.1,-0.4"), "method": (None, "lerp")}
    assert (
        client.post("/interpolate", files=form).content == client.post("/interpolate", json=REQUEST).content
    )


@pytest.mark.parametrize(
    ("form", "field", "status"),
    [
        ({"from": "digit:3"}, "to", 422),
        ({"from": "digit:3", "to": "x"}, "to", 422),
        ({"from": "digit:3", "to": "0,x"}, "to[1]", 422),
        ({"from": "digit:3", "to": "digit:11"}, "to", 404),
        ({"from": "digit:3", "to": b"no picture"}, "to", 400),
        ({"from": "digit:3", "to": "0,0", "steps": "1"}, "steps", 422),
        ({"from": "digit:3", "to": "0,0", "steps": "many"}, "steps", 422),
        ({"from": "digit:3", "to": "0,0", "steps": "1_0"}, "steps", 422),
        ({"from": "digit:3", "to": "0,0", "steps": "65"}, "steps", 422),
        ({"from": "digit:3", "to": "0,0", "stride": "2"}, "stride", 422),
        ({"from": "digit:3", "to": "0,0", "model": "other"}, "model", 404),
        ({"from": "digit:3", "to": "0,0", "to_label": "1"}, "to_label", 422),
        ({"from": "digit:3", "to": "0,0", "from_label": "1"}, "from_label", 422),
        ({"from": "digit:3", "to": "0,0", "steps": b"a file"}, "steps", 422),
    ],
)
def test_a_bad_form_is_answered_with_its_field(
    client: TestClient, form: dict[str, Any], field: str, status: int
) -> None:
    parts = {name: ("a.png" if isinstance(part, bytes) else None, part) for name, part in form.items()}
    answer = client.post("/interpolate", files=parts)
    assert answer.status_code == status, answer.text
    assert field in [fault["field"] for fault in answer.json()["errors"]]


@pytest.mark.parametrize("text", ["1_0", "_", "x"])
def test_a_form_is_told_of_a_number_as_a_query_is(client: TestClient, text: str) -> None:
    form = {"from": (None, "digit:3"), "to": (None, "0,0"), "steps": (None, text)}
    answers = [
        client.post("/interpolate", files=form),
        client.get("/interpolate", params={"from": "digit:3", "to": "0,0", "steps": text}),
    ]
    fault = {"field": "steps", "expected": "a valid integer", "received": f"'{text}'"}
    assert [answer.json()["errors"][0] for answer in answers] == [fault, fault]


def test_a_picture_of_another_size_is_refused(client: TestClient) -> None:
    for pixels, field in (([[0.5]], "from.pixels"), (np.zeros((2, 28, 28)).tolist(), "from.pixels")):
        answer = client.post("/interpolate", json={**REQUEST, "from": {"pixels": pixels}})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)


# Streams: as long as 1024 steps, in parts of 64.
@pytest.fixture(scope="module")
def large(models_dir: pathlib.Path) -> Iterator[TestClient]:
    with TestClient(create_app(Settings(models_dir=models_dir, cache_bytes=0))) as running:
        yield running


@pytest.mark.parametrize("name", ["apng", "ndjson", "zip"])
def test_a_long_one_is_sent_as_it_is_made(
    large: TestClient, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"/interpolate.{name}?from=0,0&to=1,1&steps=200"
    with large.stream("GET", url) as answer:
        assert answer.status_code == 200
        assert "content-length" not in answer.headers
        assert "etag" in answer.headers
        streamed = b"".join(answer.iter_raw())
    monkeypatch.setattr("service.api.responses.PART_ROWS", 1000)
    whole = large.get(url)
    assert int(whole.headers["content-length"]) == len(streamed)
    assert whole.content == streamed


def test_the_first_part_comes_before_the_last_is_made(large: TestClient) -> None:
    app: Any = large.app
    engine = app.api.state.registry.get()
    parts: list[int] = []
    decode = engine.decode

    async def counted(rows: Any, call: Any) -> Any:
        parts.append(len(rows))
        return await decode(rows, call)

    engine.decode = counted
    seen: list[int] = []

    async def scene() -> None:
        async def receive() -> Any:
            await asyncio.sleep(3600)

        async def send(message: Any) -> None:
            if message["type"] == "http.response.body":
                seen.append(len(parts))

        scope = {
            "type": "http", "method": "GET", "path": "/interpolate.ndjson", "raw_path": b"",
            "query_string": b"from=0,0&to=1,1&steps=200", "headers": [], "http_version": "1.1",
            "scheme": "http", "server": ("test", 80), "client": ("test", 1), "root_path": "",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
        }  # fmt: skip
        await asyncio.wait_for(app(scope, receive, send), 10)

    try:
        large.portal.call(scene)  # type: ignore[union-attr]
    finally:
        del engine.decode
    assert parts == [64, 64, 64, 8]
    assert seen[:4] == [1, 2, 3, 4]


def test_a_queue_that_is_full_is_429_before_anything_is_sent(
    large: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    app: Any = large.app
    batcher = app.api.state.registry.get()._decoder
    monkeypatch.setattr(batcher, "waiting_rows", batcher.queue_capacity_rows)
    answer = large.get("/interpolate.ndjson?from=0,0&to=1,1&steps=200")
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) >= 1
