"""Write and read what a run leaves on disk each epoch: the log, the newest and the best checkpoint.

Invariants: a checkpoint has its name only when it is whole, and the log has its row by then; so after a kill
at any moment the newest checkpoint is whole and the log has a row for each epoch up to it.
"""

from __future__ import annotations

import csv
import io
import math
import pathlib

import keras
import numpy as np

from training.config import TrainingError
from training.models.vae import ConvolutionalVAE

LOG_FILE = "log.csv"
CHECKPOINTS = "checkpoints"


class RunError(TrainingError):
    """A run's folder does not hold what is asked of it, or the run came to nothing."""


class Checkpoint(keras.callbacks.Callback):
    """Keeps the newest and the best epoch's weights and optimizer state, and the log, on disk."""

    def __init__(self, output: pathlib.Path) -> None:
        """Store the folder."""
        super().__init__()
        self.folder = output / CHECKPOINTS
        self.log = output / LOG_FILE

    def path(self, epoch: int) -> pathlib.Path:
        """Name the checkpoint made after an epoch, counted from 1."""
        return self.folder / f"epoch-{epoch:04d}.weights.h5"

    def epochs(self) -> list[int]:
        """List the epochs that have a checkpoint, oldest first."""
        return sorted(
            int(path.name.split(".")[0].split("-")[1]) for path in self.folder.glob("epoch-*.weights.h5")
        )

    def restore(self, model: ConvolutionalVAE) -> int:
        """Load the newest checkpoint and cut the log to it.

        Args:
            model: Gets the weights and the optimizer state.

        Returns:
            The number of epochs done, 0 without a checkpoint.
        """
        done = self.load_newest(model)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._write_log(self.history())
        return done

    def load_newest(self, model: ConvolutionalVAE) -> int:
        """Load the newest checkpoint and write nothing; otherwise as `restore`."""
        done = max(self.epochs(), default=0)
        if done:
            model.load_weights(self.path(done))
        return done

    def history(self) -> list[dict[str, float]]:
        """Read the log: one row of metrics for each epoch up to the newest checkpoint."""
        if not self.log.exists():
            return []
        with self.log.open(newline="") as file:
            rows = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
        return rows[: max(self.epochs(), default=0)]

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Write the log's row, then the checkpoint, then delete those no longer needed.

        Raises:
            RunError: The loss is not finite; nothing is written, so the last good epoch stays the newest.
        """
        rate = self.model.optimizer.learning_rate
        row = {"epoch": epoch + 1, **(logs or {}), "learning_rate": float(rate)}
        if infinite := [f"{name} {value}" for name, value in row.items() if not math.isfinite(value)]:
            raise RunError(
                f"epoch {epoch + 1}: expected finite figures, found {', '.join(infinite)}; "
                "try a lower --learning-rate"
            )
        history = [*self.history(), row]
        self._write_log(history)
        partial = self.folder / "partial.weights.h5"
        self.model.save_weights(partial)
        partial.replace(self.path(epoch + 1))
        for old in set(self.epochs()) - {epoch + 1, best_epoch(history)}:
            self.path(old).unlink()

    def _write_log(self, rows: list[dict[str, float]]) -> None:
        partial = self.log.with_suffix(".partial")
        partial.write_text(format_log(rows))
        partial.replace(self.log)


def format_log(rows: list[dict[str, float]]) -> str:
    """Return a run's history as CSV, one row an epoch."""
    file = io.StringIO()
    writer = csv.DictWriter(file, rows[0] if rows else ["epoch"], lineterminator="\n")
    writer.writeheader()
    writer.writerows({**row, "epoch": int(row["epoch"])} for row in rows)
    return file.getvalue()


def best_epoch(history: list[dict[str, float]]) -> int:
    """Return the epoch with the lowest validation negative_elbo, counted from 1."""
    return int(np.argmin([row["val_negative_elbo"] for row in history])) + 1
