"""Say after the first steps of a run how long all of it will take."""

from __future__ import annotations

import time
from collections.abc import Callable

import keras

# The first steps compile and fill buffers; after them, so many seconds or an epoch are measured.
WARM_UP_STEPS = 5
MEASURED_S = 3.0


class Pace(keras.callbacks.Callback):
    """Measures the first steps, and tells once what that makes of the whole run."""

    # It looks at the clock alone, so that steps need not wait for it.
    async_safe = True

    def __init__(
        self, tell: Callable[[float, float, int], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Prepare to measure.

        Args:
            tell: Called with the seconds that are left, those of a step, and the epochs that are left.
            clock: Returns seconds.
        """
        super().__init__()
        self._tell, self._clock = tell, clock
        self._first: int | None = None
        self._steps, self._begun, self._told = 0, 0.0, False

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Note where the run begins."""
        self._first = epoch if self._first is None else self._first

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Count a step; tell when enough are measured."""
        if self._told:
            return
        self._steps += 1
        if self._steps == WARM_UP_STEPS:
            self._begun = self._clock()
        elif self._steps > WARM_UP_STEPS and self._clock() - self._begun >= MEASURED_S:
            self._say()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Tell after the first epoch, if that was short."""
        if not self._told and self._steps > WARM_UP_STEPS:
            self._say()

    def _say(self) -> None:
        self._told = True
        a_step = (self._clock() - self._begun) / (self._steps - WARM_UP_STEPS)
        epochs = self.params["epochs"] - (self._first or 0)
        self._tell((epochs * self.params["steps"] - self._steps) * a_step, a_step, epochs)
