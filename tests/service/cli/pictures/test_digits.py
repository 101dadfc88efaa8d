"""`cvae digits`: one picture of a class."""

from __future__ import annotations

import json

import numpy as np

from tests.service.cli.commands import Cvae


def test_digits_draws_a_class(cvae: Cvae) -> None:
    body = json.loads(cvae.check("digits", "4", "--seed", "1", "--temperature", "0"))
    assert (body["digit"], body["seed"], body["temperature"]) == (4, 1, 0)
    np.testing.assert_allclose(body["z"], [[2, -2]])


def test_a_seed_that_was_chosen_is_named_and_draws_the_same(cvae: Cvae) -> None:
    first = cvae.run("digits", "3", "-o", "a.png")
    assert first.stderr.startswith("seed ")
    cvae.check("digits", "3", "--seed", first.stderr.split()[1], "-o", "b.png")
    assert (cvae.folder / "a.png").read_bytes() == (cvae.folder / "b.png").read_bytes()


def test_a_class_that_is_not_there_is_refused(cvae: Cvae) -> None:
    assert "digit: expected a class of fake (0, 1, 2" in cvae.refuse(1, "digits", "10")
