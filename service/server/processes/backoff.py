"""When a worker may be started in place of one that has died: ever later, if they die again and again."""

from __future__ import annotations

import time

# A worker that dies sooner is started again after a delay, twice as long as the one before.
HEALTHY_S = 10.0
FIRST_DELAY_S, LAST_DELAY_S = 0.5, 16.0


class Backoff:
    """The delay before the next start."""

    def __init__(self) -> None:
        self._delay_s = FIRST_DELAY_S
        self._not_before = 0.0

    @property
    def left_s(self) -> float:
        """How long the next start has to wait yet."""
        return max(0.0, self._not_before - time.monotonic())

    def note(self, lived_s: float) -> None:
        """Take into account that a worker has died.

        Args:
            lived_s: How long after its start.
        """
        lived_well = lived_s >= HEALTHY_S
        self._delay_s = FIRST_DELAY_S if lived_well else min(2 * self._delay_s, LAST_DELAY_S)
        self._not_before = time.monotonic() + (0 if lived_well else self._delay_s)
