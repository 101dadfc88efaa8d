"""The report of `cvae doctor`: this machine, the bundles, and whether the service would start."""

from __future__ import annotations

import dataclasses
import json
import pathlib

import click

from service.cli.doctor.bundles import BundleReport, describe_bundle, examine_bundle
from service.cli.doctor.host import Machine, describe_machine, examine_machine
from service.core.errors import StartupError
from service.core.settings import load_settings
from service.core.shipped_models.folders import MANIFEST, describe_none, list_folder


@dataclasses.dataclass(frozen=True)
class Report:
    """The result of all checks.

    Attributes:
        machine: This machine.
        bundles: In the order of the arguments.
    """

    machine: Machine
    bundles: tuple[BundleReport, ...]

    @property
    def is_well(self) -> bool:
        """Whether the service would start."""
        return self.machine.fault is None and all(each.fault is None for each in self.bundles)

    def as_json(self) -> str:
        """Return a JSON object with `well`, `machine` and `bundles`."""
        return json.dumps({"well": self.is_well, **dataclasses.asdict(self)}, indent=2)

    def as_text(self) -> str:
        """Return a text with a few lines for the machine and each bundle."""
        parts = [("machine", describe_machine(self.machine))]
        parts += [(each.folder, describe_bundle(each)) for each in self.bundles]
        lines = [line for title, found in parts for line in (title, *(f"  {line}" for line in found))]
        return "\n".join([*lines, "all is well" if self.is_well else "a service would not start"])


def examine(folders: tuple[pathlib.Path, ...]) -> Report:
    """Check this machine and bundles.

    Args:
        folders: Bundles, and folders of bundles; empty: `CVAE_MODELS_DIR`.

    Raises:
        click.ClickException: A setting is invalid, or there is no bundle.
    """
    try:
        settings = load_settings()
    except StartupError as error:
        raise click.ClickException(str(error)) from error
    bundles = [bundle for folder in folders for bundle in list_bundles(folder) or [folder]]
    if not folders:
        bundles = settings.bundles
    if not bundles:
        raise click.ClickException(describe_none(settings.models_dir))
    return Report(examine_machine(settings), tuple(examine_bundle(bundle, settings) for bundle in bundles))


def list_bundles(folder: pathlib.Path) -> list[pathlib.Path]:
    """Return the bundles in a folder, sorted by name; none if the folder is itself a bundle."""
    if (folder / MANIFEST).exists():
        return []
    return list_folder(folder)
