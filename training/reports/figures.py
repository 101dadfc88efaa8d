"""Choose which of a bundle's figures pages and tables show, and in which order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MEASURED = (
    "negative_elbo",
    "reconstruction_loss",
    "kl_divergence",
    "importance_likelihood",
    "exact_likelihood",
    "conditional_importance_likelihood",
    "conditional_exact_likelihood",
    "knn_accuracy",
)
# Under the mixture that samples are drawn from, where there is one.
MIXTURE = "mixture_prior"
UNDER_MIXTURE = (
    "negative_elbo",
    "kl_divergence",
    "importance_likelihood",
    "conditional_importance_likelihood",
)
# Of images drawn black and white.
BINARISED = "binarised"
LIKELIHOODS = ("importance_likelihood", "exact_likelihood")
JUDGED = (
    "worst_class_accuracy",
    "restyled_accuracy",
    "confident_share",
    "frechet_distance",
    "frechet_floor",
    "precision",
    "recall",
)


def list_figures(metrics: Mapping[str, Any]) -> dict[str, float]:
    """Return a manifest's figures by name, in order.

    Args:
        metrics: Of the manifest.

    Returns:
        Names of those under the mixture begin with `mixture_prior.`, of binarised images with `binarised.`.
    """
    under, judged, drawn = (metrics.get(name, {}) for name in (MIXTURE, "generation", BINARISED))
    shares = judged.get("class_accuracy", {})
    judged = {**judged, "worst_class_accuracy": min(shares.values())} if shares else judged
    return {
        **{name: metrics[name] for name in MEASURED if name in metrics},
        **{f"{MIXTURE}.{name}": under[name] for name in UNDER_MIXTURE if name in under},
        **{f"{BINARISED}.{name}": drawn[name] for name in LIKELIHOODS if name in drawn},
        **{f"{BINARISED}.{MIXTURE}.{name}": each for name, each in drawn.get(MIXTURE, {}).items()},
        **{name: judged[name] for name in JUDGED if name in judged},
    }
