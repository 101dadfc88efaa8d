"""Request and response bodies, and query parameters."""
