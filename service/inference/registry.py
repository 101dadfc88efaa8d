"""The loaded models, by name."""

from __future__ import annotations

import logging
import pathlib
import time
import weakref
from collections.abc import Callable, Iterator, Sequence

from service.batching.context import RequestContext
from service.bundles.reader import Bundle, read_bundle
from service.core.choices import Graph
from service.core.errors import (
    BundleError,
    InvalidValueError,
    NotFoundError,
    NotReadyError,
    QueueFullError,
    Text,
)
from service.core.memory import check_models, measure_weights
from service.core.settings import Settings
from service.core.shipped_models.folders import describe_none
from service.inference.engine import Engine
from service.inference.onnx_model import Model
from service.inference.providers import explain_fallback
from service.inference.served import Handover, Served, choose_default, sort_bundles
from service.inference.upload_threads import UploadThreads

logger = logging.getLogger(__name__)


class Registry:
    """The models of the bundles that the settings name.

    Attributes:
        places: Decode the uploads of all models.
        settings: Of this process.
        served: The models that answer; replaced as a whole.
        watchers: Called when other models are served, on the event loop.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.places = UploadThreads()
        self.served = Served()
        self.watchers: list[Callable[[], None]] = []
        self._open = False
        # Those too that have been replaced, and whose last requests are not done.
        self._alive: list[weakref.ref[Engine]] = []

    def start(self, *, alone: bool = False, handover: Handover | None = None) -> None:
        """Load, verify and warm up every bundle.

        Args:
            alone: Load only the default model.
            handover: The bundles that other workers serve; None: those of the settings are read.

        Raises:
            BundleError: There is no bundle, one is invalid, or the default model is missing.
            ProviderError: onnxruntime does not offer the provider of the settings.
        """
        if reason := explain_fallback(self.settings.provider):
            logger.warning("CVAE_PROVIDER=auto takes the CPU: %s", reason)
        if handover is None:
            self._start_from_files(alone)
        else:
            self._start_from(handover)
        self._open = True
        if self.falls_back:
            self._log_default()

    def _start_from_files(self, alone: bool) -> None:
        folders = sort_bundles(self.settings.bundles)
        if not folders:
            raise BundleError(describe_none(self.settings.models_dir))
        default, falls_back = self.choose_default([folder.name for folder in folders])
        chosen = [folder for folder in folders if not alone or folder.name == default]
        engines = {folder.name: self.load(self.read(folder)) for folder in chosen}
        self.served = Served(engines, {}, default, falls_back)

    def _start_from(self, handover: Handover) -> None:
        engines = {bundle.manifest.name: self.load(bundle) for bundle in handover.current}
        kept: dict[str, list[Engine]] = {}
        for bundle in handover.kept:
            kept.setdefault(bundle.manifest.name, []).append(self.load(bundle))
        self.served = Served(engines, kept, *self.choose_default(list(engines)))

    def choose_default(self, names: Sequence[str]) -> tuple[str, bool]:
        """Return the name of the default model, and whether it is only the first of these names."""
        return choose_default(names, self.settings.default_model, self.settings.demanded_model)

    def read(self, folder: pathlib.Path) -> Bundle:
        """Return the bundle of a folder; one that is larger than all may be is refused unread.

        Raises:
            BundleError: The bundle is invalid or too large.
        """
        check_models(self.settings.max_models_memory, folder.name, measure_weights(folder), ())
        return read_bundle(folder)

    def load(self, bundle: Bundle) -> Engine:
        """Return an engine of a bundle, verified and warm.

        Raises:
            BundleError: The bundle is invalid, or there is no memory for it beside those that are loaded.
            ProviderError: onnxruntime does not offer the provider of the settings.
        """
        manifest = bundle.manifest
        loaded = [engine.model.bundle.weights_bytes for engine in self.alive]
        check_models(self.settings.max_models_memory, manifest.name, bundle.weights_bytes, loaded)
        engine = Engine(Model(bundle, self.settings), self.settings, self.places)
        engine.start()
        self._alive = [*(known for known in self._alive if known() is not None), weakref.ref(engine)]
        logger.info("%s@%s runs on %s", manifest.name, manifest.version, engine.model.runtime.provider)
        return engine

    def _log_default(self) -> None:
        # With a single bundle this is no surprise.
        logger.log(
            logging.WARNING if len(self.served.engines) > 1 else logging.INFO,
            "requests that name no model are answered by %s, the first by name: there is no %s, and "
            "CVAE_DEFAULT_MODEL is not set",
            self.default,
            self.settings.default_model,
        )

    def drain(self) -> None:
        """Turn readiness off; requests are still answered."""
        self._open = False

    def close(self) -> None:
        """Turn readiness off, and fail all requests that wait."""
        self._open = False
        for engine in self.alive:
            engine.close()
        self.places.close()

    @property
    def alive(self) -> list[Engine]:
        """All engines that have not gone: those that serve, and those whose last requests are not done."""
        return [engine for known in self._alive if (engine := known()) is not None]

    @property
    def ready(self) -> bool:
        """Whether every model can answer."""
        return self._open and not any(engine.failed for engine in self)

    @property
    def default(self) -> str:
        """The name of the model for requests that name none."""
        return self.served.default

    @property
    def falls_back(self) -> bool:
        """Whether the default model is the first by name, because the one of the settings is missing."""
        return self.served.falls_back

    def get(self, name: str | None = None) -> Engine:
        """Return the engine of a model.

        Args:
            name: A name, or `name@version`; unset: the default model.

        Raises:
            NotFoundError: There is no such model, or no such version of it.
            NotReadyError: The models are not loaded.
        """
        served = self.served
        if not served.engines:
            raise NotReadyError("the models are not loaded")
        if name is None:
            return served.engines[served.default]
        engine = served.engines.get(name)
        if engine is not None:
            return engine
        plain, at, version = name.partition("@")
        return served.find(plain, version if at else None)

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
            loaded = ", ".join(self.served.engines)
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
        for engine in self.served.engines.values():
            try:
                engine.check(graph)
            except (QueueFullError, NotReadyError) as error:
                refusal = error
            else:
                return
        raise refusal

    def __iter__(self) -> Iterator[Engine]:
        """Return the engines of the current versions."""
        return iter(self.served.engines.values())
