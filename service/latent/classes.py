"""The classes of one model, by label and by name: which there are, and what their vectors are drawn from."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import numpy as np

from service.bundles.manifest import ClassSpec, Manifest
from service.core.arrays import Floats
from service.core.choices import ClassName
from service.core.errors import BundleError, InvalidValueError, NotFoundError, Text
from service.latent.mixture import Mixture, covariance_root, mix, sample_mixture
from service.latent.prior import MixturePrior


class Classes:
    """Finds the class that a request means, and draws its vectors.

    Attributes:
        labels: All labels, rising.
        known: The labels with their names, for errors: `0, 1` or `0 disc, 1 square`.
    """

    def __init__(self, manifest: Manifest, prior: MixturePrior | None = None) -> None:
        """Prepare what is drawn from.

        Args:
            manifest: The manifest of the model.
            prior: The mixture that the model's vectors are drawn from, if it has one.

        Raises:
            BundleError: The numbers of a class are not a valid distribution.
        """
        self._model = manifest.name
        self._mixtures = {entry.label: _read_mixture(manifest, entry) for entry in manifest.classes}
        # Components of its own are narrower than the prior's, where classes overlap.
        own = {entry.label for entry in manifest.classes if entry.components}
        self._priors = {label: prior for label in (prior.labels if prior else ()) if label not in own}
        # Where a label says what is drawn, its picture's place in latent space does not.
        self._sure = not manifest.labels
        self.labels = tuple(entry.label for entry in manifest.classes)
        names = manifest.class_names
        self.known = ", ".join(f"{label} {names.get(label, '')}".rstrip() for label in self.labels)
        self._labels: dict[ClassName, int] = {label: label for label in self.labels}
        for label in self.labels:
            self._labels[str(label)] = label
        for label in self.labels:
            self._labels.setdefault(_compose(names.get(label, label)), label)

    def get(self, given: ClassName) -> int | None:
        """Return the label that a label or a name means; None if there is no such class."""
        return self._labels.get(_compose(given))

    def find(self, field: str, given: ClassName) -> int:
        """Return the label of a class that vectors are to be drawn from.

        Args:
            field: The name of the class in the request.
            given: Its label or its name.

        Raises:
            NotFoundError: The model has no such class.
        """
        label = self.get(given)
        if label is None:
            known = self.known or "none: the model has no classes"
            raise NotFoundError(field, f"a class of {self._model} ({known})", given)
        return label

    def draw(self, label: int, seed: int, temperature: float, n: int) -> Floats:
        """Draw vectors of a class: from its own components, else from those of the prior, else N(mean, cov).

        Args:
            label: One of `labels`.
            seed: In [0, 2**32).
            temperature: Scales the standard deviation; 0 gives a component's mean.
            n: How many; a smaller n gives the first of a larger one's.

        Returns:
            `(n, latent_dim)` float32.
        """
        if (prior := self._priors.get(label)) is not None:
            return prior.draw(label, seed, temperature, n, sure=self._sure)
        return sample_mixture(self._mixtures[label], seed, temperature, n)

    def find_middle(self, label: int) -> Floats:
        """Return `(latent_dim,)`, the mean of the heaviest Gaussian that a class is drawn from."""
        if self._sure and (prior := self._priors.get(label)) is not None:
            return prior.find_middle(label)
        # The heaviest component comes first; the mean of all could lie in another class.
        middle: Floats = self._mixtures[label].means[0]
        return middle

    def split(self, phrase: str | Sequence[ClassName] | None) -> Sequence[ClassName]:
        """Split a phrase into labels and names, which are not yet looked up.

        Args:
            phrase: One name; or labels and names with commas between them; or a label a character, such as
                `20251126`. A list is split already, and None stands for all classes.
        """
        if phrase is None:
            return self.labels
        if not isinstance(phrase, str):
            return phrase
        text = phrase.strip()
        if self.get(text) is not None:
            return (text,)
        # A comma at the end sets a single label of two digits apart from two labels.
        return text.removesuffix(",").split(",") if "," in text else text

    def find_all(self, field: str, parts: Sequence[ClassName]) -> list[int]:
        """Return the labels of a phrase.

        Args:
            field: The name of the phrase in the request.
            parts: From `split`.

        Raises:
            InvalidValueError: There is none, or one means no class.
        """
        if not parts:
            raise InvalidValueError(field, "at least one label", Text("none"))
        found = [self.get(part.strip() if isinstance(part, str) else part) for part in parts]
        if None in found:
            i = found.index(None)
            raise InvalidValueError(f"{field}[{i}]", f"one of {self.known}", parts[i])
        return found  # type: ignore[return-value]


def _compose(given: ClassName) -> ClassName:
    # Some keyboards and file systems write an accent as a character of its own, behind its letter.
    return unicodedata.normalize("NFC", given) if isinstance(given, str) else given


def _read_mixture(manifest: Manifest, entry: ClassSpec) -> Mixture:
    parts = entry.components
    try:
        if not parts:
            root = covariance_root(np.array(entry.covariance, np.float64))
            return mix([np.array(entry.z_mean, np.float32)], [root], [1.0])
        means = [np.array(part.z_mean, np.float32) for part in parts]
        roots = [np.diag(np.array(part.stddev, np.float32)) for part in parts]
        return mix(means, roots, [part.weight for part in parts])
    except ValueError as error:
        raise BundleError(f"{manifest.name}: classes: label {entry.label}: {error}") from error
