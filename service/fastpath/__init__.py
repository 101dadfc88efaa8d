"""Hot requests answered from uvicorn's protocol, without ASGI."""
