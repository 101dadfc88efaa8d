"""`cvae encode`: files to numbers."""

from __future__ import annotations

import json

import numpy as np

from tests.service.cli.commands import Cvae


def test_encode_takes_files(cvae: Cvae) -> None:
    for name in ("a.png", "b.png"):
        cvae.check("decode", "0.5,-1.0", "-o", name)
    cvae.check("encode", "a.png", "b.png", "-o", "z.npy")
    mean = np.load(cvae.folder / "z.npy")
    assert mean.shape == (2, 2)
    cvae.check("encode", "a.png", "b.png", "--seed", "1", "-o", "z.npy")
    assert not np.allclose(np.load(cvae.folder / "z.npy"), mean)


def test_encode_tells_what_made_a_file(cvae: Cvae) -> None:
    cvae.check("digits", "7", "--seed", "3", "--metadata", "-o", "seven.png")
    body = json.loads(cvae.check("encode", "seven.png", "--metadata"))
    (made_by,) = body["made_by"]
    assert (made_by["model"], made_by["digit"], made_by["seed"]) == ("fake", 7, 3)
    assert "made_by" not in json.loads(cvae.check("encode", "seven.png"))
