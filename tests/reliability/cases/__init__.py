"""The requests that the harness knows the right answers of, by what they ask for."""
