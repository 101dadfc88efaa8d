from __future__ import annotations

import pytest

from service.observability.traces import variables
from service.observability.traces.context import ALL, Sampler

ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318"}


@pytest.mark.parametrize(
    ("environment", "asked"),
    [
        ({}, None),
        (ENDPOINT, "OTEL_EXPORTER_OTLP_ENDPOINT"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": " "}, None),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://a/b"}, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"),
        ({"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://a/b"}, None),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, "OTEL_TRACES_EXPORTER"),
        ({"OTEL_TRACES_EXPORTER": "none", **ENDPOINT}, None),
        ({"OTEL_TRACES_EXPORTER": "console", **ENDPOINT}, None),
        ({"OTEL_SDK_DISABLED": "true", **ENDPOINT}, None),
        ({"OTEL_SDK_DISABLED": "TRUE", **ENDPOINT}, None),
        ({"OTEL_SDK_DISABLED": "false", **ENDPOINT}, "OTEL_EXPORTER_OTLP_ENDPOINT"),
    ],
)
def test_an_endpoint_or_exporter_asks_for_traces(environment: dict[str, str], asked: str | None) -> None:
    assert variables.ask_for_traces(environment) == asked


@pytest.mark.parametrize(
    ("name", "argument", "sampler"),
    [
        ("", "", Sampler(ALL)),
        ("always_on", "", Sampler(ALL, heeds_parents=False)),
        ("always_off", "", Sampler(0, heeds_parents=False)),
        ("traceidratio", "0.25", Sampler(ALL // 4, heeds_parents=False)),
        ("traceidratio", "", Sampler(ALL, heeds_parents=False)),
        ("parentbased_always_on", "", Sampler(ALL)),
        ("parentbased_always_off", "", Sampler(0)),
        ("parentbased_traceidratio", "0.5", Sampler(ALL // 2)),
        ("ParentBased_TraceIdRatio", " 0 ", Sampler(0)),
    ],
)
def test_the_standards_samplers_are_known(name: str, argument: str, sampler: Sampler) -> None:
    environment = {"OTEL_TRACES_SAMPLER": name, "OTEL_TRACES_SAMPLER_ARG": argument}
    assert variables.read_sampler(environment) == sampler
    assert variables.list_oddities(environment) == []


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"OTEL_TRACES_SAMPLER": "xray"}, "OTEL_TRACES_SAMPLER"),
        (
            {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "some"},
            "OTEL_TRACES_SAMPLER_ARG",
        ),
        ({"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "2"}, "OTEL_TRACES_SAMPLER_ARG"),
        (
            {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "nan"},
            "OTEL_TRACES_SAMPLER_ARG",
        ),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "OTEL_EXPORTER_OTLP_PROTOCOL: expected http/protobuf"),
        ({"OTEL_TRACES_EXPORTER": "zipkin"}, "OTEL_TRACES_EXPORTER: expected otlp or none"),
    ],
)
def test_what_is_not_done_here_is_said(environment: dict[str, str], named: str) -> None:
    (oddity,) = variables.list_oddities(environment)
    assert named in oddity
    assert variables.read_sampler(environment) == Sampler()


@pytest.mark.parametrize(
    ("propagators", "heeded"),
    [("", True), ("tracecontext,baggage", True), ("b3, tracecontext", True), ("b3", False), ("none", False)],
)
def test_clients_are_heeded_unless_other_propagators_are_named(propagators: str, heeded: bool) -> None:
    assert variables.heeds_traceparent({"OTEL_PROPAGATORS": propagators}) == heeded
