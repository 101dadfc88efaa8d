"""Run the graphs of one bundle with onnxruntime: arrays in, arrays out; providers and threads.

Invariant: a started `Model` has replayed its bundle's golden vectors on the provider that serves.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import numpy as np
import onnxruntime

from service.bundles.manifest import GraphSpec, Manifest
from service.bundles.reader import Bundle
from service.core.arrays import Floats
from service.core.choices import Graph
from service.core.errors import BundleError, ProviderError
from service.core.settings import Settings
from service.inference.blocks import Inputs, run_in_blocks
from service.inference.providers import PROVIDERS, choose_provider, list_providers

T = TypeVar("T")

# As in docs/bundle.md: far below a grey level, far above the rounding differences between processors.
GOLDEN_TOLERANCE = 1e-3
WARM_UP_ROWS = (1, 32)
# As many as a batch has at most unless set otherwise. On an H200 a batch of 256 is decoded in 0.23 ms, one of
# 1 row in 0.14.
GPU_BLOCK_ROWS = 256
FATAL = 4
# How a library of the GPU says in an error that it failed, whatever the graph.
FAILURE = re.compile(r"\bCU\w+ failure -?\d+: [^;]*")

logger = logging.getLogger(__name__)


class Runtime(NamedTuple):
    """What a model runs on.

    Attributes:
        provider: onnxruntime's name of the execution provider.
        intra_op_threads: Threads inside one operation.
        inter_op_threads: Threads across operations.
        onnxruntime: Its version.
    """

    provider: str
    intra_op_threads: int
    inter_op_threads: int
    onnxruntime: str


class Model:
    """One bundle's encoder and decoder."""

    def __init__(self, bundle: Bundle, settings: Settings) -> None:
        self.bundle = bundle
        self.settings = settings
        self._latent_dim = bundle.manifest.latent_dim

    @property
    def manifest(self) -> Manifest:
        """The bundle's manifest."""
        return self.bundle.manifest

    @property
    def on_gpu(self) -> bool:
        """Whether it has started on a GPU."""
        return self.runtime.provider != PROVIDERS["cpu"]

    def start(self) -> None:
        """Open the sessions, check their tensors, replay the golden vectors and warm up.

        Raises:
            ProviderError: The provider asked for is not there.
            BundleError: The graphs do not load, do not fit the manifest, or do not give the golden values.
        """
        # Errors are raised; onnxruntime would print them as well.
        onnxruntime.set_default_logger_severity(FATAL)
        provider = choose_provider(self.settings.provider)
        try:
            self._start_on(provider)
        except ProviderError as error:
            if self.settings.provider != "auto":
                raise
            logger.warning("%s runs on the CPU: %s", self.manifest.name, error)
            self._start_on(PROVIDERS["cpu"])

    def _start_on(self, provider: str) -> None:
        self._encoder = self._open("encoder", self.bundle.encoder, provider)
        self._decoder = self._open("decoder", self.bundle.decoder, provider)
        self.runtime = Runtime(
            self._decoder.get_providers()[0],
            self.settings.intra_op_threads,
            self.settings.inter_op_threads,
            onnxruntime.__version__,
        )
        self._replay_golden()
        self.warm_up("encoder")
        self.warm_up("decoder")

    def warm_up(self, name: Graph) -> None:
        """Run a graph on batches of zeros, in the calling thread.

        A GPU gives each thread 60 MB on its first run, which takes milliseconds; after this it has them.

        Raises:
            ProviderError: The GPU's libraries fail, as for want of memory.
            BundleError: The graph does not run on batches of any size.
        """
        width = self._latent_dim + len(self.manifest.labels)
        shape = (width,) if name == "decoder" else self.manifest.image.shape
        for rows in WARM_UP_ROWS:
            zeros = np.zeros((rows, *shape), np.float32)
            self._try(name, self.decode if name == "decoder" else self.encode, zeros)

    def encode(self, x: Floats) -> tuple[Floats, Floats]:
        """Return the parameters of q(z|x).

        Args:
            x: `(batch, height, width, channels)` float32 in [0, 1].

        Returns:
            `z_mean` and `z_log_var`, each `(batch, latent_dim)` float32.
        """
        z_mean, z_log_var = self._run(self._encoder, ["z_mean", "z_log_var"], {"x": x})
        return z_mean, z_log_var

    def decode(self, rows: Floats) -> Floats:
        """Return the mean pictures of p(x|z), or of p(x|z, label).

        Args:
            rows: `(batch, latent_dim + labels)` float32, as `LatentSpace` makes them: z, and beside it the
                one-hot label if the model takes one.

        Returns:
            `(batch, height, width, channels)` float32 in [0, 1].
        """
        dim = self._latent_dim
        inputs = {"z": rows} if rows.shape[1] == dim else {"z": rows[:, :dim], "label": rows[:, dim:]}
        (image,) = self._run(self._decoder, ["image"], inputs)
        return image

    def _run(self, session: onnxruntime.InferenceSession, outputs: list[str], inputs: Inputs) -> list[Floats]:
        if self.on_gpu:
            return run_in_blocks(lambda block: session.run(outputs, block), inputs, GPU_BLOCK_ROWS)
        found: list[Floats] = session.run(outputs, inputs)
        return found

    def _open(self, name: str, content: bytes, provider: str) -> onnxruntime.InferenceSession:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.settings.intra_op_threads
        options.inter_op_num_threads = self.settings.inter_op_threads
        # A spinning pool burns the cores that the other workers need.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.add_session_config_entry("session.inter_op.allow_spinning", "0")
        options.log_severity_level = FATAL
        try:
            # What onnxruntime would fall back to, it would only print.
            session = onnxruntime.InferenceSession(
                content, options, providers=list_providers(provider), enable_fallback=False
            )
        except Exception as error:
            # onnxruntime's exceptions have no base class of their own.
            raise self._blame(name, content, provider, error) from error
        if session.get_providers()[0] != provider:
            raise ProviderError(
                f"CVAE_PROVIDER: {provider}: onnxruntime cannot start it, and does not say why"
            )
        self._check_tensors(name, session, getattr(self.manifest, name))
        return session

    def _blame(self, name: str, content: bytes, provider: str, error: Exception) -> Exception:
        if provider == PROVIDERS["cpu"]:
            return BundleError(f"{self.manifest.name}: {name}: onnxruntime cannot load it: {_reason(error)}")
        # A graph that is broken does not open on the CPU either, and is then named.
        self._open(name, content, PROVIDERS["cpu"])
        return ProviderError(f"CVAE_PROVIDER: {provider}: onnxruntime cannot start it: {_reason(error)}")

    def _check_tensors(self, name: str, session: onnxruntime.InferenceSession, spec: GraphSpec) -> None:
        for kind, tensors, nodes in (
            ("inputs", spec.inputs, session.get_inputs()),
            ("outputs", spec.outputs, session.get_outputs()),
        ):
            expected = {t.name: ("free", *t.shape[1:], "tensor(float)") for t in tensors}
            found = {node.name: (*_free_batch(node.shape), node.type) for node in nodes}
            if found != expected:
                raise BundleError(f"{self.manifest.name}: {name}: {kind}: expected {expected}, found {found}")

    def _try(self, name: str, run: Callable[[Floats], T], rows: Floats) -> T:
        try:
            return run(rows)
        except Exception as error:
            # As in `_open`. A batch size that is fixed inside a graph shows only here.
            reason = f"{name}: expected to run on a batch of {len(rows)}: {_reason(error)}"
            if FAILURE.search(str(error)):
                raise ProviderError(f"CVAE_PROVIDER: {self.runtime.provider}: {reason}") from error
            raise BundleError(f"{self.manifest.name}: {reason}") from error

    def _replay_golden(self) -> None:
        golden = self.bundle.golden
        z_mean, z_log_var = self._try("encoder", self.encode, golden["x"])
        rows = np.concatenate([golden["z"], golden["label"]], axis=1) if "label" in golden else golden["z"]
        found = {"z_mean": z_mean, "z_log_var": z_log_var, "image": self._try("decoder", self.decode, rows)}
        for name, array in found.items():
            if array.shape != golden[name].shape:
                raise BundleError(
                    f"{self.manifest.name}: golden {name}: expected shape {golden[name].shape}, "
                    f"found {array.shape}"
                )
            if not np.allclose(array, golden[name], rtol=GOLDEN_TOLERANCE, atol=GOLDEN_TOLERANCE):
                worst = float(np.max(np.abs(array - golden[name])))
                raise BundleError(
                    f"{self.manifest.name}: golden {name}: expected values within {GOLDEN_TOLERANCE}, "
                    f"found a difference of {worst:.3g} on {self.runtime.provider}"
                )


def _free_batch(shape: list[Any]) -> tuple[Any, ...]:
    """Return a shape with "free" or "fixed" for its batch axis; () if the graph declares no axes."""
    return tuple("fixed" if isinstance(size, int) else "free" for size in shape[:1]) + tuple(shape[1:])


def _reason(error: Exception) -> str:
    # onnxruntime starts with the line of its own source; what CUDA said stands in the middle.
    lines = str(error).splitlines() or [type(error).__name__]
    if failure := FAILURE.search(lines[0]):
        return failure[0].strip()
    return re.sub(r"^(\[ONNXRuntimeError\] : \d+ : \w+ : )?(\S+:\d+ .*?\) )?", "", lines[0])
