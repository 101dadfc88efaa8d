"""Owns what the service does with one model: decode, encode, interpolate, draw. No HTTP.

Everything a request asks for is checked against the model and the limits before any of it runs.
"""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from service import images, latent
from service.batching import Batcher, Run
from service.errors import BundleError, InvalidValueError, NotFoundError, Text
from service.manifest import CentreOfMassFit, ClassSpec
from service.model import Model
from service.settings import Settings

Floats = NDArray[np.float32]
Graph = Literal["encoder", "decoder"]
Label = int | Sequence[int] | None

# Ten thousand standard deviations from the prior: float32 still holds every activation there.
Z_LIMIT = 1e4
# They take 0.6 ms; in a thread, their requests cost 40% more. The encoder takes 0.4 ms a row.
INLINE_DECODE_ROWS = 64
INLINE_ENCODE_ROWS = 0
# Each may hold a decoded picture of `max_image_pixels` in memory.
UPLOADS_AT_ONCE = 2


@dataclasses.dataclass(frozen=True)
class Posterior:
    """The parameters of q(z|x), and draws from it if a seed was given.

    Attributes:
        z_mean: `(batch, latent_dim)` float32.
        z_log_var: `(batch, latent_dim)` float32.
        z: `(batch, latent_dim)` float32, or None.
    """

    z_mean: Floats
    z_log_var: Floats
    z: Floats | None


@dataclasses.dataclass(frozen=True)
class Pictures:
    """Latent vectors and the pictures they decode to.

    Attributes:
        z: `(batch, latent_dim)` float32.
        image: `(batch, height, width, channels)` float32 in [0, 1].
    """

    z: Floats
    image: Floats


@dataclasses.dataclass(frozen=True)
class Endpoint:
    """An end of an interpolation: a vector, or the middle of a class.

    Attributes:
        field: What errors name.
        z: The vector's numbers, float64, or None.
        digit: The class's label, or None.
        label: What the decoder is given beside z, or None; with a digit, that is the label.
    """

    field: str
    z: NDArray[np.float64] | None = None
    digit: int | None = None
    label: int | None = None


class Engine:
    """Answers for one model.

    Its `start` needs no event loop; what answers does.
    """

    def __init__(self, model: Model, settings: Settings) -> None:
        """Stores the model and the limits."""
        self.model = model
        self.manifest = model.manifest
        self.labels = model.manifest.labels
        self.settings = settings
        self._decoder = self._make_batcher(model.decode, INLINE_DECODE_ROWS)
        self._encoder = self._make_batcher(self._encode_rows, INLINE_ENCODE_ROWS)
        self._mixtures: dict[int, latent.Mixture] = {}
        # What the decoder gets beside z: nothing if it takes no label.
        width, indices = len(self.labels), range(len(self.manifest.classes))
        one_hots = np.eye(width, dtype=np.float32) if width else np.zeros((len(indices), 0), np.float32)
        self._one_hots = {entry.label: one_hots[i] for i, entry in enumerate(self.manifest.classes)}
        self._reading = asyncio.Semaphore(UPLOADS_AT_ONCE)

    def start(self) -> None:
        """Starts the model and prepares the classes.

        Raises:
            BundleError: The bundle does not keep the contract.
            ProviderError: The provider asked for is not there.
        """
        for entry in self.manifest.classes:
            try:
                self._mixtures[entry.label] = _read_mixture(entry)
            except ValueError as error:
                raise BundleError(f"{self.manifest.name}: classes: label {entry.label}: {error}") from error
        self.model.start()
        self._decoder.start()
        self._encoder.start()

    def close(self) -> None:
        """Fails who still waits; what runs is finished."""
        self._decoder.close()
        self._encoder.close()

    @property
    def failed(self) -> bool:
        """Whether it can no longer answer."""
        return self._decoder.failed or self._encoder.failed

    def check(self, graph: Graph) -> None:
        """Refuses what would be refused for its time alone, before any of it is read.

        Args:
            graph: That is to run.

        Raises:
            QueueFullError: Too many rows wait.
            NotReadyError: Closed or failed.
        """
        (self._decoder if graph == "decoder" else self._encoder).check()

    def submit(self, rows: Floats) -> asyncio.Future[Floats]:
        """Queues vectors that are known to fit the model.

        Args:
            rows: As `Model.decode` takes them, z in [-`Z_LIMIT`, `Z_LIMIT`].

        Returns:
            A future of the pictures, as `Model.decode` gives them; see `Batcher.submit` for its errors.

        Raises:
            QueueFullError: Too many rows wait.
            NotReadyError: Closed or failed.
        """
        return self._decoder.submit(rows, self._deadline())

    async def decode(self, z: NDArray[np.float64], label: Label = None) -> Pictures:
        """Decodes latent vectors.

        Args:
            z: `(batch, latent_dim)` finite numbers.
            label: Of all of them, or of each; None for a model that takes none.

        Returns:
            The pictures, in order.

        Raises:
            InvalidValueError: Wrong latent_dim, too many rows, a number too far from the prior, or labels
                that do not fit.
        """
        self._check_rows("z", len(z))
        one_hot = self._one_hot("label", label, len(z))
        return await self._decode(np.concatenate([self._check_z("z", z), one_hot], axis=1))

    async def encode(self, x: Floats, seed: int | None) -> Posterior:
        """Encodes pictures.

        Args:
            x: `(batch, height, width, channels)` float32 in [0, 1].
            seed: Draws `z` if given.

        Returns:
            The posterior of each picture, in order.
        """
        z_mean, z_log_var = np.split(await self._encoder.submit(x, self._deadline()), 2, axis=1)
        z = None if seed is None else latent.sample_posterior(z_mean, z_log_var, seed)
        return Posterior(z_mean, z_log_var, z)

    async def interpolate(
        self, start: Endpoint, end: Endpoint, steps: int, method: latent.Method | None
    ) -> Pictures:
        """Decodes a path between two points.

        Args:
            start: The first point.
            end: The last point.
            steps: Points on the path, both ends included.
            method: "lerp" or "slerp"; None: what suits latent_dim.

        Returns:
            The path and its pictures.

        Raises:
            InvalidValueError: Wrong latent_dim or too many steps.
            NotFoundError: The model has no such class.
        """
        self._check_rows("steps", steps)
        first, last, dim = self._resolve(start), self._resolve(end), self.manifest.latent_dim
        path = latent.interpolate(first[:dim], last[:dim], steps, method or latent.default_method(dim))
        # One label turns into the other as evenly.
        label = latent.interpolate(first[dim:], last[dim:], steps, "lerp")
        return await self._decode(np.concatenate([path, label], axis=1))

    async def draw(self, digit: int, seed: int, temperature: float) -> Pictures:
        """Decodes one vector drawn from a class; see `draw_row`.

        Returns:
            One vector and its picture.

        Raises:
            NotFoundError: The model has no such class.
        """
        return await self._decode(self.draw_row(digit, seed, temperature))

    def draw_row(self, digit: int, seed: int, temperature: float) -> Floats:
        """Draws a vector from a class's mixture; its label is the class's, if the model takes one.

        Args:
            digit: The class's label.
            seed: In [0, 2**32).
            temperature: Scales the standard deviation; 0 gives a component's mean.

        Returns:
            One row, as `submit` takes it.

        Raises:
            NotFoundError: The model has no such class.
        """
        z = latent.sample_mixture(self._mixture("digit", digit), seed, temperature)
        return np.concatenate([z, self._one_hots[digit]])[np.newaxis]

    async def read_uploads(
        self, files: Sequence[tuple[str, bytes]], polarity: images.Polarity | None
    ) -> Floats:
        """Turns uploaded files into what the encoder takes.

        Args:
            files: Field names and contents, PNG or JPEG.
            polarity: Of the uploads; None looks at each one's border, but takes colours as they are.

        Returns:
            `(batch, height, width, channels)` float32 in [0, 1].

        Raises:
            InvalidValueError: Too many files, or an even picture.
            MalformedBodyError: A file is not a whole PNG or JPEG.
            TooLargeError: A file has too many pixels.
        """
        self._check_rows("file", len(files))
        async with self._reading:
            pictures = [await asyncio.to_thread(self._read_upload, *file, polarity) for file in files]
        return np.stack(pictures)

    def read_pixels(self, pixels: NDArray[np.float64]) -> Floats:
        """Turns numbers into what the encoder takes.

        Args:
            pixels: One picture or several, with or without the channel axis where that is 1.

        Returns:
            `(batch, height, width, channels)` float32.

        Raises:
            InvalidValueError: Another shape, too many pictures, or a value outside [0, 1].
        """
        shape = self.manifest.image.shape
        one = shape[:2] if shape[2] == 1 else shape
        if pixels.shape in (one, shape):
            pixels = pixels[np.newaxis]
        if pixels.shape[1:] not in (one, shape):
            expected = f"{one[0]} rows of {one[1]} " + ("numbers" if shape[2] == 1 else "[r, g, b]")
            raise InvalidValueError(
                "pixels", f"{expected}, or a list of such", Text(f"an array of shape {pixels.shape}")
            )
        self._check_rows("pixels", len(pixels))
        if pixels.min() < 0 or pixels.max() > 1:
            worst = pixels.min() if pixels.min() < 0 else pixels.max()
            raise InvalidValueError("pixels", "numbers in [0, 1]; divide 8-bit values by 255", float(worst))
        return pixels.reshape(-1, *shape).astype(np.float32)

    async def _decode(self, rows: Floats) -> Pictures:
        return Pictures(rows[:, : self.manifest.latent_dim], await self.submit(rows))

    def _encode_rows(self, x: Floats) -> Floats:
        return np.concatenate(self.model.encode(x), axis=1)

    def _make_batcher(self, run: Run, inline_rows: int) -> Batcher:
        return Batcher(
            run,
            max_batch_rows=self.settings.max_batch_rows,
            queue_capacity_rows=self.settings.queue_capacity_rows,
            inline_rows=inline_rows,
        )

    def _deadline(self) -> float:
        return time.monotonic() + self.settings.deadline_ms / 1000

    def _check_rows(self, field: str, rows: int) -> None:
        if rows > self.settings.max_request_rows:
            limit = self.settings.max_request_rows
            raise InvalidValueError(field, f"at most {limit} in one request", Text(str(rows)))

    def _check_z(self, field: str, z: NDArray[np.float64]) -> Floats:
        dim = self.manifest.latent_dim
        if z.shape[-1] != dim:
            numbers = "number" if dim == 1 else "numbers"
            raise InvalidValueError(
                field,
                f"{dim} {numbers} a vector (latent_dim of {self.manifest.name})",
                Text(str(z.shape[-1])),
            )
        if np.abs(z).max() > Z_LIMIT:
            worst = float(z.flat[np.abs(z).argmax()])
            raise InvalidValueError(field, f"numbers in [-{Z_LIMIT:g}, {Z_LIMIT:g}]", worst)
        return z.astype(np.float32)

    def _mixture(self, field: str, digit: int) -> latent.Mixture:
        if digit not in self._mixtures:
            labels = ", ".join(map(str, self._mixtures)) or "none: the model has no classes"
            raise NotFoundError(field, f"a class of {self.manifest.name} ({labels})", digit)
        return self._mixtures[digit]

    def _one_hot(self, field: str, label: Label, rows: int) -> Floats:
        """Gives `(rows, labels)` float32, `labels` being 0 for a model that takes none."""
        if not self.labels:
            if label is not None:
                raise InvalidValueError(field, f"none: {self.manifest.name} takes no label", label)
            return np.zeros((rows, 0), np.float32)
        known = ", ".join(map(str, self.labels))
        if label is None:
            raise InvalidValueError(field, f"one of {known}, which {self.manifest.name} needs", Text("none"))
        labels = [label] * rows if isinstance(label, int) else label
        if len(labels) != rows:
            raise InvalidValueError(field, f"one label, or {rows}: one a vector", Text(str(len(labels))))
        for i, value in enumerate(labels):
            if value not in self._one_hots:
                where = field if isinstance(label, int) else f"{field}[{i}]"
                raise InvalidValueError(where, f"one of {known}", value)
        return np.stack([self._one_hots[value] for value in labels])

    def _resolve(self, end: Endpoint) -> Floats:
        if end.z is not None:
            one_hot = self._one_hot(f"{end.field}.label", end.label, 1)[0]
            return np.concatenate([self._check_z(f"{end.field}.z", end.z), one_hot])
        digit = -1 if end.digit is None else end.digit
        # The heaviest component comes first: the mean of all may lie in another class.
        mean = self._mixture(f"{end.field}.digit", digit).means[0]
        return np.concatenate([mean, self._one_hots[digit]])

    def _read_upload(self, field: str, content: bytes, polarity: images.Polarity | None) -> Floats:
        spec = self.manifest.image
        x = images.read_image(content, field, spec.channels, self.settings.max_image_pixels)
        if (polarity or self._find_polarity(x)) == "dark-on-light":
            x = 1 - x
        if x.shape != spec.shape:
            box = spec.fit.box if isinstance(spec.fit, CentreOfMassFit) else None
            x = images.fit(x, spec.height, spec.width, box, field)
        return x if spec.polarity == "light-on-dark" else 1 - x

    def _find_polarity(self, x: Floats) -> images.Polarity:
        spec = self.manifest.image
        # A light border of a picture in colour need not be paper; turned over, all its colours are others.
        if spec.channels == 3 and not isinstance(spec.fit, CentreOfMassFit):
            return spec.polarity
        return images.find_polarity(x)


def _read_mixture(entry: ClassSpec) -> latent.Mixture:
    parts = entry.components
    if not parts:
        root = latent.covariance_root(np.array(entry.covariance, np.float64))
        return latent.mix([np.array(entry.z_mean, np.float32)], [root], [1.0])
    means = [np.array(part.z_mean, np.float32) for part in parts]
    roots = [np.diag(np.array(part.stddev, np.float32)) for part in parts]
    return latent.mix(means, roots, [part.weight for part in parts])
