"""The calls of the client for asyncio."""

from __future__ import annotations

import abc
from collections.abc import AsyncIterator, Sequence
from typing import Any, TypeVar

from numpy.typing import ArrayLike

from service.client.methods.documentation import documented_by
from service.client.picture_files import Pictures as Uploads
from service.client.requests import encoding, models, pictures
from service.client.requests.base import Model, Request
from service.client.results import (
    Frame,
    Latents,
    ModelDetails,
    ModelInfo,
    Pictures,
    Posterior,
    Reconstruction,
)
from service.client.serialize import Point
from service.core.choices import Dtype, Method, Polarity, PriorName

T = TypeVar("T")


class AsyncMethods(abc.ABC):
    """Sends each request, and returns its result."""

    @abc.abstractmethod
    async def send(self, request: Request[T]) -> T:
        """Send a request and return its result."""

    @abc.abstractmethod
    def receive(self, request: Request[Any]) -> AsyncIterator[Frame]:
        """Send a request and yield its pictures as they come."""

    @documented_by(pictures.decode)
    async def decode(
        self,
        z: ArrayLike,
        *,
        label: int | str | Sequence[int | str] | None = None,
        model: Model = None,
        dtype: Dtype = "float32",
    ) -> Pictures:
        """Decode latent vectors; see `pictures.decode`."""
        return await self.send(pictures.decode(z, label=label, model=model, dtype=dtype))

    @documented_by(encoding.encode)
    async def encode(
        self,
        pictures: Uploads,
        *,
        seed: int | None = None,
        neighbours: int = 5,
        polarity: Polarity = "auto",
        metadata: bool = False,
        model: Model = None,
    ) -> Posterior:
        """Encode pictures; see `encoding.encode`."""
        return await self.send(
            encoding.encode(
                pictures, seed=seed, neighbours=neighbours, polarity=polarity, metadata=metadata, model=model
            )
        )

    @documented_by(encoding.reconstruct)
    async def reconstruct(
        self,
        pictures: Uploads,
        *,
        label: int | str | None = None,
        polarity: Polarity = "auto",
        model: Model = None,
        dtype: Dtype = "float32",
    ) -> Reconstruction:
        """Encode pictures and decode them again; see `encoding.reconstruct`."""
        return await self.send(
            encoding.reconstruct(pictures, label=label, polarity=polarity, model=model, dtype=dtype)
        )

    @documented_by(encoding.restyle)
    async def restyle(
        self,
        pictures: Uploads,
        labels: str | Sequence[int | str] | None = None,
        *,
        polarity: Polarity = "auto",
        model: Model = None,
        dtype: Dtype = "float32",
    ) -> Pictures:
        """Write labels in the style of pictures, with a label-conditioned model; see `encoding.restyle`."""
        return await self.send(
            encoding.restyle(pictures, labels, polarity=polarity, model=model, dtype=dtype)
        )

    @documented_by(pictures.interpolate)
    async def interpolate(
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
    ) -> Pictures:
        """Draw the interpolation between two points; see `pictures.interpolate`."""
        return await self.send(
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

    @documented_by(pictures.interpolate)
    def stream(
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
    ) -> AsyncIterator[Frame]:
        """Draw an interpolation, and yield each picture as it comes; see `pictures.interpolate`."""
        return self.receive(
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
    async def sample(
        self,
        n: int = 1,
        *,
        digit: int | str | None = None,
        prior: PriorName | None = None,
        seed: int | None = None,
        temperature: float = 1.0,
        model: Model = None,
        dtype: Dtype = "float32",
    ) -> Pictures:
        """Draw pictures from the prior, or from a class; see `pictures.sample`."""
        return await self.send(
            pictures.sample(
                n, digit=digit, prior=prior, seed=seed, temperature=temperature, model=model, dtype=dtype
            )
        )

    @documented_by(pictures.draw)
    async def draw(
        self,
        digit: int | str,
        *,
        seed: int | None = None,
        temperature: float = 1.0,
        model: Model = None,
        dtype: Dtype = "float32",
    ) -> Pictures:
        """Draw one digit; see `pictures.draw`."""
        return await self.send(
            pictures.draw(digit, seed=seed, temperature=temperature, model=model, dtype=dtype)
        )

    @documented_by(pictures.manifold)
    async def manifold(
        self,
        n: int = 20,
        *,
        extent: float = 3.0,
        dims: tuple[int, int] | None = None,
        label: int | str | None = None,
        model: Model = None,
        dtype: Dtype = "float32",
    ) -> Pictures:
        """Draw an even grid over two dimensions of z; all others are 0; see `pictures.manifold`."""
        return await self.send(
            pictures.manifold(n, extent=extent, dims=dims, label=label, model=model, dtype=dtype)
        )

    @documented_by(models.model)
    async def model(self, name: str) -> ModelDetails:
        """Describe a model, with its manifest and its card; see `models.model`."""
        return await self.send(models.model(name))

    @documented_by(models.latents)
    async def latents(self, name: str) -> Latents:
        """Return a model's atlas: the latent vectors of the test split; see `models.latents`."""
        return await self.send(models.latents(name))

    @documented_by(models.models)
    async def models(
        self,
    ) -> tuple[ModelInfo, ...]:
        """List the loaded models, sorted by name; see `models.models`."""
        return await self.send(models.models())
