"""Write a bundle from two ONNX files, images and golden vectors.

Invariant: a bundle appears in its place whole, and after all checks of the service; else there is none.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import pathlib
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from typing import Any

import click
import numpy as np
import onnx

from service import __version__
from service.bundles.manifest import version_of
from service.bundles.reader import read_bundle
from service.cli.bundle.classes import describe_classes
from service.cli.bundle.data import Images, guess_polarity, read_golden, read_images
from service.cli.bundle.graphs import Graph, read_graph
from service.cli.doctor.bundles import describe_bundle, examine_bundle
from service.core.arrays import Floats
from service.core.errors import StartupError
from service.core.settings import Settings
from service.core.shipped_models.folders import MANIFEST
from service.inference.onnx_model import Model

BATCH = 256
CARD = """# {name}

A variational autoencoder with {dim} latent dimensions, over images of {height} x {width} pixels and
{channels} channel(s). Made with {producer}. Version {version}.
"""


def write_bundle(
    encoder: pathlib.Path,
    decoder: pathlib.Path,
    data: pathlib.Path,
    golden: pathlib.Path,
    output: pathlib.Path,
    polarity: str | None,
    box: int | None,
    force: bool,
) -> None:
    """Write a bundle, and print what the doctor says of it.

    Args:
        encoder: Its ONNX file.
        decoder: Its ONNX file.
        data: Images, see `read_images`.
        golden: What the framework computes, see `read_golden`.
        output: The bundle's folder; its name is the model's.
        polarity: Of the images; None: as their borders are.
        box: Longest side of the ink of an upload, in pixels; None: uploads are scaled whole.
        force: Whether to replace what is there.

    Raises:
        click.ClickException: Something does not fit.
    """
    output = output.resolve()
    if output.exists() and not (force and (output / MANIFEST).is_file()):
        raise click.ClickException(f"{output}: expected no such folder, or a bundle and --force")
    vectors = read_golden(golden)
    train, test, labelled = read_images(data, vectors["x"].shape[1:])
    with _make_place(output) as folder:
        manifest = _write_files(folder, vectors, encoder, decoder)
        manifest["image"] |= {"polarity": polarity or guess_polarity(train)}
        if box:
            manifest["image"]["fit"] = {"method": "centre-of-mass", "box": box}
        model = _open(folder, manifest)
        _write_classes(folder, manifest, model, train, test, labelled)
        _sign(folder, manifest)
        _examine(folder, output)


@contextlib.contextmanager
def _make_place(output: pathlib.Path) -> Iterator[pathlib.Path]:
    """Yield a folder of the bundle's name beside its place, and move it there at the end."""
    output.parent.mkdir(parents=True, exist_ok=True)
    with _leave_on_signals(), tempfile.TemporaryDirectory(prefix=".pack-", dir=output.parent) as beside:
        folder = pathlib.Path(beside, output.name)
        folder.mkdir()
        yield folder
        if output.exists():
            output.rename(pathlib.Path(beside, "replaced"))
        folder.rename(output)


@contextlib.contextmanager
def _leave_on_signals() -> Iterator[None]:
    """Have signals end the process as an exception does, so that what is unfinished is removed."""

    def leave(number: int, _frame: object) -> None:
        sys.exit(128 + number)

    before = {number: signal.signal(number, leave) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _write_files(
    folder: pathlib.Path, golden: dict[str, Floats], encoder: pathlib.Path, decoder: pathlib.Path
) -> dict[str, Any]:
    picture, dim = golden["x"].shape[1:], golden["z_mean"].shape[1]
    label = {"label": golden["label"].shape[1:]} if "label" in golden else {}
    parts = {
        "encoder": read_graph(encoder, {"x": picture}, {"z_mean": (dim,), "z_log_var": (dim,)}),
        "decoder": read_graph(decoder, {"z": (dim,), **label}, {"image": picture}),
    }
    for name, graph in parts.items():
        (folder / f"{name}.onnx").write_bytes(graph.content)
    np.savez_compressed(folder / "golden.npz", **golden)  # type: ignore[arg-type]
    height, width, channels = picture
    producers = {"cvae": __version__, "onnx": onnx.__version__}
    return {
        "format_version": 1,
        "name": folder.name,
        "latent_dim": dim,
        "image": {"height": height, "width": width, "channels": channels, "range": [0.0, 1.0]},
        **{name: _describe_graph(folder / f"{name}.onnx", graph) for name, graph in parts.items()},
        "golden": _describe_file(folder / "golden.npz"),
        "classes": [],
        "prior": {"distribution": "normal", "mean": 0.0, "stddev": 1.0},
        "training": {},
        "metrics": {},
        "dataset": {},
        "producer": {**producers, **dict(graph.producer for graph in parts.values())},
        "git_commit": None,
        "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def _open(folder: pathlib.Path, manifest: dict[str, Any]) -> Model:
    """Start the model, which replays the golden vectors, with classes and an atlas that stand in."""
    with np.load(folder / "golden.npz") as golden:
        z_mean, labels = golden["z_mean"], golden["label"].shape[1] if "label" in golden else 0
    _write_atlas(folder, manifest, z_mean, np.zeros(len(z_mean), np.int64))
    dim = manifest["latent_dim"]
    moments = {"z_mean": [0.0] * dim, "covariance": np.eye(dim).tolist(), "count": 1}
    _sign(folder, {**manifest, "classes": [{"label": i, **moments} for i in range(labels)]})
    try:
        model = Model(read_bundle(folder), Settings.model_construct())
        model.start()
    except StartupError as error:
        raise click.ClickException(str(error).replace(f"{folder.parent}/", "")) from error
    return model


def _write_classes(
    folder: pathlib.Path, manifest: dict[str, Any], model: Model, train: Images, test: Images, labelled: bool
) -> None:
    z_mean, z_log_var = _encode(model, train, f"encoding {len(train.x)} training images")
    _write_atlas(folder, manifest, _encode(model, test, f"encoding {len(test.x)} test images")[0], test.label)
    if not labelled:
        return
    # Where a label says what is drawn, its picture's place in latent space does not.
    read = None if model.manifest.labels else lambda z: model.encode(model.decode(z))[0]
    manifest["classes"] = describe_classes(z_mean, z_log_var, train.label, read, _show_progress)


def _encode(model: Model, images: Images, title: str) -> tuple[Floats, Floats]:
    with click.progressbar(range(0, len(images.x), BATCH), label=title, file=sys.stderr) as starts:
        parts = [model.encode(images.read(start, BATCH)) for start in starts]
    z_mean, z_log_var = (np.concatenate(group) for group in zip(*parts, strict=True))
    return z_mean, z_log_var


def _show_progress(classes: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    title = f"finding what {len(classes)} classes are drawn from"
    with click.progressbar(classes, label=title, file=sys.stderr) as shown:
        yield from shown


def _write_atlas(folder: pathlib.Path, manifest: dict[str, Any], z_mean: Floats, label: Any) -> None:
    np.savez_compressed(folder / "atlas.npz", z_mean=z_mean, label=label)
    manifest["atlas"] = _describe_file(folder / "atlas.npz")


def _sign(folder: pathlib.Path, manifest: dict[str, Any]) -> None:
    signed = {**manifest, "version": version_of(manifest)}
    producer = ", ".join(f"{name} {version}" for name, version in manifest["producer"].items())
    facts = {**manifest["image"], "dim": manifest["latent_dim"], "producer": producer}
    card = CARD.format(name=signed["name"], version=signed["version"], **facts)
    (folder / "README.md").write_text(card, encoding="utf-8")
    (folder / MANIFEST).write_text(json.dumps(signed, indent=1) + "\n")


def _examine(folder: pathlib.Path, output: pathlib.Path) -> None:
    found = examine_bundle(folder, Settings.model_construct())
    if found.fault is not None:
        raise click.ClickException(found.fault.replace(str(folder), output.name))
    click.echo("\n".join([str(output), *(f"  {line}" for line in describe_bundle(found)), "all is well"]))


def _describe_file(path: pathlib.Path) -> dict[str, str]:
    return {"file": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


def _describe_graph(path: pathlib.Path, graph: Graph) -> dict[str, Any]:
    inputs, outputs = (
        [{"name": name, "shape": shape, "dtype": "float32"} for name, shape in group.items()]
        for group in (graph.inputs, graph.outputs)
    )
    return {**_describe_file(path), "opset": graph.opset, "inputs": inputs, "outputs": outputs}
