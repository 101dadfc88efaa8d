"""Writes a model bundle without Keras: a linear VAE of handwritten digits, in closed form.

A VAE whose decoder is linear, p(x|z) = N(mean + W z, noise I), needs no training loop: its optimum is
probabilistic PCA (Tipping & Bishop 1999), and with orthogonal columns in W its diagonal q(z|x) is the exact
posterior, so that the ELBO is log p(x) itself (Lucas et al. 2019). Of this project it needs nothing but the
contract, docs/bundle.md.

    python examples/linear_vae.py models/digits-linear
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import json
import os
import pathlib
import sys
import time
from typing import Any

import numpy as np
import onnx
import onnx.parser
import sklearn
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier

Floats = NDArray[np.float64]

TEST_IMAGES, SEED, NEIGHBOURS, GOLDEN_IMAGES = 500, 0, 15, 8
# The images vary in 61 directions; those that z does not take are the noise.
MOST_DIMENSIONS = 32
# Older than what onnx writes unasked: each onnxruntime that the service may run on reads them.
OPSET, IR_VERSION = 18, 10
CARD = """# {name}

A linear VAE (probabilistic PCA) of grey digits of 8 x 8 pixels. Version {version}.
`examples/linear_vae.py` made it, in closed form.

Over {images} test images, which fitted nothing: negative_elbo {negative_elbo} nats an image
(reconstruction_loss {reconstruction_loss}, kl_divergence {kl_divergence}), label accuracy of
the 15 nearest neighbours in latent space {knn_accuracy}. The likelihood is Gaussian, that of the
mean before it is clipped: a density of grey levels in [0, 1], which may exceed 1, so that the
loss is below 0. It compares with no Bernoulli likelihood.

Digits by E. Alpaydin and C. Kaynak (UCI Machine Learning Repository, CC BY 4.0), shuffled and
then split: the same hands wrote both parts. The golden vectors hold 8 of the test images.
"""


@dataclasses.dataclass(frozen=True)
class LinearVae:
    """The model, in float64; its images are flat, `(n, 64)` in [0, 1].

    Attributes:
        mean: `(64,)`, of the training images.
        weights: `(64, latent_dim)`, W; its columns are orthogonal.
        spread: `(latent_dim,)`, the diagonal of M = Wᵀ W + noise I.
        noise: The variance of each pixel around mean + W z.
    """

    mean: Floats
    weights: Floats
    spread: Floats
    noise: float

    @property
    def z_log_var(self) -> Floats:
        """The logarithm of the variance of q(z|x), noise M⁻¹; `(latent_dim,)`, the same for every image."""
        return np.log(self.noise / self.spread)

    def encode(self, x: Floats) -> Floats:
        """Gives z_mean, M⁻¹ Wᵀ (x - mean), `(n, latent_dim)` (Tipping & Bishop 1999, section 3.1)."""
        z_mean: Floats = (x - self.mean) @ (self.weights / self.spread)
        return z_mean

    def decode(self, z: Floats) -> Floats:
        """Gives the pictures of `(n, latent_dim)` vectors, clipped to what a pixel can be."""
        return np.clip(self.mean + z @ self.weights.T, 0, 1)


def fit(x: Floats, latent_dim: int) -> LinearVae:
    """Gives the model under which images are likeliest (Tipping & Bishop 1999, equations 7 and 8, R = I)."""
    values, vectors = np.linalg.eigh(np.cov(x.T, bias=True))
    values, vectors = values[::-1], vectors[:, ::-1][:, :latent_dim]
    spread, noise = values[:latent_dim], float(values[latent_dim:].mean())
    # An eigenvector may point either way; this way is the same on every machine.
    signs = np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(latent_dim)])
    return LinearVae(x.mean(axis=0), vectors * signs * np.sqrt(spread - noise), spread, noise)


def measure(model: LinearVae, x: Floats) -> dict[str, Any]:
    """Gives the loss parts over images, in nats an image; no sampling: the expectation over q is exact."""
    z_mean, variance = model.encode(x), np.exp(model.z_log_var)
    squares = np.sum((x - model.mean - z_mean @ model.weights.T) ** 2, axis=1)
    # What the spread of q adds to the squares: the trace of W var Wᵀ.
    squares += np.sum(model.weights**2 * variance)
    reconstruction = 0.5 * (x.shape[1] * np.log(2 * np.pi * model.noise) + squares / model.noise)
    kl = 0.5 * np.sum(variance + z_mean**2 - 1 - model.z_log_var, axis=1)
    parts = {"reconstruction_loss": reconstruction, "kl_divergence": kl, "negative_elbo": reconstruction + kl}
    return {name: round(float(part.mean()), 4) for name, part in parts.items()}


def describe_class(model: LinearVae, label: int, z_mean: Floats) -> dict[str, Any]:
    """Gives the manifest's entry of a class from the z_mean of its training images."""
    middle = z_mean.mean(axis=0)
    covariance = (z_mean - middle).T @ (z_mean - middle) / len(z_mean) + np.diag(np.exp(model.z_log_var))
    moments = {"z_mean": middle.round(6).tolist(), "covariance": covariance.round(6).tolist()}
    return {"label": label, **moments, "count": len(z_mean)}


def write_graphs(folder: pathlib.Path, model: LinearVae) -> dict[str, Any]:
    """Writes encoder.onnx and decoder.onnx, and gives their entries of the manifest."""
    picture, latent = "float[batch, 8, 8, 1]", f"float[batch, {len(model.spread)}]"
    encoder = f"""encoder ({picture} x) => ({latent} z_mean, {latent} z_log_var) {{
        flat = Reshape(x, row)
        centred = Sub(flat, mean)
        z_mean = MatMul(centred, weights)
        shape = Shape(z_mean)
        z_log_var = Expand(log_var, shape)
    }}"""
    decoder = f"""decoder ({latent} z) => ({picture} image) {{
        product = MatMul(z, weights)
        flat = Add(product, mean)
        grey = Clip(flat, least, most)
        image = Reshape(grey, picture)
    }}"""
    inverse = {"weights": model.weights / model.spread, "log_var": model.z_log_var, "row": [-1, 64]}
    forward = {"weights": model.weights.T, "least": 0.0, "most": 1.0, "picture": [-1, 8, 8, 1]}
    return {
        "encoder": write_graph(folder / "encoder.onnx", encoder, mean=model.mean, **inverse),
        "decoder": write_graph(folder / "decoder.onnx", decoder, mean=model.mean, **forward),
    }


def write_graph(path: pathlib.Path, text: str, **constants: Any) -> dict[str, Any]:
    """Writes a graph, given in ONNX's text syntax, and gives its entry of the manifest."""
    model = onnx.parser.parse_model(f'<ir_version: {IR_VERSION}, opset_import: ["": {OPSET}]> {text}')
    for name, value in constants.items():
        dtype = np.int64 if isinstance(value, list) else np.float32
        model.graph.initializer.append(onnx.numpy_helper.from_array(np.array(value, dtype), name))
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString(deterministic=True))
    inputs, outputs = map(describe_tensors, (model.graph.input, model.graph.output))
    return {**describe_file(path), "opset": OPSET, "inputs": inputs, "outputs": outputs}


def describe_tensors(tensors: Any) -> list[dict[str, Any]]:
    """Gives name, shape and dtype of a graph's inputs or outputs."""
    shapes = {t.name: [d.dim_param or d.dim_value for d in t.type.tensor_type.shape.dim] for t in tensors}
    return [{"name": name, "shape": shape, "dtype": "float32"} for name, shape in shapes.items()]


def write_arrays(path: pathlib.Path, **arrays: Any) -> dict[str, str]:
    """Writes golden.npz or atlas.npz, and gives its entry of the manifest."""
    for name, array in arrays.items():
        arrays[name] = array.astype(np.int64 if name == "label" else np.float32)
    np.savez(path, **arrays)
    return describe_file(path)


def describe_file(path: pathlib.Path) -> dict[str, str]:
    """Gives a file's entry: its name and its checksum."""
    return {"file": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


def write_golden(path: pathlib.Path, model: LinearVae, x: Floats) -> dict[str, str]:
    """Writes what numpy computes for some images and for as many draws from the prior."""
    z = np.random.RandomState(SEED).standard_normal((len(x), len(model.spread)))
    posterior = {"z_mean": model.encode(x), "z_log_var": np.tile(model.z_log_var, (len(x), 1))}
    images = {"x": x.reshape(-1, 8, 8, 1), "image": model.decode(z).reshape(-1, 8, 8, 1)}
    return write_arrays(path, z=z, **posterior, **images)


def find_version(answers: dict[str, Any]) -> str:
    """Gives the digest of the fields of the manifest that can change an answer, and of no other."""
    text = json.dumps(answers, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def write_bundle(folder: pathlib.Path, latent_dim: int) -> dict[str, Any]:
    """Fits the model to one part of the digits, measures it on the other, and writes its bundle."""
    data = load_digits()
    rows = np.random.RandomState(SEED).permutation(len(data.target))
    x, test = np.split(data.data[rows] / 16, [-TEST_IMAGES])
    label, test_label = np.split(data.target[rows], [-TEST_IMAGES])
    model = fit(x, latent_dim)
    z_mean, test_z_mean = model.encode(x), model.encode(test)
    accuracy = KNeighborsClassifier(NEIGHBOURS).fit(z_mean, label).score(test_z_mean, test_label)

    folder.mkdir(parents=True, exist_ok=True)
    image = {"height": 8, "width": 8, "channels": 1, "range": [0.0, 1.0], "polarity": "light-on-dark"}
    answers = {
        "format_version": 1,
        "name": folder.name,
        "latent_dim": latent_dim,
        "image": {**image, "fit": {"method": "contain"}},
        **write_graphs(folder, model),
        "golden": write_golden(folder / "golden.npz", model, test[:GOLDEN_IMAGES]),
        "atlas": write_arrays(folder / "atlas.npz", z_mean=test_z_mean, label=test_label),
        "classes": [describe_class(model, int(i), z_mean[label == i]) for i in np.unique(label)],
        "prior": {"distribution": "normal", "mean": 0.0, "stddev": 1.0},
    }
    figures = {**measure(model, test), "likelihood": "gaussian", "knn_accuracy": round(accuracy, 4)}
    digest = hashlib.sha256(data.data.tobytes() + data.target.tobytes()).hexdigest()
    split = {"train": len(x), "validation": 0, "test": len(test)}
    created = time.gmtime(int(os.environ.get("SOURCE_DATE_EPOCH", time.time())))
    manifest = {
        **answers,
        "version": find_version(answers),
        "training": {"latent_dim": latent_dim, "seed": SEED, "noise": round(model.noise, 6)},
        "metrics": {**figures, "split": "test", "images": len(test)},
        "dataset": {"name": "digits", "sha256": digest, "split": split},
        "producer": {package.__name__: package.__version__ for package in (np, onnx, sklearn)},
        "git_commit": None,
        "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", created),
    }
    (folder / "README.md").write_text(CARD.format(**manifest, **manifest["metrics"]))
    # Last: a folder with a manifest is a bundle.
    (folder / "model.json").write_text(json.dumps(manifest, indent=1) + "\n")
    return manifest


def main() -> int:
    """Writes the bundle that the command line asks for, and prints its figures; gives the exit status."""
    parser = argparse.ArgumentParser(description="Write the bundle of a linear VAE of handwritten digits.")
    parser.add_argument("folder", type=pathlib.Path, help="models/<name>")
    parser.add_argument("--latent-dim", type=int, default=8, help=f"from 1 to {MOST_DIMENSIONS} (default 8)")
    options = parser.parse_args()
    if not 1 <= options.latent_dim <= MOST_DIMENSIONS:
        parser.error(f"--latent-dim: expected 1 to {MOST_DIMENSIONS}, received {options.latent_dim}")
    manifest = write_bundle(options.folder.resolve(), options.latent_dim)
    print(json.dumps({"version": manifest["version"], **manifest["metrics"]}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
