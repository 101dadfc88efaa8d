"""A model whose data names its classes: each request takes a name where it takes a label."""

from __future__ import annotations

import asyncio
import pathlib
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest
from fastapi.testclient import TestClient

from service.client import AsyncClient, Client
from service.core.settings import Settings
from service.server.app import create_app
from tests.service import fake
from tests.service.cli.commands import Cvae

NAMES = ["disc", "square", "wide star"]
DATASET = {"name": "shapes", "class_names": NAMES}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("models")
    fake.write_bundle(folder / "fake", dataset=DATASET)
    fake.write_bundle(folder / "labelled", conditional=True, dataset=DATASET)
    return folder


@pytest.fixture(scope="module")
def client(folder: pathlib.Path) -> Iterator[TestClient]:
    with TestClient(create_app(Settings(models_dir=folder, default_model="fake"))) as running:
        yield running


URLS = [
    "/digits/{}.json?seed=3",
    "/digits/{}?seed=3&format=png&download=1",
    "/sample.json?digit={}&seed=3&n=2",
    "/interpolate.json?from=digit:{}&to=0,0&steps=2",
    "/interpolate.json?model=labelled&from=0,1&from_label={}&to=0,0&to_label={}&steps=2",
    "/decode.json?model=labelled&z=0,1&label={}",
    "/decode.json?model=labelled&z=0,1&z=1,0&label={}&label=3",
    "/manifold.json?model=labelled&n=2&label={}",
]


@pytest.mark.parametrize("url", URLS)
def test_a_name_in_a_url_is_its_label(client: TestClient, url: str) -> None:
    by_label, by_name = client.get(url.format(2, 2)), client.get(url.format("wide%20star", "wide%20star"))
    assert by_label.status_code == 200, by_label.text
    assert by_name.content == by_label.content
    for field in ("etag", "content-disposition"):
        assert by_name.headers.get(field) == by_label.headers.get(field)


X = np.random.RandomState(0).random((28, 28)).tolist()
BODIES: list[tuple[str, Any]] = [
    ("/sample", lambda digit: {"digit": digit, "seed": 1}),
    ("/interpolate", lambda digit: {"from": {"digit": digit}, "to": {"z": [0, 0]}}),
    (
        "/interpolate",
        lambda digit: {
            "from": {"z": [0, 1], "label": digit},
            "to": {"pixels": X, "label": digit},
            "model": "labelled",
        },
    ),
    ("/decode", lambda digit: {"z": [0, 1], "label": digit, "model": "labelled"}),
    ("/decode", lambda digit: {"z": [[0, 1], [1, 0]], "label": [digit, 3], "model": "labelled"}),
    ("/reconstruct", lambda digit: {"pixels": X, "label": digit, "model": "labelled"}),
    ("/restyle", lambda digit: {"pixels": X, "labels": [digit, 0]}),
]


@pytest.mark.parametrize(("path", "make"), BODIES)
@pytest.mark.parametrize("name", ["square", "1", 1.0])
def test_a_name_in_json_is_its_label(client: TestClient, path: str, make: Any, name: Any) -> None:
    by_label = client.post(f"{path}?format=json", json=make(1))
    assert by_label.status_code == 200, by_label.text
    assert client.post(f"{path}?format=json", json=make(name)).content == by_label.content


def test_a_name_in_a_form_is_its_label(client: TestClient) -> None:
    def ask(digit: str) -> bytes:
        form = {"from": (None, f"digit:{digit}"), "to": (None, "0,0")}
        answer = client.post("/interpolate", files=form)
        labelled = {"from": (None, "0,1"), "to": (None, "0,0"), "from_label": (None, digit)}
        both = {**labelled, "to_label": (None, digit), "model": (None, "labelled")}
        return answer.content + client.post("/interpolate", files=both).content

    assert ask("square") == ask("1")


KNOWN = "0 disc, 1 square, 2 wide star, 3, 4, 5, 6, 7, 8, 9"


@pytest.mark.parametrize(
    ("url", "status", "field", "expected"),
    [
        ("/digits/circle", 404, "digit", f"a class of fake ({KNOWN})"),
        ("/digits/Square.png", 404, "digit", f"a class of fake ({KNOWN})"),
        ("/sample.png?digit=", 404, "digit", f"a class of fake ({KNOWN})"),
        ("/interpolate.png?from=digit:circle&to=0,0", 404, "from", f"a class of fake ({KNOWN})"),
        ("/decode.png?model=labelled&z=0,0&label=circle", 422, "label", f"one of {KNOWN}"),
        ("/manifold.png?model=fake&label=disc", 422, "label", "none: fake takes no label"),
    ],
)
def test_a_name_that_is_none_is_answered_with_those_that_there_are(
    client: TestClient, url: str, status: int, field: str, expected: str
) -> None:
    answer = client.get(url)
    (fault,) = answer.json()["errors"]
    assert (answer.status_code, fault["field"], fault["expected"]) == (status, field, expected)


def test_the_command_line_takes_names(folder: pathlib.Path, tmp_path: pathlib.Path) -> None:
    cvae = Cvae(tmp_path, folder, [])
    for by_name, by_label in (
        (("digits", "wide star", "--seed", "1"), ("digits", "2", "--seed", "1")),
        (("sample", "--digit", "square", "--seed", "1"), ("sample", "--digit", "1", "--seed", "1")),
        (("interpolate", "digit:square", "0"), ("interpolate", "1", "0")),
        (("manifold", "-n", "2", "--label", "disc"), ("manifold", "-n", "2", "--label", "0")),
        (
            ("decode", "0,0", "1,1", "--label", "disc", "--label", "2"),
            ("decode", "0,0", "1,1", *("--label", "0", "--label", "2")),
        ),
        (("decode", "0,0", "--label", "disc"), ("decode", "0,0", "--label", "0")),
    ):
        model = ("--model", "labelled" if "--label" in by_name else "fake")
        assert cvae.check(*by_name, *model) == cvae.check(*by_label, *model)


def test_the_client_takes_names(folder: pathlib.Path) -> None:
    async def ask(client: AsyncClient, one: Any, other: Any) -> list[Any]:
        answers = [
            await client.draw(one, seed=1),
            await client.sample(2, digit=one, seed=1),
            await client.decode([0, 1], label=one, model="labelled"),
            await client.decode([[0, 1], [1, 0]], label=[one, 3], model="labelled"),
            await client.manifold(2, label=one, model="labelled"),
            await client.interpolate(f"digit:{one}", [0.0, 0.0]),
            await client.interpolate(f"digit:{one}", np.array(X)),
            await client.restyle(np.array(X), [one, other]),
            await client.reconstruct(np.array(X), label=one, model="labelled"),
        ]
        return [answer.images for answer in answers]

    async def scene() -> tuple[list[Any], list[Any]]:
        app = create_app(Settings(models_dir=folder, default_model="fake"))
        client = AsyncClient("http://service", transport=httpx.ASGITransport(app))
        async with app.api.router.lifespan_context(app.api), client:
            return await ask(client, "wide star", "disc"), await ask(client, 2, 0)

    for by_name, by_label in zip(*asyncio.run(scene()), strict=True):
        np.testing.assert_array_equal(by_name, by_label)


def test_the_urls_of_the_client_take_names() -> None:
    urls = Client("http://service").urls()
    assert urls.draw("wide star", seed=1) == "http://service/digits/wide%20star.png?seed=1"
    decoded = urls.decode([0, 1], label=["wide star", 3])
    assert decoded == "http://service/decode.png?z=0%2C1&label=wide+star&label=3"
