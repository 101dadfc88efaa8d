from __future__ import annotations

import argparse
import io
import pathlib

import numpy as np
import pytest
from PIL import Image

from training.cli.inputs import load


def write(folder: pathlib.Path, classes: tuple[str, ...]) -> argparse.Namespace:
    """Write 48 pictures a class, and name their folder as the commands' options do."""
    for seed, name in enumerate(classes):
        (folder / name).mkdir(parents=True)
        for i in range(48):
            pixels = np.random.default_rng((seed, i)).integers(0, 256, (8, 8), dtype=np.uint8)
            file = io.BytesIO()
            Image.fromarray(pixels).save(file, "PNG")
            (folder / name / f"{i}.png").write_bytes(file.getvalue())
    return argparse.Namespace(data=str(folder), size=None)


def test_a_set_without_a_fault_is_loaded_in_silence(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert load(write(tmp_path, ("cat", "dog"))).class_names == ("cat", "dog")
    assert capsys.readouterr() == ("", "")


def test_what_is_passed_over_and_what_is_missing_is_told(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = write(tmp_path, ("train/cat", "train/dog", "test/cat", "extra/cat"))
    load(options)
    assert capsys.readouterr().err == (
        f"{tmp_path / 'extra'}: passed over\n{tmp_path.name}: no test image has a label of 1\n"
    )


def test_a_folder_around_the_classes_is_told_as_the_one_class(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    load(write(tmp_path, ("animals/cat", "animals/dog")))
    assert capsys.readouterr().err == f"{tmp_path.name}: all images are of one class, animals\n"
