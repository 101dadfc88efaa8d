"""The recipes of docs/bundle.md, run with the frameworks that they are for."""

from __future__ import annotations

import os
import pathlib
import re
import subprocess
import sys

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "bundle.md").read_text()
# PyTorch is in no environment of ours: the variable names a Python that has it. `.ci/torch` makes one.
PYTHONS = {
    "keras": str(ROOT / ".venv-train" / "bin" / "python"),
    "torch": os.environ.get("CVAE_TEST_TORCH", ""),
}
FRAMEWORKS = [name for name, python in PYTHONS.items() if python]

# What the reader of a recipe has already: a small model, untrained, and images.
TORCH = """
import numpy as np, torch
torch.manual_seed(0)
latent_dim = 8
class Network(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.body = torch.nn.Sequential(torch.nn.Conv2d(1, 8, 3, 2, 1), torch.nn.ReLU(), torch.nn.Flatten())
        self.mean, self.log_var = torch.nn.Linear(1568, latent_dim), torch.nn.Linear(1568, latent_dim)
    def forward(self, x):
        h = self.body(x)
        return self.mean(h), self.log_var(h)
class Backwards(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.last = torch.nn.Linear(latent_dim, 1568), torch.nn.ConvTranspose2d(8, 1, 4, 2, 1)
    def forward(self, z):
        return self.last(torch.relu(self.first(z)).view(-1, 8, 14, 14))
encoder, decoder = Network(), Backwards()
x_test = torch.from_numpy(np.load("digits.npz")["x_test"][:, None] / np.float32(255))
"""
KERAS = """
import keras, numpy as np
from keras import layers
keras.utils.set_random_seed(0)
x = keras.Input((28, 28, 1), name="x")
h = layers.Flatten()(layers.Conv2D(8, 3, strides=2, padding="same", activation="relu")(x))
encoder = keras.Model(x, [layers.Dense(8)(h), layers.Dense(8)(h)])
z = keras.Input((8,), name="z")
h = layers.Reshape((14, 14, 8))(layers.Dense(1568, activation="relu")(z))
decoder = keras.Model(z, layers.Conv2DTranspose(1, 3, strides=2, padding="same", activation="sigmoid")(h))
x_test = np.load("digits.npz")["x_test"][..., None] / np.float32(255)
"""


@pytest.mark.slow
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_recipe_makes_a_bundle_that_is_served(framework: str, tmp_path: pathlib.Path) -> None:
    random = np.random.RandomState(0)
    splits = {"train": 300, "test": 40}
    x = {f"x_{name}": random.randint(0, 256, (n, 28, 28), np.uint8) for name, n in splits.items()}
    y = {f"y_{name}": np.arange(n) % 3 for name, n in splits.items()}
    np.savez(tmp_path / "digits.npz", **x, **y)  # type: ignore[arg-type]
    recipes = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    torch, keras = sorted(recipes, key=lambda program: "torch" not in program)
    line = [PYTHONS[framework], "-c", TORCH + torch if framework == "torch" else KERAS + keras]
    # No variable of this process's interpreter is for another one.
    clean = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "TF_CPP_MIN_LOG_LEVEL": "3"}
    made = subprocess.run(line, cwd=tmp_path, env=clean, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    (command,) = re.findall(r"^cvae (bundle pack .*)$", TEXT, re.MULTILINE)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    line = [sys.executable, "-m", "service.cli", *command.split()]
    packed = subprocess.run(line, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert packed.returncode == 0, packed.stderr
    assert packed.stdout.endswith("all is well\n")
    line = [sys.executable, "-m", "service.cli", "decode", "0,0,0,0,0,0,0,0", "--bundle", "models/mine"]
    subprocess.run([*line, "-o", "digit.png"], cwd=tmp_path, env=environment, check=True)
    assert (tmp_path / "digit.png").read_bytes().startswith(b"\x89PNG")
