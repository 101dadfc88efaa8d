"""Reading request bodies: compressed, as forms, as JSON, within limits."""
