"""Runs the harness: `python -m tests.reliability soak --minutes 30 --connections 32`; docs/reliability.md."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import pathlib
import signal
import sys
import tempfile
from collections.abc import Coroutine
from typing import Any

import uvloop

from tests.reliability import bombs, disturbed, idle, soak, stops, tables, watched
from tests.reliability.faulty import Faulty
from tests.reliability.hostile import BOMBS
from tests.reliability.load import Load
from tests.reliability.making import Made, make_references, read_references, write_references
from tests.reliability.serving import serve

SIGNALS = {"term": signal.SIGTERM, "int": signal.SIGINT}


def main() -> int:
    """Run a command.

    Returns:
        The exit status: 0 if all was as it must be, else 1.
    """
    options = _parse_arguments()
    with tempfile.TemporaryDirectory(prefix="reliability-") as name:
        status: int = options.command(options, pathlib.Path(name))
    return status


def run(main: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine on the event loop that the service has too."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)


def _soak(options: argparse.Namespace, folder: pathlib.Path) -> int:
    if options.reloads or options.kills:
        return _soak_disturbed(options, folder)
    plan = _plan(options)
    with serve(folder, options.workers, options.set, watched.run_in(folder)) as service:
        made = run(make_references(service.port))
        write_references(made.references, path := folder / "references")
        result = soak.soak(service, path, plan)
    result.held = watched.read(folder)
    result.faults[:0] = [f"at rest: {fault}" for fault in made.faults]
    return _print(soak.describe_soak(result, plan), result.all_faults)


def _plan(options: argparse.Namespace) -> soak.Plan:
    return soak.Plan(
        options.minutes * 60, options.connections, options.processes, options.faulty, behind=True
    )


def _soak_disturbed(options: argparse.Namespace, folder: pathlib.Path) -> int:
    plan, times = _plan(options), (options.reloads, options.kills)
    result = disturbed.soak_disturbed(folder, options.workers, options.set, plan, *times)
    return _print(soak.describe_soak(result, plan), result.all_faults)


def _stops(options: argparse.Namespace, folder: pathlib.Path) -> int:
    with serve(folder, 1, options.set) as service:
        made: Made = run(make_references(service.port))
    references, number = stops.lighten(made.references), SIGNALS[options.signal]
    plan = stops.Plan(
        options.workers, options.connections, options.drain_ms, number, options.seconds, settings=options.set
    )
    found = []
    for i in range(options.times):
        found.append(stop := stops.stop_once(folder, references, plan, seed=i))
        sys.stderr.write(f"stop {i + 1}: {stop.tally.requests} requests, {stop.faults or 'all well'}\n")
        if options.losses:
            sys.stderr.writelines(
                f"  {loss} told {stop.told} drained {stop.drained}\n" for loss in stop.tally.losses
            )
    return _print(tables.describe_stops(found, plan), [fault for stop in found for fault in stop.faults])


def _idle(options: argparse.Namespace, folder: pathlib.Path) -> int:
    result = run(idle.measure(folder, options.connections, options.workers, options.set))
    return _print(idle.describe_idle(result), result.faults)


def _bombs(options: argparse.Namespace, folder: pathlib.Path) -> int:
    results = bombs.measure(folder, options.only, options.workers, options.set)
    return _print(bombs.describe_bombs(results), [fault for result in results for fault in result.faults])


def _print(page: str, faults: list[str]) -> int:
    sys.stdout.write(page)
    return 1 if faults else 0


def _load(options: argparse.Namespace, _folder: pathlib.Path) -> int:
    load = Load(options.port, read_references(options.references), options.seed)

    async def act() -> None:
        asyncio.get_running_loop().call_later(options.seconds, load.stop)
        await load.run(options.connections)

    run(act())
    tell(load.tally.to_json())
    return 0


def _misbehave(options: argparse.Namespace, _folder: pathlib.Path) -> int:
    faulty = Faulty(options.port, read_references(options.references), options.seed)
    run(faulty.run(options.connections, options.seconds))
    tell(json.dumps({"counts": faulty.counts, "faults": faulty.faults}))
    return 0


def tell(text: str) -> None:
    """Write to standard output, all of it.

    With PYTHONUNBUFFERED one write is one system call, which ends early where a pipe is full and libuv's
    io_uring has work for the process: a tally of many losses lost its end.
    """
    with open(sys.stdout.fileno(), "wb", closefd=False) as output:
        output.write(text.encode())


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("tests.reliability", description=__doc__)
    commands = parser.add_subparsers(required=True)
    add = _add(commands, "soak", _soak, "load for long, faulty clients beside it")
    add("--minutes", type=float, default=30)
    add("--connections", type=int, default=32)
    add("--processes", type=int, default=2, help="that make the load")
    add("--faulty", type=int, default=soak.FAULTY_CLIENTS, help="clients that misbehave")
    add("--reloads", type=int, default=0, help="of another version of a model meanwhile")
    add("--kills", type=int, default=0, help="of workers meanwhile, of which there must be several")
    add = _add(commands, "stops", _stops, "stop it under load, over and over")
    add("--times", type=int, default=50)
    add("--connections", type=int, default=stops.CONNECTIONS)
    add("--signal", choices=SIGNALS, default="term")
    add("--seconds", type=float, default=4, help="of load before the signal")
    add("--drain-ms", type=int, default=stops.DRAIN_MS)
    add("--losses", action="store_true", help="say of each when it was sent and when its connection ended")
    add = _add(commands, "idle", _idle, "hold idle connections")
    add("--connections", type=int, default=10_000)
    add = _add(commands, "bombs", _bombs, "send each request that once stopped the process")
    add("--only", nargs="*", default=[], metavar="NAME", help=f"of {', '.join(BOMBS)}")
    for name, command in (("load", _load), ("misbehave", _misbehave)):
        add = _add(commands, name, command, "a part of soak, against a service that runs")
        add("--port", type=int, required=True)
        add("--references", type=pathlib.Path, required=True)
        add("--seconds", type=float, required=True)
        add("--connections", type=int, required=True)
        add("--seed", type=int, default=0)
    return parser.parse_args()


def _add(commands: Any, name: str, command: Any, text: str) -> Any:
    parser = commands.add_parser(name, help=text)
    parser.set_defaults(command=command)
    parser.add_argument("--workers", type=int, default=1, help="of the service")
    parser.add_argument(
        "--set",
        action=_Settings,
        default={},
        metavar="NAME=VALUE",
        help="a setting of the service; may be repeated",
    )
    return parser.add_argument


class _Settings(argparse.Action):
    """Gathers `NAME=VALUE` into a dictionary."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: Any = None) -> None:  # noqa: ARG002
        name, _, value = values.partition("=")
        setattr(namespace, self.dest, {**getattr(namespace, self.dest), name: value})


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        sys.exit(main())
    os._exit(1)
