"""Begin the epochs whose prior is a mixture: fit it to where the encoder puts the images by then.

Where the decoder is told the label, one mixture is for all of them: with one each, z would say the label too,
and the same z with another label would no longer be the same style.
"""

from __future__ import annotations

import numpy as np

from training.data.datasets import Split
from training.models.encoding import encode
from training.models.prior import Labels, MixturePrior, fit_prior
from training.models.vae import ConvolutionalVAE


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
    z = encode(model.encoder, split).draw(np.random.RandomState(model.config.seed))
    groups = find_groups(split, conditional=model.config.conditional)
    fit_prior(prior, z, groups, model.config.seed)
