"""What the OpenAPI document says of all resources."""
