"""The dynamic batcher: rows of many callers run together."""
