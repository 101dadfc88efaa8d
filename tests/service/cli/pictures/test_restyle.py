"""`cvae restyle`: one hand writes all labels."""

from __future__ import annotations

import json

import numpy as np
from PIL import Image

from tests.service import fake
from tests.service.cli.commands import Cvae


def draw(cvae: Cvae, name: str, top: int, bottom: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    picture = np.repeat(np.array([top, bottom], np.uint8), 14)[:, np.newaxis].repeat(28, axis=1)
    Image.fromarray(picture).save(cvae.folder / name)
    return np.array([[top / 255, bottom / 255]], np.float32)


def test_restyle_writes_a_phrase_without_naming_a_model(cvae: Cvae) -> None:
    z = draw(cvae, "a.png", 255, 51)
    options = ("--polarity", "light-on-dark", "--labels", "20251126")
    cvae.check("restyle", "a.png", *options, "-o", "date.png")
    with Image.open(cvae.folder / "date.png") as image:
        made = np.asarray(image)
    labels = [2, 0, 2, 5, 1, 1, 2, 6]
    expected = np.hstack(list(fake.decode(np.tile(z, (8, 1)), labels)[..., 0]))
    np.testing.assert_allclose(made / 255, expected, atol=0.01)


def test_restyle_takes_the_mean_of_several(cvae: Cvae) -> None:
    z = (draw(cvae, "a.png", 255, 51) + draw(cvae, "b.png", 51, 255)) / 2
    content = cvae.check("restyle", "a.png", "b.png", "--polarity", "light-on-dark", "--columns", "5")
    body = json.loads(content)
    assert (body["model"], body["labels"]) == ("labelled", list(range(10)))
    np.testing.assert_allclose(body["z"], np.tile(z, (10, 1)), atol=1e-6)


def test_a_model_without_labels_is_refused_with_one_that_takes_them(cvae: Cvae) -> None:
    draw(cvae, "a.png", 255, 51)
    line = cvae.refuse(1, "restyle", "a.png", "--model", "fake")
    assert "model: expected a label-conditioned model (labelled), received 'fake'" in line
