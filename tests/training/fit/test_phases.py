from __future__ import annotations

from tests.training import small
from training.fit.phases import Phase, list_phases


def test_a_run_has_one_phase_unless_it_asks_for_exact_epochs() -> None:
    config = small.config(epochs=7)
    assert list_phases(config) == [Phase(0, config)]


def test_a_mixture_comes_in_the_middle_of_a_schedule() -> None:
    config = small.config(epochs=7, refine_steps=0, mixture_after=3)
    first, last = list_phases(config)
    assert (first.first, first.epochs, first.schedule, first.is_mixed) == (0, 3, 7, False)
    assert (last.first, last.epochs, last.schedule, last.is_mixed) == (3, 4, 7, True)
    assert last.config == config


def test_exact_epochs_come_last_with_a_pace_of_their_own() -> None:
    config = small.config(epochs=7, exact_epochs=3, exact_batch_size=50, exact_learning_rate=0.25)
    first, last = list_phases(config)
    assert (first.first, first.epochs, first.is_exact) == (0, 7, False)
    assert (last.first, last.epochs, last.is_exact) == (7, 3, True)
    assert (last.config.epochs, last.config.batch_size, last.config.learning_rate) == (10, 50, 0.25)
