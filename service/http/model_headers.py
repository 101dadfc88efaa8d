"""Header fields that say which model answered."""

from __future__ import annotations

from service.batching.context import RequestContext
from service.bundles.manifest import Manifest
from service.core.headers import SERVER_TIMING


def headers_of(manifest: Manifest, call: RequestContext) -> dict[str, str]:
    """Gives the headers that each answer of a model has: which one, and where the time went."""
    return {**constant_headers(manifest), SERVER_TIMING: call.timing()}


def constant_headers(manifest: Manifest) -> dict[str, str]:
    """Gives those of them that depend on the model alone."""
    return {"CVAE-Model": f"{manifest.name}@{manifest.version}"}
