"""Compares the service with other ways to serve the same decoder: `python -m benchmarks`."""
