"""A client's connection, on top of uvicorn's: its limits, the order of its answers, and how it ends."""
