from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from service.core.errors import NotFoundError, NotReadyError
from service.core.settings import Settings
from service.imaging.formats.png import write_png
from service.imaging.pixels import to_bytes
from service.inference.registry import Registry
from service.v2.graphs import complete, find_graph, list_graphs
from tests.service.fake import write_bundle


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    folder = tmp_path_factory.mktemp("models")
    write_bundle(folder / "v1.2", conditional=True)
    write_bundle(folder / "v1.2.decoder")
    registry = Registry(Settings(models_dir=folder))
    registry.start()
    yield registry
    registry.close()


def test_the_last_dot_parts_bundle_and_graph(registry: Registry) -> None:
    for name in (graph.name for graph in list_graphs(registry)):
        assert find_graph(registry, name).name == name
    assert find_graph(registry, "v1.2.decoder").engine.manifest.name == "v1.2"
    assert find_graph(registry, "v1.2.decoder.encoder").engine.manifest.name == "v1.2.decoder"
    for name in ("v1.2", "v1.2.", "v1", "", ".", "v1.2@x.decoder"):
        with pytest.raises(NotFoundError, match=r"model: expected one of v1\.2\.encoder, v1\.2\.decoder, "):
            find_graph(registry, name)


def test_the_version_is_the_bundles(registry: Registry) -> None:
    graph = find_graph(registry, "v1.2.encoder")
    assert find_graph(registry, "v1.2.encoder", graph.version).name == graph.name
    with pytest.raises(NotFoundError, match=f"version: expected {graph.version}, which is loaded"):
        find_graph(registry, "v1.2.encoder", "1")


def test_tensors_are_those_of_the_manifest(registry: Registry) -> None:
    for graph in list_graphs(registry):
        spec = getattr(graph.engine.manifest, graph.kind)
        ports = [*graph.inputs, *(port for port in graph.outputs if port.name != "png")]
        assert {port.name: port.shape for port in ports} == {
            tensor.name: tensor.shape[1:] for tensor in (*spec.inputs, *spec.outputs)
        }


def test_nothing_is_found_before_the_models_are_loaded() -> None:
    with pytest.raises(NotReadyError):
        find_graph(Registry(Settings()), "mnist-2d.decoder")


def test_files_are_made_only_if_they_are_wanted() -> None:
    image = np.random.RandomState(0).random_sample((2, 4, 4, 1)).astype(np.float32)
    assert set(complete({"image": image}, {"image"})) == {"image"}
    files = complete({"image": image}, {"image", "png"})["png"]
    assert files == [write_png(to_bytes(picture)) for picture in image]
