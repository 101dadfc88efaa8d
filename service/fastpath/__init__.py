"""The fast path: frequent requests, answered from uvicorn's protocol without ASGI."""
