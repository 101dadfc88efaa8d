from __future__ import annotations

import numpy as np
import pytest

from training.fit.pace import Pace


class Clock:
    now = 0.0


def run(steps: int, epochs: int, step_s: float, first: int = 0) -> list[tuple[float, float, int]]:
    """What is told in the course of a run whose first step takes a minute."""
    clock, told = Clock(), []
    pace = Pace(lambda *found: told.append(found), lambda: clock.now)
    pace.set_params({"epochs": epochs, "steps": steps})
    for epoch in range(first, epochs):
        pace.on_epoch_begin(epoch)
        for step in range(steps):
            clock.now += 60 if (epoch, step) == (first, 0) else step_s
            pace.on_train_batch_end(step)
        pace.on_epoch_end(epoch)
    return told


def test_the_first_steps_tell_once_how_long_all_will_take() -> None:
    ((left, step, epochs),) = run(steps=430, epochs=80, step_s=0.02)
    assert epochs == 80
    assert step == pytest.approx(0.02)
    assert left == pytest.approx(80 * 430 * 0.02, rel=0.01)


def test_a_short_epoch_is_measured_as_a_whole() -> None:
    ((left, step, _),) = run(steps=25, epochs=4, step_s=0.02)
    assert step == pytest.approx(0.02)
    assert left == pytest.approx(75 * 0.02)


def test_a_run_that_goes_on_counts_what_is_left() -> None:
    ((left, _, epochs),) = run(steps=430, epochs=80, step_s=0.02, first=70)
    assert epochs == 10
    assert left == pytest.approx(10 * 430 * 0.02, rel=0.05)


def test_what_is_over_before_it_is_measured_tells_nothing() -> None:
    assert run(steps=2, epochs=2, step_s=0.02) == []
    assert np.isfinite(run(steps=6, epochs=1, step_s=0.02)[0][0])
