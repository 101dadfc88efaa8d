"""HTTP that knows no resource."""
