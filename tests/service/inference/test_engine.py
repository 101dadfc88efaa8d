from __future__ import annotations

import asyncio
import pathlib
import threading

import numpy as np
import pytest

from service.batching.context import RequestContext
from service.batching.job import Rows
from service.bundles.reader import read_bundle
from service.core.errors import DeadlineError, InferenceError, NotReadyError
from service.core.settings import Settings
from service.inference.engine import Engine
from service.inference.onnx_model import Model
from service.inference.upload_threads import UploadThreads
from service.latent import sampling
from tests.service import fake


def test_on_a_gpu_nothing_is_decoded_on_the_event_loop(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Model, "on_gpu", True)
    settings = Settings(max_request_rows=8)
    model = Model(read_bundle(fake.write_bundle(tmp_path / "fake")), settings)
    engine = Engine(model, settings, UploadThreads())
    engine.start()
    threads: list[threading.Thread] = []
    decode = model.decode

    def note(rows: Rows) -> Rows:
        threads.append(threading.current_thread())
        return decode(rows)

    monkeypatch.setattr(engine._decoder, "run", note)
    asyncio.run(engine.decode(engine.space.place(Z), RequestContext()))
    engine.close()
    assert [thread is threading.main_thread() for thread in threads] == [False]


Z = np.arange(16, dtype=np.float64).reshape(8, 2) / 8


def test_a_context_keeps_no_batch_once_its_rows_are_there(engine: Engine) -> None:
    """A connection that rests keeps its last request's context; 500 of them once kept 400 MB."""

    async def scene() -> None:
        decoded, encoded, late = RequestContext(), RequestContext(), RequestContext(deadline=-1.0)
        pictures = await engine.decode(engine.space.place(Z), decoded)
        assert pictures.batch is not None
        await engine.encode(pictures.image, encoded)
        waiting = engine.submit(engine.space.place(Z), late)
        with pytest.raises(DeadlineError):
            await waiting
        assert [call.batch for call in (decoded, encoded, late)] == [None, None, None]

    asyncio.run(scene())


def test_every_row_comes_back_in_its_place(engine: Engine) -> None:
    pictures = asyncio.run(engine.decode(engine.space.place(Z), RequestContext()))
    np.testing.assert_array_equal(pictures.z, Z.astype(np.float32))
    np.testing.assert_allclose(pictures.image, fake.decode(Z), atol=1e-6)


def test_the_largest_vector_still_gives_finite_pictures(engine: Engine) -> None:
    rows = engine.space.place(np.array([[1e4, -1e4]]))
    assert np.isfinite(asyncio.run(engine.decode(rows, RequestContext())).image).all()


def test_encode_draws_z_only_with_a_seed(engine: Engine) -> None:
    x = np.random.RandomState(0).random((3, 28, 28, 1)).astype(np.float32)
    plain = asyncio.run(engine.encode(x, RequestContext()))
    np.testing.assert_allclose(plain.z_mean, fake.encode(x), atol=1e-6)
    assert plain.z is None
    drawn = asyncio.run(engine.encode(x, RequestContext(), 5)).z
    np.testing.assert_array_equal(drawn, sampling.sample_posterior(plain.z_mean, plain.z_log_var, 5))


@pytest.mark.parametrize("graph", ["_encoder", "_decoder"])
def test_it_has_failed_if_either_graph_has(engine: Engine, graph: str) -> None:
    broken = Engine(engine.model, engine.settings, UploadThreads())
    assert not broken.failed
    getattr(broken, graph).failed = True
    assert broken.failed


def test_closing_refuses_both_graphs(engine: Engine) -> None:
    closed = Engine(engine.model, engine.settings, UploadThreads())
    closed.start()
    closed.check("encoder")
    closed.check("decoder")
    closed.close()
    for graph in ("encoder", "decoder"):
        with pytest.raises(NotReadyError):
            closed.check(graph)


class ShortBatcher:
    """Answers with a row fewer than it was given, or one more."""

    def __init__(self, results: Rows) -> None:
        self.results = results

    def submit(self, _rows: Rows, _call: RequestContext) -> asyncio.Future[Rows]:
        future = asyncio.get_running_loop().create_future()
        future.set_result(self.results)
        return future


@pytest.mark.parametrize("n", [7, 9])
def test_an_answer_with_another_number_of_rows_is_not_handed_out(engine: Engine, n: int) -> None:
    broken = Engine(engine.model, engine.settings, UploadThreads())
    broken._decoder = broken._encoder = ShortBatcher(np.zeros((n, 4), np.float32))  # type: ignore[assignment]
    with pytest.raises(InferenceError, match=f"expected 8 results, received {n}"):
        asyncio.run(broken.decode(broken.space.place(Z), RequestContext()))
    with pytest.raises(InferenceError, match=f"expected 8 results, received {n}"):
        asyncio.run(broken.encode(np.zeros((8, 28, 28, 1), np.float32), RequestContext()))
