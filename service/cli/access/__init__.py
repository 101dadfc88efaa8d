"""Commands for keys and signed URLs."""
