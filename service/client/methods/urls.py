"""The URLs of pictures."""

from __future__ import annotations

import abc
from collections.abc import Sequence

from numpy.typing import ArrayLike

from service.client.methods.documentation import documented_by
from service.client.requests import image_urls
from service.client.requests.base import Model, Request
from service.client.results import (
    File,
)
from service.core.choices import Method, PriorName


class UrlMethods(abc.ABC):
    """Returns the URL of each request; nothing is sent."""

    @abc.abstractmethod
    def build(self, request: Request[File]) -> str:
        """Return the URL of a request."""

    @documented_by(image_urls.decode)
    def decode(
        self, z: ArrayLike, *, label: int | str | Sequence[int | str] | None = None, model: Model = None
    ) -> str:
        """Decode latent vectors; see `image_urls.decode`."""
        return self.build(image_urls.decode(z, label=label, model=model))

    @documented_by(image_urls.draw)
    def draw(
        self,
        digit: int | str,
        *,
        seed: int | None = None,
        temperature: float | None = None,
        model: Model = None,
    ) -> str:
        """Draw one digit; see `image_urls.draw`."""
        return self.build(image_urls.draw(digit, seed=seed, temperature=temperature, model=model))

    @documented_by(image_urls.sample)
    def sample(
        self,
        n: int = 1,
        *,
        digit: int | str | None = None,
        prior: PriorName | None = None,
        seed: int | None = None,
        temperature: float | None = None,
        model: Model = None,
    ) -> str:
        """Draw pictures from the prior, or from a class; see `image_urls.sample`."""
        return self.build(
            image_urls.sample(n, digit=digit, prior=prior, seed=seed, temperature=temperature, model=model)
        )

    @documented_by(image_urls.interpolate)
    def interpolate(
        self,
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
    ) -> str:
        """Draw the interpolation between two points; see `image_urls.interpolate`."""
        return self.build(
            image_urls.interpolate(
                start,
                end,
                steps=steps,
                method=method,
                start_label=start_label,
                end_label=end_label,
                through=through,
                through_label=through_label,
                model=model,
            )
        )

    @documented_by(image_urls.manifold)
    def manifold(
        self,
        n: int = 20,
        *,
        extent: float | None = None,
        dims: tuple[int, int] | None = None,
        label: int | str | None = None,
        model: Model = None,
    ) -> str:
        """Draw an even grid over two dimensions of z; all others are 0; see `image_urls.manifold`."""
        return self.build(image_urls.manifold(n, extent=extent, dims=dims, label=label, model=model))

    @documented_by(image_urls.latent_map)
    def latent_map(
        self, size: int = 512, *, extent: float | None = None, invert: bool = False, model: Model = None
    ) -> str:
        """Draw where the pictures of the test split lie, coloured by label; see `image_urls.latent_map`."""
        return self.build(image_urls.latent_map(size, extent=extent, invert=invert, model=model))
