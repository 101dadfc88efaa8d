"""Measures the service on the machine it runs on."""
