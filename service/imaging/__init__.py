"""Pixels and files, both ways."""
