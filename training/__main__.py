"""Start the command line: `python -m training`."""

from __future__ import annotations

import sys

from training.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
