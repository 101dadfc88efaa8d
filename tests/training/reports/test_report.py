from __future__ import annotations

import json
import pathlib
import shutil

import pytest

from tests.training import small
from training.bundles.manifest import read_manifest
from training.bundles.writer import write_bundle
from training.cli.main import main
from training.data.datasets import Dataset
from training.fit.loop import train
from training.reports import report
from training.reports.compare import compare_bundles, tabulate
from training.reports.subject import HISTORY

HEADINGS = (
    "Figures",
    "Training",
    "Latent space",
    "Reconstructions",
    "Samples",
    "Ways through latent space",
    "Classes",
    "Dimensions",
)


@pytest.fixture(scope="module")
def other(digits: Dataset, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A label-conditioned bundle of three dimensions."""
    folder = tmp_path_factory.mktemp("other")
    config = small.config(conditional=True, refine_steps=0, latent_dim=3, epochs=1)
    write_bundle(train(config, digits, folder / "run", verbose=0), digits, folder / "styled")
    return folder / "styled"


@pytest.mark.slow
def test_the_page_has_everything_twice_the_same(
    bundle_folder: pathlib.Path, other: pathlib.Path, digits: Dataset, tmp_path: pathlib.Path
) -> None:
    pages = []
    for name in ("one", "two"):
        report.write_report(bundle_folder, digits, tmp_path / f"{name}.html", against=other)
        pages.append((tmp_path / f"{name}.html").read_text())
    assert pages[0] == pages[1]
    assert len(pages[0]) < 600_000
    for heading in HEADINGS:
        assert f"<h2>{heading}</h2>" in pages[0]
    for figure in (read_manifest(folder)["metrics"]["negative_elbo"] for folder in (bundle_folder, other)):
        assert f"<td>{figure:.3f}</td>" in pages[0]
    assert "digits, training, z_mean not refined, digits, validation, z_mean refined in 2 steps, " in pages[0]
    assert "styled, training, styled, validation" in pages[0]


@pytest.mark.slow
def test_a_conditional_bundle_without_history_is_shown_with_its_names(
    other: pathlib.Path, digits: Dataset, tmp_path: pathlib.Path
) -> None:
    folder = pathlib.Path(shutil.copytree(other, tmp_path / "styled"))
    (folder / HISTORY).unlink()
    manifest = read_manifest(folder)
    names = [f"digit {i} & more" for i in range(10)]
    manifest["dataset"]["class_names"] = names
    (folder / "model.json").write_text(json.dumps(manifest))
    report.write_report(folder, digits, tmp_path / "deep" / "page.html")
    text = (tmp_path / "deep" / "page.html").read_text()
    assert "The bundle has no history.csv" in text
    assert f"A row a class: {', '.join(names)}".replace("&", "&amp;") in text
    assert '<th scope="row">digit 3 &amp; more</th>' in text
    assert "Each label in the same twenty styles" in text


def test_the_command_writes_the_page(
    bundle_folder: pathlib.Path,
    digits_file: pathlib.Path,
    tmp_path: pathlib.Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    page, data = tmp_path / "page.html", ["--data", str(digits_file)]
    assert main(["report", str(bundle_folder), *data, "--output", str(page)]) == 0
    assert page.read_text().startswith("<!doctype html>")
    assert main(["report", str(bundle_folder), *data, "--against", "nowhere"]) != 0
    assert "nowhere: expected a folder that is there" in capsys.readouterr().err


def test_a_bundle_that_another_framework_wrote_is_shown_and_compared(
    bundle_folder: pathlib.Path, digits: Dataset, tmp_path: pathlib.Path
) -> None:
    folder = pathlib.Path(shutil.copytree(bundle_folder, tmp_path / "mine"))
    (folder / HISTORY).unlink()
    # All that docs/bundle.md lets be empty.
    manifest = {**read_manifest(folder), "dataset": {}, "training": {}, "metrics": {}}
    (folder / "model.json").write_text(json.dumps(manifest))
    report.write_report(folder, digits, tmp_path / "page.html", against=bundle_folder)
    assert "trained on data that it does not name" in (tmp_path / "page.html").read_text()
    found = compare_bundles([folder, bundle_folder], rounds=1)
    assert "| dataset |  | " in tabulate(found)
