"""Runs wrk, has it compare each answer with the one expected, and parses what it prints."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence

from benchmarks.harness.answers import Answer

SCRIPT = pathlib.Path(__file__).with_name("request.lua")
UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 60e3}
SUFFIXES = {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9}
# A request that waits longer counts as an error; the slowest peer's queue takes seconds.
TIMEOUT_S = 30


class LoadError(Exception):
    """wrk is missing, failed, printed what cannot be read, or received wrong answers."""


@dataclasses.dataclass(frozen=True)
class Load:
    """What wrk saw.

    Attributes:
        requests: That were answered.
        per_s: Of them, a second.
        p50_ms: Median latency.
        p99_ms: 99th percentile of the latency.
        errors: Answers of status 400 or more, and failures of the sockets.
        wrong: Answers that were not the expected one, to the byte.
    """

    requests: int
    per_s: float
    p50_ms: float
    p99_ms: float
    errors: int
    wrong: int = 0


def require_wrk() -> None:
    """Check that wrk is there.

    Raises:
        LoadError: It is not.
    """
    if not shutil.which("wrk"):
        raise LoadError("expected the program wrk, found none; Debian's package has the same name")


def run_load(
    url: str, body: str, expected: Answer, connections: int, seconds: float, headers: Sequence[str] = ()
) -> Load:
    """Send a request over and over.

    Args:
        url: To ask.
        body: JSON to post; empty for a GET.
        expected: What each answer must be; `answers.ask` has it.
        connections: Requests under way at once.
        seconds: For so long; wrk rounds to whole ones.
        headers: Further ones, as `Name: value`.

    Returns:
        What was seen.

    Raises:
        LoadError: wrk failed; its message is the reason. Or an answer was not the expected one.
    """
    with tempfile.NamedTemporaryFile() as file:
        file.write(expected.body)
        file.flush()
        variables = {"BODY": body, "EXPECTED": file.name, "STATUS": str(expected.status)}
        variables["VOLATILE"] = expected.volatile
        return run_wrk(url, SCRIPT, variables, connections, seconds, headers)


def run_wrk(
    url: str,
    script: pathlib.Path,
    variables: Mapping[str, str],
    connections: int,
    seconds: float,
    headers: Sequence[str] = (),
) -> Load:
    """Run wrk with a script that counts wrong answers.

    Args:
        url: To ask.
        script: In Lua.
        variables: Of the environment, for the script.
        connections: Requests under way at once.
        seconds: For so long; wrk rounds to whole ones.
        headers: Further ones, as `Name: value`.

    Returns:
        What was seen.

    Raises:
        LoadError: wrk failed; its message is the reason. Or an answer was wrong.
    """
    command = ["wrk", "--threads=1", f"--connections={connections}", f"--duration={max(1, round(seconds))}s"]
    command += [f"--timeout={TIMEOUT_S}s", "--latency", *(f"--header={header}" for header in headers)]
    command += [f"--script={script}", url]
    done = subprocess.run(command, env={**os.environ, **variables}, capture_output=True, text=True)
    if done.returncode:
        raise LoadError(f"expected wrk to succeed, received {done.stderr.strip() or done.stdout.strip()!r}")
    load = parse(done.stdout)
    if load.wrong:
        raise LoadError(
            f"{url}: expected {load.requests} times the answer known before, received {load.wrong} others"
        )
    return load


def parse(text: str) -> Load:
    """Read wrk's report.

    Args:
        text: What `wrk --latency` printed.

    Returns:
        Its figures.

    Raises:
        LoadError: A figure is missing, or its unit is unknown.
    """
    errors = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    sockets = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
    return Load(
        int(_find(r"(\d+) requests in ", text)),
        parse_number(_find(r"Requests/sec:\s+(\S+)", text)),
        parse_ms(_find(r"\n\s+50%\s+(\S+)", text)),
        parse_ms(_find(r"\n\s+99%\s+(\S+)", text)),
        sum(int(count) for found in (errors, sockets) if found for count in found.groups()),
        int(_find(r"Wrong answers: (\d+)", text)),
    )


def _find(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    if not found:
        raise LoadError(f"wrk: expected {pattern!r}, received {text!r}")
    return found[1]


def parse_ms(text: str) -> float:
    """Read a time such as `310.00us`, in milliseconds."""
    return _scale(text, UNITS)


def parse_number(text: str) -> float:
    """Read a number such as `12.34k`."""
    return _scale(text, SUFFIXES)


def _scale(text: str, factors: dict[str, float]) -> float:
    found = re.fullmatch(r"([\d.]+)([a-zA-Z]*)", text)
    if not found or found[2] not in factors:
        raise LoadError(f"wrk: expected a number and one of {sorted(factors)}, received {text!r}")
    return float(found[1]) * factors[found[2]]
