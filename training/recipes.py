"""Owns the recipes of the bundles in `models/`: each one's config, which `make reproduce` trains again.

docs/experiments.md says what was tried, and what did not help.
"""

from __future__ import annotations

import dataclasses

from training.config import TrainConfig

# Muon reaches after 15 epochs what Adam reaches after 60. What it is good at is matrices: the encoder has few
# channels and wide dense layers.
_FAST = TrainConfig(
    batch_size=256,
    optimizer="muon",
    learning_rate=5e-3,
    encoder_filters=(8, 16),
    encoder_units=(512, 512),
)

RECIPES = {
    "mnist-2d": _FAST,
    "mnist-16d": dataclasses.replace(_FAST, latent_dim=16, refine_steps=0),
    "mnist-16d-conditional": dataclasses.replace(_FAST, latent_dim=16, refine_steps=0, conditional=True),
}
