"""Exits with 0 if the service in this container is ready, else with 1; `HEALTHCHECK` runs it."""

import http.client
import os
import sys

TIMEOUT_S = 3


def main() -> int:
    """Asks the service.

    Returns:
        The exit status.
    """
    connection = http.client.HTTPConnection("localhost", int(os.environ["CVAE_PORT"]), timeout=TIMEOUT_S)
    try:
        connection.request("GET", "/health/ready")
        return int(connection.getresponse().status != http.client.OK)
    except OSError:
        return 1


if __name__ == "__main__":
    sys.exit(main())
