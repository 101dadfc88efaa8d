"""A bundle whose prior is a mixture: what is drawn from it, and what is still drawn from N(0, 1)."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from service.core.settings import Settings
from service.latent.prior import MixturePrior
from service.server.app import create_app
from tests.service import fake

PRIOR = MixturePrior(fake.make_mixture())


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    folder = tmp_path_factory.mktemp("models")
    fake.write_mixture(folder / "fake")
    fake.write_mixture(folder / "labelled", conditional=True)
    fake.write_bundle(folder / "normal")
    fake.write_mixture(folder / "narrow", classes=[{**entry, **NARROW} for entry in classes(folder)])
    unnamed = {name: array for name, array in fake.make_mixture().items() if name != "label"}
    fake.write_mixture(folder / "unnamed", unnamed)
    settings = Settings(models_dir=folder, default_model="fake")
    with TestClient(create_app(settings)) as running:
        yield running


NARROW = {"components": [{"weight": 1.0, "z_mean": [3.0, 3.0], "stddev": [0.0, 0.0]}]}


def classes(folder: pathlib.Path) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = json.loads((folder / "fake" / "model.json").read_text())["classes"]
    return listed


def z_of(client: TestClient, path: str) -> Any:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return np.array(answer.json()["z"], np.float32)


def test_samples_come_from_the_mixture(client: TestClient) -> None:
    body = client.post("/sample?format=json", json={"n": 600, "seed": 3, "temperature": 0.5}).json()
    assert (body["prior"], body["digit"]) == ("mixture", None)
    np.testing.assert_array_equal(np.array(body["z"], np.float32), PRIOR.sample(3, 0.5, 600)[0])
    same = z_of(client, "/sample.json?n=600&seed=3&temperature=0.5&prior=mixture")
    np.testing.assert_array_equal(same, PRIOR.sample(3, 0.5, 600)[0])


def test_a_few_are_the_first_of_many_which_a_thread_draws(client: TestClient) -> None:
    many = z_of(client, "/sample.json?n=1000&seed=4&digit=7")
    np.testing.assert_array_equal(z_of(client, "/sample.json?n=3&seed=4&digit=7"), many[:3])


def test_the_normal_prior_is_there_on_request(client: TestClient) -> None:
    for model in ("fake", "unnamed"):
        found = client.get(f"/sample.json?n=9&seed=3&prior=normal&model={model}").json()
        assert found["prior"] == "normal"
        assert found["z"] == client.get("/sample.json?n=9&seed=3&model=normal").json()["z"]
    posted = client.post("/sample?format=json", json={"n": 9, "seed": 3, "prior": "normal"}).json()
    assert posted["z"] == found["z"]
    assert client.get("/sample.json?seed=3&model=normal").json()["prior"] == "normal"


def test_the_prior_changes_the_tag(client: TestClient) -> None:
    paths = ("/sample.png?seed=3", "/sample.png?seed=3&prior=normal", "/sample.png?seed=3&prior=mixture")
    one, other, same = (client.get(path).headers["etag"] for path in paths)
    assert one == same != other


def test_a_digit_comes_from_its_components_of_the_mixture(client: TestClient) -> None:
    body = client.get("/digits/4.json?seed=9&temperature=0.5").json()
    np.testing.assert_array_equal(np.array(body["z"], np.float32), PRIOR.draw(4, 9, 0.5, 1, sure=True))
    np.testing.assert_array_equal(
        z_of(client, "/sample.json?digit=4&seed=9&temperature=0.5"), np.array(body["z"], np.float32)
    )
    assert client.get("/sample.json?digit=4&seed=9").json()["prior"] is None


def test_a_way_goes_to_the_heaviest_component_of_a_class(client: TestClient) -> None:
    z = z_of(client, "/interpolate.json?from=digit:1&to=digit:2&steps=2")
    np.testing.assert_array_equal(z, [[4, -4], [8, -8]])


def test_a_class_with_components_of_its_own_keeps_them(client: TestClient) -> None:
    np.testing.assert_array_equal(z_of(client, "/digits/4.json?seed=1&model=narrow"), [[3, 3]])
    assert not (z_of(client, "/sample.json?n=9&seed=1&model=narrow") == 3).any()


def test_a_mixture_without_classes_leaves_digits_as_they_were(client: TestClient) -> None:
    one, other = (z_of(client, f"/digits/4.json?seed=1&model={name}") for name in ("unnamed", "normal"))
    np.testing.assert_array_equal(one, other)


def test_samples_of_a_conditional_model_have_the_labels_of_their_components(client: TestClient) -> None:
    body = client.get("/sample.json?n=40&seed=1&model=labelled").json()
    z, label = PRIOR.sample(1, 1.0, 40)
    assert len(set(label.tolist())) > 5
    np.testing.assert_array_equal(np.array(body["z"], np.float32), z)
    np.testing.assert_allclose(body["images"], fake.decode(z, label.tolist())[..., 0], atol=1e-6)
    drawn = z_of(client, "/digits/4.json?seed=1&model=labelled")
    np.testing.assert_array_equal(drawn, PRIOR.draw(4, 1, 1.0, 1, sure=False))


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/sample.png?prior=mixture&model=normal", "normal: normal has no mixture"),
        ("/sample.png?prior=normal&digit=4", "none beside a digit"),
        ("/sample.png?prior=flat", "'normal' or 'mixture'"),
    ],
)
def test_a_prior_that_cannot_be_had_is_refused(client: TestClient, path: str, expected: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 422
    fault = answer.json()["errors"][0]
    assert (fault["field"], fault["expected"]) == ("prior", expected)


def test_a_picture_says_which_prior_drew_it(client: TestClient) -> None:
    picture = client.get("/sample.png?seed=3&metadata=true&prior=normal").content
    sent = client.post("/encode?metadata=true", content=picture, headers={"content-type": "image/png"})
    made = sent.json()["made_by"][0]
    assert (made["prior"], made["seed"]) == ("normal", 3)
