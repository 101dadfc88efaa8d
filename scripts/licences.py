"""Write the licences of a CycloneDX list as a table: python scripts/licences.py SBOM LOCK.

It fails if a package of the lock file is not in the list in that version, or if one has no licence.
"""

from __future__ import annotations

import json
import pathlib
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

PIN = re.compile(r"^([a-z0-9-]+)==([^ ;\\]+)(.*)", re.MULTILINE)
# Of packages that say so only in a file of theirs.
STATED = {"protobuf": "BSD-3-Clause"}
# The older way to say it, which the other repeats.
CLASSIFIER = "License :: "
HEAD = ("| package | version | licence |", "| --- | --- | --- |")


def main(arguments: Sequence[str]) -> int:
    """Print the table of a list, and what is missing in it.

    Args:
        arguments: The list and the lock file that it was made of.
    """
    sbom, lock = (pathlib.Path(argument).read_text() for argument in arguments)
    components = json.loads(sbom)["components"]
    sys.stdout.write("\n".join([*HEAD, *map(_write_row, components)]) + "\n")
    faults = list(find_faults(components, lock))
    sys.stderr.writelines(f"{arguments[0]}: {fault}\n" for fault in faults)
    return 1 if faults else 0


def find_faults(components: Sequence[Mapping[str, Any]], lock: str) -> Iterator[str]:
    """Yield what is wrong with the components of a list, made of a lock file with this text."""
    known = {normalise(component["name"]): component for component in components}
    pins: dict[str, dict[str, str]] = {}
    for name, version, condition in PIN.findall(lock):
        pins.setdefault(normalise(name), {})[version] = condition
    for name, versions in pins.items():
        found = known.get(name, {}).get("version")
        # What the lock file has for other systems or versions of Python is not installed here.
        elsewhere = found is None and all(";" in condition for condition in versions.values())
        if found not in versions and not elsewhere:
            yield f"{name}: expected version {' or '.join(versions)}, found {found}"
    for name, component in known.items():
        if not list_licences(component):
            yield f"{name}: expected a licence, found none"


def list_licences(component: Mapping[str, Any]) -> list[str]:
    """Return the licences of a component: identifiers of SPDX where it names them, else its own words."""
    entries = [entry.get("license", entry) for entry in component.get("licenses", ())]
    named = (entry.get("id") or entry.get("expression") or entry.get("name") for entry in entries)
    found = {" ".join(name.split()) for name in named if name}
    short = {name for name in found if not name.startswith(CLASSIFIER)}
    return sorted(short or found or filter(None, [STATED.get(normalise(component["name"]))]))


def normalise(name: str) -> str:
    """Return a package's name in the one spelling of the packaging standards."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _write_row(component: Mapping[str, Any]) -> str:
    return f"| {component['name']} | {component['version']} | {', '.join(list_licences(component))} |"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
