"""Which bundles are served, by what the operator names."""

from __future__ import annotations

import pathlib

import pytest

from service.core.shipped_models import folders

ROOT = pathlib.Path(__file__).parents[4]


def write(folder: pathlib.Path, *names: str) -> None:
    for name in names:
        (folder / name).mkdir(parents=True)
        (folder / name / "model.json").touch()


@pytest.fixture(autouse=True)
def home(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "shipped", "mnist-2d")
    monkeypatch.setattr(folders, "find_shipped", lambda: tmp_path / "shipped")
    return tmp_path


def test_a_checkout_ships_its_models_and_keeps_no_second_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert folders.find_shipped() == ROOT / "models"
    assert not list((ROOT / "service").rglob("*.onnx"))


def test_without_any_in_models_the_shipped_ones_serve(home: pathlib.Path) -> None:
    assert folders.list_bundles(folders.MODELS_DIR, shipped=False) == [home / "shipped" / "mnist-2d"]
    write(home / "models", "mine")
    assert folders.list_bundles(folders.MODELS_DIR, shipped=False) == [pathlib.Path("models/mine")]


def test_a_folder_that_is_named_takes_their_place(home: pathlib.Path) -> None:
    assert folders.list_bundles(home / "own", shipped=False) == []
    write(home / "own", "b", "a")
    assert folders.list_bundles(home / "own", shipped=False) == [home / "own" / "a", home / "own" / "b"]


def test_they_come_beside_it_if_asked_for_and_give_way_to_one_of_their_name(home: pathlib.Path) -> None:
    write(home / "own", "a")
    both = [home / "own" / "a", home / "shipped" / "mnist-2d"]
    assert folders.list_bundles(home / "own", shipped=True) == both
    write(home / "own", "mnist-2d")
    assert folders.list_bundles(home / "own", shipped=True)[1] == home / "own" / "mnist-2d"


def test_where_there_is_none_the_folder_and_the_ways_out_are_named(home: pathlib.Path) -> None:
    said = folders.describe_none(folders.MODELS_DIR)
    assert said.startswith(f"{home / 'models'}: expected a folder with at least one */model.json, found none")
    assert "CVAE_MODELS_DIR" in said
    assert str(home / "shipped") in said
    assert "--bundle FOLDER" in said
