"""Owns the tables that the commands print, for docs/reliability.md."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from benchmarks.harness.markdown import describe, tabulate
from tests.reliability.stops import Plan, Stop

KINDS = ("refused", "cut", "unanswered", "unaccepted", "raced", "late", "garbled")


def describe_stops(stops: Sequence[Stop], plan: Plan) -> str:
    """Return the page of stops under load."""
    requests = sum(stop.tally.requests for stop in stops)
    exits = [stop.exit_s for stop in stops if stop.exit_s is not None]
    unready = [stop.unready - stop.told for stop in stops if stop.unready is not None]
    rows = [
        ("stops", len(stops)),
        ("requests", f"{requests:,}"),
        ("wrong", sum(stop.tally.verdicts["wrong"] for stop in stops)),
        ("failed (5xx)", sum(stop.tally.verdicts["failed"] for stop in stops)),
        ("busy (429, 503, 504)", sum(stop.tally.verdicts["busy"] for stop in stops)),
        ("lost", sum(stop.lost for stop in stops)),
        *((f"- {kind}", sum(stop.classify().get(kind, 0) for stop in stops)) for kind in KINDS),
        (
            "to be sent again, as an answer before said",
            sum(stop.tally.count_fates()["withdrawn"] for stop in stops),
        ),
        ("exit status 0", f"{sum(stop.status == 0 for stop in stops)} of {len(stops)}"),
        ("signal to 503 of readiness, median and longest", _spread(unready, 1000, "ms")),
        ("signal to exit, median and longest", _spread(exits, 1, "s")),
    ]
    text = (
        f"{plan.workers} workers, {plan.connections} connections, CVAE_DRAIN_MS={plan.drain_ms}, "
        f"signal {plan.number}."
    )
    return (
        describe("Stops under load", text)
        + "\n"
        + tabulate(("what", "found"), rows)
        + list_faults([fault for stop in stops for fault in stop.faults])
    )


def _spread(values: Sequence[float], factor: float, unit: str) -> str:
    if not values:
        return "never"
    return f"{statistics.median(values) * factor:.1f} {unit}, {max(values) * factor:.1f} {unit}"


def list_faults(faults: Sequence[str], most: int = 20) -> str:
    """Return what was wrong as a list, the first few; nothing if all was well."""
    if not faults:
        return ""
    lines = [f"- {fault[:400]}\n" for fault in faults[:most]]
    more = f"- and {len(faults) - most} more\n" if len(faults) > most else ""
    return f"\nNot as it must be ({len(faults)}):\n\n" + "".join(lines) + more
