"""Requests for pictures of points in latent space: decode, interpolate, sample, draw and manifold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from service.client import parse
from service.client.picture_files import is_file, to_file
from service.client.render_options import to_params
from service.client.requests.base import Model, Request, to_name
from service.client.results import Pictures
from service.client.serialize import (
    PIXEL_DIMENSIONS,
    Part,
    Point,
    is_picture_file,
    to_end,
    to_json,
    to_label,
    to_npy,
    to_rows,
    to_segment,
    to_text,
)
from service.core.choices import Dtype, Method, PriorName
from service.core.media_types import JSON, NPY


def decode(
    z: ArrayLike,
    *,
    label: int | str | Sequence[int | str] | None = None,
    model: Model = None,
    dtype: Dtype = "float32",
) -> Request[Pictures]:
    """Decode latent vectors.

    Args:
        z: `(latent_dim,)` or `(n, latent_dim)`; sent as float32.
        label: For a label-conditioned model: one for all vectors, or one a vector.
        model: Unset: the service's default.
        dtype: Of the pictures.

    Returns:
        n pictures, in order.
    """
    rows = to_rows(z)
    params = to_params(model=to_name(model), dtype=dtype)
    body, content_type = to_npy(rows), NPY
    if isinstance(label, int | str | np.integer):
        params += to_params(label=to_label(label))
    elif label is not None:
        body, content_type = to_json({"z": rows.tolist(), "label": [to_label(each) for each in label]}), JSON
    read = parse.read_decoded(rows, dtype)
    return Request("POST", "decode", read, params, body, content_type, format="npy", pictures=len(rows))


def interpolate(
    start: Point,
    end: Point,
    *,
    steps: int = 8,
    method: Method | None = None,
    start_label: int | str | None = None,
    end_label: int | str | None = None,
    through: Sequence[Point] = (),
    through_label: Sequence[int | str] = (),
    model: Model = None,
    dtype: Dtype = "float32",
) -> Request[Pictures]:
    """Draw the interpolation between two points.

    Args:
        start: A class's label (an int), a vector, a text such as `digit:3` or `digit:square`, or a picture as
            in `encode`; other texts are paths.
        end: As `start`.
        steps: Number of pictures, both ends included.
        method: Unset: lerp where latent_dim is at most 3, else slerp.
        start_label: Of a vector or a picture, for a label-conditioned model.
        end_label: As `start_label`.
        through: Points to go through, in this order; no files. Each is drawn if the number of legs divides
            `steps` less 1.
        through_label: One for each vector or picture of `through`, for a label-conditioned model.
        model: Unset: the service's default.
        dtype: Of the pictures.

    Returns:
        The pictures, from start to end.

    Raises:
        ValueError: One of the points is an array of pixels or lies between the ends, and another is a file.
    """
    options: dict[str, Any] = {"steps": steps, "method": method, "model": to_name(model)}
    if len(through) or _is_array(start) or _is_array(end):
        ends = {"from": to_end(start, start_label), "to": to_end(end, end_label)}
        if len(through):
            options["through"] = _to_stops(through, through_label)
        body: dict[str, Any] = {"content": to_json({**ends, **options}), "content_type": JSON}
    else:
        labels = {"from_label": start_label, "to_label": end_label}
        texts = to_params(**options, **labels)
        parts = (_to_part("from", start), _to_part("to", end))
        body = {"parts": parts + tuple((name, (None, str(text).encode())) for name, text in texts)}
    params, read = to_params(dtype=dtype), parse.read_pictures(steps, dtype)
    return Request("POST", "interpolate", read, params, **body, format="json", pictures=steps)


def sample(
    n: int = 1,
    *,
    digit: int | str | None = None,
    prior: PriorName | None = None,
    seed: int | None = None,
    temperature: float = 1.0,
    model: Model = None,
    dtype: Dtype = "float32",
) -> Request[Pictures]:
    """Draw pictures from the prior, or from a class.

    Args:
        n: How many; a larger n with the same seed begins with the same pictures.
        digit: The class's label or name; unset: the prior.
        prior: `normal` for N(0, 1), `mixture`; unset: the model's own.
        seed: Unset: the service chooses one and returns it.
        temperature: Factor of the standard deviation; 0 draws the mean.
        model: Unset: the service's default.
        dtype: Of the pictures.

    Returns:
        n pictures.
    """
    name = to_name(model)
    drawn = {"n": n, "digit": digit, "prior": prior, "seed": seed, "temperature": temperature}
    body = to_json({**drawn, "model": name})
    params, read = to_params(dtype=dtype), parse.read_pictures(n, dtype)
    return Request("POST", "sample", read, params, body, JSON, format="json", pictures=n)


def draw(
    digit: int | str,
    *,
    seed: int | None = None,
    temperature: float = 1.0,
    model: Model = None,
    dtype: Dtype = "float32",
) -> Request[Pictures]:
    """Draw one digit.

    Args:
        digit: The class's label or name.
        seed: Unset: the service chooses one and returns it.
        temperature: Factor of the standard deviation; 0 draws a mean.
        model: Unset: the service's default.
        dtype: Of the picture.

    Returns:
        One picture.
    """
    params = to_params(seed=seed, temperature=temperature, model=to_name(model), dtype=dtype)
    read = parse.read_pictures(1, dtype)
    return Request(
        "GET", f"digits/{to_segment(digit)}", read, params, format="json", suffixed=True, pictures=1
    )


def manifold(
    n: int = 20,
    *,
    extent: float = 3.0,
    dims: tuple[int, int] | None = None,
    label: int | str | None = None,
    model: Model = None,
    dtype: Dtype = "float32",
) -> Request[Pictures]:
    """Draw an even grid over two dimensions of z; all others are 0.

    Args:
        n: Pictures per side.
        extent: The grid goes from -extent to extent.
        dims: The dimensions along x, to the right, and y, upwards; unset: those of most variance.
        label: For a label-conditioned model.
        model: Unset: the service's default.
        dtype: Of the pictures.

    Returns:
        n² pictures, row by row from the top left.
    """
    axes = None if dims is None else f"{dims[0]},{dims[1]}"
    params = to_params(n=n, extent=extent, dims=axes, label=label, model=to_name(model), dtype=dtype)
    read = parse.read_pictures(n * n, dtype)
    return Request("GET", "manifold", read, params, format="json", suffixed=True, pictures=n * n)


def _is_array(point: Any) -> bool:
    return not is_file(point) and np.ndim(point) >= PIXEL_DIMENSIONS


def _to_stops(points: Sequence[Point], labels: Sequence[int | str]) -> list[dict[str, Any]]:
    stops = [to_end(point, None) for point in points]
    unlabelled = [stop for stop in stops if "digit" not in stop]
    if len(labels) not in (0, len(unlabelled)):
        raise ValueError(f"through_label: expected {len(unlabelled)}, received {len(labels)}")
    for stop, label in zip(unlabelled, labels, strict=False):
        stop["label"] = to_label(label)
    return stops


def _to_part(name: str, point: Point) -> Part:
    if is_picture_file(point):
        return name, ("picture", to_file(point))
    return name, (None, to_text(point).encode())
