"""What the commands read: a folder that must be there, and a data set."""

from __future__ import annotations

import argparse
import pathlib
import sys
from typing import TYPE_CHECKING

from training.config import TrainingError

if TYPE_CHECKING:
    from training.data.datasets import Dataset


def require_folder(folder: pathlib.Path) -> None:
    """Refuse a folder that is not there, before a data set is loaded, or even downloaded, for nothing.

    Raises:
        TrainingError: It is not there.
    """
    if not folder.is_dir():
        raise TrainingError(f"{folder}: expected a folder that is there")


def load(options: argparse.Namespace) -> Dataset:
    """Load the data set that the options name, and tell what was passed over and what is odd about it."""
    from training.data import datasets

    dataset = datasets.load(options.data, options.size)
    for path in dataset.passed_over:
        sys.stderr.write(f"{path}: passed over\n")
    for name, labels in dataset.missing_labels().items():
        sys.stderr.write(f"{dataset.name}: no {name} image has a label of {', '.join(map(str, labels))}\n")
    if len(dataset.class_names) == 1:
        sys.stderr.write(f"{dataset.name}: all images are of one class, {dataset.class_names[0]}\n")
    return dataset
