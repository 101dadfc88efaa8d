"""`cvae bundle pack`: what it writes, and what it says of what does not fit."""

from __future__ import annotations

import json
import pathlib
import signal
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

from service.bundles.reader import read_bundle
from service.cli.bundle import pack
from tests.service import fake
from tests.service.cli.commands import Cvae

TRAIN, TEST = 400, 50


@pytest.fixture
def given(local: Cvae) -> Cvae:
    """Two ONNX files, golden vectors and images, in the command's folder."""
    write_inputs(local.folder, conditional=False)
    return local


def write_inputs(folder: pathlib.Path, *, conditional: bool) -> None:
    source = fake.write_bundle(folder / "source", conditional=conditional)
    for name in ("encoder.onnx", "decoder.onnx", "golden.npz"):
        (source / name).rename(folder / name)
    z, label = np.random.RandomState(0).standard_normal((TRAIN + TEST, 2)), np.arange(TRAIN + TEST) % 2
    # Two classes, apart: the halves of their pictures are dark or light.
    pixels = (fake.decode(z / 4 + np.where(label, 2, -2)[:, np.newaxis])[..., 0] * 255).astype(np.uint8)
    np.savez(
        folder / "data.npz",
        x_train=pixels[:TRAIN],
        y_train=label[:TRAIN],
        x_test=pixels[TRAIN:, ..., np.newaxis] / np.float32(255),
        y_test=label[TRAIN:],
    )


def arguments(*more: str, data: str = "data.npz", golden: str = "golden.npz") -> list[str]:
    files = ["encoder.onnx", "decoder.onnx", "--data", data, "--golden", golden]
    return ["bundle", "pack", *files, "-o", "models/mine", *more]


def change(path: pathlib.Path, **arrays: Any) -> None:
    with np.load(path) as archive:
        changed = {**archive, **arrays}
    np.savez(path, **{name: array for name, array in changed.items() if array is not None})


def run(cvae: Cvae, *line: str) -> bytes:
    cvae.options = []
    return cvae.check(*line)


def test_a_bundle_is_written_checked_and_served(given: Cvae) -> None:
    said = run(given, *arguments("--box", "20")).decode()
    assert said.endswith("all is well\n")
    bundle = read_bundle(given.folder / "models" / "mine")
    manifest = bundle.manifest
    assert (manifest.name, manifest.latent_dim, manifest.image.shape) == ("mine", 2, (28, 28, 1))
    assert manifest.image.fit.method == "centre-of-mass"
    assert bundle.atlas["z_mean"].shape == (TEST, 2)
    assert list(bundle.atlas["label"]) == [i % 2 for i in range(TEST)]
    assert [entry.count for entry in manifest.classes] == [TRAIN // 2] * 2
    # The fake encoder gives the means of the halves, which are grey levels of sigmoid(-2) and sigmoid(2).
    for entry, centre in zip(manifest.classes, (0.12, 0.88), strict=True):
        np.testing.assert_allclose(entry.z_mean, centre, atol=0.02)
        assert sum(part.weight for part in entry.components) == pytest.approx(1)
    assert manifest.producer["onnx"] == onnx.__version__
    assert b"mine" in run(given, "decode", "0,0", "--bundle", "models/mine")
    assert run(given, "bundle", "check", "models/mine").endswith(b"all is well\n")
    assert [path.name for path in (given.folder / "models").iterdir()] == ["mine"]


def test_a_bundle_that_is_there_is_replaced_only_by_force(given: Cvae) -> None:
    run(given, *arguments())
    assert "expected no such folder" in given.refuse(1, *arguments())
    assert run(given, *arguments("--force", "--polarity", "dark-on-light")).endswith(b"all is well\n")
    manifest = read_bundle(given.folder / "models" / "mine").manifest
    assert manifest.image.polarity == "dark-on-light"


def test_images_need_no_labels(given: Cvae) -> None:
    change(given.folder / "data.npz", y_train=None, y_test=None)
    run(given, *arguments())
    assert read_bundle(given.folder / "models" / "mine").manifest.classes == ()


def test_a_label_conditioned_model_has_its_classes_and_no_components(local: Cvae) -> None:
    write_inputs(local.folder, conditional=True)
    label = np.arange(TRAIN) % fake.LABELS
    change(local.folder / "data.npz", y_train=label)
    run(local, *arguments())
    manifest = read_bundle(local.folder / "models" / "mine").manifest
    assert manifest.labels == tuple(range(fake.LABELS))
    assert not any(entry.components for entry in manifest.classes)


def test_weights_beside_a_file_are_taken_in_and_tensors_renamed(given: Cvae) -> None:
    for name in ("encoder", "decoder"):
        model = onnx.load(given.folder / f"{name}.onnx")
        for tensor in (*model.graph.input, *model.graph.output):
            rename(model, tensor.name, f"{tensor.name}:0")
        place = {"location": f"{name}.onnx.data", "size_threshold": 0}
        onnx.save_model(model, given.folder / f"{name}.onnx", save_as_external_data=True, **place)
    run(given, *arguments())
    (given.folder / "encoder.onnx.data").unlink()
    assert b"mine" in run(given, "decode", "0,0", "--bundle", "models/mine")


def test_weights_that_are_missing_are_named(given: Cvae) -> None:
    model = onnx.load(given.folder / "encoder.onnx")
    place = {"location": "encoder.onnx.data", "size_threshold": 0}
    onnx.save_model(model, given.folder / "encoder.onnx", save_as_external_data=True, **place)
    (given.folder / "encoder.onnx.data").unlink()
    said = given.refuse(1, *arguments())
    assert "encoder.onnx: expected an ONNX file and its weights" in said
    assert "encoder.onnx.data" in said


def rename(model: Any, old: str, new: str) -> None:
    for tensor in (*model.graph.input, *model.graph.output):
        tensor.name = new if tensor.name == old else tensor.name
    for node in model.graph.node:
        for names in (node.input, node.output):
            names[:] = [new if each == old else each for each in names]


def swap_outputs(folder: pathlib.Path) -> None:
    model = onnx.load(folder / "encoder.onnx")
    for old, new in (("z_mean", "mean"), ("z_log_var", "log_var")):
        rename(model, old, new)
    first, second = model.graph.output
    del model.graph.output[:]
    model.graph.output.extend([second, first])
    onnx.save_model(model, folder / "encoder.onnx")


def put_channels_first(folder: pathlib.Path) -> None:
    model = onnx.load(folder / "decoder.onnx")
    rename(model, "image", "last")
    model.graph.node.append(helper.make_node("Transpose", ["last"], ["image"], perm=[0, 3, 1, 2]))
    shape = ["batch", 1, fake.HEIGHT, fake.WIDTH]
    model.graph.output[0].CopyFrom(helper.make_tensor_value_info("image", 1, shape))
    onnx.save_model(model, folder / "decoder.onnx")


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (swap_outputs, "golden z_mean: expected values within"),
        (
            put_channels_first,
            "image: expected the shape (batch, 28, 28, 1); channels come last, found (batch, 1,",
        ),
        (
            lambda folder: (folder / "encoder.onnx").write_bytes(b"junk"),
            "encoder.onnx: expected an ONNX file",
        ),
        (lambda folder: change(folder / "golden.npz", z=None), "z missing"),
        (
            lambda folder: change(folder / "golden.npz", x=np.zeros((2, 28, 28))),
            "expected x (n, height, width",
        ),
        (lambda folder: change(folder / "data.npz", x_test=None), "x_test: expected images, found none"),
        (lambda folder: change(folder / "data.npz", x_train=np.zeros((9, 8, 8))), "expected images of shape"),
        (lambda folder: change(folder / "data.npz", x_train=np.full((9, 28, 28), 9.0)), "numbers in [0, 1]"),
        (lambda folder: change(folder / "data.npz", y_train=np.zeros(3)), "y_train: expected 400 integers"),
        (lambda folder: change(folder / "data.npz", y_test=np.full(50, -1)), "labels from 0 on, found -1"),
        (lambda folder: (folder / "data.npz").write_bytes(b"junk"), "data.npz: expected an .npz file"),
    ],
)
def test_what_does_not_fit_is_said_in_one_line_and_nothing_is_written(
    given: Cvae, spoil: Any, says: str
) -> None:
    spoil(given.folder)
    result = given.run(*arguments())
    assert result.exit_code == 1, result.output
    assert says in result.stderr.splitlines()[-1], result.stderr
    assert not list((given.folder / "models").glob("*"))


def test_the_manifest_is_of_the_contract(given: Cvae) -> None:
    run(given, *arguments())
    fields = json.loads((given.folder / "models" / "mine" / "model.json").read_text())
    assert fields["image"]["range"] == [0.0, 1.0]
    assert (fields["training"], fields["metrics"], fields["dataset"]) == ({}, {}, {})


def test_a_box_larger_than_the_picture_is_refused(given: Cvae) -> None:
    said = given.refuse(1, *arguments("--box", "29"))
    assert "fit.box: expected at most 28" in said
    assert not list((given.folder / "models").glob("*"))


def test_what_takes_time_says_what_it_does(given: Cvae) -> None:
    said = given.run(*arguments()).stderr
    assert "encoding 400 training images" in said
    assert "finding what 2 classes are drawn from" in said


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_nothing_behind(given: Cvae, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pack, "describe_classes", lambda *_: signal.raise_signal(number))
    assert given.run(*arguments()).exit_code == 128 + number
    assert not list((given.folder / "models").iterdir())
