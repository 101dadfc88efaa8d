"""Begin the epochs whose prior is a mixture: fit it to where the encoder puts the images by then.

Where the decoder is told the label, one mixture is for all of them: with one each, z would say the label too,
and the same z with another label would no longer be the same style.
"""

from __future__ import annotations

import numpy as np

from training.data.datasets import Split, scale
from training.models.prior import Labels, MixturePrior, fit_prior
from training.models.vae import ConvolutionalVAE

BATCH = 500


def find_groups(split: Split, *, conditional: bool) -> Labels:
    """Return the group of each image, `(n,)`: a mixture is fitted to each group by itself.

    Args:
        split: The training images.
        conditional: Whether the decoder is told the label.
    """
    return np.zeros_like(split.label) if conditional else split.label


def begin_mixture(model: ConvolutionalVAE, prior: MixturePrior, split: Split) -> None:
    """Fit the prior to one z ~ q(z|x) of each image.

    Args:
        model: Its seed decides the draws and the starts.
        prior: Of the model; gets the Gaussians.
        split: The training images.
    """
    parts = [model.encoder(scale(split.x[i : i + BATCH])) for i in range(0, len(split), BATCH)]
    mean, log_var = (
        np.concatenate([np.asarray(part[name], np.float64) for part in parts])
        for name in ("z_mean", "z_log_var")
    )
    epsilon = np.random.RandomState(model.config.seed).standard_normal(mean.shape)
    groups = find_groups(split, conditional=model.config.conditional)
    fit_prior(prior, mean + np.exp(0.5 * log_var) * epsilon, groups, model.config.seed)
