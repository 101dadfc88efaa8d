"""A client's connection on top of uvicorn's: limits, order, gentle ends."""
