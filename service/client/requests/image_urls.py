"""Image URLs: GET requests without a body, for `<img src>`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from service.client import parse
from service.client.render_options import to_params
from service.client.requests.base import Model, Request, to_name
from service.client.results import File
from service.client.serialize import join, to_label, to_segment, to_text
from service.core.choices import Method, PriorName


def decode(
    z: ArrayLike, *, label: int | str | Sequence[int | str] | None = None, model: Model = None
) -> Request[File]:
    """Decode latent vectors.

    Args:
        z: `(latent_dim,)` or `(n, latent_dim)`.
        label: For a label-conditioned model: one for all vectors, or one a vector.
        model: `name@version`, or a `ModelInfo`, makes a URL whose picture never changes.

    Returns:
        The request of one picture, or of a sheet.
    """
    labels = [label] if label is None or isinstance(label, int | str | np.integer) else label
    vectors = tuple(("z", join(row)) for row in np.atleast_2d(np.asarray(z)))
    label_params = tuple(("label", to_label(each)) for each in labels if each is not None)
    return _picture("decode", (*vectors, *label_params, *to_params(model=to_name(model))))


def draw(
    digit: int | str, *, seed: int | None = None, temperature: float | None = None, model: Model = None
) -> Request[File]:
    """Draw one digit.

    Args:
        digit: The class's label or name.
        seed: Unset: another picture each time.
        temperature: Factor of the standard deviation.
        model: See `decode`.

    Returns:
        The request of one picture.
    """
    params = to_params(seed=seed, temperature=temperature, model=to_name(model))
    return _picture(f"digits/{to_segment(digit)}", params)


def sample(
    n: int = 1,
    *,
    digit: int | str | None = None,
    prior: PriorName | None = None,
    seed: int | None = None,
    temperature: float | None = None,
    model: Model = None,
) -> Request[File]:
    """Draw pictures from the prior, or from a class.

    Args:
        n: How many.
        digit: The class's label or name; unset: the prior.
        prior: `normal` for N(0, 1), `mixture`; unset: the model's own.
        seed: Unset: other pictures each time.
        temperature: Factor of the standard deviation.
        model: See `decode`.

    Returns:
        The request of one picture, or of a sheet.
    """
    params = to_params(
        n=n, digit=digit, prior=prior, seed=seed, temperature=temperature, model=to_name(model)
    )
    return _picture("sample", params)


def interpolate(
    start: int | str | ArrayLike,
    end: int | str | ArrayLike,
    *,
    steps: int = 8,
    method: Method | None = None,
    start_label: int | str | None = None,
    end_label: int | str | None = None,
    through: Sequence[int | str | ArrayLike] = (),
    through_label: Sequence[int | str] = (),
    model: Model = None,
) -> Request[File]:
    """Draw the interpolation between two points.

    Args:
        start: A class's label (an int), a vector, or a text such as `digit:3`.
        end: As `start`.
        steps: Number of pictures, both ends included.
        method: Unset: lerp where latent_dim is at most 3, else slerp.
        start_label: Of a vector, for a label-conditioned model.
        end_label: As `start_label`.
        through: Points to go through, in this order; each is drawn if the legs divide `steps` less 1.
        through_label: One for each vector of `through`, for a label-conditioned model.
        model: See `decode`.

    Returns:
        The request of a strip, or of an animation.

    Raises:
        ValueError: A point is a picture.
    """
    stops = [("through", to_text(point)) for point in through]
    ends = (
        ("from", to_text(start)),
        *stops,
        *(("through_label", label) for label in through_label),
        ("to", to_text(end)),
    )
    labels = to_params(from_label=start_label, to_label=end_label)
    return _picture(
        "interpolate", (*ends, *labels, *to_params(steps=steps, method=method, model=to_name(model)))
    )


def manifold(
    n: int = 20,
    *,
    extent: float | None = None,
    dims: tuple[int, int] | None = None,
    label: int | str | None = None,
    model: Model = None,
) -> Request[File]:
    """Draw an even grid over two dimensions of z; all others are 0.

    Args:
        n: Pictures per side.
        extent: The grid goes from -extent to extent.
        dims: The dimensions along x, to the right, and y, upwards; unset: those of most variance.
        label: For a label-conditioned model.
        model: See `decode`.

    Returns:
        The request of a sheet.
    """
    axes = None if dims is None else f"{dims[0]},{dims[1]}"
    params = to_params(n=n, extent=extent, dims=axes, label=label, model=to_name(model))
    return _picture("manifold", params)


def latent_map(
    size: int = 512, *, extent: float | None = None, invert: bool = False, model: Model = None
) -> Request[File]:
    """Draw where the pictures of the test split lie, coloured by label.

    Args:
        size: Of each side, in pixels.
        extent: The map goes from -extent to extent; unset: so that it holds 99.9% of them.
        invert: Whether to swap dark and light.
        model: See `decode`.

    Returns:
        The request of a map, PNG or WebP.
    """
    params = to_params(size=size, extent=extent, invert=invert or None, model=to_name(model))
    return _picture("latent-map", params)


def _picture(path: str, params: tuple[tuple[str, str | int | float | bool | None], ...]) -> Request[File]:
    return Request("GET", path, parse.read_file("png", None), params, format="png", suffixed=True)
