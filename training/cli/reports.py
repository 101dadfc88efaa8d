"""The commands that tell of bundles: to judge, to compare, to look at."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TextIO

from training.cli import terminal
from training.cli.inputs import load, require_folder


def judge(options: argparse.Namespace, output: TextIO) -> None:
    """Judge what bundles draw by a classifier of the data set."""
    from training.evaluation import classifier
    from training.reports import generation_quality

    for folder in options.folders:
        require_folder(folder)
    dataset = load(options)
    trained = classifier.train_classifier(
        dataset, options.classifier, verbose=0 if options.quiet else terminal.choose_verbose()
    )
    judgements = {}
    for folder in options.folders:
        judgements[str(folder)] = judgement = generation_quality.judge_bundle(folder, dataset, trained)
        if options.update:
            generation_quality.write_judgement(folder, judgement, dataset)
    output.write(json.dumps(judgements, indent=1) + "\n")


def report(options: argparse.Namespace, _: TextIO) -> None:
    """Write a page on a bundle, or on two."""
    from training.reports import report

    for folder in filter(None, (options.folder, options.against)):
        require_folder(folder)
    report.write_report(options.folder, load(options), options.output, options.against)


def compare(options: argparse.Namespace, output: TextIO) -> None:
    """Write the figures of bundles side by side."""
    from training.reports import compare

    found = compare.compare_bundles(options.folders)
    output.write(compare.to_json(found) if options.format == "json" else compare.tabulate(found))


def project(options: argparse.Namespace, _: TextIO) -> None:
    """Write files for the Embedding Projector, of where images lie in latent space."""
    from training.bundles.open_encoder import open_encoder
    from training.models.encoding import encode
    from training.reports import projector

    require_folder(options.folder)
    dataset = load(options)
    split = getattr(dataset, options.split)
    z_mean = encode(open_encoder(options.folder, dataset), split).z_mean
    shown = projector.write_projection(options.output, z_mean, split.x, split.label, dataset.class_names)
    why = ", the first that its sheet of thumbnails holds" if shown < len(split) else ""
    sys.stderr.write(f"{options.output}: {shown} of {len(split)} images{why}\n")
