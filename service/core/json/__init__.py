"""JSON: read within limits, turned into arrays, and written."""
