from __future__ import annotations

import pytest

from training.evaluation.posteriors import warn_of_collapse


@pytest.mark.parametrize(("active", "latent_dim"), [(1, 2), (2, 2), (8, 16), (1, 1)])
def test_enough_active_dimensions_are_nothing_to_say(active: int, latent_dim: int) -> None:
    assert warn_of_collapse(active, latent_dim) == ""


@pytest.mark.parametrize(("active", "latent_dim"), [(0, 1), (0, 2), (3, 16)])
def test_few_active_dimensions_are_a_collapse(active: int, latent_dim: int) -> None:
    warning = warn_of_collapse(active, latent_dim)
    assert warning.startswith(
        f"{active} of {latent_dim} latent dimensions are active: pictures hardly depend"
    )


def test_dimensions_to_spare_are_no_collapse() -> None:
    assert warn_of_collapse(7, 16) == (
        "7 of 16 latent dimensions are active: pictures do not depend on the others, so a smaller "
        "--latent-dim would do"
    )
