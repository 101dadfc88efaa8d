"""Describe where classes lie in latent space, and what their pictures are drawn from (docs/bundle.md)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.neighbors import KNeighborsClassifier

from service.core.arrays import Floats

Read = Callable[[Floats], Floats]
Show = Callable[[list[dict[str, Any]]], Iterable[dict[str, Any]]]
NEIGHBOURS = 15
# More images than these say little more about where classes lie.
MOST_ROWS = 10_000
# So large a share of a core vector's neighbours has its label.
PURE = 0.93
MOST_PARTS, ROWS_A_PART, SMALLEST_SHARE = 8, 100, 0.02
# A Gaussian is narrowed until so large a share of its draws is read as its class.
READ_RIGHTLY, DRAWS = 0.99, 200
SCALES = (1.0, 0.8, 0.65, 0.5, 0.4, 0.3, 0.2, 0.1)


def describe_classes(
    z_mean: Floats,
    z_log_var: Floats,
    label: NDArray[np.int64],
    read: Read | None,
    show: Show = iter,
) -> list[dict[str, Any]]:
    """Return the manifest's `classes`.

    Args:
        z_mean: `(n, latent_dim)`, of the training images.
        z_log_var: `(n, latent_dim)`.
        label: `(n,)`.
        read: `z` to the `z_mean` of its picture, decoded and encoded again; None: no components.
        show: Passes the classes on, and may say how far it is.
    """
    entries = [_describe(z_mean, z_log_var, label, int(each)) for each in np.unique(label)]
    if read is None:
        return entries
    rows = np.random.RandomState(0).permutation(len(label))[:MOST_ROWS]
    z_mean, variance, label = z_mean[rows].astype(np.float64), np.exp(z_log_var[rows]), label[rows]
    judge = KNeighborsClassifier(min(NEIGHBOURS, len(label))).fit(z_mean, label)
    own = judge.predict_proba(z_mean)[np.arange(len(label)), np.searchsorted(judge.classes_, label)]
    for entry in show(entries):
        of_class = label == entry["label"]
        core = of_class & (own >= PURE)
        core = core if core.any() else of_class
        if core.any():
            parts = _part(z_mean[core], variance[core])
            entry["components"] = _narrow(parts, entry["label"], judge, read)
    return entries


def _describe(z_mean: Floats, z_log_var: Floats, label: NDArray[np.int64], own: int) -> dict[str, Any]:
    z = z_mean[label == own].astype(np.float64)
    spread = z - z.mean(axis=0)
    covariance = spread.T @ spread / len(z) + np.diag(np.exp(z_log_var[label == own]).mean(axis=0))
    moments = {"z_mean": z.mean(axis=0).round(6).tolist(), "covariance": covariance.round(6).tolist()}
    return {"label": own, **moments, "count": len(z)}


def _part(z: NDArray[np.float64], variance: Floats) -> list[tuple[int, Any, Any]]:
    """Return rows, mean and standard deviation of each part of a class's core, the largest first."""
    count = int(np.clip(len(z) // ROWS_A_PART, 1, MOST_PARTS))
    part = KMeans(count, n_init=3, random_state=0).fit(z).labels_
    members = [part == i for i in range(count) if (part == i).mean() >= SMALLEST_SHARE]
    members.sort(key=lambda rows: -int(rows.sum()))
    return [
        (int(rows.sum()), z[rows].mean(axis=0), np.sqrt(z[rows].var(axis=0) + variance[rows].mean(axis=0)))
        for rows in members
    ]


def _narrow(
    parts: list[tuple[int, Any, Any]], label: int, judge: KNeighborsClassifier, read: Read
) -> list[dict[str, Any]]:
    epsilon = np.random.RandomState(0).standard_normal((DRAWS, len(parts[0][1])))
    good, best = [], (-1.0, (*parts[0], SCALES[-1]))
    for rows, mean, stddev in parts:
        for scale in SCALES:
            drawn = (mean + scale * stddev * epsilon).astype(np.float32)
            share = float((judge.predict(read(drawn)) == label).mean())
            best = max(best, (share, (rows, mean, stddev, scale)), key=lambda each: each[0])
            if share >= READ_RIGHTLY:
                good.append((rows, mean, stddev, scale))
                break
    good = good or [best[1]]
    total = sum(rows for rows, *_ in good)
    return [
        {
            "weight": round(rows / total, 6),
            "z_mean": mean.round(6).tolist(),
            "stddev": (stddev * scale).round(6).tolist(),
        }
        for rows, mean, stddev, scale in good
    ]
