"""`cvae sample`: the seed is named."""

from __future__ import annotations

import re

from tests.service.cli.commands import Cvae


def test_the_seed_that_was_chosen_is_named(cvae: Cvae) -> None:
    result = cvae.run("sample", "-n", "2", "--digit", "4", "-o", "first.png")
    seed = re.fullmatch(r"seed (\d+)\n", result.stderr)
    assert seed
    cvae.check("sample", "-n", "2", "--digit", "4", "--seed", seed[1], "-o", "second.png")
    assert (cvae.folder / "first.png").read_bytes() == (cvae.folder / "second.png").read_bytes()


def test_the_prior_is_handed_on(cvae: Cvae) -> None:
    normal = cvae.check("sample", "--seed", "3", "--prior", "normal")
    assert normal == cvae.check("sample", "--seed", "3")
    result = cvae.run("sample", "--seed", "3", "--prior", "mixture")
    assert result.exit_code
    assert "prior: expected normal: fake has no mixture, received 'mixture'" in result.stderr
