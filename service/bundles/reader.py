"""Read a bundle folder: manifest, checksums, version, golden vectors, atlas (docs/bundle.md).

Invariant: a `Bundle` is only built from files whose checksums and version agree with the manifest.
"""

from __future__ import annotations

import dataclasses
import errno
import functools
import hashlib
import io
import json
import pathlib
import stat
import zipfile
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from service.bundles.arrays import check_array
from service.bundles.manifest import FileSpec, Manifest, MixturePrior, version_of
from service.bundles.prior import LABEL, NAMES, check_prior
from service.core.errors import BundleError, shorten
from service.core.reloads import Content
from service.core.shipped_models.folders import MANIFEST

CARD = "README.md"
# What was expected, by pydantic's names of faults, where its own words speak of Python or do not say.
EXPECTED = {
    "missing": "this field",
    "extra_forbidden": "no field of this name",
    "tuple_type": "a list",
    "model_type": "an object",
    "model_attributes_type": "an object",
    "dict_type": "an object",
}


@dataclasses.dataclass(frozen=True)
class Bundle:
    """A bundle whose files agree with its manifest.

    Attributes:
        manifest: Its `model.json`.
        fields: The same as it was read, from which the version is computed.
        encoder: The ONNX file's bytes.
        decoder: The ONNX file's bytes.
        golden: `x`, `z_mean`, `z_log_var`, `z` and `image`, float32.
        atlas: `z_mean` `(n, latent_dim)` float32 and `label` `(n,)` int64.
        prior: Of a mixture of n components, `weight` `(n,)`, `z_mean` `(n, latent_dim)` and `cholesky`
            `(n, latent_dim, latent_dim)`, float32, and `label` `(n,)` int64 if they have classes; None if
            the prior is N(0, 1).
        card: Its README.md, if there is one.
    """

    manifest: Manifest
    fields: dict[str, Any]
    encoder: bytes
    decoder: bytes
    golden: dict[str, NDArray[Any]]
    atlas: dict[str, NDArray[Any]]
    prior: dict[str, NDArray[Any]] | None
    card: str | None

    @functools.cached_property
    def content(self) -> Content:
        """What it is made of, its card included."""
        text = json.dumps([self.fields, self.card], sort_keys=True)
        return Content(self.manifest.version, hashlib.sha256(text.encode()).hexdigest())

    @property
    def weights_bytes(self) -> int:
        """The bytes of both graphs."""
        return len(self.encoder) + len(self.decoder)


def read_bundle(folder: pathlib.Path) -> Bundle:
    """Read a bundle and check all that can be checked without running it.

    Args:
        folder: `models/<name>`.

    Raises:
        BundleError: A file is missing or broken, or does not agree with the manifest.
    """
    manifest, fields = _read_manifest(folder)
    content = {spec.file: _read_file(folder, spec) for spec in manifest.files}
    names = ("x", "z_mean", "z_log_var", "z", "image", *(("label",) if manifest.labels else ()))
    golden = _read_arrays(folder, manifest.golden, content, names)
    atlas = _read_arrays(folder, manifest.atlas, content, ("z_mean", "label"))
    _check_arrays(folder, manifest, golden, atlas)
    _check_pixels(folder / manifest.golden.file, golden)
    encoder, decoder = content[manifest.encoder.file], content[manifest.decoder.file]
    prior = _read_prior(folder, manifest, content)
    return Bundle(manifest, fields, encoder, decoder, golden, atlas, prior, _read_card(folder))


def _read_manifest(folder: pathlib.Path) -> tuple[Manifest, dict[str, Any]]:
    path = folder / MANIFEST
    try:
        fields = json.loads(_read(path))
        manifest = Manifest.model_validate(fields)
    except OSError as error:
        raise BundleError(f"{path}: expected a manifest, cannot read it: {error.strerror}") from error
    except ValidationError as error:
        first = _describe(error.errors()[0])
        raise BundleError(f"{path}: {first} (faults in all: {error.error_count()})") from error
    except ValueError as error:
        raise BundleError(f"{path}: expected JSON: {error}") from error
    if manifest.name != folder.name:
        raise BundleError(f"{path}: name: expected {folder.name!r} as its folder, found {manifest.name!r}")
    if (version := version_of(fields)) != manifest.version:
        raise BundleError(
            f"{path}: version: expected {version} as its content says, found {manifest.version}"
        )
    return manifest, fields


def _read(path: pathlib.Path) -> bytes:
    # Opening a pipe would wait for a writer, and a device may never end.
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(errno.EINVAL, "it is not a regular file")
    return path.read_bytes()


def _read_card(folder: pathlib.Path) -> str | None:
    try:
        return _read(folder / CARD).decode("utf-8", errors="replace")
    except OSError:
        return None


def _describe(fault: ErrorDetails) -> str:
    field = "".join(f"{part}: " for part in fault["loc"])
    reason, kind = fault["msg"], fault["type"]
    if kind == "value_error":
        return field + reason.removeprefix("Value error, ")
    found = "none" if kind == "missing" else shorten(fault["input"])
    if kind == "union_tag_invalid":
        reason = f"{fault['ctx']['discriminator']} to be one of {fault['ctx']['expected_tags']}"
    reason = reason.removeprefix("Input should be ").replace("String should match", "a string that matches")
    return f"{field}expected {EXPECTED.get(kind, reason)}, found {found}"


def _read_file(folder: pathlib.Path, spec: FileSpec) -> bytes:
    path = folder / spec.file
    try:
        content = _read(path)
    except OSError as error:
        raise BundleError(f"{path}: expected this file, cannot read it: {error.strerror}") from error
    if (found := hashlib.sha256(content).hexdigest()) != spec.sha256:
        raise BundleError(f"{path}: sha256: expected {spec.sha256}, found {found}")
    return content


def _read_prior(
    folder: pathlib.Path, manifest: Manifest, content: dict[str, bytes]
) -> dict[str, NDArray[Any]] | None:
    if not isinstance(manifest.prior, MixturePrior):
        return None
    arrays = _read_arrays(folder, manifest.prior, content, NAMES, (LABEL,))
    check_prior(folder / manifest.prior.file, manifest, arrays)
    return arrays


def _read_arrays(
    folder: pathlib.Path,
    spec: FileSpec,
    content: dict[str, bytes],
    names: tuple[str, ...],
    optional: tuple[str, ...] = (),
) -> dict[str, NDArray[Any]]:
    expected = f"{folder / spec.file}: expected the arrays {', '.join(names)}"
    try:
        # Not np.load, which also accepts a single array or a pickle.
        with np.lib.npyio.NpzFile(io.BytesIO(content[spec.file]), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files if name in (*names, *optional)}
    except (ValueError, OSError, zipfile.BadZipFile) as error:
        raise BundleError(f"{expected}: {error}") from error
    if not set(names) <= set(arrays):
        raise BundleError(f"{expected}, found {', '.join(arrays) or 'none of them'}")
    return arrays


def _check_arrays(
    folder: pathlib.Path, manifest: Manifest, golden: dict[str, NDArray[Any]], atlas: dict[str, NDArray[Any]]
) -> None:
    latent, picture, one_hot = (manifest.latent_dim,), manifest.image.shape, (len(manifest.labels),)
    label = {"label": one_hot} if manifest.labels else {}
    for spec, arrays, shapes in (
        (manifest.golden, golden, {"x": picture, "z_mean": latent, "z_log_var": latent}),
        (manifest.golden, golden, {"z": latent, "image": picture, **label}),
        (manifest.atlas, atlas, {"z_mean": latent, "label": ()}),
    ):
        first = arrays[next(iter(shapes))]
        rows = max(1, first.shape[0] if first.ndim else 0)
        for name, shape in shapes.items():
            dtype = np.float32 if shape else np.int64
            check_array(folder / spec.file, name, arrays[name], (rows, *shape), dtype)


def _check_pixels(path: pathlib.Path, golden: dict[str, NDArray[Any]]) -> None:
    for name in ("x", "image"):
        low, high = float(golden[name].min()), float(golden[name].max())
        if low < 0 or high > 1:
            raise BundleError(f"{path}: {name}: expected values in [0, 1], found {low:.3g} to {high:.3g}")
