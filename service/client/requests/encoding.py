"""Requests that upload pictures: encode, reconstruct and restyle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.client import parse
from service.client.picture_files import Pictures, gather
from service.client.render_options import to_params
from service.client.requests.base import Model, Request, to_name
from service.client.results import Pictures as Drawn
from service.client.results import Posterior, Reconstruction
from service.client.serialize import count_pictures, to_npy, to_parts
from service.core.choices import Dtype, Polarity
from service.core.media_types import NPY


def encode(
    pictures: Pictures,
    *,
    seed: int | None = None,
    neighbours: int = 5,
    polarity: Polarity = "auto",
    metadata: bool = False,
    model: Model = None,
) -> Request[Posterior]:
    """Encode pictures.

    Args:
        pictures: Files of any size and colour: a path, the bytes of a file, a file opened in binary mode, a
            Pillow image, or several; or an array, sent as it is: `(height, width)` or `(n, height, width)`,
            with a last axis of 3 for colour, or several of one shape.
        seed: Of a z drawn from q(z|x); unset: none is drawn.
        neighbours: How many of the nearest pictures of the test split to name.
        polarity: Of files.
        metadata: Whether to tell what made each file, where the file says so.
        model: Unset: the service's default.

    Returns:
        The posterior of each picture, in order.
    """
    options = {"neighbours": neighbours, "polarity": polarity, "metadata": metadata or None}
    params = to_params(model=to_name(model), seed=seed, **options)
    gathered = gather(pictures)
    n = count_pictures(gathered)
    read = parse.read_posterior(n, drawn=seed is not None)
    return Request("POST", "encode", read, params, **_upload(gathered), pictures=n)


def reconstruct(
    pictures: Pictures,
    *,
    label: int | str | None = None,
    polarity: Polarity = "auto",
    model: Model = None,
    dtype: Dtype = "float32",
) -> Request[Reconstruction]:
    """Encode pictures and decode them again.

    Args:
        pictures: See `encode`.
        label: For a label-conditioned model: the label of all pictures.
        polarity: Of files.
        model: Unset: the service's default.
        dtype: Of the pictures.

    Returns:
        The reconstructions and their losses. In a file, each reconstruction is to the right of its picture.
    """
    params = to_params(model=to_name(model), label=label, polarity=polarity, dtype=dtype)
    gathered = gather(pictures)
    n = count_pictures(gathered)
    read, upload = parse.read_reconstruction(n, dtype), _upload(gathered)
    return Request("POST", "reconstruct", read, params, **upload, format="json", pictures=n, shown=2)


def restyle(
    pictures: Pictures,
    labels: str | Sequence[int | str] | None = None,
    *,
    polarity: Polarity = "auto",
    model: Model = None,
    dtype: Dtype = "float32",
) -> Request[Drawn]:
    """Write labels in the style of pictures, with a label-conditioned model.

    Args:
        pictures: See `encode`; of several, the mean style is taken.
        labels: A label a character, such as "20251126", or several labels and names of classes; unset: each
            class once.
        polarity: Of files.
        model: A label-conditioned one; unset: the service's default, or the first that takes labels.
        dtype: Of the pictures.

    Returns:
        A picture a label, in order; their z are the same.
    """
    phrase = labels if labels is None or isinstance(labels, str) else "".join(f"{each}," for each in labels)
    params = to_params(labels=phrase, polarity=polarity, model=to_name(model), dtype=dtype)
    # A text may be one class's name.
    n = None if labels is None or isinstance(labels, str) else len(labels)
    read, upload = parse.read_pictures(n, dtype), _upload(gather(pictures))
    return Request("POST", "restyle", read, params, **upload, format="json", pictures=n)


def _upload(pictures: NDArray[Any] | list[bytes]) -> dict[str, Any]:
    if isinstance(pictures, np.ndarray):
        # The service works in float32.
        array = pictures.astype(np.float32) if pictures.dtype.kind == "f" else pictures
        return {"content": to_npy(array), "content_type": NPY}
    return {"parts": to_parts(pictures)}
