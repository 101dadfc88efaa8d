"""The parts of the OpenAPI document that all resources share."""
