from __future__ import annotations

import json
import pathlib
import shutil

import pytest

from training.bundles.manifest import BundleError, read_manifest
from training.cli.main import main
from training.reports.compare import compare_bundles, tabulate


@pytest.fixture
def other(bundle_folder: pathlib.Path, tmp_path: pathlib.Path) -> pathlib.Path:
    folder = pathlib.Path(shutil.copytree(bundle_folder, tmp_path / "other"))
    manifest = read_manifest(folder)
    manifest["metrics"]["negative_elbo"] = 12.5
    manifest["metrics"]["generation"] = {
        "class_accuracy": {"0": 0.75, "1": 1.0},
        "frechet_distance": 3.25,
        "confident_share": 0.5,
    }
    manifest["dataset"]["sha256"] = "1" * 64
    (folder / "model.json").write_text(json.dumps(manifest))
    return folder


def test_sizes_and_figures_are_the_bundle_s(bundle_folder: pathlib.Path) -> None:
    manifest = read_manifest(bundle_folder)
    row = compare_bundles([bundle_folder], rounds=1)[str(bundle_folder)]
    assert row["version"] == manifest["version"]
    assert (row["latent_dim"], row["conditional"]) == (2, False)
    assert row["decoder_bytes"] == (bundle_folder / "decoder.onnx").stat().st_size
    # Dense 2 x 16 and 16 x 64, convolutions 4 x 4 x 9 and 4 x 4 x 9, each with its bias; small.config.
    parameters = (2 * 16 + 16) + (16 * 64 + 64) + 2 * (4 * 4 * 9 + 4)
    assert parameters <= row["decoder_parameters"] <= parameters + 20
    assert row["negative_elbo"] == manifest["metrics"]["negative_elbo"]
    assert min(row["decoder_us_32"], row["decoder_us_1"]) > 0


def split(table: str) -> list[list[str]]:
    return [line.split("|") for line in table.splitlines() if line.startswith("|")]


def test_the_table_has_a_column_for_each_and_ratios_to_the_first(
    bundle_folder: pathlib.Path, other: pathlib.Path
) -> None:
    found = compare_bundles([bundle_folder, other], rounds=1)
    found[str(bundle_folder)]["decoder_us_32"], found[str(other)]["decoder_us_32"] = 10.0, 25.0
    table = tabulate(found)
    rows = {cells[1].strip(): [cell.strip() for cell in cells[2:4]] for cells in split(table)}
    assert rows[""] == ["`digits`", "`other`"]
    assert rows["decoder_us_32"] == ["10.0 (1.00 ×)", "25.0 (2.50 ×)"]
    assert rows["negative_elbo"][1] == "12.5"
    assert rows["worst_class_accuracy"] == ["", "0.75"]
    assert table.endswith("The figures are of different data sets.\n")


def test_the_command_prints_either_form(
    bundle_folder: pathlib.Path, other: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = [str(bundle_folder), str(other)]
    assert main(["compare", *folders]) == 0
    assert capsys.readouterr().out.startswith("|  | `digits` | `other` |\n")
    assert main(["compare", *folders, "--format", "json"]) == 0
    assert list(json.loads(capsys.readouterr().out)) == folders


def test_what_is_no_bundle_is_refused(tmp_path: pathlib.Path) -> None:
    with pytest.raises(BundleError, match="expected a manifest"):
        compare_bundles([tmp_path])
