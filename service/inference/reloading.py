"""Load the bundles of today beside the models that are served, then serve them instead.

Invariants: what cannot be loaded changes nothing; requests that have an engine keep it, and an engine that is
replaced goes, with its threads and its memory, when the last of them is done.
"""

from __future__ import annotations

import logging
import pathlib
import weakref
from collections.abc import Iterable, Sequence

from service.core.errors import StartupError
from service.core.reloads import Content, Outcome
from service.core.shipped_models.folders import MANIFEST, describe_none
from service.inference.engine import Engine
from service.inference.registry import Registry
from service.inference.served import Served, order, sort_bundles

logger = logging.getLogger(__name__)

FAILED = "it failed; the log says more"


class Reload:
    """One reload in one process: `load`, in a thread; then `swap`, on the event loop, or nothing.

    In between, `plan` says what would be served.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._loaded: dict[Content, Engine] = {}

    def load(self) -> list[Outcome]:
        """Read, load, verify and warm up what is new.

        Returns:
            What a swap would do to each model: nothing to those that are refused, with the reason. Where the
            bundles cannot even be listed, that is every model that is served.
        """
        try:
            return self._load_all()
        except Exception as error:  # whoever asked waits for an answer
            logger.exception("the bundles cannot be read")
            reason = str(error) if isinstance(error, OSError) else FAILED
            engines = self._registry.served.engines
            known = {name: engine.model.bundle.content for name, engine in engines.items()}
            return [Outcome(name, "refused", content, content, reason) for name, content in known.items()]

    def _load_all(self) -> list[Outcome]:
        registry = self._registry
        folders = sort_bundles(registry.settings.bundles)
        outcomes = [self._load(folder) for folder in folders]
        gone = [name for name in registry.served.engines if name not in {path.name for path in folders}]
        return outcomes + [self._miss(name, empty=not folders) for name in gone]

    def _load(self, folder: pathlib.Path) -> Outcome:
        registry, name = self._registry, folder.name
        current = registry.served.engines.get(name)
        before = current.model.bundle.content if current else None
        try:
            content = self._read(folder, before)
        except (StartupError, OSError, MemoryError) as error:
            return Outcome(name, "refused", before, before, str(error) or FAILED)
        except Exception:  # a bundle may hold anything
            logger.exception("%s cannot be loaded", name)
            return Outcome(name, "refused", before, before, FAILED)
        return Outcome(name, "unchanged" if content == before else "loaded", before, content)

    def _read(self, folder: pathlib.Path, before: Content | None) -> Content:
        registry = self._registry
        bundle = registry.read(folder)
        known = {engine.model.bundle.content: engine for engine in registry.served}
        if bundle.content != before:
            # One that is kept is there, and warm.
            engine = known.get(bundle.content)
            self._loaded[bundle.content] = engine or registry.load(bundle)
        return bundle.content

    def _miss(self, name: str, *, empty: bool) -> Outcome:
        settings = self._registry.settings
        before = self._registry.served.engines[name].model.bundle.content
        outcome = Outcome(name, "removed", before, None)
        if empty:
            return outcome.refuse(describe_none(settings.models_dir))
        if (settings.models_dir / name).is_dir():
            return outcome.refuse(
                f"{settings.models_dir / name / MANIFEST}: expected a manifest, found none; to remove "
                f"a model, remove its folder"
            )
        if name == settings.demanded_model:
            return outcome.refuse(f"CVAE_DEFAULT_MODEL: expected {name} to stay, found it removed")
        return outcome

    def plan(self, outcomes: Sequence[Outcome]) -> Served:
        """Return what a swap would serve.

        Args:
            outcomes: What has been agreed on; each content is served already, or was loaded here.
        """
        registry = self._registry
        old = registry.served
        known = {engine.model.bundle.content: engine for engine in old} | self._loaded
        wanted = sorted((one for one in outcomes if one.after), key=lambda one: order(one.name))
        engines = {one.name: known[one.after] for one in wanted if one.after}
        keep = registry.settings.keep_versions
        kept = {name: _keep(engine, old, keep) for name, engine in engines.items()}
        return Served(engines, kept, *registry.choose_default(list(engines)))

    def swap(self, outcomes: Sequence[Outcome]) -> None:
        """Serve from now on what was loaded; on the event loop.

        Args:
            outcomes: As in `plan`.
        """
        registry = self._registry
        old, registry.served = registry.served, self.plan(outcomes)
        self._loaded = {}
        _watch_gone(set(old) - set(registry.served))
        for watch in registry.watchers:
            watch()


def _keep(current: Engine, old: Served, count: int) -> list[Engine]:
    name = current.manifest.name
    earlier = [old.engines[name], *old.kept.get(name, ())] if name in old.engines else []
    # Of one version, the bundles may differ in their cards: only the current one can be asked for.
    return [engine for engine in earlier if engine.manifest.version != current.manifest.version][:count]


def _watch_gone(engines: Iterable[Engine]) -> None:
    for engine in engines:
        manifest = engine.manifest
        reference = f"{manifest.name}@{manifest.version}"
        gone = weakref.finalize(engine, logger.info, "%s is closed", reference)
        gone.atexit = False
