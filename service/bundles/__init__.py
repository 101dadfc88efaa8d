"""The model bundle on disk (docs/bundle.md)."""
