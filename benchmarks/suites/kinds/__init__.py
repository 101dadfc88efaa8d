"""Measures each kind of request in turn with an endpoint of FastAPI that does nothing."""
