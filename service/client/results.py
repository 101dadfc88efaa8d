"""The results that a client returns: frozen dataclasses of NumPy arrays, and files."""

from __future__ import annotations

import dataclasses
import io
import os
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from service.client.saving import save

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Answer:
    """The part that all results of a model share.

    Attributes:
        model: Its name.
        version: Its version, 12 hex digits.
        request_id: To find the request in the service's log.
        timings: Milliseconds spent in each stage: queue, inference, encode.
    """

    model: str
    version: str
    request_id: str
    timings: Mapping[str, float]

    @property
    def reference(self) -> str:
        """The model's `name@version`; the picture of a URL with it never changes."""
        return f"{self.model}@{self.version}"


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Pictures(Answer):
    """Latent vectors and their pictures.

    Attributes:
        z: `(n, latent_dim)` float32.
        images: `(n, height, width)` float32 in [0, 1], or uint8; a last axis of 3 for colour.
        seed: Of the random draw, or None.
    """

    z: Floats
    images: NDArray[Any]
    seed: int | None = None

    def __len__(self) -> int:
        return len(self.images)

    def pil(self) -> list[Image.Image]:
        """Return each picture as a Pillow image."""
        return [to_pil(image) for image in self.images]


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Reconstruction(Pictures):
    """Pictures and their reconstructions.

    Attributes:
        x: The pictures that were encoded; shape and dtype as of `images`.
        z_mean: `(n, latent_dim)` float32.
        z_log_var: `(n, latent_dim)` float32, natural log.
        reconstruction_loss: `(n,)` float64, nats per image.
        kl_divergence: `(n,)` float64, nats per image.
        mean_squared_error: `(n,)` float64, per pixel.
    """

    x: NDArray[Any]
    z_mean: Floats
    z_log_var: Floats
    reconstruction_loss: NDArray[np.float64]
    kl_divergence: NDArray[np.float64]
    mean_squared_error: NDArray[np.float64]


@dataclasses.dataclass(frozen=True, eq=False)
class Neighbours:
    """The pictures of the test split with the nearest z_mean, nearest first.

    Attributes:
        label: `(n, k)` int64.
        distance: `(n, k)` float64, Euclidean, between the two z_mean.
        index: `(n, k)` int64, rows of the atlas (`latents`).
    """

    label: Integers
    distance: NDArray[np.float64]
    index: Integers


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Posterior(Answer):
    """The posterior q(z|x) of each picture.

    Attributes:
        z_mean: `(n, latent_dim)` float32.
        z_log_var: `(n, latent_dim)` float32, natural log.
        z: `(n, latent_dim)` float32, drawn from q(z|x); None without a seed.
        seed: Of the draws, or None.
        neighbours: As many as requested.
        made_by: What made each file as it says itself, or None; empty unless requested.
    """

    z_mean: Floats
    z_log_var: Floats
    neighbours: Neighbours
    z: Floats | None = None
    seed: int | None = None
    made_by: tuple[Mapping[str, Any] | None, ...] = ()


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Latents(Answer):
    """The atlas of a model: where the pictures of the test split lie.

    Attributes:
        z_mean: `(n, latent_dim)` float32.
        label: `(n,)` int64.
    """

    z_mean: Floats
    label: Integers


@dataclasses.dataclass(frozen=True, kw_only=True)
class File(Answer):
    """A result in a file format.

    Attributes:
        content: The bytes of the file.
        media_type: Such as `image/png`.
        seed: Of the random draw, or None.
    """

    content: bytes
    media_type: str
    seed: int | None = None

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the file; if that fails, an existing file stays as it was.

        Raises:
            OSError: The file cannot be written.
        """
        save(path, self.content)

    def pil(self) -> Image.Image:
        """Return the picture as a Pillow image.

        Raises:
            PIL.UnidentifiedImageError: The file is no picture.
        """
        return Image.open(io.BytesIO(self.content))


@dataclasses.dataclass(frozen=True, eq=False)
class Frame:
    """One picture of an interpolation.

    Attributes:
        index: Its position, from 0.
        z: `(latent_dim,)` float32.
        image: `(height, width)` float32 in [0, 1], or uint8; a last axis of 3 for colour.
    """

    index: int
    z: Floats
    image: NDArray[Any]

    def pil(self) -> Image.Image:
        """Return the picture as a Pillow image."""
        return to_pil(self.image)


@dataclasses.dataclass(frozen=True, kw_only=True)
class ModelInfo:
    """A loaded model.

    Attributes:
        name: To pass as `model`.
        version: 12 hex digits.
        reference: `name@version`, for URLs whose picture never changes.
        default: Whether requests that name no model use it.
        latent_dim: Numbers in a vector.
        image: `height`, `width`, `channels` and `polarity` of its pictures.
        classes: Labels that `draw` and `interpolate` accept.
        conditional: Whether it needs a `label`, one of `classes`, with each z.
        metrics: On the test split; losses in nats per image.
        dataset: The data that it was trained on.
        runtime: `provider`, threads and the version of onnxruntime.
        warm: Whether it is loaded and ready.
        created: When, in ISO 8601.
        kept: `name@version` of earlier versions that can still be asked for.
    """

    name: str
    version: str
    reference: str
    default: bool
    latent_dim: int
    image: Mapping[str, Any]
    classes: tuple[int, ...]
    conditional: bool
    metrics: Mapping[str, Any]
    dataset: Mapping[str, Any]
    runtime: Mapping[str, Any]
    warm: bool
    created: str
    kept: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, kw_only=True)
class ModelDetails(ModelInfo):
    """A loaded model, its manifest and its card.

    Attributes:
        manifest: `model.json` of its bundle.
        card: Markdown, or None.
    """

    manifest: Mapping[str, Any]
    card: str | None


def to_pil(image: NDArray[Any]) -> Image.Image:
    """Return a picture as a Pillow image.

    Args:
        image: `(height, width)` or `(height, width, 3)`, float in [0, 1] or uint8.

    Returns:
        Grey or RGB, 8 bits.
    """
    levels = image if image.dtype == np.uint8 else np.rint(image * 255).astype(np.uint8)
    return Image.fromarray(levels)
