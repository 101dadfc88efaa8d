"""`cvae interpolate`: every kind of point."""

from __future__ import annotations

import json

import numpy as np
import pytest
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


def test_a_way_leads_through_points(cvae: Cvae) -> None:
    stops = ["--through", "8", "--through", "0.5,-1"]
    found = json.loads(cvae.check("interpolate", "3", "3", *stops, "--steps", "7"))["z"]
    np.testing.assert_allclose(found[4], [0.5, -1])
    assert found[2] == json.loads(cvae.check("interpolate", "8", "3", "--steps", "2"))["z"][0]
    cvae.check("decode", "2,2", "-o", "a.png")
    assert "expected no picture's file" in cvae.refuse(2, "interpolate", "a.png", "3", *stops)


def test_an_end_may_come_from_stdin(cvae: Cvae) -> None:
    cvae.check("decode", "2,2", "-o", "a.png")
    content = (cvae.folder / "a.png").read_bytes()
    expected = cvae.check("interpolate", "a.png", "8", "--steps", "3")
    assert cvae.check("interpolate", "-", "8", "--steps", "3", given=content) == expected
    assert "expected one end from stdin" in cvae.refuse(2, "interpolate", "-", "-")


def test_a_bare_integer_is_a_class(cvae: Cvae) -> None:
    content = cvae.check("interpolate", "digit:3", "digit:8", "--steps", "3")
    assert cvae.check("interpolate", "3", "8", "--steps", "3") == content
    assert len(json.loads(content)["z"]) == 3


@pytest.mark.parametrize("vector", ["3.", "-3", "3e0"])
def test_any_other_number_is_a_vector(local: Cvae, vector: str) -> None:
    assert "from: expected 2 numbers" in local.refuse(1, "interpolate", vector, "8")
