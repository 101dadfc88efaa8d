from __future__ import annotations

import dataclasses
import re
from typing import Any, ClassVar

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from service.bundles.reader import Bundle, read_bundle
from service.core.errors import BundleError, ProviderError
from service.core.settings import Settings
from service.inference import cuda
from service.inference.onnx_model import Model
from tests.service import fake

# What onnxruntime says when a GPU's memory is full.
NO_MEMORY = (
    "/onnxruntime_src/onnxruntime/core/providers/cuda/cuda_call.cc:146 std::conditional_t<THRW, void> "
    "onnxruntime::CudaCall(ERRTYPE, const char*, int) [with ERRTYPE = cudaError; bool THRW = true] "
    "CUDA failure 2: out of memory ; GPU=0 ; hostname=vm ; file=cuda_execution_provider.cc ; line=355"
)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return read_bundle(fake.write_bundle(tmp_path_factory.mktemp("models") / "fake"))


@pytest.fixture(scope="module")
def model(bundle: Bundle) -> Model:
    model = Model(bundle, Settings(intra_op_threads=1))
    model.start()
    return model


@pytest.mark.parametrize("rows", [1, 7, 64])
def test_decodes_and_encodes_each_row(model: Model, rows: int) -> None:
    z = np.random.RandomState(rows).standard_normal((rows, 2)).astype(np.float32)
    x = model.decode(z)
    np.testing.assert_allclose(x, fake.decode(z), atol=1e-6)
    z_mean, z_log_var = model.encode(x)
    np.testing.assert_allclose(z_mean, fake.encode(x), atol=1e-5)
    np.testing.assert_allclose(z_log_var, -z_mean)


def test_each_number_of_threads_is_where_it_belongs(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Any] = []
    session = onnxruntime.InferenceSession

    def note(content: bytes, options: Any, **others: Any) -> Any:
        opened.append(options)
        return session(content, options, **others)

    monkeypatch.setattr(onnxruntime, "InferenceSession", note)
    Model(bundle, Settings(intra_op_threads=3, inter_op_threads=2)).start()
    assert [(one.intra_op_num_threads, one.inter_op_num_threads) for one in opened] == [(3, 2)] * 2
    for pool in ("intra_op", "inter_op"):
        assert {one.get_session_config_entry(f"session.{pool}.allow_spinning") for one in opened} == {"0"}


def test_says_what_it_runs_on(model: Model) -> None:
    assert model.runtime.provider == "CPUExecutionProvider"
    assert model.runtime.onnxruntime == onnxruntime.__version__


def test_golden_vectors_that_differ_are_refused(bundle: Bundle) -> None:
    for name in ("z_mean", "z_log_var", "image"):
        golden = {**bundle.golden, name: bundle.golden[name] + np.float32(0.01)}
        with pytest.raises(BundleError, match=f"fake: golden {name}: expected values within 0.001"):
            Model(dataclasses.replace(bundle, golden=golden), Settings()).start()


def test_a_nan_in_the_golden_vectors_is_refused(bundle: Bundle) -> None:
    golden = {**bundle.golden, "image": bundle.golden["image"] * np.float32("nan")}
    with pytest.raises(BundleError, match="golden image"):
        Model(dataclasses.replace(bundle, golden=golden), Settings()).start()


def other_decoder(
    batch: str | int = "batch", name: str = "image", kind: int = TensorProto.FLOAT, axes: bool = True
) -> bytes:
    nodes = [helper.make_node("Cast", ["z"], [name], to=kind)]
    inputs = [helper.make_tensor_value_info("z", TensorProto.FLOAT, [batch, 2])]
    outputs = [helper.make_tensor_value_info(name, kind, [batch, 2] if axes else [])]
    graph = helper.make_graph(nodes, "decoder", inputs, outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    content: bytes = model.SerializeToString()
    return content


@pytest.mark.parametrize(
    ("decoder", "says"),
    [
        (b"junk", "decoder: onnxruntime cannot load it"),
        (b"", "decoder: onnxruntime cannot load it"),
        (other_decoder(batch=1), "decoder: inputs: expected"),
        (other_decoder(), "decoder: outputs: expected"),
        (
            other_decoder(axes=False),
            r"decoder: outputs: expected .*, found {'image': \('tensor\(float\)',\)}",
        ),
        (other_decoder(name="picture"), "decoder: outputs: expected"),
        (other_decoder(kind=TensorProto.DOUBLE), "decoder: outputs: expected"),
    ],
)
def test_a_graph_that_does_not_fit_is_refused(bundle: Bundle, decoder: bytes, says: str) -> None:
    with pytest.raises(BundleError, match=says) as caught:
        Model(dataclasses.replace(bundle, decoder=decoder), Settings()).start()
    assert "\n" not in str(caught.value)


def hidden_batch(rows: int) -> bytes:
    """A decoder that makes `rows` pictures of all it is given, which no inference of shapes can see."""
    nodes = [
        helper.make_node("Tile", ["z", "repeats"], ["pixels"]),
        helper.make_node("Size", ["z"], ["size"]),
        helper.make_node("Sub", ["size", "size"], ["nothing"]),
        helper.make_node("Add", ["picture", "nothing"], ["shape"]),
        helper.make_node("Reshape", ["pixels", "shape"], ["image"]),
    ]
    inputs = [helper.make_tensor_value_info("z", TensorProto.FLOAT, ["batch", 2])]
    outputs = [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 28, 28, 1])]
    constants = {"repeats": [1, 28 * 14], "picture": [rows, 28, 28, 1]}
    tensors = [numpy_helper.from_array(np.array(value), name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "decoder", inputs, outputs, tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    content: bytes = model.SerializeToString()
    return content


@pytest.mark.parametrize(("traced", "refused"), [(1, 3), (3, 1)])
def test_a_batch_size_inside_a_graph_is_refused(bundle: Bundle, traced: int, refused: int) -> None:
    image = np.tile(bundle.golden["z"], (1, 28 * 14)).reshape(-1, 28, 28, 1)
    other = dataclasses.replace(
        bundle, decoder=hidden_batch(traced), golden={**bundle.golden, "image": image}
    )
    with pytest.raises(
        BundleError, match=f"fake: decoder: expected to run on a batch of {refused}: "
    ) as caught:
        Model(other, Settings()).start()
    assert "\n" not in str(caught.value)


def test_golden_vectors_of_another_shape_are_refused(bundle: Bundle) -> None:
    # One row would agree with each of several.
    golden = {**bundle.golden, "z": np.zeros((2, 2), np.float32), "image": fake.decode(np.zeros((1, 2)))}
    with pytest.raises(BundleError, match=r"golden image: expected shape \(1, 28, 28, 1\), found \(2, 28"):
        Model(dataclasses.replace(bundle, golden=golden), Settings()).start()


def test_what_onnxruntime_says_comes_without_the_place_in_its_source(bundle: Bundle) -> None:
    newer = onnx.load_from_string(bundle.decoder)
    newer.ir_version = 99
    with pytest.raises(BundleError, match="cannot load it: Unsupported model IR version: 99"):
        Model(dataclasses.replace(bundle, decoder=newer.SerializeToString()), Settings()).start()


class OnGpu(onnxruntime.InferenceSession):
    """Says that it runs on a GPU, and runs on the CPU. Fails as a GPU does in what `fails` names."""

    fails = ""
    batches: ClassVar[list[int]] = []

    def __init__(self, content: bytes, options: Any, providers: list[Any], enable_fallback: bool) -> None:
        assert not enable_fallback
        self.provider = providers[0][0]
        if self.fails == "open" and self.on_gpu:
            raise RuntimeError(NO_MEMORY)
        super().__init__(content, options, providers=["CPUExecutionProvider"])

    @property
    def on_gpu(self) -> bool:
        return bool(self.provider == "CUDAExecutionProvider")

    def get_providers(self) -> list[str]:
        return ["CPUExecutionProvider"] if self.fails == "silently" else [self.provider]

    def run(self, names: Any, inputs: Any, *others: Any) -> Any:
        if self.fails == "run" and self.on_gpu:
            raise RuntimeError(NO_MEMORY)
        if self.on_gpu:
            self.batches.extend(len(array) for array in inputs.values())
        return super().run(names, inputs, *others)


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> type[OnGpu]:
    offered = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: offered)
    monkeypatch.setattr(cuda, "find_fault", lambda: None)
    monkeypatch.setattr(onnxruntime, "InferenceSession", OnGpu)
    monkeypatch.setattr(OnGpu, "fails", "")
    monkeypatch.setattr(OnGpu, "batches", [])
    return OnGpu


def test_a_gpu_runs_batches_of_one_size_only(bundle: Bundle, gpu: type[OnGpu]) -> None:
    model = Model(bundle, Settings(provider="cuda"))
    model.start()
    assert model.runtime.provider == "CUDAExecutionProvider"
    z = np.random.RandomState(0).standard_normal((300, 2)).astype(np.float32)
    x = model.decode(z)
    np.testing.assert_allclose(x, fake.decode(z), atol=1e-6)
    np.testing.assert_allclose(model.encode(x[:5])[0], fake.encode(x[:5]), atol=1e-5)
    assert set(gpu.batches) == {256}


@pytest.mark.parametrize(
    ("fails", "says"),
    [
        ("open", "CUDAExecutionProvider: onnxruntime cannot start it: CUDA failure 2: out of memory$"),
        ("silently", "CUDAExecutionProvider: onnxruntime cannot start it, and does not say why"),
        (
            "run",
            "CUDAExecutionProvider: encoder: expected to run on a batch of 3: CUDA failure 2: out of memory$",
        ),
    ],
)
def test_a_gpu_that_fails_at_the_start_is_refused_or_left(
    bundle: Bundle, gpu: type[OnGpu], fails: str, says: str, caplog: pytest.LogCaptureFixture
) -> None:
    gpu.fails = fails
    with pytest.raises(ProviderError, match=f"^CVAE_PROVIDER: {says}"):
        Model(bundle, Settings(provider="cuda")).start()
    model = Model(bundle, Settings(provider="auto"))
    model.start()
    assert model.runtime.provider == "CPUExecutionProvider"
    (record,) = caplog.records
    assert re.search(f"^fake runs on the CPU: CVAE_PROVIDER: {says}", record.getMessage())


@pytest.mark.usefixtures("gpu")
@pytest.mark.parametrize("provider", ["cuda", "auto"])
def test_a_broken_graph_is_not_blamed_on_the_gpu(bundle: Bundle, provider: Any) -> None:
    broken = dataclasses.replace(bundle, decoder=b"no graph")
    with pytest.raises(BundleError, match="fake: decoder: onnxruntime cannot load it"):
        Model(broken, Settings(provider=provider)).start()
