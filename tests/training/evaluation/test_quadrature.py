from __future__ import annotations

import numpy as np
import pytest

from training.data.datasets import Split
from training.evaluation import quadrature
from training.evaluation.likelihood import Decode, Floats, Labels, marginal_likelihood
from training.evaluation.metrics import estimate_likelihoods
from training.evaluation.quadrature import QuadratureError, exact_likelihood, surround
from training.models.encoding import Posteriors

ZEROS = np.zeros((2, 2), np.float32)
BLACK_AND_WHITE = Split(np.array([0, 255], np.uint8).reshape(2, 1, 1, 1), np.array([3, 8]))
WHITE = Split(np.full((1, 8, 8, 1), 255, np.uint8), np.zeros(1, np.int64))


def bright(z: Floats, _: Labels) -> Floats:
    """One pixel, 0.9 where z[0] > 0, else 0.1, with a soft edge: p(x) is 0.5 for black and for white."""
    return (0.5 + 0.4 * np.tanh(4 * z[:, :1])).astype(np.float32).reshape(-1, 1, 1, 1)


def needle(width: float, at: float) -> Decode:
    """Pictures that are white within `width` of a place, and black everywhere else."""

    def decode(z: Floats, _: Labels) -> Floats:
        near = np.exp(-0.5 * (((z - at) / width) ** 2).sum(axis=1))
        return np.broadcast_to(0.999 * near[:, None, None, None] + 1e-6, (len(z), 8, 8, 1)).astype(np.float32)

    return decode


def test_the_integral_of_a_model_whose_integral_is_known() -> None:
    found = exact_likelihood(bright, ZEROS, ZEROS, BLACK_AND_WHITE)
    assert found.marginal == found.conditional == pytest.approx(np.log(2), abs=1e-3)
    assert found.error < 1e-3


def test_the_box_holds_the_prior_and_follows_posteriors_out_of_it() -> None:
    box = surround(np.array([[0.0, 0.0], [9.0, 0.0]], np.float32), np.log(np.full((2, 2), 0.25, np.float32)))
    assert box.low.tolist() == [-4.5, -4.5]
    assert box.high == pytest.approx([12.0, 4.5])


def test_mass_far_from_the_prior_s_middle_is_found_where_the_posteriors_are() -> None:
    far, narrow = needle(1.0, 7.0), np.full((1, 2), -4, np.float32)
    here, there = (np.full((1, 2), middle, np.float32) for middle in (0.0, 7.0))
    found = exact_likelihood(far, there, narrow, WHITE).marginal
    # 64 pixels make a Gaussian of precision 64 around (7, 7), times the prior's density there.
    assert found == pytest.approx(np.log(65) + 49 * 64 / 65 - 64 * np.log(0.999), abs=0.02)
    # A grid that does not reach there ends on a slope, and never converges.
    with pytest.raises(QuadratureError):
        exact_likelihood(far, here, narrow, WHITE)


def test_a_grid_is_refined_until_halving_changes_little(monkeypatch: pytest.MonkeyPatch) -> None:
    wide, narrow = (
        exact_likelihood(needle(width, 0.01), ZEROS[:1], ZEROS[:1] - 2, WHITE) for width in (1.0, 0.2)
    )
    assert wide.side < narrow.side
    assert max(wide.error, narrow.error) <= quadrature.TOLERANCE
    monkeypatch.setattr(quadrature, "SIDES", (81, 161))
    with pytest.raises(QuadratureError, match="not converged: halving the spacing of a grid of 81 points"):
        exact_likelihood(needle(0.05, 0.01), ZEROS[:1], ZEROS[:1] - 2, WHITE)


def test_posteriors_that_every_grid_steps_over_are_refused_before_a_picture_is_decoded() -> None:
    def decode(_: Floats, __: Labels) -> Floats:
        raise AssertionError("decoded")

    narrow = 2 * np.log(np.full((5, 2), 9 / 1280 / 11, np.float32))
    with pytest.raises(
        QuadratureError, match=r"not converged: a cell of .* as wide as 11 standard deviations"
    ):
        exact_likelihood(decode, np.zeros((5, 2), np.float32), narrow, WHITE)
    # One image does not decide, nor does what a grid may just resolve.
    narrow[0] -= 9
    with pytest.raises(AssertionError, match="decoded"):
        exact_likelihood(decode, np.zeros((5, 2), np.float32), (narrow + 0.5).astype(np.float32), WHITE)


def test_a_figure_that_has_not_converged_is_withheld_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quadrature, "SIDES", (11, 21))
    q = Posteriors(ZEROS[:1], ZEROS[:1] - 2, WHITE.label)
    found = estimate_likelihoods(needle(0.05, 0.01), q, WHITE, 20)
    assert set(found) == {"importance_likelihood", "exact_likelihood_withheld"}
    assert found["exact_likelihood_withheld"].startswith("not converged")


def test_a_figure_above_the_estimate_from_above_is_withheld(monkeypatch: pytest.MonkeyPatch) -> None:
    q = Posteriors(ZEROS, ZEROS, BLACK_AND_WHITE.label)
    found = estimate_likelihoods(bright, q, BLACK_AND_WHITE, 2_000)
    assert found["exact_likelihood"] == pytest.approx(found["importance_likelihood"], abs=0.05)
    monkeypatch.setattr("training.evaluation.likelihood.importance_likelihood", lambda *_: 0.5)
    withheld = estimate_likelihoods(bright, q, BLACK_AND_WHITE, 2_000)
    assert withheld["exact_likelihood_withheld"] == (
        "the quadrature came to 0.69, above the estimate from above, 0.50"
    )
    assert "exact_likelihood" not in withheld


def labelled(z: Floats, label: Labels) -> Floats:
    """A pixel that is white for the label 8 and black for 3, each nine times in ten, whatever z is."""
    return np.where(label == 8, 0.9, 0.1).astype(np.float32).reshape(-1, 1, 1, 1) + 0 * z[:, :1, None, None]


def test_what_a_label_tells_is_not_counted_in_the_marginal() -> None:
    shares = {3: 0.25, 8: 0.75}
    given = marginal_likelihood(labelled, ZEROS, ZEROS, BLACK_AND_WHITE, 200, shares)
    exact = exact_likelihood(labelled, ZEROS, ZEROS, BLACK_AND_WHITE, shares)
    black, white = 0.25 * 0.9 + 0.75 * 0.1, 0.25 * 0.1 + 0.75 * 0.9
    expected = -np.log(0.9), -np.log([black, white]).mean()
    assert given == pytest.approx(expected, abs=1e-3)
    assert (exact.conditional, exact.marginal) == pytest.approx(expected, abs=1e-3)
    q = Posteriors(ZEROS, ZEROS, BLACK_AND_WHITE.label)
    found = estimate_likelihoods(labelled, q, BLACK_AND_WHITE, 200, shares)
    assert found["importance_likelihood"] > found["conditional_importance_likelihood"]
    assert found["exact_likelihood"] == pytest.approx(expected[1], abs=1e-3)
