from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import shlex
import signal
import subprocess
import sys
import time
from typing import Any, NoReturn

import pytest

from training.bundles.manifest import read_manifest
from training.cli.bundles import COLLAPSED
from training.cli.main import main
from training.cli.terminal import TYPED
from training.config import TrainConfig
from training.data.datasets import load
from training.experiments.recipes import BUNDLES
from training.fit import loop
from training.fit.checkpoints import Checkpoint

ROOT = pathlib.Path(__file__).parents[3]
SIZES = "--encoder-filters 4 8 --encoder-units 16 --decoder-units 16 --decoder-filters 4 4 --batch-size 32"


def test_help_names_every_choice_with_its_default_and_loads_no_tensorflow() -> None:
    code = """
import sys
from training.cli.main import main
try:
    main(["train", "--help"])
finally:
    print(*sys.modules)
"""
    command = [sys.executable, "-c", code]
    text = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for field in dataclasses.fields(TrainConfig):
        assert f"--{field.name.replace('_', '-')} " in text
    assert text.count("(default: ") >= len(dataclasses.fields(TrainConfig))
    assert not {"tensorflow", "keras", "numpy"} & set(text.splitlines()[-1].split())


def test_only_recipes_with_a_bundle_are_reproduced(capsys: pytest.CaptureFixture[str]) -> None:
    assert {path.parent.name for path in (ROOT / "models").glob("*/model.json")} == set(BUNDLES)
    with pytest.raises(SystemExit, match="2"):
        main(["reproduce", "replaced-2d"])
    assert "invalid choice: 'replaced-2d'" in capsys.readouterr().err


def test_help_keeps_the_capitals_of_its_words(capsys: pytest.CaptureFixture[str]) -> None:
    for command, text in (
        ("evaluate", "Measure a run or a bundle; JSON out."),
        ("report", "an HTML page out."),
    ):
        with pytest.raises(SystemExit, match="0"):
            main([command, "--help"])
        assert text in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("arguments", [[], ["evaluate"], ["fly"], ["train", "--epochs", "many"]])
def test_arguments_that_make_no_sense_exit_with_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments)


@pytest.mark.parametrize("seed", ["-1", "4294967296", "x"])
def test_a_seed_out_of_range_is_refused(seed: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["evaluate", "models/x", "--seed", seed])
    assert "--seed" in capsys.readouterr().err


@pytest.mark.slow
def test_a_collapsed_run_is_told_by_train_and_by_the_exit_of_evaluate(
    digits_file: pathlib.Path, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = [*SIZES.split(), "--data", str(digits_file), "--epochs", "1", "--verbose", "0"]
    # With a KL term this heavy nothing is worth telling.
    options += ["--beta", "10000", "--kl-warmup-steps", "0", "--learning-rate", "0.01", "--refine-steps", "0"]
    run = str(tmp_path / "run")
    assert main(["train", *options, "--output", run]) == 0
    warning = (
        "training: 0 of 2 latent dimensions are active: pictures hardly depend on z (posterior collapse)"
    )
    assert warning in capsys.readouterr().err
    assert main(["evaluate", run, "--data", str(digits_file), "--importance-samples", "0"]) == COLLAPSED
    said = capsys.readouterr()
    assert warning in said.err
    assert json.loads(said.out)["active_dimensions"] == 0


@pytest.mark.slow
def test_train_export_evaluate(
    digits_file: pathlib.Path, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, models, data = str(tmp_path / "run"), str(tmp_path / "models"), ["--data", str(digits_file)]
    assert main(["train", *data, "--output", run, "--epochs", "1", "--verbose", "0", *SIZES.split()]) == 0
    assert capsys.readouterr().err.startswith("best epoch 1: val_negative_elbo ")
    assert main(["export", run, *data, "--models", models, "--name", "some"]) == 0
    metrics = read_manifest(tmp_path / "models" / "some")["metrics"]
    assert json.loads(capsys.readouterr().out) == metrics
    # A run has no mixture: that is fitted at the export.
    own = {name: value for name, value in metrics.items() if name != "mixture_prior"}
    for folder, figures in ((run, own), (f"{models}/some", metrics)):
        # One epoch teaches z nothing yet.
        assert main(["evaluate", folder, *data]) == COLLAPSED
        assert json.loads(capsys.readouterr().out) == figures
    assert main(["evaluate", f"{models}/some", *data, "--seed", "4", "--update"]) == COLLAPSED
    updated = json.loads(capsys.readouterr().out)
    assert updated != metrics
    assert read_manifest(tmp_path / "models" / "some")["metrics"] == updated
    assert main(["evaluate", run, *data, "--split", "validation"]) == COLLAPSED
    assert json.loads(capsys.readouterr().out)["images"] == 50


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("train --data nowhere", "nowhere: expected 'mnist', a folder"),
        ("train --data {data} --epochs 0", "epochs: expected an integer of at least 1, received 0"),
        ("train --data {data} --output {run}", "holds a run already; add --resume"),
        ("train --data {data} --output {run} --resume --beta 3", "holds a run with another beta"),
        ("train --data {data} --output {data}", "digits.npz"),
        ("export nowhere --data nothing", "nowhere: expected a folder that is there"),
        ("export {run} --data {data} --models {models} --name digits", "is there already; add --force"),
        ("export {run} --data {data} --models {models} --name .x", "expected a name of letters"),
        (
            "export {run} --data {data} --models {models} --name ../x",
            "--name: expected the name of a folder in",
        ),
        ("project nowhere --output {data} --data nothing", "nowhere: expected a folder that is there"),
        ("project {run} --output {data} --data {data}", "digits.npz"),
        ("evaluate nowhere --data nothing", "nowhere: expected a folder that is there"),
        (
            "evaluate {run} --data {data} --binarised --importance-samples 0",
            "--binarised: expected --importance-samples above 0, received 0",
        ),
        (
            "evaluate {models}/digits --data nothing --split validation --update",
            "received the validation split",
        ),
        (
            "evaluate {run} --data nothing --update",
            "expected a bundle and the test split, received a run",
        ),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    arguments: str,
    message: str,
    digits_file: pathlib.Path,
    run_folder: pathlib.Path,
    bundle_folder: pathlib.Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    places = {"data": digits_file, "run": run_folder, "models": bundle_folder.parent}
    sizes = SIZES.split() if arguments.startswith("train") else []
    assert main([*arguments.format(**places).split(), *sizes]) == 2
    said = capsys.readouterr().err
    assert said.startswith("training: ")
    assert message in said
    assert said.count("\n") == 1


def test_an_interrupt_says_how_to_go_on(
    digits_file: pathlib.Path,
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def interrupt(*_: Any, **__: Any) -> NoReturn:
        raise KeyboardInterrupt

    monkeypatch.delenv(TYPED, raising=False)
    monkeypatch.setattr(loop, "fit", interrupt)
    monkeypatch.setattr(loop, "load", interrupt)
    options = ["--data", str(digits_file)]
    assert main(["train", *options, "--output", str(tmp_path)]) == 130
    line = shlex.join(["train", *options, "--output", str(tmp_path), "--resume"])
    hint = f"training: interrupted; go on from the last whole epoch with: python -m training {line}\n"
    assert capsys.readouterr().err.endswith(hint)
    assert main(["export", str(tmp_path), *options]) == 130
    assert capsys.readouterr().err.endswith("training: interrupted\n")


@pytest.mark.slow
def test_an_interrupted_run_can_be_resumed(digits_file: pathlib.Path, tmp_path: pathlib.Path) -> None:
    output = tmp_path / "run"
    options = [*SIZES.split(), "--data", str(digits_file), "--output", str(output), "--verbose", "0"]
    command = [sys.executable, "-m", "training", "train", *options, "--resume", "--epochs"]
    environment = {name: value for name, value in os.environ.items() if name != TYPED}
    signal.signal(signal.SIGINT, signal.default_int_handler)  # in the background, a child would ignore it
    process = subprocess.Popen(
        [*command, "500"], cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True
    )
    end = time.monotonic() + 300
    while not Checkpoint(output).history():
        assert process.poll() is None
        assert time.monotonic() < end
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=300)
    assert process.returncode == 130
    line = shlex.join(["python", "-m", "training", *command[3:], "500"])
    assert said == f"\ntraining: interrupted; go on from the last whole epoch with: {line}\n"
    assert 1 <= len(loop.load(output, load(str(digits_file))).history) < 500


def test_what_is_not_installed_is_said_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    assert main(["evaluate", "runs/none"]) == 2
    expected = "training: tensorflow is not installed: pip install 'cvae-service[train]'\n"
    assert capsys.readouterr().err == expected
