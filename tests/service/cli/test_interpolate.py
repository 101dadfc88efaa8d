"""`cvae interpolate`: every kind of point."""

from __future__ import annotations

import json

import numpy as np
from PIL import Image

from tests.service.cli.commands import Cvae


def test_interpolate_goes_between_all_kinds_of_ends(cvae: Cvae) -> None:
    cvae.check("interpolate", "digit:3", "-.5,1e0", "--steps", "5", "--duration-ms", "50", "-o", "walk.gif")
    with Image.open(cvae.folder / "walk.gif") as image:
        assert getattr(image, "n_frames", 1) == 5
        assert image.info["duration"] == 50
    cvae.check("decode", "2,2", "-o", "a.png")
    lines = cvae.check("interpolate", "a.png", "digit:0", "--steps", "70", "--format", "ndjson").splitlines()
    assert len(lines) == 70
    np.testing.assert_allclose(json.loads(lines[-1])["z"], [0, 0])
