"""Write and read where a run came from: its config, its data and the code that began it."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import subprocess
from typing import Any

from training.config import TrainConfig
from training.data.datasets import HELD_OUT, Dataset
from training.fit.checkpoints import Checkpoint, RunError

CONFIG_FILE = "config.json"
# What a run did that was begun before a field was there, where that is not what its default does.
BEFORE = {"kl_warmup_steps": 0}


@dataclasses.dataclass(frozen=True)
class Origin:
    """Where a run came from.

    Attributes:
        config: Of the run.
        dataset_sha256: Of its data.
        held_out: How the validation images were chosen; None: as before that had a name.
        git_commit: Of the code that began it; None where that is not known.
    """

    config: TrainConfig
    dataset_sha256: str
    held_out: str | None
    git_commit: str | None


def read_origin(output: pathlib.Path) -> Origin:
    """Read where a folder's run came from."""
    fields: dict[str, Any] = json.loads((output / CONFIG_FILE).read_text())
    names = ("dataset_sha256", "held_out", "git_commit")
    others = {name: fields.pop(name, None) for name in names}
    return Origin(TrainConfig.from_dict({**BEFORE, **fields}), **others)


def check_free(output: pathlib.Path, config: TrainConfig, dataset: Dataset, resume: bool) -> None:
    """Check that a run may write to a folder.

    A run may go on for more epochs than it was begun for; the schedule is then that of the longer run.
    What stopped before its first checkpoint left nothing that could be gone on with, so it holds no folder.

    Raises:
        RunError: The folder holds a run and `resume` is off, or another run.
    """
    path = output / CONFIG_FILE
    if not path.exists() or not Checkpoint(output).epochs():
        return
    if not resume:
        raise RunError(f"{output}: holds a run already; add --resume, or name another folder")
    identity, held = _identify(config, dataset), json.loads(path.read_text())
    held = TrainConfig().to_dict() | BEFORE | held
    held.pop("git_commit", None)
    differing = sorted(k for k in identity | held if identity.get(k) != held.get(k))
    # Once the exact epochs have begun, those before them are over.
    begun = max(Checkpoint(output).epochs()) > held["epochs"]
    growing = "exact_epochs" if begun else "epochs"
    longer = differing == [growing] and getattr(config, growing) > held[growing]
    if differing and not longer:
        raise RunError(f"{output}: holds a run with another {', '.join(differing)}")


def claim(output: pathlib.Path, config: TrainConfig, dataset: Dataset) -> None:
    """Make a folder this run's; a run that goes on keeps the commit that began it."""
    output.mkdir(parents=True, exist_ok=True)
    path = output / CONFIG_FILE
    resumed = path.exists() and bool(Checkpoint(output).epochs())
    commit = read_origin(output).git_commit if resumed else find_commit()
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps({**_identify(config, dataset), "git_commit": commit}, indent=2) + "\n")
    partial.replace(path)


def find_commit() -> str | None:
    """Return the commit of this code, or None outside of a checkout."""
    command = ["git", "-C", str(pathlib.Path(__file__).parent), "rev-parse", "HEAD"]
    try:
        # Nothing in the command comes from outside.
        found = subprocess.run(command, capture_output=True, check=True, text=True)  # noqa: S603
        return found.stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def _identify(config: TrainConfig, dataset: Dataset) -> dict[str, Any]:
    return {**config.to_dict(), "dataset_sha256": dataset.sha256, "held_out": HELD_OUT}
