"""Run `cvae` as a person uses it, in a folder of its own."""

from __future__ import annotations

import dataclasses
import pathlib
import re
import sys

from click.testing import CliRunner, Result

from service.cli.main import cli

ROOT = pathlib.Path(__file__).parents[3]
DEADLINE_S = 120
COMMAND = [sys.executable, "-m", "service.cli"]


@dataclasses.dataclass
class Cvae:
    """Runs commands in a folder of their own."""

    folder: pathlib.Path
    models: pathlib.Path
    options: list[str]

    def run(self, *arguments: str, given: bytes | None = None, **variables: str) -> Result:
        environment = {"CVAE_MODELS_DIR": str(self.models), **variables}
        return CliRunner().invoke(cli, [*arguments, *self.options], input=given, env=environment)

    def check(self, *arguments: str, given: bytes | None = None) -> bytes:
        result = self.run(*arguments, given=given)
        assert result.exit_code == 0, result.output
        return result.stdout_bytes

    def refuse(self, status: int, *arguments: str, **variables: str) -> str:
        """Return the one line of a command that must fail."""
        result = self.run(*arguments, given=None, **variables)
        assert result.exit_code == status, result.output
        assert result.stdout == ""
        assert re.fullmatch(r"cvae: .+\n", result.stderr), result.stderr
        return result.stderr
