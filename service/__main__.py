"""Start the service: `python -m service`. With arguments it is `cvae`, with options alone `cvae serve`."""

from __future__ import annotations

import sys

from service.cli.extras import describe_missing

# Options of `cvae` itself.
OWN = ("--help", "--version")


def start(arguments: list[str]) -> int:
    """Run the service, or a command of `cvae`; a container's arguments come here.

    Args:
        arguments: None for the service; else a command and its own, or options of `cvae serve`.

    Returns:
        The exit status; a command exits by itself.
    """
    try:
        if not arguments:
            from service.server.main import main

            return main()
        from service.cli.main import cli

        is_serve = arguments[0].startswith("-") and arguments[0] not in OWN
        cli.main(["serve", *arguments] if is_serve else arguments)
    except ModuleNotFoundError as error:
        sys.stderr.write(f"service: {describe_missing(error)}\n")
    return 1


if __name__ == "__main__":
    sys.exit(start(sys.argv[1:]))
