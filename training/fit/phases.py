"""The phases of a run: its epochs on the ELBO, and those after them on -log p(x) itself."""

from __future__ import annotations

import dataclasses

from training.config import TrainConfig


@dataclasses.dataclass(frozen=True)
class Phase:
    """Some epochs that have a schedule, and an optimizer, of their own.

    Attributes:
        first: The first epoch's number, counted from 0.
        config: Of the run, but with the batch size and the learning rate of the phase, and with the number of
            the epoch after its last one as `epochs`.
        is_exact: Whether the decoder is trained on -log p(x) itself.
    """

    first: int
    config: TrainConfig
    is_exact: bool = False

    @property
    def epochs(self) -> int:
        """Count its epochs."""
        return self.config.epochs - self.first


def list_phases(config: TrainConfig) -> list[Phase]:
    """Return a run's phases, in their order."""
    phases = [Phase(0, config)]
    if config.exact_epochs:
        exact = dataclasses.replace(
            config,
            epochs=config.epochs + config.exact_epochs,
            batch_size=config.exact_batch_size,
            learning_rate=config.exact_learning_rate,
        )
        phases.append(Phase(config.epochs, exact, is_exact=True))
    return phases
