"""The sections of a report, each a heading, a sentence and its tables and pictures."""

from __future__ import annotations

from typing import Any

import numpy as np

from training.bundles.open_decoder import is_conditional
from training.data.datasets import Split, scale
from training.evaluation import plots
from training.evaluation.neighbours import read_labels
from training.evaluation.posteriors import ACTIVE_VARIANCE
from training.reports import html
from training.reports.figures import MIXTURE, list_figures
from training.reports.generation_quality import draw_as_served, draw_prior
from training.reports.html import Section
from training.reports.subject import HISTORY, Doubles, Subject

COLUMNS, SHOWN = 12, 12
STEPS, SPREAD = 11, 3.0
# Dimensions whose traversals are drawn, those with the most information first.
TRAVERSED = 16


def describe(subject: Subject, split: Split, other: Subject | None) -> list[Section]:
    """Return the sections of a report.

    Args:
        subject: The bundle.
        split: What it was run over.
        other: Another one, over the same split, or None.

    Returns:
        Them, in order.
    """
    subjects = [subject, *([other] if other else [])]
    return [
        _figures(subjects),
        _curves(subjects),
        _space(subject),
        _reconstructions(subjects, split),
        _samples(subject),
        _ways(subject),
        _classes(subject, split),
        _dimensions(subject),
    ]


def _figures(subjects: list[Subject]) -> Section:
    found = [list_figures(subject.manifest["metrics"]) for subject in subjects]
    names = dict.fromkeys(name for each in found for name in each)
    rows: list[list[object]] = [["latent_dim", *(s.manifest["latent_dim"] for s in subjects)]]
    rows += [[name, *(f"{each[name]:.3f}" if name in each else "" for each in found)] for name in names]
    text = (
        "From the manifest: nats an image, over the test split with one z drawn for each image, under N(0, I)"
    )
    text += f" but for those of {MIXTURE}." if any(MIXTURE in name for name in names) else "."
    return Section("Figures", text, (html.table("Figures", ["", *(s.name for s in subjects)], rows),))


def _curves(subjects: list[Subject]) -> Section:
    if not subjects[0].history:
        return Section("Training", f"The bundle has no {HISTORY}: it was exported before there was one.", ())
    parts = []
    for key in ("negative_elbo", "reconstruction_loss", "kl_divergence"):
        series = {
            f"{subject.name}, {kind}": [row[prefix + key] for row in subject.history]
            for subject in subjects
            if subject.history
            for kind, prefix in _kinds(subject)
        }
        caption = f"{key}, nats an image: {', '.join(series)}"
        parts.append(html.picture(plots.curves(series, f"{key}, nats"), caption))
    best = subjects[0].manifest["training"]["best_epoch"]
    text = f"Epoch {best} had the lowest validation negative_elbo, and is what was exported."
    return Section("Training", text, tuple(parts))


def _kinds(subject: Subject) -> tuple[tuple[str, str], ...]:
    steps = subject.manifest["training"].get("refine_steps", 0)
    if not steps:
        return ("training", ""), ("validation", "val_")
    # They are not the same quantity: fitting takes z_mean as the encoder gives it.
    return ("training, z_mean not refined", ""), (f"validation, z_mean refined in {steps} steps", "val_")


def _space(subject: Subject) -> Section:
    z_mean, decode = subject.posteriors.z_mean, subject.decode
    if is_conditional(subject.manifest):
        labels = np.unique(subject.posteriors.label)
        drawn = plots.styles(decode, labels, z_mean.shape[1])
        what = "Each label in the same twenty styles"
    else:
        drawn = plots.manifold(lambda z: decode(z, np.zeros(len(z), np.int64)), z_mean)
        what = "What an even grid over latent space decodes to"
    scatter = plots.latent_scatter(z_mean, subject.posteriors.label)
    parts = (html.picture(scatter, "z_mean of the test images, by label"), html.picture(drawn, what))
    return Section(
        "Latent space", "More than two dimensions are shown by their first two principal axes.", parts
    )


def _reconstructions(subjects: list[Subject], split: Split) -> Section:
    order = np.argsort(subjects[0].reconstruction_loss, kind="stable")
    parts = []
    for title, rows in (("Best", order[:SHOWN]), ("Worst", order[::-1][:SHOWN])):
        shown = [scale(split.x[rows]), *(subject.image[rows] for subject in subjects)]
        called = [subjects[0].name_label(label) for label in split.label[rows]]
        losses = ", ".join(
            f"{name}: {loss:.0f}"
            for name, loss in zip(called, subjects[0].reconstruction_loss[rows], strict=True)
        )
        made = ", then ".join(subject.name for subject in subjects)
        caption = f"{title}: images, then what {made} makes of them. Label and nats: {losses}"
        parts.append(html.sheet(np.concatenate(shown), SHOWN, caption))
    return Section("Reconstructions", "Decoded from z_mean, by reconstruction_loss.", tuple(parts))


def _samples(subject: Subject) -> Section:
    parts = []
    classes = subject.manifest["classes"]
    if classes:
        drawn = [draw_as_served(subject.manifest, entry, subject.mixture, COLUMNS) for entry in classes]
        z, label = (np.concatenate(each) for each in zip(*drawn, strict=True))
        caption = f"A row a class: {', '.join(subject.name_label(entry['label']) for entry in classes)}"
        parts.append(html.sheet(subject.decode(z, label), COLUMNS, caption))
    n, mixture = 5 * COLUMNS, subject.mixture
    prior = mixture.draw(n) if mixture else draw_prior(subject.manifest, n)
    parts.append(html.sheet(subject.decode(*prior), COLUMNS, "From the prior"))
    return Section("Samples", "Drawn, not chosen.", tuple(parts))


def _ways(subject: Subject) -> Section:
    parts, t = [], np.linspace(0, 1, STEPS)[:, np.newaxis]
    middles = [(entry["label"], _middle(entry)) for entry in subject.manifest["classes"]]
    pairs = list(zip(middles, middles[1:] + middles[:1], strict=True))
    if len(middles) > 1:
        z = np.concatenate([(1 - t) * a + t * b for (_, a), (_, b) in pairs]).astype(np.float32)
        label = np.concatenate([np.where(t[:, 0] < 0.5, a, b) for (a, _), (b, _) in pairs]).astype(np.int64)
        names = ", ".join(f"{subject.name_label(a)} to {subject.name_label(b)}" for (a, _), (b, _) in pairs)
        parts.append(html.sheet(subject.decode(z, label), STEPS, f"From class to class: {names}"))
    dims = _by_information(subject)[:TRAVERSED]
    z = np.zeros((len(dims), STEPS, subject.posteriors.z_mean.shape[1]), np.float32)
    for row, dim in enumerate(dims):
        z[row, :, dim] = np.linspace(-SPREAD, SPREAD, STEPS)
    label = np.full(len(dims) * STEPS, middles[0][0] if middles else 0, np.int64)
    names = ", ".join(f"z[{dim}]" for dim in dims)
    caption = f"One dimension from {-SPREAD:g} to {SPREAD:g}, all others 0: {names}"
    parts.append(html.sheet(subject.decode(z.reshape(len(label), -1), label), STEPS, caption))
    return Section("Ways through latent space", "Straight lines, in even steps.", tuple(parts))


def _classes(subject: Subject, split: Split) -> Section:
    read, rows = read_labels(subject.posteriors), []
    for label in np.unique(split.label):
        mine = split.label == label
        wrong = read[mine & (read != label)]
        values, counts = np.unique(wrong, return_counts=True)
        confused = "none"
        if len(wrong):
            confused = f"{subject.name_label(values[counts.argmax()])} ({counts.max()})"
        loss, kl = subject.reconstruction_loss[mine].mean(), subject.kl_divergence[mine].sum(axis=1).mean()
        accuracy = f"{(read[mine] == label).mean():.3f}"
        rows.append([subject.name_label(label), mine.sum(), f"{loss:.2f}", f"{kl:.2f}", accuracy, confused])
    head = [
        "class",
        "images",
        "reconstruction_loss of z_mean",
        "kl_divergence",
        "15-NN accuracy",
        "mostly taken for",
    ]
    text = "The label of each image is read off its 15 nearest neighbours among the other test images."
    return Section("Classes", text, (html.table("By class", head, rows),))


def _dimensions(subject: Subject) -> Section:
    variance, kl = subject.posteriors.z_mean.var(axis=0), subject.kl_divergence.mean(axis=0)
    rows = [
        [
            f"z[{dim}]",
            f"{kl[dim]:.3f}",
            f"{variance[dim]:.3f}",
            "yes" if variance[dim] > ACTIVE_VARIANCE else "no",
        ]
        for dim in _by_information(subject)
    ]
    head = ["dimension", "kl_divergence", "variance of z_mean", "active"]
    return Section(
        "Dimensions", "By what they tell, in nats an image.", (html.table("By dimension", head, rows),)
    )


def _by_information(subject: Subject) -> list[int]:
    return [int(dim) for dim in np.argsort(-subject.kl_divergence.mean(axis=0), kind="stable")]


def _middle(entry: dict[str, Any]) -> Doubles:
    parts = entry.get("components") or [entry]
    return np.array(parts[0]["z_mean"], np.float64)
