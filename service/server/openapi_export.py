"""Write the API's schema to a file: `python -m service.server.openapi_export > openapi.json`.

Invariant: the schema is the same on any machine, whatever its settings and models are.
"""

from __future__ import annotations

import json
import re
import sys

from service.core.settings import Settings
from service.server.app import create_app

# A row of numbers. A string has no line break, so it cannot be one.
ROW = re.compile(r"\[\n[-+.,\s0-9e]+\]")


def write_schema() -> str:
    """Return the schema as the text of `openapi.json`.

    Returns:
        JSON, indented, numbers in rows, in the order in which it is to be read, with a newline at its end.
    """
    # Not from the environment: settings of this machine are no part of the API.
    schema = create_app(Settings.model_construct()).api.openapi()
    text = json.dumps(schema, indent=2, ensure_ascii=False)
    return ROW.sub(lambda row: json.dumps(json.loads(row[0])), text) + "\n"


if __name__ == "__main__":
    sys.stdout.write(write_schema())
