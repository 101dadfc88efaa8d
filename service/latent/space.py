"""The latent space of one model: turns vectors, classes and seeds of requests into rows for its decoder.

No model runs here. Invariant: the rows it returns fit the decoder and the limits, so that nothing is refused
after it has started to run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.bundles.manifest import Manifest
from service.core.arrays import Floats, find_largest
from service.core.choices import ClassName, Method, PriorName
from service.core.errors import InvalidValueError, Text, shorten
from service.latent import interpolation, sampling
from service.latent.classes import Classes
from service.latent.point import Point
from service.latent.prior import MixturePrior

Arrays = Mapping[str, NDArray[Any]]
Label = ClassName | Sequence[ClassName] | None

# Ten thousand standard deviations of the prior; there, float32 still holds every activation.
Z_LIMIT = 1e4
# Of the vectors of a grid: they are made in 5 ms, while no other request is answered.
GRID_NUMBERS = 2**19


class LatentSpace:
    """Makes rows, `(n, latent_dim + labels)` float32: z, and the one-hot label if the decoder takes one.

    Attributes:
        labels: The labels that the decoder takes; empty if it takes none.
        dim: The number of latent dimensions.
        classes: The classes by label and by name.
        mixture: What vectors are drawn from unless N(0, 1) is asked for; None if there is no other.
    """

    def __init__(self, manifest: Manifest, max_rows: int, prior: Arrays | None = None) -> None:
        """Prepare the classes.

        Args:
            manifest: The manifest of the model.
            max_rows: Most rows of one request.
            prior: The arrays of its mixture; None if its prior is N(0, 1).

        Raises:
            BundleError: The numbers of a class are not a valid distribution.
        """
        self.manifest = manifest
        self.max_rows = max_rows
        self.labels = manifest.labels
        self.dim = manifest.latent_dim
        self.mixture = None if prior is None else MixturePrior(prior)
        self.classes = Classes(manifest, self.mixture)
        # Of no columns if the decoder takes no label.
        one_hots = np.eye(len(manifest.classes), len(self.labels), dtype=np.float32)
        self._one_hots = {entry.label: one_hots[i] for i, entry in enumerate(manifest.classes)}
        counts = np.cumsum([entry.count for entry in manifest.classes], dtype=np.float64)
        self._bounds = counts / counts[-1] if self.labels else counts
        self._labels = np.array(self.labels, np.int64)

    def place(self, z: NDArray[np.float64], label: Label = None) -> Floats:
        """Return the rows of vectors.

        Args:
            z: `(n, latent_dim)` finite numbers.
            label: One for all vectors, or one each; None for a model that takes none.

        Raises:
            InvalidValueError: Another latent_dim, too many rows, a number beyond `Z_LIMIT`, or labels that do
                not fit.
        """
        vectors = self._check_z("z", z)
        if not self.labels and label is None:
            return vectors
        return np.concatenate([vectors, self._one_hot("label", label, len(z))], axis=1)

    def connect(self, points: Sequence[Point], steps: int, method: Method | None) -> Floats:
        """Return the rows of a path through points, the first and the last of them included.

        Args:
            points: Two or more.
            steps: Rows of the path.
            method: None: chosen by latent_dim, see `default_method`.

        Raises:
            InvalidValueError: Another latent_dim, or steps that do not fit.
            NotFoundError: The model has no such class.
        """
        self.check_path(len(points), steps)
        found, dim = [self._resolve(point) for point in points], self.dim
        stops = np.concatenate(found).reshape(len(found), -1)
        path = interpolation.walk(stops[:, :dim], steps, method or interpolation.default_method(dim))
        if not self.labels:
            return path
        # One label turns into the next just as evenly.
        return np.concatenate([path, interpolation.walk(stops[:, dim:], steps, "lerp")], axis=1)

    def draw(self, digit: ClassName, seed: int, temperature: float, n: int = 1) -> Floats:
        """Draw vectors of a class, with its label if the model takes one.

        Args:
            digit: The label or the name of the class.
            seed: In [0, 2**32).
            temperature: Scales the standard deviation; 0 gives a component's mean.
            n: How many; a smaller n gives the first of a larger one's.

        Raises:
            InvalidValueError: Too many rows.
            NotFoundError: The model has no such class.
        """
        self.check_rows("n", n)
        label = self.classes.find("digit", digit)
        z = self.classes.draw(label, seed, temperature, n)
        if not self.labels:
            return z
        one_hot = self._one_hots[label]
        return np.concatenate([z, np.broadcast_to(one_hot, (n, len(one_hot)))], axis=1)

    def choose_prior(self, asked: PriorName | None) -> PriorName:
        """Return what vectors of no class are drawn from: what is asked for, else the bundle's own prior.

        Raises:
            InvalidValueError: The bundle has no mixture.
        """
        if asked == "mixture" and self.mixture is None:
            raise InvalidValueError("prior", f"normal: {self.manifest.name} has no mixture", asked)
        return asked or ("normal" if self.mixture is None else "mixture")

    def sample(self, seed: int, temperature: float, n: int, prior: PriorName | None = None) -> Floats:
        """Draw vectors from the prior, with labels as frequent as among the training images.

        Args:
            seed: In [0, 2**32).
            temperature: Scales the standard deviation; 0 gives the mean, of a mixture those of components.
            n: How many; a smaller n gives the first of a larger one's.
            prior: See `choose_prior`.

        Raises:
            InvalidValueError: Too many rows, or no such prior.
        """
        self.check_rows("n", n)
        if self.choose_prior(prior) == "mixture" and self.mixture is not None:
            z, label = self.mixture.sample(seed, temperature, n)
        else:
            z, label = (temperature * sampling.sample_normal(seed, (n, self.dim))).astype(np.float32), None
        if not self.labels:
            return z
        if label is None:
            # From a generator of their own, so that a smaller n gives the first of a larger one's.
            picks = sampling.open_stream([seed, 1]).random_sample(n)
            label = self._labels[np.searchsorted(self._bounds, picks, side="right")]
        one_hot = label[:, np.newaxis] == self._labels
        return np.concatenate([z, one_hot.astype(np.float32)], axis=1)

    def spread(
        self, n: int, extent: float, dims: tuple[int, int], label: ClassName | None, most: int = 0
    ) -> Floats:
        """Return the rows of an even grid over two dimensions of the prior, all others 0.

        Args:
            n: Points on a side; a model of one dimension gets one line of them.
            extent: The grid goes from -extent to extent; above 0.
            dims: The dimensions that grow to the right and upwards.
            label: The label of all; None for a model that takes none.
            most: Rows that there may be, if that is more than in any request.

        Returns:
            n² rows (n for one dimension), from the top left, line by line.

        Raises:
            InvalidValueError: Too many rows, a dimension that is not there, or a label that does not fit.
        """
        lines = n if self.dim > 1 else 1
        limit = max(self.max_rows, min(most, GRID_NUMBERS // self.dim))
        if n * lines > limit:
            raise InvalidValueError(
                "n", f"what makes at most {limit} pictures", Text(f"{shorten(n)}: {shorten(n * lines)}")
            )
        for dim in dims[: self.dim]:
            if not 0 <= dim < self.dim:
                expected = f"numbers from 0 to {self.dim - 1}, as {self.manifest.name} has"
                raise InvalidValueError("dims", expected, dim)
        side, z = np.linspace(-extent, extent, n), np.zeros((lines, n, self.dim))
        z[:, :, dims[0]] = side
        if self.dim > 1:
            z[:, :, dims[1]] = side[::-1, np.newaxis]
        vectors = z.reshape(-1, self.dim).astype(np.float32)
        one_hot = self._one_hot("label", label, len(vectors))
        return np.concatenate([vectors, one_hot], axis=1) if self.labels else vectors

    def check_rows(self, field: str, rows: int) -> None:
        """Raise `InvalidValueError`, naming `field`, for more rows than a request may have."""
        if rows > self.max_rows:
            raise InvalidValueError(field, f"at most {self.max_rows} in one request", rows)

    def check_path(self, points: int, steps: int) -> None:
        """Raise `InvalidValueError` for more steps than a request may have, or fewer than points."""
        self.check_rows("steps", steps)
        if points > steps:
            raise InvalidValueError("steps", f"at least {points}, one for each point", steps)

    def check_shape(self, field: str, shape: tuple[int, ...]) -> None:
        """Raise `InvalidValueError` unless vectors of a shape, `(latent_dim,)` or `(n, latent_dim)`, fit."""
        self.check_rows(field, shape[0] if len(shape) > 1 else 1)
        if shape[-1] != self.dim:
            numbers = "numbers" if self.dim > 1 else "number"
            expected = f"{self.dim} {numbers} a vector (latent_dim of {self.manifest.name})"
            raise InvalidValueError(field, expected, Text(str(shape[-1])))

    def _check_z(self, field: str, z: NDArray[np.float64]) -> Floats:
        self.check_shape(field, z.shape)
        if find_largest(z) > Z_LIMIT:
            worst = float(z.flat[np.abs(z).argmax()])
            raise InvalidValueError(field, f"numbers in [-{Z_LIMIT:g}, {Z_LIMIT:g}]", worst)
        return z.astype(np.float32)

    def _one_hot(self, field: str, label: Label, rows: int) -> Floats:
        """Return `(rows, labels)` float32, with no columns for a model that takes no label."""
        if not self.labels:
            if label is not None:
                raise InvalidValueError(field, f"none: {self.manifest.name} takes no label", label)
            return np.zeros((rows, 0), np.float32)
        known = self.classes.known
        if label is None:
            raise InvalidValueError(field, f"one of {known}, which {self.manifest.name} needs", Text("none"))
        labels = [label] * rows if isinstance(label, int | str) else label
        if len(labels) != rows:
            raise InvalidValueError(field, f"one label, or {rows}: one a vector", Text(str(len(labels))))
        found = [self.classes.get(value) for value in labels]
        if None in found:
            i = found.index(None)
            where = field if isinstance(label, int | str) else f"{field}[{i}]"
            raise InvalidValueError(where, f"one of {known}", labels[i])
        return np.stack([self._one_hots[value] for value in found])  # type: ignore[index]

    def _resolve(self, point: Point) -> Floats:
        if point.z is None:
            digit = -1 if point.digit is None else point.digit
            label = self.classes.find(point.at or f"{point.field}.digit", digit)
            z, one_hot = self.classes.find_middle(label), self._one_hots[label]
        else:
            where = f"{point.field}.label" if point.at is None else f"{point.field}_label"
            one_hot = self._one_hot(where, point.label, 1)[0]
            z = self._check_z(point.at or f"{point.field}.z", point.z)
        return np.concatenate([z, one_hot]) if self.labels else z
