"""The command `cvae`: its subcommands, its error lines and its exit status."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import click

from service import __version__
from service.cli.access.keys import keys
from service.cli.access.sign import sign
from service.cli.bundle.command import bundle
from service.cli.doctor.command import doctor
from service.cli.encode import encode
from service.cli.extras import describe_missing
from service.cli.files import discard
from service.cli.models import models
from service.cli.pictures.decode import decode
from service.cli.pictures.digits import digits
from service.cli.pictures.interpolate import interpolate
from service.cli.pictures.latent_map import latent_map
from service.cli.pictures.manifold import manifold
from service.cli.pictures.prepare import prepare
from service.cli.pictures.reconstruct import reconstruct
from service.cli.pictures.restyle import restyle
from service.cli.pictures.sample import sample
from service.cli.serve import serve

NAME = "cvae"
FAILED = 1
DRAWING = (decode, digits, interpolate, latent_map, manifold, reconstruct, restyle, sample)
HELP = """Draw and read pictures with convolutional VAEs.

Each command asks a service (--url), or runs a bundle in this process (--bundle); without either, the
default model of the folder CVAE_MODELS_DIR, which is models. Pictures go where -o says, in the format that
its name ends in; numbers go to stdout as JSON.

The status is 0 if all went well, 1 if it failed and 2 if it was asked wrongly; one line on stderr says why.

\b
Examples:
  cvae decode 0.5,-1.0 -o digit.png --scale 8
  cvae interpolate 3 8 -o walk.gif
  cvae sample -n 16 --url http://localhost:8000 -o sheet.png
"""


class Commands(click.Group):
    """A command group that reports errors in one line on stderr: status 1, or 2 for wrong usage."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = NAME,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run a command line, and exit; see `click.Command.main`."""
        if not standalone_mode:
            return super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
        try:
            status = super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
        except click.exceptions.NoArgsIsHelpError as error:
            error.show()
            sys.exit(error.exit_code)
        except click.ClickException as error:
            _fail(_describe(error), error.exit_code)
        except ModuleNotFoundError as error:
            _fail(describe_missing(error), FAILED)
        except click.Abort:
            sys.exit(FAILED)
        except OSError as error:
            discard(sys.stdout)
            _fail(f"{error.filename or 'input or output'}: {error.strerror or error}", FAILED)
        sys.exit(status if isinstance(status, int) else 0)


def _describe(error: click.ClickException) -> str:
    text = " ".join(error.format_message().split())
    context = getattr(error, "ctx", None)
    return f"{text} ({context.command_path} --help)" if context else text


def _fail(line: str, status: int) -> NoReturn:
    # stderr may be closed or full; the exit status still reports the failure.
    try:
        click.echo(f"{NAME}: {line}", err=True)
    except OSError:
        discard(sys.stderr)
    sys.exit(status)


cli = Commands(
    NAME,
    help=HELP,
    commands=[*DRAWING, encode, prepare, models, serve, doctor, bundle, keys, sign],
)
cli = click.version_option(__version__, prog_name=NAME)(cli)


def main() -> NoReturn:
    """Run the command line of this process, and exit."""
    cli.main()
    sys.exit(0)


if __name__ == "__main__":
    main()
