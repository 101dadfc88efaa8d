"""Start the service: `python -m service`."""

from __future__ import annotations

import sys

from service.server.main import main

if __name__ == "__main__":
    sys.exit(main())
