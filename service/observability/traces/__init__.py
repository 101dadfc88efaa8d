"""Traces: a span a request, in the words of OpenTelemetry, made of the times that are measured anyway."""
