"""The numbers of all workers together, and how Prometheus reads them."""

from __future__ import annotations

import os
import pathlib
import re
from collections.abc import Iterator, Sequence

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from service.observability.families import (
    Count,
    Family,
    Numbers,
    is_gauge,
    merge,
    name_key,
    write_families,
)
from service.observability.store import Store, read_store
from service.observability.worker_files import claim_file, list_files

# The version of a text format. prometheus_client fails at those that are none.
VERSION = re.compile(r"[0-9]{1,4}(\.[0-9]{1,4}){0,2}")


def open_count(folder: pathlib.Path, family: Family) -> Count:
    """Return a number without labels that this process, which serves nothing itself, counts in a folder."""
    store = Store(claim_file(folder, os.getpid()))
    return Count(*store.claim(name_key(family, ()), 1))


def read_others(folder: pathlib.Path | None, pid: int) -> Iterator[Sequence[tuple[str, Sequence[float]]]]:
    """Return the numbers of each process that counts in a folder, but one.

    Args:
        folder: The folder; None: there are no others.
        pid: The id of the process whose numbers are left out.
    """
    for path, alive in list_files(folder, pid) if folder else ():
        try:
            numbers = read_store(path)
        except FileNotFoundError:  # a new worker has just taken it over
            continue
        yield [(key, values) for key, values in numbers if alive or not is_gauge(key)]


def render_folder(folder: pathlib.Path, accept: str) -> tuple[bytes, str]:
    """Return the numbers of all processes that count in a folder; see `render`."""
    return render(merge(read_others(folder, 0)), accept)


def render(numbers: Numbers, accept: str) -> tuple[bytes, str]:
    """Return numbers as a text, and its media type.

    Args:
        numbers: By key.
        accept: The `Accept` of the request: Prometheus' text format, or OpenMetrics if it is listed. What
            names no version that could be one is passed over.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Numbers(numbers))
    encode, media_type = choose_encoder(",".join(filter(_is_known, accept.split(","))))
    return encode(registry), media_type


def _is_known(entry: str) -> bool:
    parameters = (parameter.strip().partition("=") for parameter in entry.split(";"))
    return all(VERSION.fullmatch(value) for name, _, value in parameters if name == "version")


class _Numbers(Collector):
    def __init__(self, numbers: Numbers) -> None:
        self._numbers = numbers

    def collect(self) -> Iterator[Metric]:
        return write_families(self._numbers)
