from __future__ import annotations

import pathlib

import pytest

from service.bundles.reader import read_bundle
from service.core.settings import Settings
from service.inference.engine import Engine
from service.inference.onnx_model import Model
from service.inference.upload_threads import UploadThreads
from tests.service import fake


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    folder: pathlib.Path = fake.write_bundle(tmp_path_factory.mktemp("models") / "fake")
    settings = Settings(max_request_rows=8)
    engine = Engine(Model(read_bundle(folder), settings), settings, UploadThreads())
    engine.start()
    return engine
