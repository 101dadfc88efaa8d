"""The model bundle on disk: written, described and opened again (docs/bundle.md)."""
