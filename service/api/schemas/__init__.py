"""The pydantic models of the API: request bodies, response bodies and query parameters."""
