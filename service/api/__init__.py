"""The HTTP API of the service: its routes, the schemas of their bodies and queries, and their answers."""
