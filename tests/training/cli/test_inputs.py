from __future__ import annotations

import argparse
import pathlib

import pytest

from tests.training import noise
from training.cli.inputs import load


def name_set(folder: pathlib.Path, classes: tuple[str, ...]) -> argparse.Namespace:
    """Write 48 pictures a class, and name their folder as the commands' options do."""
    files = {
        f"{name}/{i}.png": noise.picture(48 * j + i) for j, name in enumerate(classes) for i in range(48)
    }
    return argparse.Namespace(data=str(noise.write(folder, files)), size=None)


def test_a_set_without_a_fault_is_loaded_in_silence(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert load(name_set(tmp_path, ("cat", "dog"))).class_names == ("cat", "dog")
    assert capsys.readouterr() == ("", "")


def test_what_is_passed_over_and_what_is_missing_is_told(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    load(name_set(tmp_path, ("train/cat", "train/dog", "test/cat", "extra/cat")))
    assert capsys.readouterr().err == (
        f"{tmp_path / 'extra'}: passed over\n{tmp_path.name}: no test image has a label of 1\n"
    )


def test_a_folder_around_the_classes_is_told_as_the_one_class(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    load(name_set(tmp_path, ("animals/cat", "animals/dog")))
    assert capsys.readouterr().err == f"{tmp_path.name}: all images are of one class, animals\n"
