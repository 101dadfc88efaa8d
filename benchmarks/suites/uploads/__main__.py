"""Starts the suite: `python -m benchmarks.suites.uploads MNIST --url http://127.0.0.1:8000`."""

from __future__ import annotations

import argparse
import gzip
import pathlib
import sys
from collections.abc import Mapping, Sequence

import httpx
import numpy as np
from PIL import Image

from benchmarks.suites.uploads.reading import OWN_FILE, Count, count_right, read_conditions
from benchmarks.suites.uploads.sheets import Digit

COUNT, SEEDS, TIMEOUT_S = 120, (0, 1), 60
# Of a contact sheet: pictures a row, and the pixels of an upload and of what the encoder got.
COLUMNS, UPLOAD, INPUT = 10, (150, 120), (84, 84)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print a table.

    Args:
        arguments: Of the command line; None: those of this process.

    Returns:
        The exit status.
    """
    options = _parse(arguments)
    conditions = read_conditions(options.conditions)
    if options.only:
        conditions = {name: make for name, make in conditions.items() if name in options.only}
    with httpx.Client(base_url=options.url, timeout=TIMEOUT_S) as client:
        runs: list[dict[str, Count]] = []
        for seed in options.seeds:
            digits = read_digits(options.data, options.count, seed)
            shown = COLUMNS * 2 if options.sheets and not runs else 0
            runs.append(count_right(client, options.model, digits, conditions, seed, shown))
    sys.stdout.write(write_table(runs))
    if options.sheets:
        options.sheets.mkdir(parents=True, exist_ok=True)
        for name, count in runs[0].items():
            draw_sheet(count).save(options.sheets / f"{name.replace(' ', '-')}.png")
    return 0


def read_digits(folder: pathlib.Path, count: int, seed: int) -> dict[int, tuple[Digit, int]]:
    """Return some pictures and labels of MNIST's test split, by their place in it."""
    pictures, labels = (
        np.frombuffer(gzip.decompress((folder / name).read_bytes()), np.uint8, offset=offset)
        for name, offset in (("t10k-images-idx3-ubyte.gz", 16), ("t10k-labels-idx1-ubyte.gz", 8))
    )
    images = pictures.reshape(-1, 28, 28)
    chosen = np.random.RandomState(seed).choice(len(images), count, replace=False)
    return {int(index): (images[index], int(labels[index])) for index in chosen}


def write_table(runs: Sequence[Mapping[str, Count]]) -> str:
    """Return a table of how many were read right, a column a seed, and of how sure the service was."""
    seeds = " | ".join(f"right of {run[OWN_FILE].all}" for run in runs)
    lines = [f"| condition | {seeds} | refused | found, median |", "| --- |" + " --- |" * (len(runs) + 2)]
    for name in runs[0]:
        counts = [run[name] for run in runs]
        found = [value for count in counts for value in count.found]
        sure = f"{np.median(found):.2f}" if found else ""
        right = " | ".join(str(count.right) for count in counts)
        lines.append(f"| {name} | {right} | {sum(count.refused for count in counts)} | {sure} |")
    return "\n".join(lines) + "\n"


def draw_sheet(count: Count) -> Image.Image:
    """Return uploads, each above what the encoder got of it."""
    rows = -(-len(count.sheet) // COLUMNS)
    high = UPLOAD[1] + INPUT[1] + 8
    sheet = Image.new("RGB", (COLUMNS * (UPLOAD[0] + 4), rows * high), (110, 120, 130))
    for place, (upload, seen) in enumerate(count.sheet):
        left, top = place % COLUMNS * (UPLOAD[0] + 4), place // COLUMNS * high
        small = upload.convert("RGBA")
        small.thumbnail(UPLOAD)
        sheet.paste(small, (left, top), small)
        sheet.paste(seen.resize(INPUT, Image.Resampling.NEAREST), (left, top + UPLOAD[1] + 4))
    return sheet


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.suites.uploads", description=main.__doc__)
    parser.add_argument("data", type=pathlib.Path, help="a folder with MNIST's test files")
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="of a running service")
    parser.add_argument("--model", default="mnist-16d", help="a model whose atlas is MNIST's test split")
    parser.add_argument("--count", type=int, default=COUNT, help="digits a seed")
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS, help="which digits, and their scenes")
    parser.add_argument("--conditions", type=pathlib.Path, help="a Python file with CONDITIONS of its own")
    parser.add_argument("--only", nargs="+", help="names of conditions")
    parser.add_argument("--sheets", type=pathlib.Path, help="a folder for a contact sheet of each condition")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
