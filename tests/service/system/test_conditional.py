"""A label-conditioned model: what a label does in each request, and how one that does not fit is refused."""

from __future__ import annotations

import io
import json
import pathlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from service.bundles.reader import read_bundle
from service.core.errors import BundleError
from service.core.settings import Settings
from service.fastpath.handler import FastPath
from service.server.app import create_app, create_fast_path
from tests.service import fake
from tests.service.wire import connect, play, without_ids


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    folder = tmp_path_factory.mktemp("models")
    fake.write_bundle(folder / "conditional", conditional=True)
    fake.write_bundle(folder / "plain")
    with TestClient(create_app(Settings(models_dir=folder))) as running:
        yield running


def images(answer: Any) -> Any:
    assert answer.status_code == 200, answer.text
    return np.array(answer.json()["images"])


def fault(answer: Any) -> dict[str, str]:
    assert answer.status_code == 422, answer.text
    (found,) = answer.json()["errors"]
    return dict(found)


def test_one_label_is_that_of_all_vectors(client: TestClient) -> None:
    z = [[0.5, -1.0], [0.0, 2.0]]
    found = images(client.post("/decode?format=json", json={"z": z, "label": 7}))
    np.testing.assert_allclose(found, fake.decode(np.array(z), [7, 7])[..., 0], atol=1e-6)


def test_a_list_of_labels_is_one_a_vector(client: TestClient) -> None:
    z = [[0.5, -1.0], [0.5, -1.0], [0.5, -1.0]]
    answer = client.post("/decode?format=json", json={"z": z, "label": [7, 0, 3]})
    np.testing.assert_allclose(images(answer), fake.decode(np.array(z), [7, 0, 3])[..., 0], atol=1e-6)
    assert answer.json()["z"] == z


def test_vectors_in_a_file_have_their_label_in_the_query(client: TestClient) -> None:
    file = io.BytesIO()
    np.save(file, np.array([[0.5, -1.0]], np.float32))
    headers = {"content-type": "application/x-npy"}
    found = images(client.post("/decode?format=json&label=4", content=file.getvalue(), headers=headers))
    np.testing.assert_allclose(found, fake.decode(np.array([[0.5, -1.0]]), [4])[..., 0], atol=1e-6)


def test_a_digit_is_drawn_with_its_label(client: TestClient) -> None:
    answer = client.get("/digits/7?seed=3&format=json")
    z = np.array(answer.json()["z"])
    assert z.shape == (1, 2)
    np.testing.assert_allclose(images(answer), fake.decode(z, [7])[..., 0], atol=1e-6)


def test_a_path_goes_from_label_to_label(client: TestClient) -> None:
    ends = {"from": {"digit": 2}, "to": {"z": [1.0, 0.0], "label": 8}, "steps": 3}
    answer = client.post("/interpolate?format=json", json=ends)
    found, z = images(answer), np.array(answer.json()["z"])
    middle = z[1] + (fake.SHIFTS[2] + fake.SHIFTS[8]) / 2
    expected = fake.decode(np.array([z[0] + fake.SHIFTS[2], middle, z[2] + fake.SHIFTS[8]]))
    np.testing.assert_allclose(found, expected[..., 0], atol=1e-6)


def test_the_same_vector_and_label_give_the_same_bytes_alone_and_among_others(client: TestClient) -> None:
    several: dict[str, Any] = {
        "z": [[0.1 * i, -0.2] for i in range(40)],
        "label": [i % 10 for i in range(40)],
    }
    together = images(client.post("/decode?format=json", json=several))
    for i in (0, 13, 39):
        alone = {"z": several["z"][i], "label": several["label"][i]}
        assert (images(client.post("/decode?format=json", json=alone))[0] == together[i]).all()


def test_labels_stand_in_urls(client: TestClient) -> None:
    z = np.array([[0.5, -1.0], [0.0, 2.0]])
    one = images(client.get("/decode.json?z=0.5,-1&z=0,2&label=7"))
    np.testing.assert_allclose(one, fake.decode(z, [7, 7])[..., 0], atol=1e-6)
    each = images(client.get("/decode.json?z=0.5,-1&z=0,2&label=7&label=3"))
    np.testing.assert_allclose(each, fake.decode(z, [7, 3])[..., 0], atol=1e-6)
    path = client.get("/interpolate.json?from=digit:2&to=1,0&to_label=8&steps=3")
    ends = {"from": {"digit": 2}, "to": {"z": [1.0, 0.0], "label": 8}, "steps": 3}
    np.testing.assert_array_equal(images(path), images(client.post("/interpolate?format=json", json=ends)))
    grid = client.get("/manifold.json?n=2&extent=1&label=4")
    expected = fake.decode(np.array(grid.json()["z"]), [4] * 4)
    np.testing.assert_allclose(images(grid), expected[..., 0], atol=1e-6)


def test_a_label_changes_the_tag(client: TestClient) -> None:
    tags = {client.get(f"/decode.png?z=0,0&label={label}").headers["etag"] for label in (1, 2, 2)}
    assert len(tags) == 2


def test_samples_of_the_prior_have_labels_of_their_own(client: TestClient) -> None:
    answer = client.get("/sample.json?n=40&seed=1")
    z, found = np.array(answer.json()["z"]), images(answer)
    candidates = np.stack([fake.decode(z, [label] * 40)[..., 0] for label in range(10)])
    drawn = np.abs(candidates - found).max(axis=(2, 3)).argmin(axis=0)
    np.testing.assert_allclose(candidates[drawn, range(40)], found, atol=1e-6)
    assert len(set(drawn.tolist())) > 5


def test_a_reconstruction_needs_the_label(client: TestClient) -> None:
    x = np.random.RandomState(0).random((28, 28))
    body = {"pixels": x.tolist(), "label": 7}
    answer = client.post("/reconstruct?format=json", json=body)
    z = np.array(answer.json()["z_mean"])
    np.testing.assert_allclose(images(answer), fake.decode(z, [7])[..., 0], atol=1e-6)
    in_query = client.post("/reconstruct?format=json&label=7", json={"pixels": x.tolist()})
    np.testing.assert_array_equal(images(in_query), images(answer))
    assert fault(client.post("/reconstruct", json={"pixels": x.tolist()}))["field"] == "label"


@pytest.mark.parametrize(
    ("url", "field"),
    [
        ("/decode.png?z=0,0", "label"),
        ("/decode.png?z=0,0&label=10", "label"),
        ("/decode.png?z=0,0&z=1,1&label=1&label=12", "label[1]"),
        ("/decode.png?z=0,0&model=plain&label=1", "label"),
        ("/manifold.png?n=2", "label"),
        ("/interpolate.png?from=0,0&to=digit:1", "from_label"),
        ("/interpolate.png?from=digit:1&to=0,0&to_label=11", "to_label"),
    ],
)
def test_a_label_that_does_not_fit_a_url_is_refused(client: TestClient, url: str, field: str) -> None:
    assert fault(client.get(url))["field"] == field


@pytest.mark.parametrize(
    ("body", "field", "expected", "received"),
    [
        ({"z": [0, 0]}, "label", "one of 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, which conditional needs", "none"),
        ({"z": [0, 0], "label": 10}, "label", "one of 0, 1, 2, 3, 4, 5, 6, 7, 8, 9", "10"),
        ({"z": [[0, 0], [1, 1]], "label": [1, -1]}, "label[1]", "one of 0, 1, 2, 3, 4, 5, 6, 7, 8, 9", "-1"),
        ({"z": [[0, 0], [1, 1]], "label": [1]}, "label", "one label, or 2: one a vector", "1"),
        ({"z": [0, 0], "label": []}, "label", "an integer, or a list of at least one", "an empty list"),
        ({"z": [0, 0], "label": "x"}, "label", "one of 0, 1, 2, 3, 4, 5, 6, 7, 8, 9", "'x'"),
        ({"z": [0, 0], "label": [7, True]}, "label[1]", "an integer, or a class's name", "True"),
        ({"z": [0, 0], "label": 7, "model": "plain"}, "label", "none: plain takes no label", "7"),
    ],
)
def test_a_label_that_does_not_fit_is_refused(
    client: TestClient, body: dict[str, Any], field: str, expected: str, received: str
) -> None:
    assert fault(client.post("/decode", json=body)) == {
        "field": field,
        "expected": expected,
        "received": received,
    }


@pytest.mark.parametrize(
    ("end", "field"),
    [
        ({"z": [0.0, 0.0]}, "from.label"),
        ({"z": [0.0, 0.0], "label": 12}, "from.label"),
        ({"digit": 3, "label": 3}, "from.label"),
    ],
)
def test_an_end_of_a_path_has_the_label_it_needs_and_no_other(
    client: TestClient, end: dict[str, Any], field: str
) -> None:
    answer = client.post("/interpolate", json={"from": end, "to": {"digit": 1}})
    assert fault(answer)["field"] == field


def test_the_list_of_models_tells_which_need_a_label(client: TestClient) -> None:
    models = client.get("/models").json()["models"]
    assert {model["name"]: model["conditional"] for model in models} == {"conditional": True, "plain": False}


def test_both_ways_ask_for_the_label_that_a_vector_needs(client: TestClient) -> None:
    app: Any = client.app
    path = create_fast_path(Settings(), app.direct)
    assert path is not None

    async def scene(path: FastPath | None) -> bytes:
        connection = connect(app, path)
        for i, (body, status) in enumerate(((b'{"z":[0,0]}', 422), (b'{"z":[0,0],"label":7}', 200))):
            head = b"POST /decode HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n"
            await connection.send(head + b"content-length: %d\r\n\r\n%b" % (len(body), body))
            assert b"HTTP/1.1 %d " % status in await connection.read(i + 1)
        await connection.send(b"GET /digits/7?seed=1 HTTP/1.1\r\nhost: a\r\n\r\n")
        return await connection.read(3)

    one, other = play(lambda: scene(path)), play(lambda: scene(None))
    assert without_ids(one) == without_ids(other)


@pytest.mark.parametrize(
    "label",
    [None, np.eye(9, dtype=np.float32)[:3], np.eye(10)[:3], np.eye(10, dtype=np.float32)[:2]],
    ids=["none", "nine labels", "float64", "a row too few"],
)
def test_golden_labels_must_fit(tmp_path: pathlib.Path, label: Any) -> None:
    folder = fake.write_bundle(tmp_path / "conditional", conditional=True)
    with np.load(folder / "golden.npz") as archive:
        arrays = {name: archive[name] for name in archive.files if name != "label"}
    np.savez(folder / "golden.npz", **arrays, **({} if label is None else {"label": label}))
    manifest = json.loads((folder / "model.json").read_text())
    manifest["golden"] = fake._file(folder, "golden.npz")
    fake.sign(folder, manifest)
    with pytest.raises(BundleError, match="label"):
        read_bundle(folder)


def test_a_label_input_must_have_a_column_for_each_class(tmp_path: pathlib.Path) -> None:
    folder = fake.write_bundle(tmp_path / "conditional", conditional=True)
    manifest = json.loads((folder / "model.json").read_text())
    del manifest["classes"][3]
    fake.sign(folder, manifest)
    with pytest.raises(BundleError, match="decoder: expected inputs and outputs"):
        read_bundle(folder)
