"""Each measures one thing and prints a page of it: `python -m benchmarks.suites.NAME`."""
