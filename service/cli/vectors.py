"""Latent vectors on the command line: texts such as `0.5,-1.0`, files, or stdin."""

from __future__ import annotations

import json
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from service.cli import files
from service.core.errors import ClientError
from service.imaging.formats.npy import read_npy
from service.latent.parsing import read_vectors

NPY_START = b"\x93NUMPY"
FIELDS = ("z", "z_mean")


def read(arguments: tuple[str, ...]) -> NDArray[np.float64]:
    """Read vectors.

    Args:
        arguments: Vectors as texts; or one file, or "-" for stdin, of JSON or npy.

    Returns:
        `(n, latent_dim)` float64.

    Raises:
        click.UsageError: They are no vectors.
    """
    try:
        first = arguments[0]
        if len(arguments) == 1 and (first == "-" or first.endswith((".json", ".npy"))):
            return np.atleast_2d(_read_content(first))
        return read_vectors(arguments, "VECTORS")
    except ClientError as error:
        raise click.UsageError(str(error)) from error


def _read_content(name: str) -> NDArray[np.float64]:
    content = files.read(name)
    return read_npy(content, name) if content.startswith(NPY_START) else _read_json(content, name)


def _read_json(content: bytes, name: str) -> NDArray[np.float64]:
    try:
        fields: Any = json.loads(content)
        if isinstance(fields, dict):
            fields = next(fields[field] for field in FIELDS if field in fields)
        return np.array(fields, np.float64)
    except (ValueError, TypeError, StopIteration, RecursionError) as error:
        raise click.UsageError(
            f"{name}: expected an .npy file, or JSON: vectors, or an object with z or z_mean"
        ) from error
