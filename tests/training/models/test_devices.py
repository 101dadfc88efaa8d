"""Runs of several replicas are other processes: TensorFlow takes its devices before it computes anything."""

from __future__ import annotations

import csv
import json
import os
import pathlib
import socket
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from tests.training import small
from training.data.datasets import Dataset
from training.fit.loop import Reseed, train
from training.models import devices
from training.models.devices import DistributionError

ROOT = pathlib.Path(__file__).parents[3]
SIZES = (
    "--encoder-filters 4 8 --encoder-units 16 16 --decoder-units 16 --decoder-filters 4 4 --decoder-upscale 2"
)
OPTIONS = [*SIZES.split(), "--batch-size", "32", "--epochs", "2", "--verbose", "0"]
TRAIN = [sys.executable, "-m", "training", "train"]
MIRRORED = """
import sys
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
replicas = int(sys.argv.pop(1))
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * replicas)
make = tf.distribute.MirroredStrategy
tf.distribute.MirroredStrategy = lambda: make([f"/cpu:{i}" for i in range(replicas)])
from training.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def alone(digits: Dataset, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[float]]:
    folder = tmp_path_factory.mktemp("alone")
    train(small.config(), digits, folder, verbose=0)
    return read_log(folder)


def read_log(folder: pathlib.Path) -> dict[str, list[float]]:
    with (folder / "log.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {name: [float(row[name]) for row in rows] for name in rows[0]}


def agree(one: dict[str, list[float]], other: dict[str, list[float]]) -> bool:
    return set(one) == set(other) and all(np.allclose(one[name], other[name], rtol=2e-4) for name in one)


def find_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


@pytest.mark.slow
# Of 550 images, 32 do not part into three, and in batches of 61 the last one is of one image.
@pytest.mark.parametrize(("replicas", "batch_size"), [(2, 32), (3, 32), (2, 61)])
def test_several_devices_train_as_one_however_the_batches_part(
    replicas: int, batch_size: int, digits: Dataset, digits_file: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    train(small.config(batch_size=batch_size), digits, tmp_path / "alone", verbose=0)
    options = ["--data", str(digits_file), "--output", str(tmp_path / "run"), *OPTIONS]
    command = [sys.executable, "-c", MIRRORED, str(replicas), "train", *options]
    command += ["--batch-size", str(batch_size), "--distribute", "mirrored"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert agree(read_log(tmp_path / "run"), read_log(tmp_path / "alone"))


@pytest.mark.slow
def test_two_processes_train_as_one(
    alone: dict[str, list[float]], digits_file: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    run_workers("--data", str(digits_file), "--output", str(tmp_path / "run"))
    assert agree(read_log(tmp_path / "run"), alone)


@pytest.mark.slow
def test_two_processes_go_on_where_one_stopped(
    alone: dict[str, list[float]],
    digits: Dataset,
    digits_file: pathlib.Path,
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begin = Reseed.on_epoch_begin

    def stop_at_the_second(callback: Reseed, epoch: int, _: Any) -> None:
        if epoch == 1:
            raise KeyboardInterrupt
        begin(callback, epoch)

    monkeypatch.setattr(Reseed, "on_epoch_begin", stop_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        train(small.config(), digits, tmp_path / "run", verbose=0)
    assert len(read_log(tmp_path / "run")["epoch"]) == 1
    run_workers("--data", str(digits_file), "--output", str(tmp_path / "run"), "--resume")
    assert agree(read_log(tmp_path / "run"), alone)


def run_workers(*arguments: str) -> None:
    cluster = {"worker": [f"127.0.0.1:{port}" for port in find_ports(2)]}
    workers = []
    for index in range(2):
        config = json.dumps({"cluster": cluster, "task": {"type": "worker", "index": index}})
        workers.append(
            subprocess.Popen(
                [*TRAIN, "--distribute", "multi-worker", *OPTIONS, *arguments],
                cwd=ROOT,
                env={**os.environ, "TF_CONFIG": config},
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    try:
        errors = [worker.communicate(timeout=300)[1] for worker in workers]
    finally:
        for worker in workers:
            worker.kill()
    assert [worker.returncode for worker in workers] == [0, 0], errors
    assert "best epoch" in errors[0]
    assert "best epoch" not in errors[1]


def test_machines_that_are_not_named_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TF_CONFIG", raising=False)
    with pytest.raises(DistributionError, match=r"TF_CONFIG: expected .* found none"):
        devices.make_strategy("multi-worker")


def test_one_process_alone_is_its_chief_and_its_figures_stay_scalars() -> None:
    strategy = devices.make_strategy("none")
    assert devices.is_chief(strategy)
    assert devices.share_rows(7) == (0, 7)
    assert devices.spread({"loss": tf.constant(2.0)})["loss"].shape == ()


def test_the_command_line_names_the_kinds() -> None:
    text = subprocess.run([*TRAIN, "--help"], cwd=ROOT, capture_output=True, text=True).stdout
    assert f"--distribute {{{','.join(devices.KINDS)}}}" in text
