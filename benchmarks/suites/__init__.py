"""Each measures one thing and prints a page: `python -m benchmarks.suites.NAME`."""
