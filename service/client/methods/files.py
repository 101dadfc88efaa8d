"""The calls whose results are files."""

from __future__ import annotations

import abc
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from numpy.typing import ArrayLike

from service.client.methods.documentation import documented_by
from service.client.picture_files import Pictures as Uploads
from service.client.requests import encoding, image_urls, pictures
from service.client.requests.base import Model, Request
from service.client.serialize import Point
from service.core.choices import Dtype, Method, Polarity, PriorName

R = TypeVar("R")


class FileMethods(abc.ABC, Generic[R]):
    """Asks for the pictures of each request as a file."""

    @abc.abstractmethod
    def write(self, request: Request[Any]) -> R:
        """Send the request for the same pictures as a file."""

    @documented_by(pictures.decode)
    def decode(
        self,
        z: ArrayLike,
        *,
        label: int | str | Sequence[int | str] | None = None,
        model: Model = None,
        dtype: Dtype = "float32",
    ) -> R:
        """Decode latent vectors; see `pictures.decode`."""
        return self.write(pictures.decode(z, label=label, model=model, dtype=dtype))

    @documented_by(encoding.reconstruct)
    def reconstruct(
        self,
        pictures: Uploads,
        *,
        label: int | str | None = None,
        polarity: Polarity = "auto",
        model: Model = None,
        dtype: Dtype = "float32",
    ) -> R:
        """Encode pictures and decode them again; see `encoding.reconstruct`."""
        return self.write(
            encoding.reconstruct(pictures, label=label, polarity=polarity, model=model, dtype=dtype)
        )

    @documented_by(encoding.restyle)
    def restyle(
        self,
        pictures: Uploads,
        labels: str | Sequence[int | str] | None = None,
        *,
        polarity: Polarity = "auto",
        model: Model = None,
        dtype: Dtype = "float32",
    ) -> R:
        """Write labels in the style of pictures, with a label-conditioned model; see `encoding.restyle`."""
        return self.write(encoding.restyle(pictures, labels, polarity=polarity, model=model, dtype=dtype))

    @documented_by(pictures.interpolate)
    def interpolate(
        self,
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
    ) -> R:
        """Draw the interpolation between two points; see `pictures.interpolate`."""
        return self.write(
            pictures.interpolate(
                start,
                end,
                steps=steps,
                method=method,
                start_label=start_label,
                end_label=end_label,
                through=through,
                through_label=through_label,
                model=model,
                dtype=dtype,
            )
        )

    @documented_by(pictures.sample)
    def sample(
        self,
        n: int = 1,
        *,
        digit: int | str | None = None,
        prior: PriorName | None = None,
        seed: int | None = None,
        temperature: float = 1.0,
        model: Model = None,
        dtype: Dtype = "float32",
    ) -> R:
        """Draw pictures from the prior, or from a class; see `pictures.sample`."""
        return self.write(
            pictures.sample(
                n, digit=digit, prior=prior, seed=seed, temperature=temperature, model=model, dtype=dtype
            )
        )

    @documented_by(pictures.draw)
    def draw(
        self,
        digit: int | str,
        *,
        seed: int | None = None,
        temperature: float = 1.0,
        model: Model = None,
        dtype: Dtype = "float32",
    ) -> R:
        """Draw one digit; see `pictures.draw`."""
        return self.write(pictures.draw(digit, seed=seed, temperature=temperature, model=model, dtype=dtype))

    @documented_by(pictures.manifold)
    def manifold(
        self,
        n: int = 20,
        *,
        extent: float = 3.0,
        dims: tuple[int, int] | None = None,
        label: int | str | None = None,
        model: Model = None,
        dtype: Dtype = "float32",
    ) -> R:
        """Draw an even grid over two dimensions of z; all others are 0; see `pictures.manifold`."""
        return self.write(
            pictures.manifold(n, extent=extent, dims=dims, label=label, model=model, dtype=dtype)
        )

    @documented_by(image_urls.latent_map)
    def latent_map(
        self, size: int = 512, *, extent: float | None = None, invert: bool = False, model: Model = None
    ) -> R:
        """Draw where the pictures of the test split lie, coloured by label; see `image_urls.latent_map`."""
        return self.write(image_urls.latent_map(size, extent=extent, invert=invert, model=model))
