"""Start the service: `python -m service`."""

from __future__ import annotations

import sys

from service.cli.extras import describe_missing


def start() -> int:
    """Run the service, or say what is not installed.

    Returns:
        The exit status.
    """
    try:
        from service.server.main import main

        return main()
    except ModuleNotFoundError as error:
        sys.stderr.write(f"service: {describe_missing(error)}\n")
        return 1


if __name__ == "__main__":
    sys.exit(start())
