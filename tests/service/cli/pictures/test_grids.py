"""`cvae manifold` and `cvae latent-map`: views of latent space."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from tests.service import fake
from tests.service.cli.commands import Cvae


def test_manifold_draws_a_grid(cvae: Cvae) -> None:
    cvae.check("manifold", "-n", "3", "--extent", "1", "-o", "grid.png", "--scale", "2")
    with Image.open(cvae.folder / "grid.png") as image:
        assert image.size == (3 * 28 * 2,) * 2
    body = json.loads(cvae.check("manifold", "-n", "2", "--dims", "1,0", "--extent", "1"))
    assert body["z"] == [[1, -1], [1, 1], [-1, -1], [-1, 1]]


def test_manifold_takes_a_label(cvae: Cvae) -> None:
    body = json.loads(cvae.check("manifold", "-n", "1", "--label", "4", "--model", "labelled"))
    np.testing.assert_allclose(body["images"], fake.decode(np.array(body["z"]), [4])[..., 0], atol=1e-6)


def test_a_dimension_that_is_not_there_is_refused(cvae: Cvae) -> None:
    assert "dims: expected numbers from 0 to 1" in cvae.refuse(1, "manifold", "--dims", "0,2")


@pytest.mark.parametrize("dims", ["0", "0,1,2", "a,b", ""])
def test_dimensions_are_two_numbers(local: Cvae, dims: str) -> None:
    assert f"expected two numbers, such as 0,1; received {dims!r}" in local.refuse(
        2, "manifold", "--dims", dims
    )


def test_latent_map_draws_the_atlas(cvae: Cvae) -> None:
    cvae.check("latent-map", "--size", "64", "-o", "map.webp")
    with Image.open(cvae.folder / "map.webp") as image:
        assert image.height == 64
    plain = cvae.check("latent-map", "--size", "64", "--format", "png")
    assert cvae.check("latent-map", "--size", "64", "--format", "png", "--invert") != plain
    body = json.loads(cvae.check("latent-map", "--extent", "4"))
    assert (body["extent"], body["label"]) == (4, [0, 1, 1])
