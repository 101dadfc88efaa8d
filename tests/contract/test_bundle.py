"""The artifact against docs/bundle.md: what a reader that knows only that document may rely on."""

from __future__ import annotations

import hashlib
import json
import pathlib
import re
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray

from tests.contract.conftest import COMMITTED, MODELS

DOCUMENT = pathlib.Path(__file__).parents[2] / "docs" / "bundle.md"
VERSIONED = (
    "format_version",
    "name",
    "latent_dim",
    "image",
    "encoder",
    "decoder",
    "golden",
    "atlas",
    "classes",
    "prior",
)
# Export holds both forms within 1e-5 of each other; another machine's processor rounds differently.
TOLERANCE = 1e-4
SESSION_TYPES = {"tensor(float)": "float32"}


def read(bundle: pathlib.Path) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads((bundle / "model.json").read_text())
    return manifest


def open_graph(bundle: pathlib.Path, name: str) -> onnxruntime.InferenceSession:
    path = bundle / read(bundle)[name]["file"]
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


def run(session: onnxruntime.InferenceSession, **inputs: NDArray[Any]) -> dict[str, NDArray[Any]]:
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, inputs), strict=True))


def inputs_of(bundle: pathlib.Path, name: str) -> list[str]:
    return [tensor["name"] for tensor in read(bundle)[name]["inputs"]]


def test_there_is_a_committed_bundle() -> None:
    assert COMMITTED, f"{MODELS}: expected at least one bundle"


def test_every_folder_in_models_is_a_bundle() -> None:
    assert sorted(path for path in MODELS.iterdir() if path.is_dir()) == COMMITTED


def test_the_manifest_has_the_document_s_fields(bundle: pathlib.Path) -> None:
    text = DOCUMENT.read_text()
    table = text[text.index("| field |") : text.index("`version` is the first")]
    cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    assert set(read(bundle)) == {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}


def test_name_and_version_are_what_they_claim(bundle: pathlib.Path) -> None:
    manifest = read(bundle)
    assert manifest["format_version"] == (2 if manifest["prior"]["distribution"] == "mixture" else 1)
    assert manifest["name"] == bundle.name
    content = {name: manifest[name] for name in VERSIONED}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    assert manifest["version"] == hashlib.sha256(text.encode()).hexdigest()[:12]


@pytest.mark.parametrize("entry", ["encoder", "decoder", "golden", "atlas"])
def test_files_have_their_checksums(bundle: pathlib.Path, entry: str) -> None:
    spec = read(bundle)[entry]
    assert hashlib.sha256((bundle / spec["file"]).read_bytes()).hexdigest() == spec["sha256"]


@pytest.mark.parametrize("name", ["encoder", "decoder"])
def test_graphs_have_the_manifest_s_tensors(bundle: pathlib.Path, name: str) -> None:
    manifest, session = read(bundle), open_graph(bundle, name)
    spec, image = manifest[name], manifest["image"]
    picture = ["batch", image["height"], image["width"], image["channels"]]
    latent = ["batch", manifest["latent_dim"]]
    shapes = {"x": picture, "image": picture, "z": latent, "z_mean": latent, "z_log_var": latent}
    shapes["label"] = ["batch", len(manifest["classes"])]
    given = {"z", "label"} if manifest["training"].get("conditional") else {"z"}
    names = {"encoder": ({"x"}, {"z_mean", "z_log_var"}), "decoder": (given, {"image"})}[name]
    for claimed, found, expected in (
        (spec["inputs"], session.get_inputs(), names[0]),
        (spec["outputs"], session.get_outputs(), names[1]),
    ):
        assert {tensor["name"]: tensor for tensor in claimed} == {
            name: {"name": name, "shape": shapes[name], "dtype": "float32"} for name in expected
        }
        assert {node.name: (node.shape, SESSION_TYPES[node.type]) for node in found} == {
            name: (shapes[name], "float32") for name in expected
        }


@pytest.mark.parametrize("name", ["encoder", "decoder"])
def test_graphs_are_valid_and_not_random(bundle: pathlib.Path, name: str) -> None:
    spec = read(bundle)[name]
    proto = onnx.load(bundle / spec["file"])
    onnx.checker.check_model(proto, full_check=True)
    assert {item.domain: item.version for item in proto.opset_import}[""] == spec["opset"]
    operations = {node.op_type for node in proto.graph.node}
    assert not [op for op in operations if re.search("Random|Bernoulli|Multinomial|Dropout", op)]


def test_golden_vectors_replay_at_any_batch(bundle: pathlib.Path) -> None:
    golden = np.load(bundle / read(bundle)["golden"]["file"], allow_pickle=False)
    names = {"x", "z_mean", "z_log_var", "z", "image", *inputs_of(bundle, "decoder")}
    assert {name: golden[name].dtype.name for name in golden} == dict.fromkeys(names, "float32")
    for name in ("encoder", "decoder"):
        session = open_graph(bundle, name)
        inputs = {key: golden[key] for key in inputs_of(bundle, name)}
        many = run(session, **{key: np.concatenate([values] * 9) for key, values in inputs.items()})
        for output, values in many.items():
            expected = np.concatenate([golden[output]] * 9)
            assert values == pytest.approx(expected, rel=TOLERANCE, abs=TOLERANCE)
        for i in range(8):
            alone = {key: values[i : i + 1] for key, values in inputs.items()}
            for output, values in run(session, **alone).items():
                assert values == pytest.approx(golden[output][i : i + 1], rel=TOLERANCE, abs=TOLERANCE)


def test_images_are_in_range_wherever_z_lies(bundle: pathlib.Path) -> None:
    manifest, rows = read(bundle), 256
    z = np.random.default_rng(0).normal(0, 100, (rows, manifest["latent_dim"])).astype(np.float32)
    label = np.resize(np.eye(len(manifest["classes"]), dtype=np.float32), (rows, len(manifest["classes"])))
    given = {"z": z, "label": label}
    wanted = inputs_of(bundle, "decoder")
    image = run(open_graph(bundle, "decoder"), **{key: given[key] for key in wanted})["image"]
    assert image.min() >= 0
    assert image.max() <= 1


def test_the_atlas_is_the_test_split_encoded(bundle: pathlib.Path) -> None:
    manifest = read(bundle)
    atlas = np.load(bundle / manifest["atlas"]["file"], allow_pickle=False)
    count = manifest["dataset"]["split"]["test"]
    assert atlas["z_mean"].shape == (count, manifest["latent_dim"])
    assert atlas["z_mean"].dtype == np.float32
    assert atlas["label"].shape == (count,)
    assert atlas["label"].dtype == np.int64
    golden = np.load(bundle / manifest["golden"]["file"], allow_pickle=False)
    assert atlas["z_mean"][: len(golden["z_mean"])] == pytest.approx(
        golden["z_mean"], rel=TOLERANCE, abs=TOLERANCE
    )


def test_class_statistics_are_distributions(bundle: pathlib.Path) -> None:
    manifest = read(bundle)
    labels = [entry["label"] for entry in manifest["classes"]]
    assert labels == sorted(set(labels))
    assert sum(entry["count"] for entry in manifest["classes"]) == manifest["dataset"]["split"]["train"]
    for entry in manifest["classes"]:
        covariance = np.array(entry["covariance"])
        assert len(entry["z_mean"]) == manifest["latent_dim"]
        assert np.array_equal(covariance, covariance.T)
        assert np.linalg.eigvalsh(covariance).min() > 0


def read_prior(bundle: pathlib.Path) -> dict[str, NDArray[Any]]:
    prior = read(bundle)["prior"]
    if prior["distribution"] == "normal":
        assert prior == {"distribution": "normal", "mean": 0.0, "stddev": 1.0}
        return {}
    assert hashlib.sha256((bundle / prior["file"]).read_bytes()).hexdigest() == prior["sha256"]
    with np.load(bundle / prior["file"], allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


def test_a_mixture_is_one_of_this_latent_space_and_of_these_classes(bundle: pathlib.Path) -> None:
    manifest, prior = read(bundle), read_prior(bundle)
    if not prior:
        return
    k, dim = len(prior["weight"]), manifest["latent_dim"]
    shapes = {"weight": (k,), "z_mean": (k, dim), "cholesky": (k, dim, dim), "label": (k,)}
    assert {name: array.shape for name, array in prior.items()} == shapes
    assert {name: array.dtype.name for name, array in prior.items()} == {
        **dict.fromkeys(("weight", "z_mean", "cholesky"), "float32"),
        "label": "int64",
    }
    assert prior["weight"].min() > 0
    assert prior["weight"].sum() == pytest.approx(1, abs=1e-5)
    assert not np.triu(prior["cholesky"], 1).any()
    assert prior["cholesky"].diagonal(axis1=1, axis2=2).min() > 0
    # Each class as heavy as it is frequent, and its mean where the class lies. A mixture that was added later
    # was fitted to the training images of today, which may be others of the same data.
    counts = {entry["label"]: entry["count"] for entry in manifest["classes"]}
    assert set(prior["label"].tolist()) == set(counts)
    for entry in manifest["classes"]:
        own = prior["label"] == entry["label"]
        share = prior["weight"][own].sum()
        assert share == pytest.approx(entry["count"] / sum(counts.values()), abs=2e-3)
        mean = prior["weight"][own] @ prior["z_mean"][own] / share
        deviation = np.sqrt(np.diag(np.array(entry["covariance"])))
        assert (np.abs(mean - entry["z_mean"]) < 0.5 * deviation).all()


def test_figures_under_a_mixture_stand_beside_those_under_the_normal_prior(bundle: pathlib.Path) -> None:
    metrics = read(bundle)["metrics"]
    assert ("mixture_prior" in metrics) == bool(read_prior(bundle))
    if under := metrics.get("mixture_prior"):
        assert under["kl_samples"] >= 1
        total = metrics["reconstruction_loss"] + under["kl_divergence"]
        assert under["negative_elbo"] == pytest.approx(total, abs=2e-4)


def test_a_class_without_a_label_to_give_has_components_of_its_own_or_of_the_prior(
    bundle: pathlib.Path,
) -> None:
    manifest, prior = read(bundle), read_prior(bundle)
    conditional = len(manifest["decoder"]["inputs"]) > 1
    for entry in manifest["classes"]:
        assert not conditional or "components" not in entry
        assert conditional or "components" in entry or entry["label"] in prior["label"]
        for parts in filter(None, [entry.get("components")]):
            weights = [part["weight"] for part in parts]
            assert weights == sorted(weights, reverse=True)
            assert sum(weights) == pytest.approx(1, abs=1e-4)
            assert min(min(part["stddev"]) for part in parts) > 0


def test_metrics_are_those_of_the_whole_test_split(bundle: pathlib.Path) -> None:
    manifest = read(bundle)
    metrics = manifest["metrics"]
    assert metrics["split"] == "test"
    assert metrics["images"] == manifest["dataset"]["split"]["test"]
    assert 0 <= metrics["knn_accuracy"] <= 1
    parts = metrics["reconstruction_loss"] + metrics["kl_divergence"]
    assert metrics["negative_elbo"] == pytest.approx(parts, abs=2e-4)


def test_nothing_names_a_folder_of_the_machine_it_was_made_on(bundle: pathlib.Path) -> None:
    for path in bundle.rglob("*"):
        if path.is_file():
            assert not re.search(rb"/(work|root|home|tmp|Users)/", path.read_bytes()), path


def test_the_card_and_its_pictures_are_there(bundle: pathlib.Path) -> None:
    card = (bundle / "README.md").read_text()
    for picture in re.findall(r"\((plots/\w+\.png)\)", card):
        assert 1_000 < (bundle / picture).stat().st_size < 300_000
    assert card.count("(plots/") == 2
    assert read(bundle)["version"] in card
