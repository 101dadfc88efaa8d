"""Processes and the application: the only room that knows all others."""
