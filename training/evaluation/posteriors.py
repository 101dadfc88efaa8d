"""Say what the posteriors of a split tell."""

from __future__ import annotations

import numpy as np

from training.evaluation.likelihood import Doubles
from training.models.encoding import Posteriors

# Burda et al. 2016, section 5.2.
ACTIVE_VARIANCE = 0.01
# So many tell pictures apart, however many others are not used.
ENOUGH = 4


def count_active(posteriors: Posteriors) -> int:
    """Count the dimensions whose z_mean has a variance over images above 0.01 (Burda et al. 2016, 5.2)."""
    return int((posteriors.z_mean.astype(np.float64).var(axis=0) > ACTIVE_VARIANCE).sum())


def warn_of_collapse(active: int, latent_dim: int) -> str:
    """Return what to say of so few active dimensions; nothing if at least half of them are."""
    if 2 * active >= latent_dim:
        return ""
    found = f"{active} of {latent_dim} latent dimensions are active"
    if active >= ENOUGH:
        return f"{found}: pictures do not depend on the others, so a smaller --latent-dim would do"
    return (
        f"{found}: pictures hardly depend on z (posterior collapse). More --kl-warmup-steps, "
        "--free-bits 0.25, smaller batches or more epochs may help"
    )


def kl_by_dimension(posteriors: Posteriors) -> Doubles:
    """Return KL(q(z|x) || N(0, I)), not yet summed over dimensions: `(n, latent_dim)` float64, in nats."""
    mean, log_var = posteriors.z_mean.astype(np.float64), posteriors.z_log_var.astype(np.float64)
    # Kingma & Welling 2014, appendix B, before its sum.
    kl: Doubles = -0.5 * (1 + log_var - mean**2 - np.exp(log_var))
    return kl
