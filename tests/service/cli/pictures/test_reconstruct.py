"""`cvae reconstruct`: pairs, and how far they are from each other."""

from __future__ import annotations

import json

import numpy as np
from PIL import Image

from tests.service import fake
from tests.service.cli.commands import Cvae

X = np.repeat(np.array([255, 51], np.uint8), 14)[:, np.newaxis].repeat(28, axis=1)
AS_IT_IS = ("--polarity", "light-on-dark")


def test_reconstruct_draws_pairs(cvae: Cvae) -> None:
    Image.fromarray(X).save(cvae.folder / "a.png")
    cvae.check("reconstruct", "a.png", *AS_IT_IS, "-o", "pair.png")
    with Image.open(cvae.folder / "pair.png") as image:
        pair = np.asarray(image)
    made = fake.decode(np.array([[1.0, 0.2]]))[0, ..., 0] * 255
    np.testing.assert_allclose(pair, np.hstack([X, made]), atol=1)


def test_reconstruct_says_how_far_it_is(cvae: Cvae) -> None:
    Image.fromarray(X).save(cvae.folder / "a.png")
    options = ("--model", "labelled", "--label", "2", "--dtype", "uint8")
    body = json.loads(cvae.check("reconstruct", "a.png", "a.png", *AS_IT_IS, *options))
    np.testing.assert_array_equal(body["x"], [X, X])
    assert len(body["reconstruction_loss"]) == 2
    assert "label: expected one of" in cvae.refuse(1, "reconstruct", "a.png", "--model", "labelled")
