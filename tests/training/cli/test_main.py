from __future__ import annotations

import dataclasses
import functools
import json
import os
import pathlib
import shlex
import shutil
import signal
import subprocess
import sys
import time
from typing import Any, NoReturn, get_args

import numpy as np
import pytest
import tensorflow as tf

from training.bundles import model_card
from training.bundles.manifest import read_manifest
from training.cli.main import COLLAPSED, FAILED, main
from training.cli.terminal import TYPED
from training.config import Optimizer, Precision, Schedule, TrainConfig, Upsampling
from training.data.datasets import load
from training.evaluation import classifier
from training.experiments.recipes import BUNDLES, RECIPES
from training.fit import loop
from training.fit.checkpoints import Checkpoint
from training.fit.pace import Pace
from training.reports import generation_quality, projector

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


def other(default: Any) -> Any:
    """A value that an option may have, but not its default."""
    if isinstance(default, tuple):
        return (*default, 5)
    if isinstance(default, str):
        choices = next(
            get_args(kind)
            for kind in (Schedule, Optimizer, Precision, Upsampling)
            if default in get_args(kind)
        )
        return next(choice for choice in choices if choice != default)
    return default + 1 if isinstance(default, int) else default / 2 + 0.01


def load_nothing(*_: Any) -> loop.Run:
    return loop.Run(None, 1, [{"val_negative_elbo": 1.0}])  # type: ignore[arg-type]


# Options that do not go with one another are given in turns.
CONDITIONAL = {"conditional": True, "refine_steps": 0, "refine_grid": 0, "exact_epochs": 0, "free_bits": 0.0}
REFINED = {"conditional": False, "latent_dim": 1, "refine_grid": 5, "exact_epochs": 2, "mixture_after": 0}


@pytest.mark.parametrize("some", [CONDITIONAL, REFINED])
def test_every_option_reaches_the_config(
    digits_file: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, some: dict[str, Any]
) -> None:
    fields = {field.name: other(field.default) for field in dataclasses.fields(TrainConfig)}
    fits = {"decoder_filters": (8, 9, 5), "decoder_upscale": 8, **some}
    config = TrainConfig(**{**fields, **fits})
    received: dict[str, Any] = {}

    def record(config: TrainConfig, _: Any, output: pathlib.Path, **options: Any) -> None:
        received.update(config=config, output=output, **options)

    monkeypatch.setattr(loop, "fit", record)
    monkeypatch.setattr(loop, "load", load_nothing)
    monkeypatch.setattr("training.cli.main._warn_of_collapse", lambda *_: None)
    options = [f"--data={digits_file}", f"--output={tmp_path}", "--resume", "--tensorboard", "--verbose=2"]
    for name, value in config.to_dict().items():
        if isinstance(value, bool):
            options += [f"--{name}"] * value
            continue
        options += ["--" + name.replace("_", "-"), *map(str, value if isinstance(value, list) else [value])]
    assert main(["train", *options]) == 0
    assert isinstance(received.pop("pace"), Pace)
    assert received == {
        "config": config,
        "output": tmp_path,
        "resume": True,
        "strategy": tf.distribute.get_strategy(),
        "tensorboard": True,
        "verbose": 2,
    }


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_is_where_options_start_from(
    name: str, digits_file: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    received: list[Any] = []

    def record(*arguments: Any, **_: Any) -> None:
        received.extend(arguments)

    monkeypatch.setattr(loop, "fit", record)
    monkeypatch.setattr(loop, "load", load_nothing)
    monkeypatch.setattr("training.cli.main._warn_of_collapse", lambda *_: None)
    assert main(["train", f"--data={digits_file}", "--recipe", name, "--epochs", "30"]) == 0
    assert received[0] == dataclasses.replace(RECIPES[name], epochs=30)
    assert received[2] == pathlib.Path("runs") / name


def test_judge_writes_what_it_says(
    bundle_folder: pathlib.Path,
    digits_file: pathlib.Path,
    tmp_path: pathlib.Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = str(shutil.copytree(bundle_folder, tmp_path / "digits"))
    monkeypatch.setattr(classifier, "train_classifier", lambda dataset, output, **_: (dataset.name, output))
    monkeypatch.setattr(generation_quality, "judge_bundle", lambda *given: {"by": str(given[2])})
    monkeypatch.setattr(model_card, "write_card", lambda _: "")
    options = ["judge", folder, "--data", str(digits_file), "--classifier", "runs/some"]
    assert main(options) == 0
    expected = {"by": str(("digits", pathlib.Path("runs/some")))}
    assert json.loads(capsys.readouterr().out) == {folder: expected}
    assert "generation" not in read_manifest(pathlib.Path(folder))["metrics"]
    assert main([*options, "--update"]) == 0
    assert read_manifest(pathlib.Path(folder))["metrics"]["generation"] == expected
    assert main(["judge", "nowhere", *options[2:]]) == FAILED
    assert "nowhere: expected a folder that is there" in capsys.readouterr().err


@pytest.mark.parametrize(("options", "lines"), [((), True), (("--quiet",), False)])
def test_what_is_piped_is_json_and_how_far_it_is_goes_beside_it(
    options: tuple[str, ...],
    lines: bool,
    bundle_folder: pathlib.Path,
    digits_file: pathlib.Path,
    tmp_path: pathlib.Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    train = classifier.train_classifier
    monkeypatch.setattr(classifier, "train_classifier", functools.partial(train, epochs=1))
    monkeypatch.setattr(generation_quality, "CLASS_DRAWS", 10)
    monkeypatch.setattr(generation_quality, "PRIOR_DRAWS", 100)
    where = ["--data", str(digits_file), "--classifier", str(tmp_path / "classifier")]
    assert main(["judge", str(bundle_folder), *where, *options]) == 0
    said = capsys.readouterr()
    assert set(json.loads(said.out)) == {str(bundle_folder)}
    assert ("val_accuracy" in said.err) == lines
    assert not {"\b", "\r", "\x1b"} & set(said.err)


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


def test_project_lays_out_a_run_and_its_bundle_alike(
    digits_file: pathlib.Path,
    run_folder: pathlib.Path,
    bundle_folder: pathlib.Path,
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, folder in (("run", run_folder), ("bundle", bundle_folder)):
        output = str(tmp_path / name)
        assert main(["project", str(folder), "--data", str(digits_file), "--output", output]) == 0
        assert capsys.readouterr().err == f"{output}: 200 of 200 images\n"
    run, bundle = (np.loadtxt(tmp_path / name / "tensors.tsv", np.float32) for name in ("run", "bundle"))
    atlas = np.load(bundle_folder / "atlas.npz")
    assert np.array_equal(bundle[:, :2], atlas["z_mean"])
    assert run == pytest.approx(bundle, abs=1e-5)
    assert np.array_equal(np.loadtxt(tmp_path / "run" / "metadata.tsv"), atlas["label"])
    monkeypatch.setattr(projector, "SHEET_LIMIT", 50)
    options = ["--data", str(digits_file), "--output", str(tmp_path / "few"), "--split", "validation"]
    assert main(["project", str(bundle_folder), *options]) == 0
    assert "few: 36 of 50 images, the first that its sheet" in capsys.readouterr().err


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
        ("project nowhere --output {data} --data nothing", "nowhere: expected a folder that is there"),
        ("project {run} --output {data} --data {data}", "digits.npz"),
        ("evaluate nowhere --data nothing", "nowhere: expected a folder that is there"),
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
