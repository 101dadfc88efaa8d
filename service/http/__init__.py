"""What all requests and answers share, whatever their resource: bodies, fields, errors, caching, routes."""
