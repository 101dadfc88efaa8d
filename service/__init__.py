"""Serves VAE model bundles over HTTP: decode, encode, interpolate, draw."""

__version__ = "0.1.0"
