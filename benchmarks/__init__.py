"""Compares the service with other ways to serve the same decoder: `python -m benchmarks`.

`suites` measure one thing each, with the tools of `harness`, on the servers of `peers`.
"""
