"""Small real data and a small model: scikit-learn's 8 x 8 digits, and a VAE that fits them in seconds."""

from __future__ import annotations

import gzip
import pathlib
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits

from training.config import TrainConfig
from training.data.datasets import Dataset, split
from training.data.idx import IDX_FILES

Arrays = dict[str, NDArray[Any]]


def config(**changes: Any) -> TrainConfig:
    """A config of a model that trains in a second."""
    fields: dict[str, Any] = {
        "batch_size": 32,
        "epochs": 2,
        "encoder_filters": (4, 8),
        "encoder_units": (16, 16),
        "decoder_units": (16,),
        "decoder_filters": (4, 4),
        "decoder_upscale": 2,
    }
    return TrainConfig(**{**fields, **changes})


def arrays(train: int = 240, test: int = 80) -> Arrays:
    """The first digits for training, the next for testing."""
    digits = load_digits()
    x = np.round(digits.images * 255 / 16).astype(np.uint8)
    y = digits.target.astype(np.int64)
    end = train + test
    return {"x_train": x[:train], "y_train": y[:train], "x_test": x[train:end], "y_test": y[train:end]}


def from_arrays(content: Arrays) -> Dataset:
    """A data set of any four arrays."""
    return split("digits", content, {name: name for name in content})


def write_npz(path: pathlib.Path, content: Arrays) -> pathlib.Path:
    with path.open("wb") as file:
        np.savez(file, allow_pickle=False, **content)
    return path


def write_idx(folder: pathlib.Path, content: Arrays, *, compress: bool = False) -> pathlib.Path:
    """The four files as MNIST is handed out."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, file in IDX_FILES.items():
        values = idx(content[name])
        suited = file.replace("idx3", f"idx{content[name].ndim}")
        path = folder / (f"{suited}.gz" if compress else suited)
        path.write_bytes(gzip.compress(values) if compress else values)
    return folder


def idx(values: NDArray[Any]) -> bytes:
    header = struct.pack(f">4B{values.ndim}I", 0, 0, 8, values.ndim, *values.shape)
    return header + values.astype(np.uint8).tobytes()
