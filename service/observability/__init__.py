"""Metrics, request ids and logs."""
