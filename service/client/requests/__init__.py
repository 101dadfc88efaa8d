"""Requests to the service, built without sending them."""
