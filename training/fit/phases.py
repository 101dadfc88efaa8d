"""The phases of a run: its epochs on the ELBO, under N(0, I) or a mixture, and those on -log p(x) itself."""

from __future__ import annotations

import dataclasses

from training.config import TrainConfig


@dataclasses.dataclass(frozen=True)
class Phase:
    """Some epochs that are trained in the same way.

    Attributes:
        first: The first epoch's number, counted from 0.
        config: Of the run, but with the batch size and the learning rate of the phase, and with the number of
            the epoch after its last one as `epochs`.
        is_exact: Whether the decoder is trained on -log p(x) itself, by an optimizer that starts anew.
        is_mixed: Whether the prior is the mixture; the optimizer goes on.
        schedule: Epochs of the learning rate's schedule, which began with the run; 0: those of this phase.
    """

    first: int
    config: TrainConfig
    is_exact: bool = False
    is_mixed: bool = False
    schedule: int = 0

    @property
    def epochs(self) -> int:
        """Count its epochs."""
        return self.config.epochs - self.first


def list_phases(config: TrainConfig) -> list[Phase]:
    """Return a run's phases, in their order."""
    if config.mixture_after:
        begun, whole = config.mixture_after, config.epochs
        normal = dataclasses.replace(config, epochs=begun, mixture_after=0)
        return [Phase(0, normal, schedule=whole), Phase(begun, config, is_mixed=True, schedule=whole)]
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
