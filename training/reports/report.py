"""The report of a bundle, on one page; the same bundle and data give the same bytes."""

from __future__ import annotations

import pathlib

from training.data.datasets import Dataset
from training.reports import html
from training.reports.sections import describe
from training.reports.subject import look_at


def write_report(
    folder: pathlib.Path, dataset: Dataset, output: pathlib.Path, against: pathlib.Path | None = None
) -> None:
    """Write the report of a bundle: one HTML file that needs no other.

    Args:
        folder: `models/<name>`.
        dataset: Its test split is what the bundle is shown with.
        output: The file.
        against: Another bundle for images of this shape, to compare with.

    Raises:
        BundleError: A folder holds no bundle, or one for images of another shape.
    """
    subject = look_at(folder, dataset)
    other = look_at(against, dataset) if against else None
    source = subject.manifest["dataset"].get("name", "data that it does not name")
    text = (
        f"Version {subject.manifest['version']}, {subject.manifest['latent_dim']} latent dimensions, trained "
        f"on {source}. It is shown with {len(dataset.test):,} test images."
    )
    sections = describe(subject, dataset.test, other)
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(html.render(subject.name, text, sections), encoding="utf-8")
