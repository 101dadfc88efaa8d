"""Reading request bodies: packed, in forms, as JSON, within limits."""
