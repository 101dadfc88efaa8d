from __future__ import annotations

from training.reports.figures import list_figures


def test_figures_under_the_mixture_and_of_a_judge_are_listed_behind_the_measured_ones() -> None:
    metrics = {
        "knn_accuracy": 0.9,
        "negative_elbo": 90.0,
        "split": "test",
        "mixture_prior": {"kl_divergence": 20.0, "negative_elbo": 88.0, "kl_samples": 10},
        "binarised": {
            "exact_likelihood": 70.0,
            "exact_likelihood_error": 0.1,
            "mixture_prior": {"importance_likelihood": 69.0},
        },
        "generation": {"class_accuracy": {"0": 1.0, "1": 0.75}, "recall": 0.5, "frechet_distance": 3.0},
    }
    assert list(list_figures(metrics).items()) == [
        ("negative_elbo", 90.0),
        ("knn_accuracy", 0.9),
        ("mixture_prior.negative_elbo", 88.0),
        ("mixture_prior.kl_divergence", 20.0),
        ("binarised.exact_likelihood", 70.0),
        ("binarised.mixture_prior.importance_likelihood", 69.0),
        ("worst_class_accuracy", 0.75),
        ("frechet_distance", 3.0),
        ("recall", 0.5),
    ]


def test_a_bundle_without_figures_has_none() -> None:
    assert list_figures({}) == {}
