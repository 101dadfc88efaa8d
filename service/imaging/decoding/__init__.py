"""Bounds for uploaded PNG and JPEG files, checked before they are decoded."""
