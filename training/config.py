"""`TrainConfig`: every choice of a training run, checked when it is made."""

from __future__ import annotations

import dataclasses
from typing import Any, Literal, get_args

Schedule = Literal["cosine", "constant"]
Optimizer = Literal["muon", "adam"]
Precision = Literal["float32", "bfloat16"]
Upsampling = Literal["subpixel", "transposed"]


class TrainingError(Exception):
    """Anything this package raises on purpose; the message is for the user."""


class ConfigError(TrainingError):
    """A training option has a value that cannot work; the message names it."""


def option(default: Any, text: str) -> Any:
    """Declare a field of `TrainConfig` with the text that `--help` shows."""
    return dataclasses.field(default=default, metadata={"help": text})


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """Every choice of a training run; each field's text says what it is."""

    latent_dim: int = option(2, "size of z")
    batch_size: int = option(128, "images a step")
    epochs: int = option(80, "passes over the training split")
    optimizer: Optimizer = option(
        "adam", "adam, or muon for matrices (Jordan et al. 2024) and adam for the rest"
    )
    # Most of a step: in bfloat16, that of mnist-16d takes 0.65 of its time (benchmarks.suites.training).
    muon_precision: Precision = option(
        "float32", "of muon's iteration; bfloat16 is faster where the processor computes it, slower elsewhere"
    )
    # Validation negative_elbo after 20 epochs: 138.9 at 2e-3 and 142.1 at 1e-3, with one trunk layer more.
    learning_rate: float = option(2e-3, "at the start; muon likes 5e-3")
    schedule: Schedule = option("cosine", "cosine falls to a hundredth at the last step; constant stays")
    # After 80 epochs of mnist-16d with a mixture, validation stands at 89.6 without, 89.1 at 0.3.
    weight_decay: float = option(
        0.0,
        "of muon's matrices: a step takes learning_rate times so much from them (Loshchilov & Hutter 2019)",
    )
    beta: float = option(1.0, "weight of the KL term (Higgins et al. 2017); 1 is the ELBO")
    # On 1,797 digits of 8 x 8, 80 epochs of 11 steps: without it KL falls to 0.001 nats and validation stays
    # at 27.7; with it both dimensions are used, and it comes to 26.1.
    kl_warmup_steps: int = option(
        500,
        "steps over which the KL term comes in (Bowman et al. 2016); at most half of the run",
    )
    free_bits: float = option(
        0.0, "nats of KL in each dimension of an image that cost nothing (Kingma et al. 2016)"
    )
    mixture_after: int = option(
        0,
        "epochs under N(0, 1), after which the prior is a mixture of Gaussians that is fitted to z and then "
        "trained with the rest (Tomczak & Welling 2018); 0: N(0, 1) throughout",
    )
    # Without it -log p(x) under N(0, 1) is 16 nats above that under the mixture (mnist-16d), with it 6.
    mixture_anchor: float = option(
        0.1, "weight of the KL divergence from N(0, 1) beside the mixture's, which holds z at its scale"
    )
    conditional: bool = option(False, "give the decoder the label as well (Sohn et al. 2015)")
    seed: int = option(0, "of the weights, the order of the images, epsilon and dropout")
    # The encoder costs nothing when /decode is served, so it is the larger half.
    encoder_filters: tuple[int, ...] = option(
        (32, 64, 64), "channels of the encoder's 3 x 3 convolutions; the first two halve the picture"
    )
    encoder_units: tuple[int, ...] = option(
        (256,), "widths of the encoder's dense layers; one as wide as the one before adds to it"
    )
    # After 20 epochs 0.1 costs 1.5 nats on the validation split.
    dropout: float = option(0.0, "share of the encoder's features dropped while training, in [0, 1)")
    # On the validation split one step gains 3.7 nats, two 5.2, three 6.0; each magnifies float32's rounding.
    refine_steps: int = option(2, "steps that refine z_mean where the encoder is used; none while fitting")
    refine_grid: int = option(
        0,
        "points a side of a grid over z whose best point refining may start from, for latent_dim 1 or 2: "
        "32 will do; 0: no grid",
    )
    exact_epochs: int = option(
        0,
        "further epochs, for latent_dim 1 or 2, which begin at the best one so far and train the decoder on "
        "-log p(x) itself, by quadrature, and the encoder to follow it",
    )
    exact_batch_size: int = option(800, "images a step in exact_epochs")
    exact_learning_rate: float = option(2e-3, "at the start of exact_epochs")
    # Posteriors are narrower than its cells; it lies elsewhere at each step.
    exact_grid: int = option(72, "points a side of the grid that a step of exact_epochs decodes")
    # Wide where the picture is one vector, small where it has channels, and 16 channels at the end, since
    # onnxruntime computes 16 where fewer are asked for. A row of a batch of 32 takes 10 µs; after 12 epochs
    # validation stands at 137.83 nats.
    decoder_units: tuple[int, ...] = option((128, 256, 256), "widths of the decoder's dense trunk")
    decoder_filters: tuple[int, ...] = option(
        (16,), "channels of the decoder's small picture, then of each 3 x 3 convolution over it"
    )
    decoder_upscale: int = option(
        4, "how many times the decoder enlarges that picture; what is too much is cut off"
    )
    # At batch 32 a decoder of 64, 3136, 64 → 32 → 1 takes 3.7 times what the default one takes.
    decoder_upsampling: Upsampling = option(
        "subpixel",
        "subpixel: convolutions, and the last one enlarges; transposed: each of decoder_filters starts a "
        "transposed convolution that doubles the picture",
    )

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            ConfigError: A value is out of its range.
        """
        counts = ("latent_dim", "batch_size", "epochs", "decoder_upscale", "exact_batch_size", "exact_grid")
        for name in counts:
            self._require(name, getattr(self, name) >= 1, "an integer of at least 1")
        for name in ("encoder_filters", "encoder_units", "decoder_units", "decoder_filters"):
            sizes = getattr(self, name)
            self._require(name, bool(sizes) and min(sizes) >= 1, "one or more integers of at least 1")
        for name in ("learning_rate", "exact_learning_rate"):
            self._require(name, 0 < getattr(self, name) < float("inf"), "a number above 0")
        self._require("beta", 0 <= self.beta < float("inf"), "a number of at least 0")
        self._require("weight_decay", 0 <= self.weight_decay < float("inf"), "a number of at least 0")
        self._require("weight_decay", self.optimizer == "muon" or not self.weight_decay, "0 with adam")
        self._require("kl_warmup_steps", self.kl_warmup_steps >= 0, "an integer of at least 0")
        self._require("free_bits", 0 <= self.free_bits < float("inf"), "a number of at least 0")
        self._require("dropout", 0 <= self.dropout < 1, "a number in [0, 1)")
        self._require("refine_steps", 0 <= self.refine_steps <= 100, "an integer in [0, 100]")
        # The encoder is not told the label, so it has no decoder to ask.
        self._require("refine_steps", not (self.conditional and self.refine_steps), "0 with conditional")
        self._require_grids()
        self._require_mixture()
        self._require("seed", 0 <= self.seed < 2**32, "an integer in [0, 2**32)")
        kinds = get_args(Upsampling)
        self._require("decoder_upsampling", self.decoder_upsampling in kinds, f"one of {kinds}")
        if self.decoder_upsampling == "transposed":
            times = 2 ** len(self.decoder_filters)
            self._require(
                "decoder_upscale", self.decoder_upscale == times, f"{times}, as decoder_filters double"
            )
        self._require("optimizer", self.optimizer in get_args(Optimizer), f"one of {get_args(Optimizer)}")
        kinds = get_args(Precision)
        self._require("muon_precision", self.muon_precision in kinds, f"one of {kinds}")
        self._require("schedule", self.schedule in get_args(Schedule), f"one of {get_args(Schedule)}")

    def _require_grids(self) -> None:
        for name in ("refine_grid", "exact_epochs"):
            value, few = getattr(self, name), self.latent_dim <= 2 and not self.conditional
            self._require(name, value >= 0, "an integer of at least 0")
            self._require(name, few or not value, "0 where latent_dim is above 2, and with conditional")
        self._require("refine_grid", self.refine_grid != 1, "0, or an integer of at least 2")
        self._require("refine_grid", self.refine_steps > 0 or not self.refine_grid, "0 without refine_steps")

    def _require_mixture(self) -> None:
        given = self.mixture_after
        self._require("mixture_after", 0 <= given < self.epochs, f"an integer in [0, {self.epochs})")
        self._require("mixture_anchor", 0 <= self.mixture_anchor < float("inf"), "a number of at least 0")
        # Refining, free bits and quadrature are made for N(0, 1).
        for name in ("refine_steps", "free_bits", "exact_epochs"):
            self._require(name, not (given and getattr(self, name)), "0 with mixture_after")

    def _require(self, name: str, holds: bool, expected: str) -> None:
        if not holds:
            raise ConfigError(f"{name}: expected {expected}, received {getattr(self, name)!r}")

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON types."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in dataclasses.asdict(self).items()
        }

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> TrainConfig:
        """Make the config `to_dict` came from.

        Raises:
            ConfigError: A field is unknown or out of its range.
        """
        known = {field.name for field in dataclasses.fields(cls)}
        if unknown := sorted(set(fields) - known):
            raise ConfigError(f"expected the fields {sorted(known)}, received {unknown} as well")
        values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in fields.items()}
        return cls(**values)
