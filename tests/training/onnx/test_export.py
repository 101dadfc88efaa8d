from __future__ import annotations

import dataclasses
import os
import pathlib
import subprocess
import sys
from typing import Any

import keras
import numpy as np
import onnx
import onnxruntime
import pytest
import tensorflow as tf
from tf2onnx import optimizer

from tests.training import small
from training.data.datasets import Dataset, scale
from training.fit.loop import Run
from training.models.vae import ConvolutionalVAE
from training.onnx import export
from training.onnx.export import ExportError, Floats, Graph

ROOT = pathlib.Path(__file__).parents[3]
Z = [tf.TensorSpec((None, 2), tf.float32, name="z")]


@pytest.fixture(scope="module")
def graphs(run: Run, digits: Dataset) -> tuple[Graph, Graph]:
    return export.export(run.model, scale(digits.test.x))


def describe(values: Any) -> dict[str, list[str | int]]:
    return {v.name: [d.dim_param or d.dim_value for d in v.type.tensor_type.shape.dim] for v in values}


def test_names_and_shapes_are_the_contract_s_with_a_free_batch(graphs: tuple[Graph, Graph]) -> None:
    encoder, decoder = (onnx.load_from_string(graph.onnx).graph for graph in graphs)
    assert describe(encoder.input) == {"x": ["batch", 8, 8, 1]}
    assert describe(encoder.output) == {"z_mean": ["batch", 2], "z_log_var": ["batch", 2]}
    assert describe(decoder.input) == {"z": ["batch", 2]}
    assert describe(decoder.output) == {"image": ["batch", 8, 8, 1]}
    assert (encoder.name, decoder.name) == ("encoder", "decoder")


@pytest.mark.parametrize("batch", [1, 2, 7, 64, 130])
def test_onnx_agrees_with_keras(graphs: tuple[Graph, Graph], digits: Dataset, batch: int) -> None:
    encoder, decoder = graphs
    z = np.random.default_rng(batch).normal(0, 1, (batch, 2)).astype(np.float32)
    for graph, inputs in ((encoder, scale(digits.test.x[:batch])), (decoder, z)):
        expected, found = graph.keras(inputs), graph.run()(inputs)
        assert set(expected) == set(found)
        for name in expected:
            assert expected[name].shape == found[name].shape == (batch, *expected[name].shape[1:])
            assert np.abs(expected[name] - found[name]).max() <= export.TOLERANCE


def test_the_image_is_the_sigmoid_of_the_logits(graphs: tuple[Graph, Graph], run: Run) -> None:
    z = np.random.default_rng(0).normal(0, 2, (9, 2)).astype(np.float32)
    x_logits = np.asarray(export.round_model(run.model).decoder(z))
    assert graphs[1].run()(z)["image"] == pytest.approx(1 / (1 + np.exp(-x_logits)), abs=1e-5)
    before_rounding = np.asarray(run.model.decoder(z))
    assert before_rounding == pytest.approx(x_logits, abs=1e-2)


@pytest.mark.parametrize("latent_dim", [1, 3])
def test_other_sizes_and_colour_export_and_dropout_is_off(latent_dim: int) -> None:
    model = ConvolutionalVAE(small.config(latent_dim=latent_dim, dropout=0.5), (6, 10, 3))
    x = np.random.default_rng(0).random((3, 6, 10, 3)).astype(np.float32)
    encoder, decoder = (graph.run() for graph in export.export(model, x))
    z_mean = encoder(x)["z_mean"]
    assert z_mean.shape == (3, latent_dim)
    assert np.array_equal(z_mean, encoder(x)["z_mean"])
    assert decoder(z_mean)["image"].shape == x.shape


@pytest.fixture(scope="module")
def gridded() -> ConvolutionalVAE:
    keras.utils.set_random_seed(0)
    # So many points that TensorFlow would fold them into 256 KB.
    return ConvolutionalVAE(small.config(refine_grid=32), (8, 8, 1))


def test_a_grid_is_a_constant_that_is_decoded_where_the_file_is_opened(
    gridded: ConvolutionalVAE, digits: Dataset, tmp_path: pathlib.Path
) -> None:
    encoder, _ = export.export(gridded, scale(digits.test.x[:64]))
    proto = onnx.load_from_string(encoder.onnx).graph
    assert describe(proto.input) == {"x": ["batch", 8, 8, 1]}
    assert [1024, 2] in [list(tensor.dims) for tensor in proto.initializer]
    assert 1024 * 64 not in [np.prod(tensor.dims) for tensor in proto.initializer]
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "opened.onnx")
    options.log_severity_level = 3
    onnxruntime.InferenceSession(encoder.onnx, options, providers=["CPUExecutionProvider"])
    opened = onnx.load(tmp_path / "opened.onnx").graph
    assert 1024 * 64 in [np.prod(tensor.dims) for tensor in opened.initializer]


def test_images_with_two_starts_as_good_prove_nothing(gridded: ConvolutionalVAE, digits: Dataset) -> None:
    x = scale(digits.test.x[:64])
    lead = np.asarray(gridded.measure_lead(x))
    sure = export.find_sure(gridded, x)
    assert 0 < len(sure) < 64
    assert lead[sure].min() > export.SURE_LEAD >= np.delete(lead, sure).max()
    with pytest.raises(
        ExportError, match="expected images whose best start is ahead of the next, found none"
    ):
        export.find_sure(gridded, np.delete(x, sure, axis=0))
    without = ConvolutionalVAE(small.config(), (8, 8, 1))
    assert len(export.find_sure(without, x)) == 64


def test_files_hold_neither_paths_nor_notes_nor_needless_nodes(graphs: tuple[Graph, Graph]) -> None:
    for graph in graphs:
        assert not [word for word in (b"/work", b"/root", b"/home", b"/tmp") if word in graph.onnx]
        proto = onnx.load_from_string(graph.onnx)
        nodes = proto.graph.node
        assert not [item for item in (proto, proto.graph, *nodes) if item.doc_string]
        assert not proto.metadata_props
        assert not {"Identity", "Softplus"} & {node.op_type for node in nodes}
    decoder = onnx.load_from_string(graphs[1].onnx).graph
    weights = {tensor.name for tensor in decoder.initializer}
    operations = [node.op_type for node in decoder.node if node.input[0] not in weights]
    assert not {"Cast", "Shape", "Gather", "Concat"} & set(operations)
    assert operations.count("Transpose") <= 1  # tf2onnx convolves channels first


def test_equal_weights_give_equal_files(graphs: tuple[Graph, Graph], run: Run, digits: Dataset) -> None:
    again = export.export(run.model, scale(digits.validation.x))
    assert [graph.onnx for graph in again] == [graph.onnx for graph in graphs]


def test_weights_are_kept_in_float16(graphs: tuple[Graph, Graph]) -> None:
    for graph in graphs:
        weights = [
            tensor for tensor in onnx.load_from_string(graph.onnx).graph.initializer if len(tensor.dims) > 1
        ]
        assert weights
        assert {tensor.data_type for tensor in weights} == {onnx.TensorProto.FLOAT16}


@pytest.mark.slow
def test_files_do_not_depend_on_the_process(
    graphs: tuple[Graph, Graph], run_folder: pathlib.Path, digits_file: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    for hash_seed in ("1", "2"):
        models = tmp_path / hash_seed
        options = ["--data", str(digits_file), "--models", str(models)]
        command = [sys.executable, "-m", "training", "export", str(run_folder), *options]
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
        for graph in graphs:
            assert (models / "digits" / f"{graph.name}.onnx").read_bytes() == graph.onnx


def test_no_graph_is_copied_before_each_optimizer(monkeypatch: pytest.MonkeyPatch) -> None:
    optimize, copied = optimizer.optimize_graph, []

    def watch(graph: Any, catch_errors: bool = True, **given: Any) -> Any:
        copied.append(catch_errors)
        return optimize(graph, catch_errors, **given)

    monkeypatch.setattr(optimizer, "optimize_graph", watch)
    export.convert("decoder", lambda z: {"image": tf.nn.sigmoid(z)}, Z)
    assert copied == [False]
    assert "TF2ONNX_CATCH_ERRORS" not in os.environ


@pytest.mark.parametrize("given", [{}, {"refine_grid": 4}, {"refine_steps": 0}])
def test_weights_of_dense_layers_stay_out_of_the_conversion(
    given: dict[str, int], digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    optimize, converted = optimizer.optimize_graph, list[int]()

    def watch(graph: Any, *others: Any, **more: Any) -> Any:
        constants = [node.get_tensor_value(as_list=False) for node in graph.get_nodes() if node.is_const()]
        converted.extend(each.size for each in constants if each.ndim == 2 and each.dtype == np.float32)
        return optimize(graph, *others, **more)

    monkeypatch.setattr(optimizer, "optimize_graph", watch)
    model = ConvolutionalVAE(small.config(**given), (8, 8, 1))
    for graph in export.export(model, scale(digits.test.x[:64])):
        held = onnx.load_from_string(graph.onnx).graph
        assert [value.name for value in held.input] == ["x" if graph.name == "encoder" else "z"]
        network = model.encoder if graph.name == "encoder" else model.decoder
        dense = {tuple(each.shape) for each in network.trainable_variables if len(each.shape) == 2}
        assert dense <= {tuple(tensor.dims) for tensor in held.initializer}
    assert max(converted, default=0) <= 4


LARGE = """
import os
import numpy as np
from benchmarks.harness.processes import peak_mb
from training.config import TrainConfig
from training.models.vae import ConvolutionalVAE
from training.onnx.export import export
export(ConvolutionalVAE(TrainConfig(), (101, 77, 1)), np.zeros((64, 101, 77, 1), np.float32))
print(peak_mb(os.getpid()))
"""


@pytest.mark.slow
def test_large_pictures_are_exported_in_little_memory() -> None:
    found = subprocess.run(
        [sys.executable, "-c", LARGE], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert float(found.stdout) * 1e6 / 2**30 < 1.5


def test_a_random_op_is_refused() -> None:
    with pytest.raises(ExportError, match="decoder: expected no random op, found RandomNormal"):
        export.convert("decoder", lambda z: {"image": z + tf.random.normal(tf.shape(z))}, Z)
    with pytest.raises(ExportError, match="expected no random op, found RandomUniform"):
        export.convert("decoder", lambda z: {"image": tf.nn.dropout(z, 0.5)}, Z)


class Off:
    """A graph's Keras side, changed for batches of one size."""

    def __init__(self, graph: Graph, batch: int, change: float) -> None:
        self.graph, self.batch, self.change = graph, batch, change

    def __call__(self, inputs: Floats) -> dict[str, Floats]:
        change = np.float32(self.change if len(inputs) == self.batch else 0)
        return {name: values + change for name, values in self.graph.keras(inputs).items()}


@pytest.mark.parametrize("batch", export.PARITY_BATCHES)
@pytest.mark.parametrize("change", [3e-5, -1.0, float("nan")])
def test_a_difference_from_keras_is_refused(graphs: tuple[Graph, Graph], batch: int, change: float) -> None:
    decoder = graphs[1]
    z = np.zeros((64, 2), np.float32)
    off = dataclasses.replace(decoder, keras=Off(decoder, batch, change))
    with pytest.raises(ExportError, match=f"decoder: image: expected .* 1e-05 at batch {batch}, found"):
        export.check_parity(off, z)
    export.check_parity(decoder, z)


def test_another_name_is_refused(graphs: tuple[Graph, Graph]) -> None:
    decoder = graphs[1]
    other = dataclasses.replace(decoder, keras=lambda z: {"picture": decoder.keras(z)["image"]})
    with pytest.raises(ExportError, match=r"expected outputs \['picture'\], found \['image'\]"):
        export.check_parity(other, np.zeros((64, 2), np.float32))


def test_an_export_leaves_the_model_as_it_was(run: Run, digits: Dataset) -> None:
    before = run.model.get_weights()
    export.export(run.model, scale(digits.test.x))
    for old, new in zip(before, run.model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
