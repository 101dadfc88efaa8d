"""Put one bundle of `models/` into what is built, so that git holds it once; pyproject.toml says the rest."""

from __future__ import annotations

import pathlib
import shutil

from setuptools import setup
from setuptools.command.build_py import build_py

SHIPPED = "mnist-2d"
# The card shows plots that stay in the repository; the service reads neither those nor the history.
LEFT_OUT = shutil.ignore_patterns("plots", "history.csv")


class BuildWithBundle(build_py):
    """Also copy the bundle to where `service.core.shipped_models` looks for it first."""

    def run(self) -> None:
        """Build; an editable install finds `models/` itself."""
        super().run()
        if self.editable_mode:
            return
        place = pathlib.Path(self.build_lib, "service", "core", "shipped_models", SHIPPED)
        shutil.copytree(pathlib.Path("models", SHIPPED), place, ignore=LEFT_OUT, dirs_exist_ok=True)


setup(cmdclass={"build_py": BuildWithBundle})
