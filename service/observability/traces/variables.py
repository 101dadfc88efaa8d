"""Read the standard `OTEL_*` variables that are not left to OpenTelemetry's own libraries."""

from __future__ import annotations

from collections.abc import Mapping

from service.observability.traces.context import ALL, Sampler

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
PROTOCOL = "http/protobuf"
SAMPLER = "parentbased_always_on"
PARENT_BASED = "parentbased_"


def ask_for_traces(environment: Mapping[str, str]) -> str | None:
    """Return the variable by which traces are asked for, or None."""
    if _read(environment, "OTEL_SDK_DISABLED").lower() == "true":
        return None
    exporters = _read(environment, "OTEL_TRACES_EXPORTER").lower().split(",")
    if "otlp" in exporters:
        return "OTEL_TRACES_EXPORTER"
    return next((name for name in ENDPOINTS if _read(environment, name)), None) if exporters == [""] else None


def list_oddities(environment: Mapping[str, str]) -> list[str]:
    """Return what is asked for and not done here, in a sentence each."""
    found = []
    exporter = _read(environment, "OTEL_TRACES_EXPORTER").lower()
    if exporter not in ("", "none", "otlp"):
        found.append(f"OTEL_TRACES_EXPORTER: expected otlp or none, received {exporter!r}")
    protocol = next((_read(environment, name) for name in PROTOCOLS if _read(environment, name)), PROTOCOL)
    if protocol != PROTOCOL:
        found.append(
            f"OTEL_EXPORTER_OTLP_PROTOCOL: expected {PROTOCOL}, which is what is spoken, not {protocol!r}"
        )
    if _find_sampler(environment) is None:
        found.append(f"OTEL_TRACES_SAMPLER, OTEL_TRACES_SAMPLER_ARG: not understood, {SAMPLER} is taken")
    return found


def read_sampler(environment: Mapping[str, str]) -> Sampler:
    """Return the sampler that is asked for, or the standard's default."""
    return _find_sampler(environment) or Sampler()


def heeds_traceparent(environment: Mapping[str, str]) -> bool:
    """Return whether requests may be part of their clients' traces."""
    propagators = _read(environment, "OTEL_PROPAGATORS").lower()
    return not propagators or "tracecontext" in [name.strip() for name in propagators.split(",")]


def _find_sampler(environment: Mapping[str, str]) -> Sampler | None:
    name = _read(environment, "OTEL_TRACES_SAMPLER").lower() or SAMPLER
    root = name.removeprefix(PARENT_BASED)
    bounds = {"always_on": ALL, "always_off": 0}
    if root == "traceidratio":
        ratio = _read_ratio(_read(environment, "OTEL_TRACES_SAMPLER_ARG") or "1")
        bounds[root] = -1 if ratio is None else round(ratio * ALL)
    bound = bounds.get(root, -1)
    return None if bound < 0 else Sampler(bound, heeds_parents=name.startswith(PARENT_BASED))


def _read_ratio(text: str) -> float | None:
    try:
        ratio = float(text)
    except ValueError:
        return None
    return ratio if 0 <= ratio <= 1 else None


def _read(environment: Mapping[str, str], name: str) -> str:
    return environment.get(name, "").strip()
