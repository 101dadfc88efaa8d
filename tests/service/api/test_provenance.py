"""`metadata=1`: pictures say what made them, and /encode tells what they say."""

from __future__ import annotations

import io
import json
import pathlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from service.core.settings import Settings
from service.imaging.formats.png import write_png
from service.imaging.notes import add_note, read_note
from service.server.app import create_app
from tests.service import fake


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("models")
    fake.write_bundle(folder / "fake")
    fake.write_bundle(folder / "labelled", conditional=True)
    return folder


@pytest.fixture(scope="module")
def client(folder: pathlib.Path) -> Iterator[TestClient]:
    with TestClient(create_app(Settings(models_dir=folder))) as running:
        yield running


def ask(client: TestClient, target: str, body: Any = None) -> Any:
    answer = client.get(target) if body is None else client.post(target, json=body)
    assert answer.status_code == 200, answer.text
    return answer


def note(answer: Any) -> Any:
    content = read_note(answer.content)
    return None if content is None else json.loads(content)


PIXELS = np.random.RandomState(0).random((28, 28)).tolist()
# Where to ask, with what, and what stands in the note beside model, version and z.
DRAWN: dict[str, tuple[str, Any, dict[str, Any]]] = {
    "one vector": ("/decode.png?z=0.1,-1", None, {}),
    "a sheet": ("/decode.webp?z=0.1,-1&z=0,0&scale=3&colormap=magma", None, {}),
    "vectors in a body": ("/decode?padding=2", {"z": [[0.1, -1], [2, 3]]}, {}),
    "labels": ("/decode.png?model=labelled&z=0,0&z=0,1&label=3&label=7", None, {"label": [3, 7]}),
    "a digit": ("/digits/7.png?seed=3&temperature=0.5", None, {"digit": 7, "seed": 3, "temperature": 0.5}),
    "samples": ("/sample.webp?n=4&seed=9", None, {"prior": "normal", "seed": 9, "temperature": 1}),
    "samples with labels": (
        "/sample",
        {"n": 2, "digit": 4, "seed": 1, "model": "labelled"},
        {"digit": 4, "seed": 1, "temperature": 1, "label": [4, 4]},
    ),
    "a path": ("/interpolate.apng?from=digit:1&to=0,0&steps=5", None, {}),
    "a moving path": ("/interpolate.webp?from=digit:1&to=0,0&steps=5", None, {}),
    "a path between labels": ("/interpolate.png?model=labelled&from=digit:1&to=digit:2&steps=5", None, {}),
    "a long path": ("/interpolate.apng?from=digit:1&to=0,0&steps=200", None, {}),
    "a manifold": ("/manifold.png?n=3", None, {}),
    "a style": ("/restyle", {"pixels": PIXELS, "labels": "31"}, {"label": [3, 1]}),
    "pairs": ("/reconstruct", {"pixels": PIXELS}, {}),
}


@pytest.mark.parametrize("kind", DRAWN)
def test_a_picture_says_what_made_it(client: TestClient, kind: str) -> None:
    target, body, causes = DRAWN[kind]
    joint = "&" if "?" in target else "?"
    plain, noted = ask(client, target, body), ask(client, f"{target}{joint}metadata=1", body)
    model, version = noted.headers["cvae-model"].split("@")
    found = note(noted)
    z = found.pop("z")
    assert found == {"model": model, "version": version, **causes}
    assert note(plain) is None
    with Image.open(io.BytesIO(plain.content)) as one, Image.open(io.BytesIO(noted.content)) as other:
        assert getattr(one, "n_frames", 1) == getattr(other, "n_frames", 1)
        np.testing.assert_array_equal(one.convert("RGB"), other.convert("RGB"))
    if "etag" in plain.headers:
        assert noted.headers["etag"] != plain.headers["etag"]
        assert client.get(f"{target}{joint}metadata=0").headers["etag"] == plain.headers["etag"]
    numbers = ask(
        client,
        target.replace(".png", ".json").replace(".webp", ".json").replace(".apng", ".json")
        + f"{joint}format=json" * (body is not None),
        body,
    )
    assert z == numbers.json()["z"]


def test_what_stands_in_the_note_draws_the_picture_again(client: TestClient) -> None:
    noted = ask(client, "/sample.png?n=6&seed=2&model=labelled&metadata=1")
    said = note(noted)
    body = {name: said[name] for name in ("z", "label", "model")}
    assert (
        ask(client, "/decode?metadata=0", body).content
        == ask(client, "/sample.png?n=6&seed=2&model=labelled").content
    )


def test_numbers_and_other_formats_have_no_note(client: TestClient) -> None:
    for extension in ("json", "npy", "zip", "gif", "ndjson"):
        target = f"/interpolate.{extension}?from=digit:1&to=0,0&steps=3"
        plain, noted = ask(client, target), ask(client, f"{target}&metadata=1")
        assert (noted.content, noted.headers["etag"]) == (plain.content, plain.headers["etag"])


def test_different_causes_of_one_picture_have_different_tags(client: TestClient) -> None:
    first, other = (ask(client, f"/sample.png?seed={seed}&temperature=0&metadata=1") for seed in (1, 2))
    assert note(first)["seed"] == 1
    assert first.headers["etag"] != other.headers["etag"]


def test_of_many_vectors_only_the_model_is_noted(client: TestClient) -> None:
    rng = np.random.RandomState(0)
    answer = ask(client, "/decode?metadata=1", {"z": rng.random((1000, 2)).tolist()})
    assert "z" in note(answer)
    labelled = {"z": rng.random((1000, 2)).tolist(), "label": 3, "model": "labelled"}
    assert set(note(ask(client, "/decode?metadata=1", labelled))) == {"model", "version"}


def test_encode_tells_what_made_each_file(client: TestClient) -> None:
    noted = ask(client, "/digits/7.png?seed=3&metadata=1").content
    plain = write_png(np.random.RandomState(0).randint(0, 256, (28, 28, 1), np.uint8))
    files = [("file", ("a.png", noted)), ("file", ("b.png", plain))]
    body = client.post("/encode?metadata=1", files=files).json()
    first, second = body["made_by"]
    assert (first["model"], first["digit"], first["seed"], second) == ("fake", 7, 3, None)
    assert set(first) == {"model", "version", "digit", "seed", "temperature", "z"}
    one = client.post("/encode?metadata=1", content=noted, headers={"content-type": "image/png"}).json()
    assert one["made_by"] == [first]
    without = client.post("/encode", content=noted, headers={"content-type": "image/png"}).json()
    assert without == {name: value for name, value in one.items() if name != "made_by"}
    numbers = client.post("/encode?metadata=1", json={"pixels": PIXELS}).json()
    assert "made_by" not in numbers


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"no JSON",
        b"[]",
        b"{}",
        b'{"model":"fake"}',
        b'{"model":"fake","version":"0123456789ab","z":[["x"]]}',
        b'{"model":"<script>","version":"0123456789ab"}',
        b'{"model":"fake","version":"0123456789ab","seed":-1}',
        b"[" * 60_000,
    ],
)
def test_a_note_that_is_none_of_ours_is_not_told(client: TestClient, text: bytes) -> None:
    plain = write_png(np.random.RandomState(0).randint(0, 256, (28, 28, 1), np.uint8))
    forged = add_note("image/png", plain, text)
    body = client.post("/encode?metadata=1", content=forged, headers={"content-type": "image/png"}).json()
    assert body["made_by"] == [None]


def test_what_else_a_note_says_is_left_out(client: TestClient) -> None:
    plain = write_png(np.random.RandomState(0).randint(0, 256, (28, 28, 1), np.uint8))
    forged = add_note("image/png", plain, b'{"model":"a","version":"0123456789ab","more":[1]}')
    body = client.post("/encode?metadata=1", content=forged, headers={"content-type": "image/png"}).json()
    assert body["made_by"] == [{"model": "a", "version": "0123456789ab"}]
