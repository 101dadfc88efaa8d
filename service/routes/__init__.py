"""The HTTP resources, one module each: schema, engine, answer."""
