"""Find model bundles: those of the operator's folder, and those that come with the package."""

from __future__ import annotations

import importlib.resources
import pathlib

MANIFEST = "model.json"
# Where bundles are looked for if the operator names no other folder.
MODELS_DIR = pathlib.Path("models")


def find_shipped() -> pathlib.Path:
    """Return the folder of the package's own bundles: this one in a wheel, `models/` in a checkout."""
    here = pathlib.Path(str(importlib.resources.files(__package__)))
    return here if any(here.glob(f"*/{MANIFEST}")) else here.parents[2] / "models"


def list_folder(folder: pathlib.Path) -> list[pathlib.Path]:
    """Return the bundles in a folder, sorted by name; none if there is no such folder."""
    return sorted(path.parent for path in folder.glob(f"*/{MANIFEST}"))


def list_bundles(models_dir: pathlib.Path, *, shipped: bool) -> list[pathlib.Path]:
    """Return the bundles to serve, sorted by name.

    Args:
        models_dir: The operator's folder. Where it is `models`, the shipped bundles take the place of none.
        shipped: Whether the shipped bundles are served beside others; of two of one name, the operator's is.
    """
    own = list_folder(models_dir)
    if not shipped and (own or models_dir != MODELS_DIR):
        return own
    both = {path.name: path for path in (*list_folder(find_shipped()), *own)}
    return [both[name] for name in sorted(both)]


def describe_none(models_dir: pathlib.Path) -> str:
    """Return what to say where there is no bundle: which folder was looked in, and the ways out."""
    return (
        f"{models_dir.absolute()}: expected a folder with at least one */{MANIFEST}, found none; set "
        f"CVAE_MODELS_DIR to a folder of bundles, or leave it out for those of {find_shipped()}, or name one "
        f"bundle: cvae COMMAND --bundle FOLDER"
    )
