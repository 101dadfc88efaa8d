"""Run one model for many callers, in shared batches: rows to pictures, pictures to posteriors.

Its input is validated before: rows by `LatentSpace`, pictures by `ImageInputs`. Invariant: an answer always
has as many rows as were asked for, whatever a batcher returns.
"""

from __future__ import annotations

import asyncio
import dataclasses
import functools

import numpy as np

from service.batching.batcher import Batcher
from service.batching.context import RequestContext
from service.batching.job import Run
from service.core.arrays import Floats
from service.core.choices import Graph
from service.core.errors import InferenceError
from service.core.settings import Settings
from service.imaging.pictures import Pictures
from service.inference.image_inputs import ImageInputs
from service.inference.onnx_model import Model
from service.inference.upload_threads import UploadThreads
from service.latent import sampling
from service.latent.atlas import Atlas
from service.latent.space import LatentSpace

# Batches up to this many rows run on the event loop. 64 rows decode in 0.6 ms, and in a thread their requests
# cost 40% more; the encoder takes 0.4 ms a row.
INLINE_DECODE_ROWS = 64
INLINE_ENCODE_ROWS = 0
# A GPU takes as long for 1 row as for 256, and the event loop is free meanwhile: on an H200, 16 connections
# that ask for 64 rows each get 2,330 answers a second from the thread, and 1,280 on the loop.
INLINE_GPU_ROWS = 0


@dataclasses.dataclass(frozen=True)
class Posterior:
    """The parameters of q(z|x), and draws from it if a seed was given.

    Attributes:
        z_mean: `(batch, latent_dim)` float32.
        z_log_var: `(batch, latent_dim)` float32.
        z: `(batch, latent_dim)` float32, or None.
    """

    z_mean: Floats
    z_log_var: Floats
    z: Floats | None


class Engine:
    """Decodes and encodes with one model.

    `start` needs no event loop; `submit`, `decode` and `encode` do. Nothing it holds refers to it:
    it goes, with its threads and its memory, once the last request that uses it is done.

    Attributes:
        space: Makes the rows to decode.
        uploads: Makes the pictures to encode.
        atlas: Where the encoder puts the test images.
    """

    def __init__(self, model: Model, settings: Settings, places: UploadThreads) -> None:
        """Build the latent space, the atlas and the batchers of a model.

        Args:
            model: Need not be started.
            settings: Of this process.
            places: Decode the uploads of all models.

        Raises:
            BundleError: The numbers of a class are not a valid distribution.
        """
        self.model = model
        self.manifest = model.manifest
        self.settings = settings
        self.space = LatentSpace(model.manifest, settings.max_request_rows, model.bundle.prior)
        self.atlas = Atlas(**model.bundle.atlas)
        self.uploads = ImageInputs(model.manifest.image, settings.max_image_pixels, places)
        self._decoder = self._make_batcher(model.decode, INLINE_DECODE_ROWS)
        self._encoder = self._make_batcher(functools.partial(_encode_rows, model), INLINE_ENCODE_ROWS)

    def start(self) -> None:
        """Start the model, then accept rows.

        Raises:
            BundleError: The bundle does not keep the contract.
            ProviderError: The provider asked for is not there.
        """
        self.model.start()
        if self.model.on_gpu:
            self._decoder.inline_rows = INLINE_GPU_ROWS
        self._decoder.start(functools.partial(self.model.warm_up, "decoder"))
        self._encoder.start(functools.partial(self.model.warm_up, "encoder"))

    def close(self) -> None:
        """Fail all callers that wait; a running batch is finished."""
        self._decoder.close()
        self._encoder.close()

    @property
    def batchers(self) -> dict[Graph, Batcher]:
        """What runs each graph."""
        return {"encoder": self._encoder, "decoder": self._decoder}

    @property
    def failed(self) -> bool:
        """Whether it can no longer answer."""
        return self._decoder.failed or self._encoder.failed

    def check(self, graph: Graph) -> None:
        """Raise what any request for a graph would get now, before any of it is read.

        Raises:
            QueueFullError: Too many rows wait.
            NotReadyError: Closed or failed.
        """
        (self._decoder if graph == "decoder" else self._encoder).check()

    def submit(self, rows: Floats, call: RequestContext) -> asyncio.Future[Floats]:
        """Queue rows for the decoder.

        Args:
            rows: From `space`.
            call: The request's context.

        Returns:
            A future of the pictures, as `Model.decode` returns them; see `Batcher.submit` for its errors.

        Raises:
            QueueFullError: Too many rows wait.
            NotReadyError: Closed or failed.
        """
        return self._decoder.submit(rows, call)

    async def decode(self, rows: Floats, call: RequestContext) -> Pictures:
        """Decode rows.

        Args:
            rows: From `space`.
            call: The request's context.

        Returns:
            Their vectors and pictures, in order. Errors are also those of `submit` and of its future.

        Raises:
            InferenceError: There are not as many pictures as rows.
        """
        return self.collect(rows, await self.submit(rows, call), call)

    def collect(self, rows: Floats, images: Floats, call: RequestContext) -> Pictures:
        """Return the pictures of rows.

        Args:
            rows: From `space`.
            images: What the future of `submit` gave for them.
            call: That they belong to.

        Raises:
            InferenceError: There are not as many pictures as rows.
        """
        return Pictures(rows[:, : self.space.dim], check_whole(rows, images), call.take_batch(), call.place)

    async def encode(self, x: Floats, call: RequestContext, seed: int | None = None) -> Posterior:
        """Encode pictures.

        Args:
            x: `(batch, height, width, channels)` float32 in [0, 1].
            call: The request's context.
            seed: For `z`; unset: no `z` is drawn.

        Returns:
            The posterior of each picture, in order.

        Raises:
            InferenceError: There are not as many posteriors as pictures. Errors are also those of
                `Batcher.submit` and of its future.
        """
        z_mean, z_log_var = np.split(check_whole(x, await self._encoder.submit(x, call)), 2, axis=1)
        call.take_batch()
        z = None if seed is None else sampling.sample_posterior(z_mean, z_log_var, seed)
        return Posterior(z_mean, z_log_var, z)

    def _make_batcher(self, run: Run, inline_rows: int) -> Batcher:
        return Batcher(
            run,
            max_batch_rows=self.settings.max_batch_rows,
            queue_capacity_rows=self.settings.queue_capacity_rows,
            inline_rows=inline_rows,
        )


def _encode_rows(model: Model, x: Floats) -> Floats:
    return np.concatenate(model.encode(x), axis=1)


def check_whole(rows: Floats, results: Floats) -> Floats:
    """Return the results; raise `InferenceError` if there is not exactly one for each row."""
    if len(results) != len(rows):
        raise InferenceError(f"expected {len(rows)} results, received {len(results)}")
    return results
