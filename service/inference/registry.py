"""The loaded models, by name."""

from __future__ import annotations

import logging
import pathlib
import re
import time
from collections.abc import Iterator, Sequence

from service.batching.context import RequestContext
from service.bundles.reader import read_bundle
from service.core.choices import Graph
from service.core.errors import (
    BundleError,
    InvalidValueError,
    NotFoundError,
    NotReadyError,
    QueueFullError,
    Text,
)
from service.core.settings import Settings
from service.core.shipped_models.folders import describe_none
from service.inference.engine import Engine
from service.inference.onnx_model import Model
from service.inference.providers import explain_fallback
from service.inference.upload_threads import UploadThreads

logger = logging.getLogger(__name__)


class Registry:
    """The models of the bundles that the settings name.

    Attributes:
        places: Decode the uploads of all models.
        settings: Of this process.
        falls_back: Whether the default model is the first by name, because the one of the settings is
            missing.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.places = UploadThreads()
        self.falls_back = False
        self._open = False
        self._engines: dict[str, Engine] = {}
        self._default = ""

    def start(self, *, alone: bool = False) -> None:
        """Load, verify and warm up every bundle.

        Args:
            alone: Load only the default model.

        Raises:
            BundleError: There is no bundle, one is invalid, or the default model is missing.
            ProviderError: onnxruntime does not offer the provider of the settings.
        """
        bundles = sorted(self.settings.bundles, key=_order)
        if not bundles:
            raise BundleError(describe_none(self.settings.models_dir))
        names = [path.name for path in bundles]
        self._default = self._choose_default(names)
        if reason := explain_fallback(self.settings.provider):
            logger.warning("CVAE_PROVIDER=auto takes the CPU: %s", reason)
        for path in bundles:
            if alone and path.name != self._default:
                continue
            engine = Engine(Model(read_bundle(path), self.settings), self.settings, self.places)
            engine.start()
            self._engines[path.name] = engine
            manifest, runtime = engine.manifest, engine.model.runtime
            logger.info("%s@%s runs on %s", manifest.name, manifest.version, runtime.provider)
        self._open = True
        if self.falls_back:
            self._log_default()

    def _choose_default(self, names: Sequence[str]) -> str:
        wanted = self.settings.default_model
        self.falls_back = wanted not in names
        if not self.falls_back:
            return wanted
        if self.settings.demanded_model is not None:
            raise BundleError(f"CVAE_DEFAULT_MODEL: expected one of {', '.join(names)}, received {wanted!r}")
        return names[0]

    def _log_default(self) -> None:
        # With a single bundle this is no surprise.
        logger.log(
            logging.WARNING if len(self._engines) > 1 else logging.INFO,
            "requests that name no model are answered by %s, the first by name: there is no %s, and "
            "CVAE_DEFAULT_MODEL is not set",
            self._default,
            self.settings.default_model,
        )

    def drain(self) -> None:
        """Turn readiness off; requests are still answered."""
        self._open = False

    def close(self) -> None:
        """Turn readiness off, and fail all requests that wait."""
        self._open = False
        for engine in self:
            engine.close()
        self.places.close()

    @property
    def ready(self) -> bool:
        """Whether every model can answer."""
        return self._open and not any(engine.failed for engine in self)

    @property
    def default(self) -> str:
        """The name of the model for requests that name none."""
        return self._default

    def get(self, name: str | None = None) -> Engine:
        """Return the engine of a model.

        Args:
            name: A name, or `name@version`; unset: the default model.

        Raises:
            NotFoundError: There is no such model, or it has another version.
            NotReadyError: The models are not loaded.
        """
        if not self._engines:
            raise NotReadyError("the models are not loaded")
        if name is None:
            return self._engines[self._default]
        plain, _, version = name.partition("@")
        engine = self._engines.get(plain)
        if engine is None:
            raise NotFoundError("model", f"one of {', '.join(self._engines)}", name)
        if version != engine.manifest.version and plain != name:
            raise NotFoundError("model", f"{plain}@{engine.manifest.version}, which is loaded", name)
        return engine

    def get_conditional(self, name: str | None = None) -> Engine:
        """Return the engine of a label-conditioned model.

        Args:
            name: As in `get`; unset: the default model, or the first one that takes labels.

        Raises:
            InvalidValueError: The model that is named takes no label.
            NotFoundError: There is no such model, or none that takes labels.
            NotReadyError: The models are not loaded.
        """
        engine = self.get(name)
        if engine.space.labels:
            return engine
        others = [other for other in self if other.space.labels]
        if not others:
            loaded = ", ".join(self._engines)
            raise NotFoundError("model", "a label-conditioned model", Text(f"only {loaded}, without labels"))
        if name is None:
            return others[0]
        names = ", ".join(other.manifest.name for other in others)
        raise InvalidValueError("model", f"a label-conditioned model ({names})", name)

    def open_call(self, deadline_ms: float | None = None) -> RequestContext:
        """Return the context of a new request.

        Args:
            deadline_ms: From now, above 0. The setting's applies if it is shorter or this is unset.
        """
        limit: float = self.settings.deadline_ms
        return RequestContext(
            time.monotonic() + (limit if deadline_ms is None else min(limit, deadline_ms)) / 1000
        )

    def check(self, graph: Graph) -> None:
        """Raise the last model's error if no model could take a request now; see `Engine.check`.

        Raises:
            QueueFullError: The queue of the last model is full.
            NotReadyError: The last model cannot answer, or the models are not loaded.
        """
        refusal: Exception = NotReadyError("the models are not loaded")
        for engine in self._engines.values():
            try:
                engine.check(graph)
            except (QueueFullError, NotReadyError) as error:
                refusal = error
            else:
                return
        raise refusal

    def __iter__(self) -> Iterator[Engine]:
        return iter(self._engines.values())


def _order(folder: pathlib.Path) -> tuple[list[str | int], str]:
    # Numbers in names count as numbers, so that mnist-2d comes before mnist-16d.
    parts = re.split("([0-9]+)", folder.name)
    return [int(part) if i % 2 else part for i, part in enumerate(parts)], folder.name
