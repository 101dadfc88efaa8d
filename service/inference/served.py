"""The models that are served together; a reload replaces them all at once."""

from __future__ import annotations

import dataclasses
import pathlib
import re
from collections.abc import Iterator, Mapping, Sequence

from service.bundles.reader import Bundle
from service.core.errors import BundleError, NotFoundError
from service.inference.engine import Engine


@dataclasses.dataclass(frozen=True)
class Served:
    """Models by name, and earlier versions of them.

    Attributes:
        engines: The current version of each model.
        kept: The earlier versions that can be asked for as `name@version`, the latest first.
        default: The name of the model for requests that name none.
        falls_back: Whether that is the first by name, because the one of the settings is missing.
    """

    engines: Mapping[str, Engine] = dataclasses.field(default_factory=dict)
    kept: Mapping[str, Sequence[Engine]] = dataclasses.field(default_factory=dict)
    default: str = ""
    falls_back: bool = False

    def find(self, name: str, version: str | None = None) -> Engine:
        """Return the engine of a model.

        Args:
            name: The model's name.
            version: One that is kept; None: the current one.

        Raises:
            NotFoundError: There is no such model, or no such version of it.
        """
        named = name if version is None else f"{name}@{version}"
        current = self.engines.get(name)
        if current is None:
            raise NotFoundError("model", f"one of {', '.join(self.engines)}", named)
        if version in (None, current.manifest.version):
            return current
        for engine in self.kept.get(name, ()):
            if engine.manifest.version == version:
                return engine
        known = [f"{name}@{other}" for other in self.list_versions(name)]
        expected = f"{known[0]}, which is loaded" if len(known) == 1 else f"one of {', '.join(known)}"
        raise NotFoundError("model", expected, named)

    def list_versions(self, name: str) -> list[str]:
        """Return the versions of a model that can be asked for, the current one first; none of no model."""
        current = [self.engines[name]] if name in self.engines else []
        return [engine.manifest.version for engine in (*current, *self.kept.get(name, ()))]

    def __iter__(self) -> Iterator[Engine]:
        """Return all engines: the current ones, then those that are kept."""
        yield from self.engines.values()
        for engines in self.kept.values():
            yield from engines


@dataclasses.dataclass(frozen=True)
class Handover:
    """The bundles of `Served`, for a worker that is to serve the same.

    Attributes:
        current: Those of the current versions, in order.
        kept: Those of earlier versions, the latest of each model first.
    """

    current: Sequence[Bundle]
    kept: Sequence[Bundle]


def hand_over(served: Served) -> Handover:
    """Return the bundles of models."""
    current = [engine.model.bundle for engine in served.engines.values()]
    kept = [engine.model.bundle for engines in served.kept.values() for engine in engines]
    return Handover(current, kept)


def choose_default(names: Sequence[str], wanted: str, demanded: str | None) -> tuple[str, bool]:
    """Return the name of the default model, and whether it is only the first by name.

    Args:
        names: Of the models, in order.
        wanted: The name in the settings.
        demanded: The same if the operator chose it.

    Raises:
        BundleError: The model that the operator chose is missing.
    """
    if wanted in names:
        return wanted, False
    if demanded is not None:
        raise BundleError(f"CVAE_DEFAULT_MODEL: expected one of {', '.join(names)}, received {wanted!r}")
    return names[0], True


def order(name: str) -> tuple[list[str | int], str]:
    """Return what to sort the names of models by: numbers count as numbers, so 2d comes before 16d."""
    parts = re.split("([0-9]+)", name)
    return [int(part) if i % 2 else part for i, part in enumerate(parts)], name


def sort_bundles(folders: Sequence[pathlib.Path]) -> list[pathlib.Path]:
    """Return the folders of bundles in the order of their models."""
    return sorted(folders, key=lambda folder: order(folder.name))
